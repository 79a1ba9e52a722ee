"""Reading the table's stream: all shards, parents before their children, and from a checkpoint on after a restart.

A stream keeps records for 24 hours, in shards. A shard ends after some hours, and goes on in one child or more; the
records of one item follow each other in a shard and then in its children.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from tap.store.bulk.files import naming, save_json
from tap.store.changes import Change, change_of
from tap.store.client import make_client
from tap.store.errors import (
    Calling,
    ChangesLost,
    CheckpointRefused,
    InvalidPrompt,
    StoreError,
    StoreMisconfigured,
    StoreUnavailable,
)
from tap.store.table import Table
from tap.store.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

Start = Literal["now", "oldest"]
#: How long a stream keeps a record.
KEPT: Final = timedelta(hours=24)
#: Seconds between two looks while nothing happens.
PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
#: So often the shards are listed anew and the checkpoint is written, also when nothing happens.
_REFRESHED_EVERY: Final = timedelta(seconds=60)
#: How much earlier than it was a record's time may be: AWS rounds it to the second, DynamoDB Local to the minute.
_ROUNDED: Final = timedelta(minutes=1)
_log = logging.getLogger("tap.store")


@dataclass
class Shard:
    """Where the reader is in a shard: after the record `after`, or at its beginning.

    `since`: of a shard whose end was the start, and that had no record yet, only what came since counts.
    """

    after: str | None = None
    since: str | None = None
    done: bool = False


@dataclass
class Position:
    """Where the reader is in a stream: what a checkpoint holds."""

    stream: str
    saved_at: str
    shards: dict[str, Shard] = field(default_factory=dict)


def read_changes(table: Table, start: Start, checkpoint: Path | None, stop: threading.Event) -> Iterator[Change]:
    """See PromptStore.changes."""
    if start not in ("now", "oldest"):
        raise InvalidPrompt(f"start must be now or oldest (got {start!r}).")
    reader = _Reader(table, start, checkpoint)
    return reader.changes(stop)


class _Reader:
    def __init__(self, table: Table, start: Start, checkpoint: Path | None) -> None:
        self._table = table
        self._checkpoint = checkpoint
        self._client: DynamoDBStreamsClient = make_client(table.settings, table.table_name, "dynamodbstreams")
        self._iterators: dict[str, str] = {}
        self._at_the_end: set[str] = set()  # shards that had no record yet since the start
        self._parents: dict[str, str | None] = {}
        stream = _stream_of(table)
        found = None if checkpoint is None else _loaded(checkpoint, table, stream)
        self._position = found or Position(stream, iso(table.now()))
        self._list_shards(start if found is None else None)
        self._save()

    def changes(self, stop: threading.Event) -> Iterator[Change]:
        pause = PAUSE
        try:
            while not stop.is_set():
                try:
                    some = False
                    for change in self._round(stop):
                        some = True
                        yield change
                    if self._is_stale():
                        self._list_shards(None)
                        self._save()
                    pause = PAUSE
                except StoreUnavailable as error:
                    _log.warning("%s", error)
                    some, pause = False, min(2 * pause, _LONGEST_PAUSE)
                if not some:
                    stop.wait(pause)
        finally:
            self._save()
            self._client.close()

    def _round(self, stop: threading.Event) -> Iterator[Change]:
        """What there is now in each shard whose parent has been read to its end."""
        ended = False
        for shard_id, shard in list(self._position.shards.items()):
            parent = self._position.shards.get(self._parents.get(shard_id) or "")
            if shard.done or (parent is not None and not parent.done):
                continue
            yield from self._records(shard_id, shard, stop)
            ended = ended or shard.done
        if ended:
            self._list_shards(None)
            self._save()

    def _records(self, shard_id: str, shard: Shard, stop: threading.Event) -> Iterator[Change]:
        iterator = self._iterators.get(shard_id) or self._iterator(shard_id, shard)
        try:
            with self._calling():
                reply = self._client.get_records(ShardIterator=iterator)
        except ChangesLost:
            # DynamoDB Local says so of a shard's end as well, while it has no record. From its beginning, then: what
            # is older than the start is passed over.
            if shard_id not in self._at_the_end:
                raise
            self._forget(shard_id)
            return
        except StoreError as error:
            if _code(error) != "ExpiredIteratorException":
                raise
            self._forget(shard_id)
            return
        for record in reply["Records"]:
            at = record["dynamodb"]["ApproximateCreationDateTime"]
            early = shard.since is not None and at < from_iso(shard.since)
            change = None if early else change_of(record, self._table.table_name)
            if change is not None:
                yield change
            shard.after, shard.since = record["dynamodb"]["SequenceNumber"], None
            self._at_the_end.discard(shard_id)
            if stop.is_set():
                self._forget(shard_id)
                return
        following = reply.get("NextShardIterator")
        if following is None:
            shard.done = True
            self._forget(shard_id)
        else:
            self._iterators[shard_id] = following
        if reply["Records"]:
            self._save()

    def _forget(self, shard_id: str) -> None:
        """Ask for a new iterator at the next look, from the shard's position on."""
        self._iterators.pop(shard_id, None)
        self._at_the_end.discard(shard_id)

    def _iterator(self, shard_id: str, shard: Shard, kind: str = "") -> str:
        options: Any = {"ShardIteratorType": kind or "TRIM_HORIZON"}
        if shard.after is not None:
            options = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": shard.after}
        with self._calling():
            reply = self._client.get_shard_iterator(StreamArn=self._position.stream, ShardId=shard_id, **options)
        return reply["ShardIterator"]

    def _list_shards(self, start: Start | None) -> None:
        """Take up the shards that are new: from the start, the stream's end or its oldest record, else whole ones."""
        shards = self._position.shards
        listed: dict[str, Any] = {}
        request: dict[str, Any] = {"StreamArn": self._position.stream}
        while True:
            with self._calling():
                found = self._client.describe_stream(**request)["StreamDescription"]
            listed |= {one["ShardId"]: one for one in found.get("Shards", [])}
            if "LastEvaluatedShardId" not in found:
                break
            request["ExclusiveStartShardId"] = found["LastEvaluatedShardId"]
        self._parents = {shard_id: one.get("ParentShardId") for shard_id, one in listed.items()}
        if start is None:
            known = {None, *listed, *shards}
            unfinished = [shard_id for shard_id, shard in shards.items() if not shard.done and shard_id not in listed]
            orphans = [one for one, parent in self._parents.items() if one not in shards and parent not in known]
            if gone := [*unfinished, *orphans]:
                raise self._lost(f"shards are gone that were not read to their end ({', '.join(gone)})")
        for shard_id in [shard_id for shard_id in shards if shard_id not in listed]:
            del shards[shard_id]
        for shard_id, one in listed.items():
            if shard_id in shards:
                continue
            shards[shard_id] = Shard()
            if start == "now":
                ended = "EndingSequenceNumber" in one.get("SequenceNumberRange", {})
                shards[shard_id] = Shard(since=iso(self._table.now() - _ROUNDED), done=ended)
                if not ended:
                    self._iterators[shard_id] = self._iterator(shard_id, shards[shard_id], "LATEST")
                    self._at_the_end.add(shard_id)

    def _is_stale(self) -> bool:
        return self._table.now() - from_iso(self._position.saved_at) > _REFRESHED_EVERY

    def _save(self) -> None:
        self._position.saved_at = iso(self._table.now())
        if self._checkpoint is not None:
            save_json(self._checkpoint, asdict(self._position))

    def _calling(self) -> _Streaming:
        return _Streaming(self)

    def _lost(self, why: str) -> ChangesLost:
        return _lost(self._table, self._checkpoint, why)


