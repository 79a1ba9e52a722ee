"""Writing a chunk of prompts: never over a living one, never twice.

A living prompt is never overwritten. Lines that bring their own ids are written on condition, all of a chunk in one
transaction: however late a request is carried out, it puts nothing back that others have created, claimed or finished
meanwhile. That costs two write units per KB instead of one; what is there already is read first (BatchGetItem,
consistent), so that a transaction is seldom refused. Lines without an id get one that nobody else can have:
they are written 25 per BatchWriteItem, which has no condition. When it is unknown whether one was carried out, its
prompts are written one by one on condition that they don't exist: a worker may have taken some.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from threading import Event
from typing import Any, Final

from tap.store.bulk.chunks import Chunk
from tap.store.client import make_client
from tap.store.errors import Calling, StoreError, StoreUnavailable, Throttled, is_refused, translate
from tap.store.items import Item, is_expired
from tap.store.table import IDENTITY, Table, same_prompt

BATCH: Final = 25  # BatchWriteItem's limit; a chunk's bytes keep it far below its 16 MB
TRIES: Final = 10
PATIENCE: Final = 15.0  # seconds without progress of any worker


# Why a transaction is refused although nothing is wrong with what it writes.
_MAY_PASS: Final = frozenset(
    ["None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
)


class ChunkWriter:
    """Writes chunks from several threads; `stop` ends all waiting."""

    def __init__(self, table: Table, *, resumed: bool) -> None:
        self._table = table
        self._resumed = resumed
        self.stop = Event()
        self._progress = time.monotonic()
        # botocore must not repeat a BatchWriteItem by itself: see this module's docstring.
        self._once = make_client(replace(table.settings, attempts=1), table.table_name)

    def close(self) -> None:
        """Close the connections."""
        self.stop.set()
        self._once.close()

    def write(self, chunk: Chunk) -> Chunk:
        """Write the chunk's prompts that aren't in the table yet."""
        for earlier in chunk.before:
            earlier.done.wait()
        # An id drawn in this run can't be there; one drawn by a run that was killed can.
        found = self._find(list(chunk.items if self._resumed else chunk.own_ids))
        missing = []
        for prompt_id, (line, item) in chunk.items.items():
            if prompt_id in found:
                self._note_existing(chunk, line, found[prompt_id], item)
            else:
                missing.append((line, item))
        self._write_own(chunk, [pair for pair in missing if pair[1]["id"]["S"] in chunk.own_ids])
        drawn = [pair for pair in missing if pair[1]["id"]["S"] not in chunk.own_ids]
        for start in range(0, len(drawn), BATCH):
            self._write_batch(chunk, drawn[start : start + BATCH])
        self._write_repeats(chunk)
        return chunk

    def _write_repeats(self, chunk: Chunk) -> None:
        """Lines whose id an earlier line of the chunk has: as a rule, that one is there now."""
        found = self._find(sorted({item["id"]["S"] for _, item in chunk.repeats}))
        for line, item in chunk.repeats:
            if item["id"]["S"] in found:
                self._note_existing(chunk, line, found[item["id"]["S"]], item)
            else:
                self._write_singly(chunk, [(line, item)])

    def _note_existing(self, chunk: Chunk, line: int, stored: Item | None, item: Item) -> None:
        if stored is not None and same_prompt(stored, item):
            chunk.existing += 1
        else:
            prompt_id = item["id"]["S"]
            chunk.rejects.append((line, f"another prompt has the id {prompt_id!r}.", item["prompt_text"]["S"]))

    def _find(self, ids: list[str]) -> dict[str, Item]:
        """Those of the ids that are living prompts, as far as they tell one from another."""
        found: dict[str, Item] = {}
        now = self._table.now()
        tries, missing = 0, len(ids)
        for reply in self._table.read_all(ids, ("id", "ttl", *IDENTITY), consistent=True) if ids else ():
            found |= {item["id"]["S"]: item for item in reply.items if not is_expired(item, now)}
            if reply.left:
                tries = self._back_off(tries, progress=reply.left < missing)
            missing = reply.left
        return found

    def _write_own(self, chunk: Chunk, pairs: list[tuple[int, Item]]) -> None:
        """Write those that have no prompt in their way; where DynamoDB finds fault with one, each by itself."""
        tries = 0
        while pairs:
            put = [self._table.put_of(item) for _, item in pairs]
            try:
                with Calling(self._table.table_name):
                    # Sent again by botocore it is the same transaction: its token comes with it.
                    self._table.client.transact_write_items(TransactItems=put)  # type: ignore[arg-type]
            except Throttled as error:
                tries = self._back_off(tries, progress=False, cause=error)
                continue
            except StoreError as error:
                reasons = _reasons(error, len(pairs))
                if reasons is None and not is_refused(error.__cause__):
                    raise
                if reasons is None or not _MAY_PASS.issuperset(reason["Code"] for reason in reasons):
                    self._write_singly(chunk, pairs)
                    return
                tries, pairs = self._without_existing(chunk, pairs, reasons, tries)
                continue
            chunk.imported += len(pairs)
            self._progress = time.monotonic()
            return

    def _without_existing(
        self, chunk: Chunk, pairs: list[tuple[int, Item]], reasons: list[dict[str, Any]], tries: int
    ) -> tuple[int, list[tuple[int, Item]]]:
        """What to write once more after a refused transaction, after a pause if others' writes were in the way."""
        rest = []
        for (line, item), reason in zip(pairs, reasons, strict=True):
            if reason["Code"] == "ConditionalCheckFailed":
                self._note_existing(chunk, line, reason.get("Item"), item)
            else:
                rest.append((line, item))
        progress = len(rest) < len(pairs)
        return (0 if progress else self._back_off(tries, progress=False)), rest

    def _write_batch(self, chunk: Chunk, batch: list[tuple[int, Item]]) -> None:
        table = self._table.table_name
        puts: Any = [{"PutRequest": {"Item": self._table.entered(item)}} for _, item in batch]
        tries = 0
        while puts:
            try:
                reply: Any = self._once.batch_write_item(RequestItems={table: puts})
            except Exception as error:
                mapped = translate(error, table)
                if isinstance(mapped, Throttled):
                    tries = self._back_off(tries, progress=False, cause=mapped)
                    continue
                if isinstance(mapped, StoreUnavailable) or is_refused(error):
                    left = {put["PutRequest"]["Item"]["id"]["S"] for put in puts}
                    self._write_singly(chunk, [pair for pair in batch if pair[1]["id"]["S"] in left])
                    return
                raise (mapped or error) from error
            rest = reply.get("UnprocessedItems", {}).get(table, [])
            chunk.imported += len(puts) - len(rest)
            if len(rest) < len(puts):
                self._progress = time.monotonic()
            if rest:
                tries = self._back_off(tries, progress=len(rest) < len(puts))
            puts = rest

    def _write_singly(self, chunk: Chunk, batch: list[tuple[int, Item]]) -> None:
        """Write prompts on condition, when nobody knows whether they are there, or which of them DynamoDB refuses."""
        for line, item in batch:
            try:
                outcome = self._table.put_new(item)
            except StoreError as error:
                if not is_refused(error.__cause__):
                    raise
                chunk.rejects.append((line, str(error), item["prompt_text"]["S"]))
                continue
            if outcome.applied or (outcome.item is not None and outcome.item["id"]["S"] not in chunk.own_ids):
                chunk.imported += 1
            else:
                self._note_existing(chunk, line, outcome.item, item)

    def _back_off(self, tries: int, *, progress: bool, cause: Exception | None = None) -> int:
        """Wait before what DynamoDB did not get to: twice as long each time, with full jitter.

        A slow table takes something from one worker or another: that is no reason to give up.
        """
        tries = 1 if progress else tries + 1
        if progress:
            self._progress = time.monotonic()
        stuck = tries > TRIES and time.monotonic() - self._progress > PATIENCE
        if stuck or self.stop.is_set():
            raise Throttled(
                f"Table {self._table.table_name!r} took nothing in {tries - 1} tries.",
                table=self._table.table_name,
            ) from cause
        self.stop.wait(random.uniform(0, min(5.0, 0.05 * 2 ** min(tries, TRIES))))  # noqa: S311 -- jitter
        return tries


def _reasons(error: StoreError, count: int) -> list[dict[str, Any]] | None:
    """Why a transaction was refused, for each of its items; None if it was something else that went wrong."""
    reasons: Any = (getattr(error.__cause__, "response", None) or {}).get("CancellationReasons")
    return reasons if reasons and len(reasons) == count else None
