"""What an item is made of: each attribute is listed once, here.

Essential are `id`, `prompt_text`, `task_type` and `status`, as text: without one of them an item is no prompt.
All others are optional. NULL counts as absent: other programs' clients write it for what is absent. What is
not understood (a ttl that is text, a time that is none) counts as absent too, and is kept as it is.
`result` is apart: it may be anything, NULL is JSON's null, and `result_json` (see tap.store.values) goes with it.
examples/typescript reads the same; tests/cases/items.json holds cases for both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import floor
from typing import Any, Final

from tap.store.times import epoch_ms, epoch_s, from_iso, from_ms, from_s, iso
from tap.store.values import AttributeValue

ESSENTIAL: Final = ("id", "prompt_text", "task_type", "status")
#: The claim's, and the last update's: they prove something, so they are shown and exported nowhere.
TOKENS: Final = frozenset({"claim_token", "update_token"})
#: Where the claim index has it: no part of the prompt, so shown and exported nowhere either. See tap.store.entries.
ENTRY: Final = frozenset({"claim_queue", "claim_order", "claim_rank"})
RESULT: Final[tuple[str, ...]] = ("result", "result_json")


@dataclass(frozen=True)
class Attribute:
    """An optional attribute: its name in an item, its field in a Prompt and in NDJSON, and how one becomes the other.

    `read` raises KeyError, ValueError or ArithmeticError for what it doesn't understand.
    """

    name: str
    field: str
    read: Callable[[AttributeValue], Any]
    write: Callable[[Any], AttributeValue]


def _read_text(value: AttributeValue) -> str:
    text: str = value["S"]
    return text


def _read_count(value: AttributeValue) -> int:
    text: str = value["N"]
    return int(text) if text.isdigit() else floor(Decimal(text))


def _text(value: str) -> AttributeValue:
    return {"S": value}


def _number(value: int) -> AttributeValue:
    return {"N": str(value)}


OPTIONAL: Final = (
    Attribute("priority", "priority", _read_text, _text),
    Attribute("created_at", "created_at", lambda value: from_iso(value["S"]), lambda moment: _text(iso(moment))),
    Attribute("updated_at", "updated_at", lambda value: from_iso(value["S"]), lambda moment: _text(iso(moment))),
    Attribute("ttl", "expires_at", lambda value: from_s(float(value["N"])), lambda moment: _number(epoch_s(moment))),
    Attribute(
        "lease_until",
        "lease_until",
        lambda value: from_ms(int(Decimal(value["N"]))),
        lambda moment: _number(epoch_ms(moment)),
    ),
    Attribute("attempts", "attempts", _read_count, _number),
    Attribute("max_attempts", "max_attempts", _read_count, _number),
    Attribute("claim_owner", "claim_owner", _read_text, _text),
)
BY_NAME: Final = {attribute.name: attribute for attribute in OPTIONAL}


def meaning(name: str, value: AttributeValue | None) -> Any:
    """What an optional attribute says; None where it is absent, NULL or not understood."""
    if value is None or "NULL" in value:
        return None
    try:
        return BY_NAME[name].read(value)
    except (KeyError, ValueError, ArithmeticError):
        return None
