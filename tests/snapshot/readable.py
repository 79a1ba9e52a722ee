"""A stack's Terraform JSON as a text that one reads in a review: few lines, nothing left out but cdktf's metadata."""

import json
import re
from typing import Any

WIDTH = 120
#: The lists that are tables in truth: a line for each entry, however long.
TABLES = ("metrics", "metric_query")
_PLACE = ("x", "y", "width", "height")


def cleaned(value: Any) -> Any:
    """Without cdktf's own metadata, and with JSON inside strings (policies, the dashboard's body) as what it means."""
    if isinstance(value, list):
        return [cleaned(one) for one in value]
    if not isinstance(value, dict):
        return value
    clean: dict[str, Any] = {}
    if all(key in value for key in _PLACE):
        clean[f"place ({', '.join(_PLACE)})"] = [value[key] for key in _PLACE]
        value = {key: one for key, one in value.items() if key not in _PLACE}
    for key, one in value.items():
        if key == "//":
            continue
        if isinstance(one, str) and one.startswith("{"):
            clean[f"{key} (JSON)"] = cleaned(json.loads(one))
        else:
            clean[key] = cleaned(one)
    return clean


def readable(document: dict[str, Any]) -> str:
    """Sorted, and on one line what fits there."""
    return "\n".join(_lines(cleaned(document))) + "\n"


def _lines(value: Any, key: str = "") -> list[str]:
    flat = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if not isinstance(value, dict | list) or len(flat) <= WIDTH:
        return [flat]
    if isinstance(value, list):
        return _block("[]", [[_row(one)] if key in TABLES else _lines(one) for one in value])
    entries = []
    for name, one in sorted(value.items()):
        first, *rest = _lines(one, name)
        entries.append([f"{json.dumps(name)}: {first}", *rest])
    return _block("{}", entries)


def _block(brackets: str, entries: list[list[str]]) -> list[str]:
    inner = [f"  {line}" for entry in entries[:-1] for line in [*entry[:-1], entry[-1] + ","]]
    return [brackets[0], *inner, *(f"  {line}" for line in entries[-1]), brackets[1]]


def _row(entry: Any) -> str:
    """Without the type in `${aws_dynamodb_table.TurnAroundPromptTable.name}`, which every row has."""
    return re.sub(r"\$\{aws_\w+\.(\w+\.\w+)\}", r"${\1}", json.dumps(entry, ensure_ascii=False, sort_keys=True))
