"""Finding candidates for a claim; whether one of them is really free is decided by the claim's own write.

A candidate is an item with its id, status, priority, lease_until and attempts. `scan` finds them in any table.
"""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal
from typing import Final

from tap.store.items import Item
from tap.store.times import epoch_ms

_RANK: Final = {"high": 0, "medium": 1, "low": 2}


def in_order(page: list[Item], ripe: datetime, rng: random.Random) -> list[Item]:
    """The page's free candidates: high priority first, in random order within a priority, so that workers differ."""
    free = [item for item in page if is_free(item, ripe)]
    rng.shuffle(free)
    return sorted(free, key=lambda item: _RANK.get(item.get("priority", {}).get("S", "medium"), 1))


def is_free(item: Item, ripe: datetime) -> bool:
    """Whether nobody holds it: it is pending, or its lease ended before `ripe`."""
    end = lease_end(item)  # as a number, like the write's condition: any program's may be beyond the calendar
    return item["status"]["S"] == "pending" or (end is not None and end < epoch_ms(ripe))


def lease_end(item: Item) -> int | None:
    """The lease's end in milliseconds since 1970; None for what has none."""
    until = item.get("lease_until", {}).get("N")
    if until is None or item.get("status") != {"S": "in_progress"}:
        return None
    return int(Decimal(until))
