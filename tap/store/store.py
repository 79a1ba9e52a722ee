"""The prompt store: one DynamoDB table of prompts that programs hand to each other."""

from __future__ import annotations

import logging
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from tap.store.answers import UNSET
from tap.store.bulk.exporting import DEFAULT_SEGMENTS, ExportReport, export_prompts
from tap.store.bulk.importing import DEFAULT_WORKERS, ImportReport, import_prompts
from tap.store.bulk.reindexing import ReindexReport, reindex
from tap.store.candidates.index import IndexLooks
from tap.store.changes import Change
from tap.store.claims import DEFAULT_LEASE, DEFAULT_SKEW, Claiming
from tap.store.client import ClientSettings
from tap.store.conditions import A_PROMPT, ALIVE, alive_at
from tap.store.entries import LEAVE
from tap.store.errors import Calling, InvalidPrompt, PromptConflict
from tap.store.items import Item, is_expired, new_item, read_prompt
from tap.store.listing import list_prompts
from tap.store.models import (
    ATTEMPTS,
    DEFAULT_LIFETIME,
    STATUS,
    NewPrompt,
    Priority,
    Prompt,
    Status,
    checked,
    checked_value,
)
from tap.store.outputs import read_outputs, table_of
from tap.store.results import with_result
from tap.store.stream import Start, read_changes
from tap.store.table import Clock, Outcome, Table, check_count, check_id, same_prompt
from tap.store.times import iso, moment_after, utc_now
from tap.store.work import Handler, Loop, WorkReport

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SHORTEST = timedelta(seconds=1)  # DynamoDB's ttl has no fractions
_log = logging.getLogger("tap.store")

# Attempts that are not a number count as none: DynamoDB can't add to them.
_MORE_ATTEMPTS = [
    (
        ", #max_attempts = if_not_exists(#attempts, :zero) + :more",
        " AND (attribute_not_exists(#attempts) OR attribute_type(#attempts, :number))",
    ),
    (", #max_attempts = :more", " AND NOT attribute_type(#attempts, :number)"),
]
_NOT_YET = "(attribute_not_exists(#update_token) OR #update_token <> :update_token)"


