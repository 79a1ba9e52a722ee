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
from typing import Any, Final

from tap.store.answers import UNSET, AllLeased, Claim, Held, NothingPending, Ticket
from tap.store.candidates import Look, is_free, scan
from tap.store.candidates.index import IndexLooks
from tap.store.conditions import (
    A_PROMPT,
    ALIVE,
    FORWARD,
    FREE,
    FRESH,
    HELD,
    HOLDS,
    LASTS,
    LEFT,
    LEFT_VALUES,
    PROLONGED,
    unfinished_at,
)
from tap.store.entries import ENTER, ENTER_PENDING, KEEP_RANK, LEASED, LEAVE, PENDING, lease_order, rank, rank_of
from tap.store.errors import (
    InvalidPrompt,
    LeaseLost,
    PromptConflict,
    PromptTooLarge,
    StoreError,
    is_refused,
)
from tap.store.items import (
    MAX_WORKER_BYTES,
    REASON_BYTES,
    Item,
    attempts_left,
    is_countable,
    is_prompt,
    lease_end,
    read_prompt,
)
from tap.store.models import Prompt
from tap.store.results import is_result, with_result
from tap.store.table import Outcome, Table
from tap.store.times import epoch_ms, epoch_s, from_ms, iso, moment_after
from tap.store.values import check_text, item_size, result_forms

_log = logging.getLogger("tap.store")

DEFAULT_LEASE: Final = timedelta(minutes=5)
DEFAULT_SKEW: Final = timedelta(seconds=2)

_TAKE: Final = (
    "SET #status = :in_progress, #claim_token = :token, #claim_owner = :owner,"
    " #lease_until = :until_ms, #updated_at = :at"
)


