"""Candidates by a Scan: needs no index, and reads whatever the table holds."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any, Final

from tap.store.candidates import Look, is_free
from tap.store.conditions import A_PROMPT, ALIVE, unfinished_at
from tap.store.entries import priority_rank
from tap.store.items import Item
from tap.store.table import Table

FIRST_PAGE: Final = 100
LARGEST_PAGE: Final = 3200

_CANDIDATE: Final = f"{A_PROMPT} AND {ALIVE} AND (#status = :pending OR #status = :in_progress)"


def looks(table: Table, skew: timedelta, rng: random.Random, task_type: str | None) -> Iterator[Look]:
    """A look for each page of the scan: high priority first, shuffled within a priority, so that workers differ."""
    for page in _pages(table, rng, task_type):
        ripe = table.now() - skew
        free = [item for item in page if is_free(item, ripe)]
        rng.shuffle(free)
        free.sort(key=lambda item: priority_rank(item.get("priority", {}).get("S")))
        yield Look(free, [item for item in page if not is_free(item, ripe)])


def _pages(table: Table, rng: random.Random, task_type: str | None) -> Iterator[list[Item]]:
    """Yield pages of candidates from a random place to the table's end, then from its head to there."""
    request: dict[str, Any] = {
        "FilterExpression": _CANDIDATE,
        "ExpressionAttributeValues": unfinished_at(table.now()),
        "ProjectionExpression": "#id, #priority, #status, #lease_until, #attempts",
        "Limit": FIRST_PAGE,
    }
    if task_type is not None:
        request["FilterExpression"] += " AND #task_type = :task_type"
        request["ExpressionAttributeValues"][":task_type"] = {"S": task_type}
    start = {"id": {"S": str(uuid.UUID(int=rng.getrandbits(128)))}}
    tail = table.scan(LARGEST_PAGE, **request, ExclusiveStartKey=start)
    head = table.scan(LARGEST_PAGE, **request)
    page: dict[str, Item] = {}
    looked_at = 0
    first_seen = None
    for wrapped, reply in chain(((False, reply) for reply in tail), ((True, reply) for reply in head)):
        found = {item["id"]["S"]: item for item in reply["Items"]}
        all_round = wrapped and first_seen in found
        first_seen = first_seen or next(iter(found), None)
        page |= found
        looked_at += reply["ScannedCount"]
        # A start near the table's end must not limit the choice to the last few.
        if looked_at >= FIRST_PAGE or all_round:
            yield list(page.values())
            page = {}
        if all_round:
            return
    if page:
        yield list(page.values())
