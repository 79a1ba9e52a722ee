"""How a mistake in the settings is worded: one sentence with the place, the setting, the value and what is allowed."""

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence

from pydantic_core import ErrorDetails

from tap.errors import TapError


class SettingsError(TapError, ValueError):
    """A setting that cannot be used; its text is one sentence for the person who wrote the setting."""


_BACKENDS = '"local", "s3", "http", "cloud" or "remote"'
#: What pydantic's kinds of error ask for; any other is worded after pydantic's own message.
_ALLOWED = {
    "string_type": "a string in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "dict_type": "a table",
    "list_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "missing": "given",
    "union_tag_invalid": _BACKENDS,
    "union_tag_not_found": _BACKENDS,
}


def sentence(error: ErrorDetails, place: str, known: Sequence[str], of_backends: Mapping[str, Collection[str]]) -> str:
    """The sentence about one of pydantic's findings.

    `place` says where the setting was written, `known` lists the settings beside it, and `of_backends` those of each
    kind of backend.
    """
    path = [str(part) for part in error["loc"]]
    # pydantic's own additions: which of the backends it took the table for, and that it means a key, not its value.
    if path[0] == "backend":
        del path[1:2]
    if path[0] == "tags":
        del path[2:]
    if error["type"] == "extra_forbidden":
        said = f"{key(*path)} = {shown(error['input'])}"
        of_a_backend = len(path) == 2 and path[0] == "backend"
        others = [kind for kind, its in of_backends.items() if of_a_backend and path[1] in its]
        if others:
            return f"{place}: {said} is only for type = {' or '.join(map(shown, others))}."
        near = difflib.get_close_matches(path[-1], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(known)}."
        return f"{place}: {said} is not a setting; {hint}"
    if error["type"] in ("missing", "union_tag_not_found"):
        setting = key(*(path if error["type"] == "missing" else [*path, "type"]))
        return f"{place}: {setting} is missing; it must be {_ALLOWED[error['type']]}."
    value = error["input"]
    if error["type"] == "union_tag_invalid":
        path, value = [*path, "type"], error["ctx"]["tag"]
    return f"{place}: {key(*path)} = {shown(value)} is not allowed; it must be {_wanted(error)}."


def _wanted(error: ErrorDetails) -> str:
    context: Mapping[str, object] = error.get("ctx", {})
    if error["type"] in _ALLOWED:
        return _ALLOWED[error["type"]]
    if "error" in context:  # one of our own checks, whose text is what is allowed
        return str(context["error"])
    return re.sub(r"^\w+ should (be )?", "", error["msg"])


def shown(value: object) -> str:
    """A value as it stands in the file, shortened when it is long, without what would steer a terminal."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # an integer of thousands of digits
        text = type(value).__name__
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    length = len(value) if isinstance(value, str) else len(text)
    return text if len(text) <= 80 else f"{text[:60]}… ({length} characters)"


def key(*path: str) -> str:
    """A TOML key as one would write it: bare where that is possible."""
    return ".".join(part if re.fullmatch("[A-Za-z0-9_-]+", part) else shown(part) for part in path)