class _Streaming(Calling):
    """Round each request to the stream: records that are gone are no error of the request's."""

    __slots__ = ("_reader",)

    def __init__(self, reader: _Reader) -> None:
        super().__init__(reader._table.table_name)
        self._reader = reader

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        try:
            super().__exit__(kind, error, traceback)
        except StoreError as mapped:
            if _code(mapped) == "TrimmedDataAccessException":
                raise self._reader._lost("records are gone that were not read") from mapped
            raise


def _code(error: StoreError) -> str:
    response: Any = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _stream_of(table: Table) -> str:
    with Calling(table.table_name):
        described = table.client.describe_table(TableName=table.table_name)["Table"]
    if not described.get("StreamSpecification", {}).get("StreamEnabled"):
        raise StoreMisconfigured(f"Table {table.table_name!r} has no stream.", table=table.table_name)
    return described["LatestStreamArn"]


def _loaded(checkpoint: Path, table: Table, stream: str) -> Position | None:
    try:
        with naming(checkpoint):
            found = json.loads(checkpoint.read_bytes())
        shards = {shard_id: Shard(**shard) for shard_id, shard in found["shards"].items()}
        position = Position(found["stream"], found["saved_at"], shards)
        away = table.now() - from_iso(position.saved_at)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointRefused(f"{checkpoint} does not say how far changes were read: name another file.") from error
    if position.stream.partition("/stream/")[0] != stream.partition("/stream/")[0]:
        raise CheckpointRefused(f"{checkpoint} is of another table's changes: name another file.")
    if position.stream != stream:
        raise _lost(table, checkpoint, "the table has got a new stream since")
    if away > KEPT:
        raise _lost(table, checkpoint, f"they were last read {away.total_seconds() / 3600:.0f} hours ago")
    return position


def _lost(table: Table, checkpoint: Path | None, why: str) -> ChangesLost:
    file = "" if checkpoint is None else f" remove {checkpoint},"
    return ChangesLost(
        f"Changes of {table.table_name!r} are lost: {why}, and a stream keeps them for 24 hours."
        f" To go on,{file} start again, and read what is in the table now (an export or a list).",
        table=table.table_name,
    )