class PromptStore(Claiming):
    """Prompts in one table: `PromptStore("my-table")` or `PromptStore.from_outputs("outputs.json")`.

    Nothing is sent before the first request. Threads may share a store; forked processes may not.
    """

    def __init__(
        self,
        table_name: str,
        client: ClientSettings | None = None,
        clock: Clock = utc_now,
        skew: timedelta = DEFAULT_SKEW,
        rng: random.Random | None = None,
    ) -> None:
        self._table = Table(table_name, client, clock)
        self._skew = skew
        self._random = rng or random.Random()  # noqa: S311 -- it spreads load, it guards nothing
        self._by_index = IndexLooks(self._table, skew, self._random)

    @property
    def table_name(self) -> str:
        """The table's name."""
        return self._table.table_name

    @property
    def settings(self) -> ClientSettings:
        """How the store talks to DynamoDB."""
        return self._table.settings

    @property
    def client(self) -> DynamoDBClient:
        """The store's boto3 client, made at the first request; it may be shared by threads."""
        return self._table.client

    def close(self) -> None:
        """Close the connections; the store opens new ones when it is used again."""
        self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def from_outputs(
        cls,
        path: str | PathLike[str] = "outputs.json",
        *,
        stack: str | None = None,
        client: ClientSettings | None = None,
        **options: Any,
    ) -> Self:
        """Open the table that a stack's outputs name, in the region of its ARN; see read_outputs."""
        name, region = table_of(read_outputs(path, stack), path)
        settings = client or ClientSettings()
        return cls(name, replace(settings, region=settings.region or region), **options)

    def create(
        self,
        prompt_text: str,
        task_type: str,
        priority: Priority = "medium",
        *,
        prompt_id: str | None = None,
        expires_in: timedelta | None = DEFAULT_LIFETIME,
        max_attempts: int | None = None,
    ) -> Prompt:
        """Store a pending prompt and return it.

        The id is a fresh UUID, or yours: then creating the same prompt again is no error and changes
        nothing, so a create that raised StoreUnavailable may simply be repeated; a prompt with another
        text, type, priority or max_attempts under that id is a PromptConflict. An expired prompt that
        DynamoDB hasn't deleted yet doesn't count: it is replaced.
        """
        now = self._table.now()
        expires_at = None if expires_in is None else moment_after(now, expires_in, "expires_in", _SHORTEST)
        fields: dict[str, object] = {"prompt_text": prompt_text, "task_type": task_type, "priority": priority}
        fields |= {"id": str(uuid.uuid4()) if prompt_id is None else prompt_id, "max_attempts": max_attempts}
        new = checked(NewPrompt, fields)
        item = new_item(
            new.id,
            new.prompt_text,
            new.task_type,
            new.priority,
            new.max_attempts,
            iso(now),
            expires_at,
        )
        outcome = self._table.put_new(item)
        stored = outcome.item
        if stored is None or not (outcome.applied or same_prompt(stored, item)):
            raise PromptConflict(
                f"Another prompt has the id {item['id']['S']!r}.",
                table=self.table_name,
                prompt_id=item["id"]["S"],
            )
        return read_prompt(stored, self.table_name)

    def get(self, prompt_id: str, *, consistent: bool = True) -> Prompt:
        """Return the prompt; PromptNotFound if there is none or it has expired.

        `consistent=False` costs half as much and may miss what was written in the last second.
        """
        check_id(prompt_id)
        with Calling(self.table_name, prompt_id):
            reply = self.client.get_item(
                TableName=self.table_name, Key={"id": {"S": prompt_id}}, ConsistentRead=consistent
            )
        item: Item | None = reply.get("Item")  # type: ignore[assignment]
        if item is None or is_expired(item, self._table.now()):
            raise self._table.not_found(prompt_id, expired=item is not None)
        return read_prompt(item, self.table_name)

    def update_status(
        self,
        prompt_id: str,
        status: Status,
        result: object = UNSET,
        *,
        expected_status: Status | None = None,
        more_attempts: int | None = None,
    ) -> Prompt:
        """Set the status, and the result (any JSON) if one is given, of a prompt that exists.

        It overrides a claim: the worker that holds the prompt gets LeaseLost. `expected_status` makes it
        a PromptConflict if the prompt has another status by now; without it the last writer wins.
        When the reply got lost and the second try finds the first one's change, that is success, whatever
        workers did with the prompt in between; if somebody has set another status by hand, the second try
        sets this one again, unless `expected_status` forbids it. A ghost is UnreadablePrompt and stays as it is.
        `in_progress` set here has no lease and lasts until somebody sets another status. A prompt that
        failed for its attempts can be claimed again after `update_status(id, "pending", more_attempts=3)`.
        """
        now = self._table.now()
        token = {"S": str(uuid.uuid4())}
        known = alive_at(now) | {
            ":new": {"S": checked_value(STATUS, "status", status)},
            ":at": {"S": iso(now)},
            ":string": {"S": "S"},
            ":update_token": token,
        }
        # botocore's second try, after a lost reply, finds the first one's token. Carried out again, it would
        # take the prompt from a worker that claimed it in between.
        condition = f"{A_PROMPT} AND {ALIVE} AND {_NOT_YET}"
        if expected_status is not None:
            condition += " AND #status = :expected"
            known[":expected"] = {"S": checked_value(STATUS, "expected_status", expected_status)}
        entered = self._entered_as_pending(now, known) if status == "pending" else ""
        left = "" if entered else f", {LEAVE}"
        ways = [("", "")]
        if more_attempts is not None:
            if status != "pending":
                raise InvalidPrompt("more_attempts goes with status pending.")
            known |= {":zero": {"N": "0"}, ":more": {"N": str(checked_value(ATTEMPTS, "more_attempts", more_attempts))}}
            ways = _MORE_ATTEMPTS

        def send(changes: str, removals: str, values: dict[str, Any]) -> Outcome:
            for more, possible in ways:
                outcome = self._table.update(
                    prompt_id,
                    f"SET #status = :new, #updated_at = :at, #update_token = :update_token{changes}{more}{entered}"
                    f" REMOVE #claim_token, #claim_owner, #lease_until{left}{removals}",
                    f"{condition}{possible}",
                    known | values,
                )
                if outcome.applied or "N" in (outcome.item or {}).get("attempts", {"N": "0"}):
                    break
            return outcome

        outcome = with_result(result, send)
        item = outcome.item if outcome.applied and outcome.item else self._table.living(outcome, prompt_id, now)
        prompt = read_prompt(item, self.table_name)  # UnreadablePrompt for a ghost, which was refused too
        if outcome.applied or item.get("update_token") == token:
            return prompt
        raise PromptConflict(
            f"Prompt {prompt_id!r} is {prompt.status}, not {expected_status}.",
            table=self.table_name,
            prompt_id=prompt_id,
        )

    def delete(self, prompt_id: str) -> None:
        """Delete the prompt, whatever its status; PromptNotFound if there was none to begin with.

        When no reply came and the second try finds nothing, that is success: it is gone. It would also
        delete what somebody created under the same id in between, so don't use an id twice.
        """
        check_id(prompt_id)
        now = self._table.now()
        with Calling(self.table_name, prompt_id):
            reply = self.client.delete_item(
                TableName=self.table_name, Key={"id": {"S": prompt_id}}, ReturnValues="ALL_OLD"
            )
        old: Item | None = reply.get("Attributes")  # type: ignore[assignment]
        first_try = reply["ResponseMetadata"].get("RetryAttempts", 0) == 0
        if first_try and (old is None or is_expired(old, now)):
            raise self._table.not_found(prompt_id, expired=old is not None)

    def list(
        self,
        *,
        status: Status | None = None,
        task_type: str | None = None,
        priority: Priority | None = None,
        page_size: int | None = None,
    ) -> Iterator[Prompt]:
        """Yield the prompts that match, in no order, asking for the next page only when it is needed.

        Reads the whole table in the end (0.5 read units per 4 KB), `page_size` items per request (1 MB). What is
        pending is read by the claim index where there is one, in the order of the work, 0.5 units and one more for
        each prompt: then a prompt that another program wrote is missing until a worker or a reindex has met it.
        Never yields an expired prompt. An item that is no prompt (a ghost) is logged and passed over.
        """
        return list_prompts(self._table, status, task_type, priority, page_size)

    def work(
        self,
        handler: Handler,
        worker: str,
        *,
        lease: timedelta = DEFAULT_LEASE,
        task_type: str | None = None,
        concurrency: int = 1,
        drain: bool = False,
        once: bool = False,
        stop: threading.Event | None = None,
    ) -> WorkReport:
        """Claim prompts, call `handler(claim)` for each, and complete it with what that returns; return the counts.

        The lease is extended while the handler runs. If it raises, the prompt is released for another attempt, and
        failed with the error's text when its attempts are used up; Failed(result) fails it at once, and so does a
        result that can't be stored. While there is nothing to do the worker looks less and less often (1 s to 1 min).

        Runs until `stop` is set or SIGTERM or SIGINT comes (in the main thread): then what is being worked on is
        finished first. With `drain` it returns when nothing is free, with `once` after one prompt. The handler is
        called in threads, `concurrency` at a time.

        Raises what claim raises, but for StoreUnavailable and Throttled, after which it goes on.
        """
        check_count(concurrency, "concurrency")
        stop = stop or threading.Event()
        now = self._table.now
        return Loop(self, handler, worker, lease, task_type, concurrency, drain, once, stop, now).run()

    def changes(
        self,
        *,
        start: Start = "now",
        checkpoint: str | PathLike[str] | None = None,
        stop: threading.Event | None = None,
    ) -> Iterator[Change]:
        """Yield what happens to prompts, from the table's stream, from now on or from the oldest record (24 hours).

        Runs until `stop` is set. Each change comes at least once, a prompt's in order. `checkpoint` is a file that
        keeps how far it came: a change counts as read when the next one is asked for, and after a restart, also after
        a kill, the same call goes on there, whatever `start` says. One reader to a file.

        Raises ChangesLost if it can't go on without a gap, CheckpointRefused if the file is another table's, and
        StoreMisconfigured if the table has no stream. StoreUnavailable is logged, and it goes on.
        """
        path = None if checkpoint is None else Path(checkpoint)
        return read_changes(self._table, start, path, stop or threading.Event())

    def import_prompts(
        self,
        source: str | PathLike[str] | BinaryIO,
        *,
        rejects: str | PathLike[str] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        workers: int = DEFAULT_WORKERS,
        again: bool = False,
        on_progress: Callable[[ImportReport], object] | None = None,
    ) -> ImportReport:
        """Import NDJSON (see tap.store.bulk.lines) and return the counts; memory doesn't grow with the file.

        A prompt that exists is never overwritten: the same one counts as existing, a different one under
        its id is rejected. Lines that can't be imported go to `rejects` (SOURCE.import-….rejects) with
        number and reason; an import from the start replaces that file. How far it came is kept beside the
        source (SOURCE.import-….json), or in `checkpoint`, with the rejects beside that: after a kill the same
        call goes on where it stopped, nothing lost, nothing doubled. A file that was imported completely is
        not imported a second time unless `again`; of one that has grown since, only the new lines are. A table
        deployed anew under its old name is told from the old one if DescribeTable is allowed. A stream (also a
        FIFO's path) can't be continued; lines of it without an id get a random one.

        Raises ImportRefused (changed since, in UTF-16, another import of the file is running, no place to keep how
        far it came), and the store's other errors after keeping what was done.
        """
        return import_prompts(
            self._table,
            Path(source) if isinstance(source, str | PathLike) else source,
            rejects=None if rejects is None else Path(rejects),
            checkpoint=None if checkpoint is None else Path(checkpoint),
            workers=workers,
            again=again,
            on_progress=on_progress,
        )

    def export_prompts(
        self,
        target: str | PathLike[str] | BinaryIO,
        *,
        segments: int = DEFAULT_SEGMENTS,
        on_progress: Callable[[ExportReport], object] | None = None,
    ) -> ExportReport:
        """Write all living prompts as NDJSON and return the counts; memory doesn't grow with the table.

        Reads consistently (1 read unit per 4 KB), in parallel segments, in no order. A file appears only
        when it is complete; a FIFO, a device or a link is written straight into. Items that are no prompts
        are counted and named in the report.
        """
        return export_prompts(
            self._table,
            Path(target) if isinstance(target, str | PathLike) else target,
            segments=segments,
            on_progress=on_progress,
        )

    def reindex(
        self,
        *,
        checkpoint: str | PathLike[str] | None = None,
        workers: int = DEFAULT_WORKERS,
        on_progress: Callable[[ReindexReport], object] | None = None,
    ) -> ReindexReport:
        """Give each unfinished prompt its entry in the claim index, and return the counts; safe beside workers.

        Workers find prompts without an entry by themselves, a few at a time; after switching the index on, this finds
        all at once, and `list` has them. Reads the table once (1 read unit per 4 KB). `checkpoint` is a file that keeps
        how far it came: after a kill the same call goes on there. It is gone when all is done.

        Raises StoreMisconfigured if the table has no claim index, CheckpointRefused if the file is another table's.
        """
        return reindex(self._table, None if checkpoint is None else Path(checkpoint), workers, on_progress)
