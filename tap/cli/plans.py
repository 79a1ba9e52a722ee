"""Plans for people: a table with a line for each attribute that changes; and the same as data."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from tap.cli.console import out
from tap.deployed.plan import Change

_MOST_LINES = 5
_LONGEST_CELL = 120


def show_changes(
    title: str, changes: tuple[Change, ...], columns: tuple[str, str], imports: Mapping[str, str] | None = None
) -> None:
    """The changes of a plan, a line for each attribute; `columns` are what the old and the new value are called."""
    if not changes:
        return
    table = Table("resource", "action", "attribute", *columns, title=title, title_justify="left")
    for column in table.columns:
        column.overflow = "fold"
    for change in changes:
        lines = [("id", "", (imports or {}).get(change.address, ""))] if change.imported else []
        lines += _lines(change)
        action = f"import, {change.action}" if change.imported and change.action != "import" else change.action
        for number, line in enumerate(lines or [("", "", "")]):
            head = (change.address, action) if number == 0 else ("", "")
            table.add_row(*(escape(cell) for cell in (*head, *line)))
    out.print(table)


def _lines(change: Change) -> Iterator[tuple[str, str, str]]:
    """A line for each difference; many of one attribute make one line."""
    for attribute, differences in change.by_attribute.items():
        if attribute == "tags_all":  # the provider's own copy of `tags`
            continue
        if len(differences) > _MOST_LINES:
            yield attribute, "", f"{len(differences)} changes"
        else:
            yield from ((one.path, shown(one.old), shown(one.new)) for one in differences)


def shown(value: Any) -> str:
    """A value for a table's cell: short, and on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "" if value is None else " ".join(text.split())
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def changes_as_json(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
    """The same as data."""
    return [
        {
            "address": change.address,
            "action": change.action,
            "attributes": {one.path: {"old": one.old, "new": one.new} for one in change.differences},
        }
        for change in changes
    ]
