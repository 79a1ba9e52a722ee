"""Text of files that others saved: with a byte order mark, or in UTF-16 as PowerShell's `>` writes it."""

from __future__ import annotations

from json import detect_encoding


def encoding_of(start: bytes) -> str:
    """The encoding of JSON that begins with these bytes, by its mark or its zero bytes; "UTF-8" if it has neither."""
    return "UTF-" + detect_encoding(start[:4]).lower().removeprefix("utf-").split("-")[0]


def decoded(content: bytes) -> str:
    """The text of a JSON file, without a mark; UnicodeDecodeError (a ValueError) if it isn't in its encoding."""
    return content.decode(detect_encoding(content[:4])).removeprefix("\ufeff")
