"""Finding candidates for a claim; whether one of them is really free is decided by the claim's own write.

A candidate is an item with its id, status, lease_until and attempts. `scan` finds them in any table, `index` in one
that has the claim index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tap.store.items import Item, lease_end
from tap.store.times import epoch_ms


@dataclass(frozen=True)
class Look:
    """One look at the table: what is free, in the order of trying, and what others hold."""

    free: list[Item]
    leased: list[Item]


def is_free(item: Item, ripe: datetime) -> bool:
    """Whether nobody holds it: it is pending, or its lease ended before `ripe`."""
    end = lease_end(item)  # as a number, like the write's condition: any program's may be beyond the calendar
    return item["status"]["S"] == "pending" or (end is not None and end < epoch_ms(ripe))
