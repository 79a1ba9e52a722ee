"""Candidates by the claim index: a few small reads, however large the table is.

Entries are hints. One that is wrong is mended by whoever meets it; prompts without an entry (other programs write none)
are found by a sweep: a scan in small bites, spread over time.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from tap.store.candidates import Look, is_free
from tap.store.candidates.sweep import MOST_FOUND, Sweep
from tap.store.entries import INDEX, LEASED, PENDING, due_entry, entry_of, mending, rank_of
from tap.store.errors import Calling, StoreError, is_refused
from tap.store.items import Item, is_expired, lease_end
from tap.store.table import Table

#: A page of this many entries costs half a read unit.
PAGE: Final = 25
#: The page where others are quicker, and so the most that a claim chooses among.
CROWDED_PAGE: Final = 50
#: The page after one on which nothing is free.
LARGER_PAGE: Final = 1000
#: Of the claims that find something pending, those that look for leases that ran out too, and those that sweep instead.
_LOOKS_FOR_LAPSED: Final = 1 / 4
_SWEEPS: Final = 1 / 16
#: What a claim without a loss does to the number that the next chooses among.
_NARROWING: Final = 0.95
#: So many wrong entries are mended one by one. More than a few that are finished or expired go into transactions, since
#: nobody else writes them: a worker's write of what still waits would be refused for a transaction's sake.
_FEW: Final = 4
_MOST_ONE_BY_ONE: Final = MOST_FOUND
_IN_A_TRANSACTION: Final = 100
#: The most that one look mends: others shall not wait for it too long.
_MOST_MENDED: Final = 500
_NOTHING: Final = Look([], [])
_log = logging.getLogger("tap.store")


class IndexLooks:
    """One store's way of looking for candidates; it remembers how often others were quicker, and where it swept."""

    def __init__(self, table: Table, skew: timedelta, rng: random.Random) -> None:
        self._table = table
        self._skew = skew
        self._random = rng
        self._sweep = Sweep(table, rng)
        self._spread = 1.0  # the choice is among so many

    def looks(self, task_type: str | None) -> Iterator[Look]:
        """Looks at the pending, highest priority first and then the oldest, and at leases that ran out."""
        wrong: list[Item] = []
        held: list[Item] = []
        size = PAGE if self._spread < PAGE / 2 else CROWDED_PAGE
        for page in self._table.query(INDEX, PENDING, size, LARGER_PAGE):
            found = self._sorted(page, wrong, task_type)
            held += found.leased
            if not found.free:
                if len(wrong) >= _MOST_MENDED:
                    self._mend(wrong)
                continue
            free = found.free
            chance = self._random.random()  # one or the other: a claim makes three requests at most
            if chance < _LOOKS_FOR_LAPSED:
                free = next(self._leased(wrong, task_type), _NOTHING).free + free
            elif chance < _LOOKS_FOR_LAPSED + _SWEEPS:
                free = self._strays(task_type) + free
            self._mend(wrong)
            yield Look(self._in_order(free), [])
        for found in self._leased(wrong, task_type):
            self._mend(wrong)
            yield Look(self._in_order(found.free), found.leased + held)
        self._mend(wrong)
        yield Look(self._in_order(self._strays(task_type)), held)

    def taken(self, lost: int) -> None:
        """A claim succeeded after others had been quicker so many times: with many workers choose among more."""
        self._spread = CROWDED_PAGE if lost else max(1, self._spread * _NARROWING)

    def set_aside(self, seen: Item) -> None:
        """Take what no worker can claim out of everybody's way; `tap prompts update` or a reindex brings it back."""
        try:
            self._table.update(seen["id"]["S"], *mending(seen, self._table.now(), stuck=True))
        except StoreError as error:
            _log.debug("Prompt %r stays where it is in the claim index: %s", seen["id"]["S"], error)

    def _sorted(self, page: list[Item], wrong: list[Item], task_type: str | None) -> Look:
        """What is free on a page and what is leased; all that has another entry than is due goes to `wrong`."""
        now = self._table.now()
        wrong += [item for item in page if due_entry(item, now) != entry_of(item)]
        living = [item for item in page if not is_expired(item, now)]
        ours = [item for item in living if task_type is None or item.get("task_type") == {"S": task_type}]
        ripe = now - self._skew
        leased = [item for item in ours if not is_free(item, ripe) and lease_end(item) is not None]
        return Look([item for item in ours if is_free(item, ripe)], leased)

    def _leased(self, wrong: list[Item], task_type: str | None) -> Iterator[Look]:
        """The leased by the end of their lease, a page at a time, up to the first that has not run out."""
        for page in self._table.query(INDEX, LEASED, PAGE, LARGER_PAGE):
            found = self._sorted(page, wrong, task_type)
            yield found
            if found.leased:
                return

    def _strays(self, task_type: str | None) -> list[Item]:
        """Prompts without an entry that a sweep came upon: all get theirs, and those that are free are candidates."""
        found = self._sweep.page()
        strays = self._sorted(found, [], task_type).free
        self._mend(found)
        return strays

    def _mend(self, wrong: list[Item]) -> None:
        """Mend what can be mended, and empty the list: what has changed since is somebody else's to keep right."""
        items, wrong[:] = wrong[:_MOST_MENDED], []
        now = self._table.now()
        gone = [item for item in items if due_entry(item, now) is None]
        one_by_one = [item for item in items if due_entry(item, now) is not None][:_MOST_ONE_BY_ONE]
        if len(gone) <= _FEW:
            one_by_one, gone = gone + one_by_one, []
        try:
            for item in one_by_one:
                self._mend_one(item)
            for start in range(0, len(gone), _IN_A_TRANSACTION):
                some = gone[start : start + _IN_A_TRANSACTION]
                updates: Any = [self._table.update_of(item["id"]["S"], *mending(item, now)) for item in some]
                with Calling(self._table.table_name):
                    self._table.client.transact_write_items(TransactItems=updates)
        except StoreError as error:
            # Another worker is mending the same, or the table is being throttled: no reason to fail a claim.
            _log.debug("Not all entries of the claim index could be mended: %s", error)

    def _mend_one(self, item: Item) -> None:
        try:
            mend(self._table, item)
        except StoreError as error:
            if not is_refused(error.__cause__):
                raise
            _log.debug("Prompt %r has no room for an entry in the claim index: %s", item["id"]["S"], error)

    def _in_order(self, free: list[Item]) -> list[Item]:
        """By rank, but for the choice within a priority: workers that see the same should take different ones."""
        now = self._table.now()
        free.sort(key=lambda item: rank_of(item, now))
        ordered: list[Item] = []
        for _, group in groupby(free, key=lambda item: rank_of(item, now)[0]):
            same = list(group)
            first = same.pop(self._random.randrange(min(int(self._spread), len(same))))
            self._random.shuffle(same)  # where the first is lost, the others of a page are being taken too
            ordered += [first, *same]
        return ordered


def mend(table: Table, seen: Item) -> Item | None:
    """Give an item the entry that is due; None if that was done or the item is gone, else the item as it is by now."""
    outcome = table.update(seen["id"]["S"], *mending(seen, table.now()))
    return None if outcome.applied else outcome.item
