"""Prompts for people: a table of one prompt's fields, and a list that comes as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tap.store.changes import KINDS, Change

#: What a list shows, in this order, as far as there is room: the text gets the rest of the line.
_COLUMNS: Final = ("id", "status", "priority", "task_type", "attempts", "expires_at")
_ONLY_IN_WIDE_TERMINALS: Final = {"attempts", "expires_at"}
_WIDE: Final = 130
#: Columns are as wide as these first rows need, or the list could not begin before it is complete.
_MEASURED: Final = 100
_GAP: Final = "  "
_SHORTEST_TEXT: Final = 8
_LONGEST_TYPE: Final = 16


def show_fields(fields: Mapping[str, Any]) -> None:
    """A table of one object's fields, a row each."""
    grid = Table(box=box.SIMPLE, show_header=False)
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in fields.items():
        grid.add_row(name, Text(_cell(value)))
    Console().print(grid)


def show_rows(prompts: Iterable[Mapping[str, Any]]) -> None:
    """A line for each prompt, printed as it comes, so memory does not grow with the list."""
    console = Console()
    rows = ({name: _cell(value) for name, value in _shortened(prompt).items()} for prompt in prompts)
    first = list(islice(rows, _MEASURED))
    widths = _widths(first, console.width)
    if first:
        console.print(Text(_line({name: name for name in widths}, widths), style="bold"), soft_wrap=True)
    count = 0
    for row in chain(first, rows):
        console.print(Text(_line(row, widths)), soft_wrap=True)
        count += 1
    console.print(f"{count} prompt{'' if count == 1 else 's'}", style="dim", highlight=False)


def show_changes(changes: Iterable[Change]) -> None:
    """A line for each change, printed when it happens."""
    console = Console()
    widths = {"time": 8, "change": max(map(len, KINDS)), "id": 36, "task_type": _LONGEST_TYPE}
    widths["prompt_text"] = max(_SHORTEST_TEXT, console.width - sum(widths.values()) - len(_GAP) * len(widths))
    console.print(Text(_line({name: name for name in widths}, widths), style="bold"), soft_wrap=True)
    for change in changes:
        prompt = change.prompt
        row = {"time": f"{change.at.astimezone():%H:%M:%S}", "change": change.kind, "id": prompt.id}
        row |= {"task_type": prompt.task_type, "prompt_text": prompt.prompt_text}
        console.print(Text(_line({name: _cell(value) for name, value in row.items()}, widths)), soft_wrap=True)


def _shortened(prompt: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: prompt.get(name, "") for name in (*_COLUMNS, "prompt_text")}
    return shown | {"expires_at": (shown["expires_at"] or "never")[:10]}


def _widths(rows: list[dict[str, str]], terminal: int) -> dict[str, int]:
    """How many cells each column gets; an id is never cut, since a cut one can't be copied."""
    columns = [name for name in _COLUMNS if terminal >= _WIDE or name not in _ONLY_IN_WIDE_TERMINALS]
    widths = {name: max([len(name), *(cell_len(row[name]) for row in rows)]) for name in columns}
    taken = sum(widths.values()) + len(_GAP) * len(columns)
    too_much = taken + _SHORTEST_TEXT - terminal
    if widths["task_type"] > _LONGEST_TYPE or too_much > 0:
        widths["task_type"] = max(_SHORTEST_TEXT, min(_LONGEST_TYPE, widths["task_type"] - max(0, too_much)))
    taken = sum(widths.values()) + len(_GAP) * len(columns)
    return widths | {"prompt_text": max(_SHORTEST_TEXT, terminal - taken)}


def _line(row: Mapping[str, str], widths: Mapping[str, int]) -> str:
    return _GAP.join(_cells(row, widths)).rstrip()


def _cells(row: Mapping[str, str], widths: Mapping[str, int]) -> Iterator[str]:
    for name, width in widths.items():
        text = " ".join(row[name].split()) if name in ("prompt_text", "task_type") else row[name]
        if cell_len(text) <= width or name not in ("prompt_text", "task_type"):
            yield text + " " * (width - cell_len(text))
        else:
            yield set_cell_size(text, width - 1) + "…"


def _cell(value: Any) -> str:
    """Text as it is, without what would steer the terminal; the rest as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
