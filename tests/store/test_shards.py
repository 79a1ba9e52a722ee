"""Streams of several shards: the embedded AWS has none, DynamoDB Local only after hours, so the client is a fake.

What is read, and where a reader goes on, are the store's own.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tap.store import ChangesLost, ClientSettings, PromptStore
from tap.store import stream as reading
from tests.support.store_table import ManualClock

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1"


class Streams:
    """Shards by id: their parent, whether they have ended, and their records, numbered in the order of writing."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.shards: dict[str, Any] = {}
        self.written = 0

    def shard(self, name: str, parent: str | None = None) -> None:
        self.shards[name] = SimpleNamespace(parent=parent, ended=False, records=[])

    def write(self, shard: str, prompt_id: str) -> None:
        self.written += 1
        texts = {"id": prompt_id, "prompt_text": "text", "task_type": "type", "status": "pending"}
        at = self.clock().astimezone(UTC)
        image = {name: {"S": text} for name, text in texts.items()}
        said = {"ApproximateCreationDateTime": at, "SequenceNumber": f"{self.written:021}", "NewImage": image}
        self.shards[shard].records.append({"dynamodb": said})

    def describe_stream(self, **_: Any) -> Any:
        listed = []
        for name, shard in self.shards.items():
            numbers = {"StartingSequenceNumber": "0"} | ({"EndingSequenceNumber": "9"} if shard.ended else {})
            parent = {"ParentShardId": shard.parent} if shard.parent else {}
            listed.append({"ShardId": name, "SequenceNumberRange": numbers, **parent})
        return {"StreamDescription": {"Shards": listed}}

    def get_shard_iterator(self, ShardId: str, ShardIteratorType: str, SequenceNumber: str = "", **_: Any) -> Any:  # noqa: N803
        numbers = [record["dynamodb"]["SequenceNumber"] for record in self.shards[ShardId].records]
        starts = {"TRIM_HORIZON": 0, "LATEST": len(numbers)}
        after = sum(number <= SequenceNumber for number in numbers)
        return {"ShardIterator": f"{ShardId} {starts.get(ShardIteratorType, after)}"}

    def get_records(self, ShardIterator: str) -> Any:  # noqa: N803
        name, start = ShardIterator.split()
        shard = self.shards[name]
        more = {} if shard.ended else {"NextShardIterator": f"{name} {len(shard.records)}"}
        return {"Records": shard.records[int(start) :], **more}

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def streams(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Streams:
    fake = Streams(clock)
    monkeypatch.setattr(reading, "make_client", lambda *_: fake)
    monkeypatch.setattr(reading, "_stream_of", lambda _: ARN)
    monkeypatch.setattr(reading, "PAUSE", 0.001)
    return fake


@pytest.fixture
def reader(clock: ManualClock) -> PromptStore:
    return PromptStore("t", ClientSettings("us-east-1", "http://127.0.0.1:9"), clock)


def ids(changes: Any, count: int) -> list[str]:
    return [change.id for change in islice(changes, count)]


def test_a_parent_is_read_to_its_end_before_its_children(streams: Streams, reader: PromptStore) -> None:
    streams.shard("b-child", "c-parent")  # listed first
    streams.shard("a-grandchild", "b-child")
    streams.shard("c-parent")
    for name, shard in (("first", "c-parent"), ("second", "b-child"), ("third", "a-grandchild")):
        streams.write(shard, name)
    streams.shards["c-parent"].ended = streams.shards["b-child"].ended = True
    assert ids(reader.changes(start="oldest"), 3) == ["first", "second", "third"]


def test_a_shard_that_goes_on_in_two_is_followed(streams: Streams, reader: PromptStore) -> None:
    streams.shard("parent")
    streams.write("parent", "before")
    changes = reader.changes()
    streams.write("parent", "one")
    assert ids(changes, 1) == ["one"]
    streams.shards["parent"].ended = True
    for name in ("left", "right"):
        streams.shard(name, "parent")
        streams.write(name, name)
    assert sorted(ids(changes, 2)) == ["left", "right"]


def test_from_now_on_leaves_out_what_has_ended(streams: Streams, reader: PromptStore) -> None:
    streams.shard("ended")
    streams.write("ended", "old")
    streams.shards["ended"].ended = True
    streams.shard("open", "ended")
    streams.write("open", "old as well")
    changes = reader.changes()
    streams.write("open", "new")
    assert ids(changes, 1) == ["new"]


def test_a_reader_killed_before_anything_happened_tells_nothing_old(
    streams: Streams, reader: PromptStore, clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "changes.json"
    streams.shard("only")
    streams.write("only", "long ago")
    clock.advance(timedelta(hours=1))
    reader.changes(checkpoint=file)
    clock.advance(timedelta(minutes=1))
    streams.write("only", "meanwhile")
    assert ids(reader.changes(checkpoint=file), 1) == ["meanwhile"]


def test_a_reader_goes_on_in_the_shard_that_followed(streams: Streams, reader: PromptStore, tmp_path: Path) -> None:
    file = tmp_path / "changes.json"
    streams.shard("parent")
    changes = reader.changes(checkpoint=file)
    streams.write("parent", "one")
    streams.write("parent", "two")
    assert ids(changes, 1) == ["one"]
    changes.close()  # type: ignore[attr-defined]
    streams.shards["parent"].ended = True
    streams.shard("child", "parent")
    streams.write("child", "three")
    assert ids(reader.changes(checkpoint=file), 3) == ["one", "two", "three"]


@pytest.mark.parametrize("away", ["the shard", "the shard between"])
def test_shards_that_are_gone_are_told(streams: Streams, reader: PromptStore, tmp_path: Path, away: str) -> None:
    file = tmp_path / "changes.json"
    streams.shard("parent")
    reader.changes(checkpoint=file)
    if away == "the shard":
        del streams.shards["parent"]
    else:
        known = json.loads(file.read_text())
        known["shards"]["parent"]["done"] = True
        file.write_text(json.dumps(known))
        streams.shard("grandchild", "child")  # and the child is no longer listed
    with pytest.raises(ChangesLost, match="not read to their end"):
        reader.changes(checkpoint=file)


def test_what_ended_and_is_no_longer_listed_is_forgotten(
    streams: Streams, reader: PromptStore, clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "changes.json"
    streams.shard("parent")
    streams.write("parent", "one")
    changes = reader.changes(start="oldest", checkpoint=file)
    streams.shards["parent"].ended = True
    streams.shard("child", "parent")
    streams.write("child", "two")
    assert ids(changes, 2) == ["one", "two"]
    del streams.shards["parent"]
    clock.advance(timedelta(minutes=2))
    streams.write("child", "three")
    streams.write("child", "four")
    assert ids(changes, 1) == ["three"]
    changes.close()  # type: ignore[attr-defined]
    reader.changes(checkpoint=file)
    assert set(json.loads(file.read_text())["shards"]) == {"child"}


def test_times_are_utc(streams: Streams, reader: PromptStore, clock: ManualClock) -> None:
    streams.shard("only")
    streams.write("only", "one")
    (change,) = islice(reader.changes(start="oldest"), 1)
    assert change.at == clock()
    assert change.at.tzinfo is UTC
    assert change.at < datetime.max.replace(tzinfo=UTC)
