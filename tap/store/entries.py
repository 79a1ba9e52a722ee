"""A prompt's entry in the claim index, which workers find it by.

    claim_queue   "pending", "leased", or "stuck" for what no worker can take; the index's hash key
    claim_order   its place there, the range key: claim_rank while it is pending, its lease's end while it is leased
    claim_rank    priority and age; it stays when the other two go, so that a prompt comes back to its old place

A finished prompt has no entry. Only a table with the index gets these attributes. An entry is a hint: other programs
and older versions of this store know nothing of it, so a reader compares it with the status and mends what is wrong.
examples/typescript writes the same; tests/cases/items.json holds cases for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from tap.store.attributes import meaning
from tap.store.items import Item, is_countable, is_expired, lease_end
from tap.store.models import DEFAULT_PRIORITY, PRIORITIES
from tap.store.times import epoch_ms
from tap.store.values import AttributeValue

#: The index; tap/infra/table.py gives the table one of this name.
INDEX: Final = "claims"
PENDING: Final = "pending"
LEASED: Final = "leased"
STUCK: Final = "stuck"

_RANKS: Final[dict[str | None, str]] = {name: str(number) for number, name in enumerate(reversed(PRIORITIES))}
_DIGITS: Final = 15  # milliseconds up to the year 9999
_MOST: Final = 10**_DIGITS - 1

#: What a write adds to its SET, and to its REMOVE.
ENTER_PENDING: Final = ", #claim_queue = :queue, #claim_order = if_not_exists(#claim_rank, :rank)"
ENTER: Final = ", #claim_queue = :queue, #claim_order = :order"
KEEP_RANK: Final = ", #claim_rank = if_not_exists(#claim_rank, :rank)"
LEAVE: Final = "#claim_queue, #claim_order"


class Entry(NamedTuple):
    """A place in the index: the queue and the order in it."""

    queue: str
    order: str


def rank_of(item: Mapping[str, AttributeValue], now: datetime) -> str:
    """Priority and age as text, in the order of work; what has no time of creation is as old as `now`."""
    if "S" in item.get("claim_rank", {}):
        text: str = item["claim_rank"]["S"]
        return text
    entry = entry_of(item)
    if entry is not None and entry.queue == PENDING:
        return entry.order
    return rank(meaning("priority", item.get("priority")), meaning("created_at", item.get("created_at")) or now)


def rank(priority: str | None, created_at: datetime) -> str:
    """The rank of a prompt; an unknown priority counts as medium."""
    return priority_rank(priority) + _fixed(epoch_ms(created_at))


def priority_rank(priority: str | None) -> str:
    """The first digit of a rank: the lower, the earlier."""
    return _RANKS.get(priority, _RANKS[DEFAULT_PRIORITY])


def lease_order(until_ms: int) -> str:
    """The place among the leased: the earliest end comes first."""
    return _fixed(until_ms)


def entry_of(item: Mapping[str, AttributeValue]) -> Entry | None:
    """Where the index says it is; None for what has no entry."""
    queue, order = item.get("claim_queue", {}).get("S"), item.get("claim_order", {}).get("S")
    return None if queue is None or order is None else Entry(queue, order)


def due_entry(item: Item, now: datetime) -> Entry | None:
    """Where it should be, by its status, lease, ttl and attempts; None for what no worker will ever take."""
    if is_expired(item, now):
        return None
    status, end = item.get("status", {}).get("S"), lease_end(item)
    if status != "pending" and end is None:
        return None
    if not is_countable(item):
        return Entry(STUCK, rank_of(item, now))
    return Entry(PENDING, rank_of(item, now)) if end is None else Entry(LEASED, lease_order(end))


def with_entry(item: Item, now: datetime) -> Item:
    """A new item with its entry and its rank."""
    entry = due_entry(item, now)
    if entry is None:
        return item
    return item | {"claim_rank": {"S": rank_of(item, now)}} | _attributes(entry)


def mending(seen: Item, now: datetime, *, stuck: bool = False) -> tuple[str, str, dict[str, Any]]:
    """The update that gives the item the entry that is due, on the condition that it still is what was seen of it.

    With `stuck` that entry is among those that no worker can take.
    """
    due, entry = due_entry(seen, now), entry_of(seen)
    if stuck:
        due = Entry(STUCK, rank_of(seen, now))
    values: dict[str, Any] = {f":seen_{name}": seen[name] for name in ("status", "lease_until", "ttl") if name in seen}
    terms = [f"#{name} = :seen_{name}" for name in ("status", "lease_until", "ttl") if name in seen]
    if "lease_until" not in seen:
        terms.append("attribute_not_exists(#lease_until)")
    if entry is None:
        terms.append("(attribute_not_exists(#claim_queue) OR attribute_not_exists(#claim_order))")
    else:
        terms.append("#claim_queue = :seen_queue AND #claim_order = :seen_order")
        values |= {":seen_queue": {"S": entry.queue}, ":seen_order": {"S": entry.order}}
    condition = " AND ".join(terms)
    if due is None:
        return f"REMOVE {LEAVE}", condition, values
    values |= {":queue": {"S": due.queue}, ":order": {"S": due.order}, ":rank": {"S": rank_of(seen, now)}}
    return f"SET #claim_rank = :rank{ENTER}", condition, values


def _attributes(entry: Entry) -> Item:
    return {"claim_queue": {"S": entry.queue}, "claim_order": {"S": entry.order}}


def _fixed(milliseconds: int) -> str:
    return f"{min(max(milliseconds, 0), _MOST):0{_DIGITS}d}"