class Claiming:
    """The part of PromptStore that hands prompts to workers."""

    _table: Table
    _skew: timedelta
    _random: random.Random
    _by_index: IndexLooks

    def claim(
        self, worker: str, *, lease: timedelta = DEFAULT_LEASE, task_type: str | None = None
    ) -> Claim | NothingPending | AllLeased:
        """Take a pending prompt, or one whose lease ran out, for `worker`, until `lease` from now.

        At least once: a worker that outlives its lease may find that the prompt was handed out again
        (LeaseLost when it completes).
        After the prompt's max_attempts (5) it becomes `failed` instead of being handed out again.
        A prompt that would expire before the lease ends lives until then: nobody's result is refused as expired.

        With the claim index: high priority first over the whole table, and within a priority the oldest, or, where
        other workers are quicker, one of the 50 oldest. A lease that ran out is seen by every fourth claim, or when
        nothing is pending. Two requests and half a read unit as a rule, two units at most, at any size. Prompts that
        other programs wrote are found by a sweep that reads a unit a second; see docs/prompts.md.

        Without it candidates come from a Scan that starts at a random place, high priority first among those on the
        page, shuffled within a priority: 0.5 read units per 4 KB, 100 items on the first page, then more. Where most
        prompts wait, that is some units per claim; where most are finished, up to the whole table; where nothing is
        unfinished, up to twice that (1.5 times on average: from the random place to the end, then all from the head,
        since no item tells when it is there again): at 100,000 prompts of 1 KB about 20,000 units for each look.
        A worker that finds nothing should wait longer each time.

        Both read eventually consistent: a prompt created less than a second ago may be missed.

        Raises StoreUnavailable when no answer came; if the claim was made all the same, its lease runs out.
        """
        check_text(worker, "worker")
        if not 0 < len(worker.encode()) <= MAX_WORKER_BYTES:
            raise InvalidPrompt(
                f"A claim needs a worker's name of 1 to {MAX_WORKER_BYTES} bytes (got {worker[:60]!r})."
            )
        moment_after(self._table.now(), lease, "lease")
        if task_type is not None:
            check_text(task_type, "task_type")
        leased: list[Item] = []
        for look in self._looks(task_type):
            lost: list[Item] = []
            for item in look.free:
                if not is_countable(item):
                    self._pass_over(item, "its attempts are no number")
                    continue
                try:
                    taken = self._take(item, worker, lease)
                except StoreError as error:
                    if not is_refused(error.__cause__):
                        raise
                    # Another program's item, with no room for a claim: it must not stop all.
                    self._pass_over(item, str(error))
                    continue
                if isinstance(taken, Claim):
                    self._by_index.taken(len(lost))
                    return taken
                lost.append(taken)
            leased += look.leased + lost
        first_end = min((end for item in leased if (end := lease_end(item)) is not None), default=None)
        return NothingPending() if first_end is None else AllLeased(self._free_at(first_end))

    def _looks(self, task_type: str | None) -> Iterator[Look]:
        """By the claim index if there is one that the worker may read, or by a scan."""
        looks = self._table.claim_index.reading(self._by_index.looks(task_type))
        return looks or scan.looks(self._table, self._skew, self._random, task_type)

    def _pass_over(self, item: Item, why: str) -> None:
        """Leave a prompt that no worker can take, and see to it that it is in nobody's way in the claim index."""
        _log.warning("Prompt %r can't be claimed and is passed over: %s", item["id"]["S"], why)
        if "claim_queue" in item:
            self._by_index.set_aside(item)

    def extend(self, held: Held, *, lease: timedelta = DEFAULT_LEASE) -> datetime:
        """Move the lease's end to `lease` from now, never back, and return it; LeaseLost if the claim isn't yours.

        A prompt that would expire before that lives until then.
        """
        now = self._table.now()
        until = _whole_ms(moment_after(now, lease, "lease"))
        values = {
            ":until_ms": {"N": str(epoch_ms(until))},
            ":end_s": self._end_of_life(until),
            ":at": {"S": iso(now)},
        }
        changes = f"SET #lease_until = :until_ms, #updated_at = :at{self._entered_as_leased(until, values)}"
        outcome = self._held_update(held, now, changes, f"{HOLDS} AND {FORWARD} AND {LASTS}", values)
        if not outcome.applied and _ends_before(outcome.item, now, values):
            changes += ", #ttl = :end_s"
            outcome = self._held_update(held, now, changes, f"{HOLDS} AND {FORWARD} AND {PROLONGED}", values)
        if outcome.applied:
            return until
        item = self._table.living(outcome, held.id, now)
        end = lease_end(item)
        if end is None or not _carries(item, held, "in_progress"):
            raise self._lost(item, held)
        return from_ms(end)

    def complete(self, held: Held, result: object = UNSET) -> Prompt:
        """Record the result (any JSON) and finish; a second call with the same result is no error.

        Raises LeaseLost if the claim isn't yours, PromptConflict if it is already finished otherwise,
        PromptNotFound if the prompt was deleted or expired.
        """
        return self._finish(held, "completed", result)

    def fail(self, held: Held, result: object = UNSET) -> Prompt:
        """Finish as failed, for good, with a result that may say why; errors as for complete.

        A reason of up to 1,000 bytes has room in every prompt of the store's; in another program's item that has
        none left the prompt is failed without it, and the log says so.
        """
        try:
            return self._finish(held, "failed", result)
        except PromptTooLarge:
            if min(map(item_size, result_forms(result))) > REASON_BYTES:
                raise
            _log.warning("Prompt %r is so large that it is failed without its reason: %r", held.id, result)
            return self._finish(held, "failed", UNSET)

    def release(self, held: Held) -> Prompt:
        """Give the prompt back: pending again, at once; the attempt stays counted.

        LeaseLost also if the reply got lost and another worker has taken the prompt since.
        """
        now = self._table.now()
        values = {":at": {"S": iso(now)}}
        entered = self._entered_as_pending(now, values, getattr(held, "prompt", None))
        outcome = self._held_update(
            held,
            now,
            f"SET #status = :pending, #updated_at = :at{entered} REMOVE #claim_owner, #lease_until",
            HELD,
            values,
        )
        item = outcome.item if outcome.applied else self._table.living(outcome, held.id, now)
        if item is None or not (outcome.applied or _carries(item, held, "pending")):
            raise self._lost(item or {}, held)
        return read_prompt(item, self._table.table_name)

    def _finish(self, held: Held, status: str, result: object) -> Prompt:
        now = self._table.now()

        def send(changes: str, removals: str, values: dict[str, Any]) -> Outcome:
            changes = f"SET #status = :new, #updated_at = :at{changes} REMOVE #lease_until, {LEAVE}{removals}"
            return self._held_update(held, now, changes, HELD, values | {":new": {"S": status}, ":at": {"S": iso(now)}})

        outcome = with_result(result, send)
        item = outcome.item if outcome.applied else self._table.living(outcome, held.id, now)
        if item is None or not (outcome.applied or _carries(item, held, "completed", "failed")):
            raise self._lost(item or {}, held)
        if not outcome.applied and not (item["status"]["S"] == status and is_result(item, result)):
            raise PromptConflict(
                f"Prompt {held.id!r} is already {item['status']['S']}, with another outcome.",
                table=self._table.table_name,
                prompt_id=held.id,
            )
        return read_prompt(item, self._table.table_name)

    def _held_update(self, held: Held, now: datetime, changes: str, condition: str, values: dict[str, Any]) -> Outcome:
        check_text(held.token, "token")
        if not held.token:
            raise InvalidPrompt("The token is empty.")
        values = values | unfinished_at(now) | {":token": {"S": held.token}}
        return self._table.update(held.id, changes, condition, values)

    def _take(self, candidate: Item, worker: str, lease: timedelta) -> Claim | Item:
        """The claim, or the item as another left it."""
        now = self._table.now()
        prompt_id = candidate["id"]["S"]
        token = str(uuid.uuid4())
        until = _whole_ms(moment_after(now, lease, "lease"))
        values = {
            **unfinished_at(now),
            **LEFT_VALUES,
            ":ripe_ms": {"N": str(epoch_ms(now - self._skew))},
            ":token": {"S": token},
            ":owner": {"S": worker},
            ":until_ms": {"N": str(epoch_ms(until))},
            ":end_s": self._end_of_life(until),
            ":at": {"S": iso(now)},
            ":one": {"N": "1"},
            ":null": {"S": "NULL"},
        }
        entered = self._entered_as_leased(until, values)
        if entered:
            entered += KEEP_RANK
            values[":rank"] = {"S": rank_of(candidate, now)}
        outcome = self._write_claim(candidate, entered, LASTS, values)
        if self._was_free(outcome, now) and _ends_before(outcome.item, now, values):
            outcome = self._write_claim(candidate, f"{entered}, #ttl = :end_s", PROLONGED, values)
        item = outcome.item
        if item is None:
            return {}
        if outcome.applied or _carries(item, Ticket(prompt_id, token), "in_progress"):
            return Claim(read_prompt(item, self._table.table_name), token, worker, until)
        if self._was_free(outcome, now) and not attempts_left(item):
            self._retire(prompt_id, values)
            return {}
        return item

    def _was_free(self, outcome: Outcome, now: datetime) -> bool:
        """Whether a claim was refused although nobody holds the prompt."""
        item = outcome.item
        return not outcome.applied and item is not None and is_prompt(item) and is_free(item, now - self._skew)

    def _entered_as_leased(self, until: datetime, values: dict[str, Any]) -> str:
        """What a lease with this end adds to a SET where the table has the claim index."""
        if not self._table.claim_index.is_kept:
            return ""
        values |= {":queue": {"S": LEASED}, ":order": {"S": lease_order(epoch_ms(until))}}
        return ENTER

    def _entered_as_pending(self, now: datetime, values: dict[str, Any], prompt: Prompt | None = None) -> str:
        """The same for a prompt that waits again: at its old place or, where it had none, by what is known of it."""
        if not self._table.claim_index.is_kept:
            return ""
        known = (None, now) if prompt is None else (prompt.priority, prompt.created_at or now)
        values |= {":queue": {"S": PENDING}, ":rank": {"S": rank(*known)}}
        return ENTER_PENDING

    def _write_claim(self, candidate: Item, more: str, lasting: str, values: dict[str, Any]) -> Outcome:
        condition = f"{A_PROMPT} AND {lasting} AND {FREE} AND {LEFT} AND {FRESH}"
        counting = " ADD #attempts :one"
        if "NULL" in candidate.get("attempts", {}):  # counts as absent, but DynamoDB adds nothing to it
            counting, condition = ", #attempts = :one", f"{condition} AND attribute_type(#attempts, :null)"
        return self._table.update(candidate["id"]["S"], f"{_TAKE}{more}{counting}", condition, values)

    def _retire(self, prompt_id: str, values: dict[str, Any]) -> None:
        """Fail a prompt whose attempts are used up, unless it was given more or was deleted meanwhile."""
        changes = "SET #status = :failed, #updated_at = :at REMOVE #claim_token, #claim_owner, #lease_until"
        changes += f", {LEAVE}"
        condition = f"{A_PROMPT} AND {ALIVE} AND {FREE} AND NOT {LEFT}"
        self._table.update(prompt_id, changes, condition, values | {":failed": {"S": "failed"}})

    def _end_of_life(self, until: datetime) -> dict[str, str]:
        """The lowest ttl that keeps a prompt until a lease has ended by every worker's clock."""
        return {"N": str((epoch_ms(until) + self._skew // timedelta(milliseconds=1)) // 1000 + 1)}

    def _free_at(self, end: int) -> datetime:
        """When a lease with this end has run out by every worker's clock."""
        try:
            return from_ms(end) + self._skew
        except OverflowError:
            return from_ms(end)

    def _lost(self, item: Item, held: Held) -> LeaseLost:
        status = item.get("status", {}).get("S", "unknown")
        owner = item.get("claim_owner", {}).get("S", "nobody")
        return LeaseLost(
            f"The claim on prompt {held.id!r} is no longer yours: it is {status}, held by {owner}.",
            table=self._table.table_name,
            prompt_id=held.id,
        )


def _ends_before(item: Item | None, now: datetime, values: dict[str, Any]) -> bool:
    """Whether the item is alive, but expires before a lease would end."""
    ttl = (item or {}).get("ttl", {}).get("N")
    return ttl is not None and epoch_s(now) < Decimal(ttl) < int(values[":end_s"]["N"])


def _carries(item: Item, held: Held, *statuses: str) -> bool:
    """Whether the old item shows that the caller's own write was carried out, its reply lost."""
    return item.get("claim_token") == {"S": held.token} and item.get("status", {}).get("S") in statuses


def _whole_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
