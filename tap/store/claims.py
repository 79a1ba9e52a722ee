"""Claiming: handing each pending prompt to exactly one worker at a time.

One conditional UpdateItem decides. It supposes that the prompt is pending, or in progress with a
lease that ran out (by more than the clock skew); it writes a fresh token, the owner and the lease's
end, and counts the attempt. Everything a worker does afterwards supposes that the token is still
there, so one that slept past its lease can't overwrite its successor.

Lost replies. botocore sends a request again when no answer came; the second try then fails on what
the first one did. The refused write returns the old item: if that carries the caller's own token in
the state that the caller asked for, the first try was carried out. For this the token stays on the
item when the prompt is completed, failed or released; without status `in_progress` it opens nothing.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, Final

from tap.store.answers import UNSET, AllLeased, Claim, Held, NothingPending, Ticket, Unset
from tap.store.client import ClientSettings
from tap.store.errors import InvalidPrompt, LeaseLost, PromptConflict, StoreError, UnreadablePrompt, is_refused
from tap.store.items import (
    MAX_WORKER_BYTES,
    Item,
    check_size,
    epoch_ms,
    from_ms,
    iso,
    moment_after,
    read_prompt,
    utc_now,
)
from tap.store.models import Prompt
from tap.store.table import ALIVE, Clock, Outcome, Table, alive_at
from tap.store.values import check_text, decode_json, encode_json, identical

_log = logging.getLogger("tap.store")

DEFAULT_LEASE: Final = timedelta(minutes=5)
DEFAULT_SKEW: Final = timedelta(seconds=2)
FIRST_PAGE: Final = 100
LARGEST_PAGE: Final = 3200

_CANDIDATE: Final = (
    f"attribute_exists(#prompt_text) AND attribute_exists(#task_type) AND {ALIVE}"
    " AND (#status = :pending OR #status = :in_progress)"
)
_FREE: Final = "(#status = :pending OR (#status = :in_progress AND #lease_until < :ripe_ms))"
_TAKE: Final = (
    "SET #status = :in_progress, #claim_token = :token, #claim_owner = :owner,"
    " #lease_until = :until_ms, #updated_at = :at ADD #attempts :one"
)
_HELD: Final = f"attribute_exists(#id) AND {ALIVE} AND #claim_token = :token AND #status = :in_progress"
_RANK: Final = {"high": 0, "medium": 1, "low": 2}


class Claiming(Table):
    """The part of PromptStore that hands prompts to workers."""

    def __init__(
        self,
        table_name: str,
        client: ClientSettings | None = None,
        clock: Clock = utc_now,
        skew: timedelta = DEFAULT_SKEW,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(table_name, client, clock)
        self._skew = skew
        self._random = rng or random.Random()  # noqa: S311 -- it spreads load, it guards nothing

    def claim(
        self, worker: str, *, lease: timedelta = DEFAULT_LEASE, task_type: str | None = None
    ) -> Claim | NothingPending | AllLeased:
        """Take a pending prompt, or one whose lease ran out, for `worker`, until `lease` from now.

        At least once: a worker that outlives its lease may find that the prompt was handed out again
        (LeaseLost when it completes). Not first in, first out: candidates come from a Scan that starts
        at a random place, high priority first among those on the page, shuffled within a priority.
        After the prompt's max_attempts (5) it becomes `failed` instead of being handed out again.

        Costs, in read units: the table has no index, so finding a candidate reads items: 0.5 units per
        4 KB read, 100 items on the first page, then more. Where most prompts wait, that is some units per
        claim; where most are finished, up to the whole table for each claim; where nothing is unfinished, up
        to twice that (1.5 times on average: from the random place to the end, then all from the head, since
        no item tells when it is there again). An index on status pays when a claim reads more than it would
        cost to write each prompt's status changes into the index too: about when fewer than one prompt in a
        hundred is pending.
        The Scan is eventually consistent: a prompt created less than a second ago may be missed.

        Raises StoreUnavailable when no answer came; if the claim was made all the same, its lease runs out.
        """
        check_text(worker, "worker")
        if not 0 < len(worker.encode()) <= MAX_WORKER_BYTES:
            raise InvalidPrompt(
                f"A claim needs a worker's name of 1 to {MAX_WORKER_BYTES} bytes (got {worker[:60]!r})."
            )
        moment_after(self.now(), lease, "lease")
        first_end: int | None = None
        for page in self._pages(task_type):
            now = self.now()
            leased = [item for item in page if not self._is_free(item, now)]
            for item in self._in_order(page, now):
                try:
                    taken = self._take(item["id"]["S"], worker, lease)
                except StoreError as error:
                    if not is_refused(error.__cause__):
                        raise
                    # Another program's item: no room for a claim, or attempts that are no number. It must not stop all.
                    _log.warning("Prompt %r can't be claimed and is passed over: %s", item["id"]["S"], error)
                    continue
                if isinstance(taken, Claim):
                    return taken
                leased.append(taken)
            ends = [end for item in leased if (end := _lease_end(item)) is not None]
            first_end = min(ends if first_end is None else [*ends, first_end], default=None)
        return NothingPending() if first_end is None else AllLeased(self._free_at(first_end))

    def extend(self, held: Held, *, lease: timedelta = DEFAULT_LEASE) -> datetime:
        """Move the lease's end to `lease` from now and return it; LeaseLost if the claim isn't yours."""
        now = self.now()
        until = _whole_ms(moment_after(now, lease, "lease"))
        values = {":until_ms": {"N": str(epoch_ms(until))}, ":at": {"S": iso(now)}}
        outcome = self._held_update(held, now, "SET #lease_until = :until_ms, #updated_at = :at", values)
        if not outcome.applied:
            raise self._lost(self.living(outcome, held.id, now), held)
        return until

    def complete(self, held: Held, result: object = UNSET) -> Prompt:
        """Record the result (any JSON) and finish; a second call with the same result is no error.

        Raises LeaseLost if the claim isn't yours, PromptConflict if it is already finished otherwise,
        PromptNotFound if the prompt was deleted or expired.
        """
        return self._finish(held, "completed", result)

    def fail(self, held: Held, result: object = UNSET) -> Prompt:
        """Finish as failed, for good, with a result that may say why; errors as for complete."""
        return self._finish(held, "failed", result)

    def release(self, held: Held) -> Prompt:
        """Give the prompt back: pending again, at once; the attempt stays counted.

        LeaseLost also if the reply got lost and another worker has taken the prompt since.
        """
        now = self.now()
        outcome = self._held_update(
            held,
            now,
            "SET #status = :pending, #updated_at = :at REMOVE #claim_owner, #lease_until",
            {":pending": {"S": "pending"}, ":at": {"S": iso(now)}},
        )
        item = outcome.item if outcome.applied else self.living(outcome, held.id, now)
        if item is None or not (outcome.applied or _carries(item, held, "pending")):
            raise self._lost(item or {}, held)
        return read_prompt(item, self.table_name)

    def _finish(self, held: Held, status: str, result: object) -> Prompt:
        now = self.now()
        changes, removals, values = result_changes(result)
        values |= {":new": {"S": status}, ":at": {"S": iso(now)}}
        changes = f"SET #status = :new, #updated_at = :at{changes} REMOVE #lease_until{removals}"
        outcome = self._held_update(held, now, changes, values)
        item = outcome.item if outcome.applied else self.living(outcome, held.id, now)
        if item is None or not (outcome.applied or _carries(item, held, "completed", "failed")):
            raise self._lost(item or {}, held)
        if not outcome.applied and not (item["status"]["S"] == status and _same_result(item, result)):
            raise PromptConflict(
                f"Prompt {held.id!r} is already {item['status']['S']}, with another outcome.",
                table=self.table_name,
                prompt_id=held.id,
            )
        return read_prompt(item, self.table_name)

    def _held_update(self, held: Held, now: datetime, changes: str, values: dict[str, Any]) -> Outcome:
        check_text(held.token, "token")
        if not held.token:
            raise InvalidPrompt("The token is empty.")
        values |= {
            ":token": {"S": held.token},
            ":in_progress": {"S": "in_progress"},
            **alive_at(now),
        }
        return self.update(held.id, changes, _HELD, values)

    def _take(self, prompt_id: str, worker: str, lease: timedelta) -> Claim | Item:
        """The claim, or the item as another left it."""
        now = self.now()
        token = str(uuid.uuid4())
        until = _whole_ms(moment_after(now, lease, "lease"))
        values = {
            **_states(now),
            ":ripe_ms": {"N": str(epoch_ms(now - self._skew))},
            ":token": {"S": token},
            ":owner": {"S": worker},
            ":until_ms": {"N": str(epoch_ms(until))},
            ":at": {"S": iso(now)},
            ":one": {"N": "1"},
        }
        outcome = self.update(prompt_id, _TAKE, f"attribute_exists(#id) AND {ALIVE} AND {_FREE}", values)
        ticket = Ticket(prompt_id, token)
        if outcome.item is None or not (outcome.applied or _carries(outcome.item, ticket, "in_progress")):
            return outcome.item or {}
        try:
            prompt = read_prompt(outcome.item, self.table_name)
        except UnreadablePrompt as error:
            _log.warning("%s It is marked as failed.", error)
            self._retire(ticket)
            return {}
        if prompt.attempts > prompt.max_attempts:
            self._retire(ticket)
            return {}
        return Claim(prompt, token, worker, until)

    def _retire(self, ticket: Ticket) -> None:
        """Fail a prompt just taken that can't be handed out; if it vanished meanwhile, all the better."""
        now = self.now()
        changes = "SET #status = :new, #updated_at = :at REMOVE #claim_owner, #lease_until"  # it was nobody's
        self._held_update(ticket, now, changes, {":new": {"S": "failed"}, ":at": {"S": iso(now)}})

    def _pages(self, task_type: str | None) -> Iterator[list[Item]]:
        """Pages of candidates from a random place to the table's end, then from its head to there."""
        request: dict[str, Any] = {
            "FilterExpression": _CANDIDATE,
            "ExpressionAttributeValues": _states(self.now()),
            "ProjectionExpression": "#id, #priority, #status, #lease_until",
            "Limit": FIRST_PAGE,
        }
        if task_type is not None:
            check_text(task_type, "task_type")
            request["FilterExpression"] += " AND #task_type = :task_type"
            request["ExpressionAttributeValues"][":task_type"] = {"S": task_type}
        start = {"id": {"S": str(uuid.UUID(int=self._random.getrandbits(128)))}}
        tail = self.scan(LARGEST_PAGE, **request, ExclusiveStartKey=start)
        head = self.scan(LARGEST_PAGE, **request)
        page: dict[str, Item] = {}
        looked_at = 0
        first_seen = None
        for wrapped, reply in chain(((False, reply) for reply in tail), ((True, reply) for reply in head)):
            found = {item["id"]["S"]: item for item in reply["Items"]}
            all_round = wrapped and first_seen in found
            first_seen = first_seen or next(iter(found), None)
            page |= found
            looked_at += reply["ScannedCount"]
            # A start near the table's end is no reason to choose among the last few only.
            if looked_at >= FIRST_PAGE or all_round:
                yield list(page.values())
                page = {}
            if all_round:
                return
        if page:
            yield list(page.values())

    def _in_order(self, page: list[Item], now: datetime) -> list[Item]:
        """The page's candidates: high priority first, shuffled within one, so that workers part ways."""
        free = [item for item in page if self._is_free(item, now)]
        self._random.shuffle(free)
        return sorted(free, key=lambda item: _RANK.get(item.get("priority", {}).get("S", "medium"), 1))

    def _is_free(self, item: Item, now: datetime) -> bool:
        end = _lease_end(item)  # as a number, like the write's condition: any program's may be beyond the calendar
        return item["status"]["S"] == "pending" or (end is not None and end < epoch_ms(now - self._skew))

    def _free_at(self, end: int) -> datetime:
        """When a lease with this end will have run out for every clock."""
        try:
            return from_ms(end) + self._skew
        except OverflowError:
            return from_ms(end)

    def _lost(self, item: Item, held: Held) -> LeaseLost:
        status = item.get("status", {}).get("S", "unknown")
        owner = item.get("claim_owner", {}).get("S", "nobody")
        return LeaseLost(
            f"The claim on prompt {held.id!r} is no longer yours: it is {status}, held by {owner}.",
            table=self.table_name,
            prompt_id=held.id,
        )


