"""The kinds of value that options and arguments take, each with the sentence for what is none."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import typer

from tap.store import StoreError
from tap.store.encodings import decoded
from tap.store.values import without_doubles

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> timedelta:
    """'90s', '5m', '2h', '30d'."""
    try:
        span = timedelta(seconds=float(text[:-1]) * _UNITS[text[-1:]])
        if span <= timedelta(0):
            raise ValueError
        return span
    except (ValueError, KeyError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no duration like 90s, 5m, 2h or 30d") from error


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """A parser for whole numbers from `low` to `high`."""
    allowed = f"{low} or more" if high is None else f"from {low} to {high}"

    def parse(text: str) -> int:
        # Typer also calls it with the default, which is a number.
        digits = str(text)
        if not digits.isdecimal() or not low <= int(digits) <= (int(digits) if high is None else high):
            raise typer.BadParameter(f"{text!r} is not allowed; it must be a whole number, {allowed}")
        return int(digits)

    return parse


def json_value(text: str) -> list[Any]:
    """JSON, or @FILE with JSON in it; wrapped in a list, so that null is not "none given"."""
    try:
        said = decoded(Path(text[1:]).read_bytes()) if text.startswith("@") else text
        return [json.loads(said, object_pairs_hook=without_doubles)]
    except StoreError as error:
        raise typer.BadParameter(f"not usable: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise typer.BadParameter(f"not JSON: {error} (text needs its quotes: '\"done\"')") from error


def text_from_stdin() -> str:
    """All of standard input as text, without the newline that `echo` adds."""
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"standard input is not UTF-8: {error}") from error
    return text.removesuffix("\n").removesuffix("\r")
