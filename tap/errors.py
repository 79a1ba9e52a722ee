"""What every part of the project raises when a person has to put something right."""


class TapError(Exception):
    """Something is not as it must be; the text is one sentence that says what, and what to do."""