def _lease_end(item: Item) -> int | None:
    """The lease's end in milliseconds since 1970; None for what has none."""
    until = item.get("lease_until", {}).get("N")
    if until is None or item.get("status") != {"S": "in_progress"}:
        return None
    return int(Decimal(until))


def result_changes(result: object) -> tuple[str, str, dict[str, Any]]:
    """What to SET and REMOVE so that the item has this result, and the values for it."""
    if isinstance(result, Unset):
        return "", "", {}
    native, text = encode_json(result)
    values: dict[str, Any] = {":result": native}
    if text is not None:
        values[":result_json"] = {"S": text}
    check_size({"id": {"S": ""}, "result": native, **({"result_json": {"S": text}} if text else {})})
    if text is None:
        return ", #result = :result", ", #result_json", values
    return ", #result = :result, #result_json = :result_json", "", values


def _same_result(item: Item, result: object) -> bool:
    if isinstance(result, Unset):
        return True
    text = item.get("result_json", {}).get("S")
    return "result" in item and identical(decode_json(item["result"], text), result)


def _carries(item: Item, held: Held, *statuses: str) -> bool:
    """Whether the old item shows that the caller's own write was carried out, its reply lost."""
    return item.get("claim_token") == {"S": held.token} and item.get("status", {}).get("S") in statuses


def _states(now: datetime) -> dict[str, Any]:
    return {**alive_at(now), ":pending": {"S": "pending"}, ":in_progress": {"S": "in_progress"}}


def _whole_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
