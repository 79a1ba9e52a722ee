"""Writing a chunk of prompts: never over a living one, never twice.

A living prompt is never overwritten: BatchWriteItem has no condition, so each chunk of up to 100
prompts first reads which of its ids exist (BatchGetItem, consistent) and writes the others, 25 per
request. When it is unknown whether a BatchWriteItem was carried out, its prompts are written one by one
on condition that they don't exist: sending the batch again could put back what a worker has taken
meanwhile. What remains: a prompt that another program creates under the same id between that read and
that write (some milliseconds) is overwritten; only lines that bring their own ids can meet this.
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
        # An id drawn in this run can't be there; one drawn by a run that was killed can.
        found = self._find(list(chunk.items if self._resumed else chunk.own_ids))
        missing = []
        for prompt_id, (line, item) in chunk.items.items():
            if prompt_id in found:
                self._note_existing(chunk, line, found[prompt_id], item)
            else:
                missing.append((line, item))
        for start in range(0, len(missing), BATCH):
            self._write_batch(chunk, missing[start : start + BATCH])
        return chunk

    def _note_existing(self, chunk: Chunk, line: int, stored: Item | None, item: Item) -> None:
        if stored is not None and same_prompt(stored, item):
            chunk.existing += 1
        else:
            prompt_id = item["id"]["S"]
            chunk.rejects.append((line, f"another prompt has the id {prompt_id!r}.", item["prompt_text"]["S"]))

    def _find(self, ids: list[str]) -> dict[str, Item]:
        """Those of the ids that are living prompts, as far as they tell one from another."""
        found: dict[str, Item] = {}
        names = {f"#{name}": name for name in ("id", "ttl", *IDENTITY)}
        keys: Any = [{"id": {"S": prompt_id}} for prompt_id in ids]
        table = self._table.table_name
        now = self._table.now()
        tries = 0
        while keys:
            request: Any = {"Keys": keys, "ConsistentRead": True, "ProjectionExpression": ", ".join(names)}
            request["ExpressionAttributeNames"] = names
            with Calling(table):
                reply: Any = self._table.client.batch_get_item(RequestItems={table: request})
            for item in reply.get("Responses", {}).get(table, []):
                if not is_expired(item, now):
                    found[item["id"]["S"]] = item
            rest = reply.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            tries = self._back_off(tries, progress=len(rest) < len(keys)) if rest else 0
            keys = rest
        return found

    def _write_batch(self, chunk: Chunk, batch: list[tuple[int, Item]]) -> None:
        table = self._table.table_name
        puts: Any = [{"PutRequest": {"Item": item}} for _, item in batch]
        tries = 0
        while puts:
            try:
                reply: Any = self._once.batch_write_item(RequestItems={table: puts})
            except Exception as error:
                mapped = translate(error, table)
                if isinstance(mapped, Throttled):
                    tries = self._back_off(tries, progress=False, cause=mapped)
                    puts = self._still_missing(chunk, batch, puts)
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
                rest = self._still_missing(chunk, batch, rest)
            puts = rest

    def _still_missing(self, chunk: Chunk, batch: list[tuple[int, Item]], puts: Any) -> Any:
        """After a pause: leave out what another program has created under the line's own id meanwhile."""
        waiting = {put["PutRequest"]["Item"]["id"]["S"] for put in puts}
        found = self._find(sorted(waiting & chunk.own_ids))
        for line, item in batch:
            if item["id"]["S"] in found:
                self._note_existing(chunk, line, found[item["id"]["S"]], item)
        return [put for put in puts if put["PutRequest"]["Item"]["id"]["S"] not in found]

    def _write_singly(self, chunk: Chunk, batch: list[tuple[int, Item]]) -> None:
        """Write prompts of which nobody knows whether they are there, or which of them DynamoDB refuses."""
        for line, item in batch:
            try:
                outcome = self._table.put_new(item, self._table.now())
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
