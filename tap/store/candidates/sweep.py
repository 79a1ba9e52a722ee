"""The sweep for prompts that have no entry in the claim index: a scan of the table in small bites, spread over time.

It spends a read unit a second, and less where nobody looks for work. As long as it finds something it goes on at once,
since other programs seem to be writing.
"""

from __future__ import annotations

import logging
import random
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from tap.store.conditions import A_PROMPT, ALIVE, unfinished_at
from tap.store.errors import AccessDenied
from tap.store.items import Item
from tap.store.table import Table

#: Items of a bite: a read unit where prompts have 1 KB.
SMALLEST_BITE: Final = 5
LARGEST_BITE: Final = 500
#: The most that it finds at once, since all of that gets its entry in the same claim.
MOST_FOUND: Final = 25
_UNITS_A_SECOND: Final = 1.0
_AFTER_A_REFUSAL: Final = timedelta(hours=1)
_log = logging.getLogger("tap.store")

#: In progress without a lease (set by hand) is nobody's to claim, so it needs no entry.
STRAY: Final = (
    "(attribute_not_exists(#claim_queue) OR attribute_not_exists(#claim_order))"
    f" AND {A_PROMPT} AND {ALIVE}"
    " AND (#status = :pending OR (#status = :in_progress AND attribute_type(#lease_until, :number)))"
)
#: What is to be known of a prompt before it is claimed; the index has the same.
FIELDS: Final = "#id, #priority, #status, #task_type, #created_at, #lease_until, #attempts, #max_attempts, #ttl"


class Sweep:
    """Goes through the table from a random place, round and round, a bite at a time."""

    def __init__(self, table: Table, rng: random.Random) -> None:
        self._table = table
        self._random = rng
        self._start: dict[str, Any] | None = {"id": {"S": str(uuid.UUID(int=rng.getrandbits(128)))}}
        self._next_at: datetime | None = None
        self._bite = SMALLEST_BITE

    def page(self) -> list[Item]:
        """The strays in the next bite, if it is time for one."""
        now = self._table.now()
        if self._next_at is not None:
            if now < self._next_at:
                return []
            waited = (now - self._next_at).total_seconds()
            self._bite = min(max(self._bite, SMALLEST_BITE * int(waited)), LARGEST_BITE)
        try:
            found, units = self._bitten(self._bite)
        except AccessDenied as error:
            _log.info("This program may not scan the table: prompts without an entry are left to others. %s", error)
            self._next_at = now + _AFTER_A_REFUSAL
            return []
        if len(found) > MOST_FOUND:
            found = found[:MOST_FOUND]
            self._start = {"id": found[-1]["id"]}
        if found:
            self._next_at, self._bite = now, min(2 * self._bite, MOST_FOUND)
        else:
            self._next_at, self._bite = now + timedelta(seconds=units / _UNITS_A_SECOND), SMALLEST_BITE
        return found

    def _bitten(self, size: int) -> tuple[list[Item], float]:
        """The strays among the next `size` items, and what it cost; past the table's end it goes on at the head."""
        found: list[Item] = []
        units = 0.0
        while size > 0:
            from_the_head = self._start is None
            request: dict[str, Any] = {} if self._start is None else {"ExclusiveStartKey": self._start}
            reply = next(
                self._table.scan(
                    **request,
                    FilterExpression=STRAY,
                    ExpressionAttributeValues=unfinished_at(self._table.now()),
                    ProjectionExpression=FIELDS,
                    Limit=size,
                    ReturnConsumedCapacity="TOTAL",
                )
            )
            found += reply["Items"]
            units += reply.get("ConsumedCapacity", {}).get("CapacityUnits", reply["ScannedCount"])
            size -= reply["ScannedCount"]
            self._start = reply.get("LastEvaluatedKey")
            if from_the_head and self._start is None:
                break
        return found, units
