"""Changes from the table's stream: their kinds, where a reader goes on, and what it does about a gap."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tap.store import (
    Change,
    ChangesLost,
    CheckpointRefused,
    ClientSettings,
    InvalidPrompt,
    PromptStore,
    StoreMisconfigured,
)
from tap.store import stream as reading
from tap.store.changes import KINDS, change_of
from tests.store.test_claims import LEASE, claimed
from tests.support.store_table import ManualClock, stream_on

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AT = datetime(2031, 5, 17, 12, tzinfo=UTC)
PROMPT: dict[str, Any] = {name: {"S": name} for name in ("id", "prompt_text", "task_type")} | {
    "status": {"S": "pending"}
}
PAST, FUTURE = {"N": "1"}, {"N": "4000000000"}


def record(old: dict[str, Any] | None, new: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    images = {name: PROMPT | image for name, image in (("OldImage", old), ("NewImage", new)) if image is not None}
    return {"dynamodb": {"ApproximateCreationDateTime": AT, "SequenceNumber": "1", **images}, **more}


HELD = {"status": {"S": "in_progress"}, "claim_token": {"S": "a"}, "lease_until": {"N": "1"}}
RECORDS: list[tuple[str | None, dict[str, Any]]] = [
    ("created", record(None, {})),
    ("claimed", record({}, HELD)),
    ("claimed", record(HELD, HELD | {"claim_token": {"S": "b"}})),  # its lease had run out
    ("extended", record(HELD, HELD | {"lease_until": {"N": "2"}})),
    ("completed", record(HELD, {"status": {"S": "completed"}})),
    ("completed", record({}, {"status": {"S": "completed"}})),
    ("failed", record(HELD, {"status": {"S": "failed"}})),
    ("released", record(HELD, {})),
    ("updated", record({"status": {"S": "failed"}}, {})),
    ("updated", record({}, {"status": {"S": "in_progress"}})),  # by hand, without a claim
    ("updated", record({}, {"note": {"S": "by another program"}})),
    ("deleted", record({"ttl": FUTURE}, None)),
    ("expired", record({"ttl": PAST}, None)),
    ("expired", record({}, None, userIdentity={"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"})),
    ("created", record({"ttl": PAST, "created_at": {"S": "1"}}, {"created_at": {"S": "2"}})),
    (None, record({}, {"claim_queue": {"S": "pending"}, "claim_order": {"S": "1"}, "claim_rank": {"S": "1"}})),
    (None, record(None, {"prompt_text": {"NULL": True}})),  # a ghost
]


@pytest.mark.parametrize(("kind", "told"), RECORDS)
def test_a_record_is_told_in_the_stores_words(kind: str | None, told: dict[str, Any]) -> None:
    change = change_of(told, "table")
    assert (change and change.kind) == kind
    if change is not None:
        assert (change.old is None) == (kind == "created")
        assert (change.new is None) == (kind in {"deleted", "expired"})
        assert (change.id, change.at, change.sequence) == ("id", AT, "1")


def test_each_kind_is_tried_here() -> None:
    assert {kind for kind, _ in RECORDS if kind} == set(KINDS)


@pytest.fixture
def table(table: str, client: DynamoDBClient) -> str:
    """With a stream, as the stack's has it."""
    stream_on(client, table)
    return table


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAUSE", 0.01)


def some(changes: Iterator[Change], count: int) -> list[tuple[str, str]]:
    return [(change.kind, change.id) for change in islice(changes, count)]


@pytest.mark.usefixtures("quick")
def test_a_prompts_life_is_told(live: PromptStore) -> None:
    changes = live.changes()
    live.create("text", "type", prompt_id="p")
    claim = claimed(live)
    live.extend(claim, lease=2 * LEASE)
    live.fail(claim, "why")
    live.update_status("p", "pending")
    found = [next(changes) for _ in range(5)]
    assert [change.kind for change in found] == ["created", "claimed", "extended", "failed", "updated"]
    assert found[3].old is not None
    assert (found[3].old.status, found[3].prompt.result) == ("in_progress", "why")
    live.delete("p")
    assert next(changes).kind == "deleted"


@pytest.mark.usefixtures("quick")
def test_it_begins_where_it_is_told(live: PromptStore) -> None:
    live.create("text", "type", prompt_id="before")
    now = live.changes()
    live.create("text", "type", prompt_id="after")
    assert some(now, 1) == [("created", "after")]
    assert some(live.changes(start="oldest"), 2) == [("created", "before"), ("created", "after")]
    with pytest.raises(InvalidPrompt, match="now or oldest"):
        live.changes(start="yesterday")  # type: ignore[arg-type]


@pytest.mark.usefixtures("quick")
def test_it_goes_on_from_its_checkpoint(live: PromptStore, tmp_path: Path) -> None:
    file = tmp_path / "changes.json"
    live.changes(checkpoint=file)  # killed before anything happened
    for number in range(4):
        live.create("text", "type", prompt_id=f"p{number}")
    first = live.changes(checkpoint=file)
    assert some(first, 2) == [("created", "p0"), ("created", "p1")]
    first.close()  # type: ignore[attr-defined]
    # The second does not count as read: nobody asked for a third.
    assert some(live.changes(checkpoint=file), 3) == [("created", f"p{number}") for number in (1, 2, 3)]


@pytest.mark.usefixtures("quick")
def test_it_ends_when_it_is_told(live: PromptStore) -> None:
    stop = threading.Event()
    stop.set()
    live.create("text", "type")
    assert list(live.changes(start="oldest", stop=stop)) == []


def test_a_reader_that_was_away_too_long_is_told(table: str, settings: ClientSettings, tmp_path: Path) -> None:
    clock, file = ManualClock(), tmp_path / "changes.json"
    with PromptStore(table, settings, clock=clock) as store:
        store.changes(checkpoint=file)
        clock.advance(timedelta(hours=23))
        store.changes(checkpoint=file)
        before = file.read_text()
        clock.advance(timedelta(hours=25))
        with pytest.raises(ChangesLost, match=r"25 hours ago.*remove .*changes\.json, start again"):
            store.changes(checkpoint=file)
        assert file.read_text() == before


def test_records_and_shards_that_are_gone_are_told(live: PromptStore, tmp_path: Path) -> None:
    file = tmp_path / "changes.json"
    live.changes(checkpoint=file)
    known = json.loads(file.read_text())
    file.write_text(json.dumps(known | {"shards": {"gone": {"after": "1", "since": None, "done": False}}}))
    with pytest.raises(ChangesLost, match="not read to their end"):
        live.changes(checkpoint=file)
    file.write_text(json.dumps(known | {"stream": known["stream"] + "0"}))
    with pytest.raises(ChangesLost, match="a new stream"):
        live.changes(checkpoint=file)


@pytest.mark.usefixtures("quick")
def test_trimmed_records_are_told(live: PromptStore) -> None:
    changes = live.changes(start="oldest")

    def trim(**_: object) -> None:
        raise ClientError({"Error": {"Code": "TrimmedDataAccessException", "Message": "gone"}}, "GetRecords")

    changes.gi_frame.f_locals["self"]._client.meta.events.register("before-call.dynamodb-streams.GetRecords", trim)  # type: ignore[attr-defined]
    with pytest.raises(ChangesLost, match="24 hours"):
        next(changes)


@pytest.mark.usefixtures("quick")
def test_a_shards_end_that_is_said_to_be_gone_is_read_from_the_beginning(live: PromptStore) -> None:
    """DynamoDB Local says so, while the shard has no record."""
    live.create("text", "type", prompt_id="before")
    changes = live.changes()
    refused: list[str] = []

    def trim_once(**_: object) -> None:
        if not refused:
            refused.append("GetRecords")
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException", "Message": "gone"}}, "GetRecords")

    changes.gi_frame.f_locals["self"]._client.meta.events.register(  # type: ignore[attr-defined]
        "before-call.dynamodb-streams.GetRecords", trim_once
    )
    live.create("text", "type", prompt_id="after")
    found = some(changes, 2)
    assert found[-1] == (
        "created",
        "after",
    )  # at least once: what came in the last minute before the start may come too


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"stream": "a", "saved_at": "x", "shards": {}}'])
def test_another_file_is_refused(live: PromptStore, tmp_path: Path, content: str) -> None:
    file = tmp_path / "changes.json"
    file.write_text(content)
    with pytest.raises(CheckpointRefused, match="name another file"):
        live.changes(checkpoint=file)
    assert file.read_text() == content


def test_another_tables_checkpoint_is_refused(live: PromptStore, tmp_path: Path) -> None:
    file = tmp_path / "changes.json"
    live.changes(checkpoint=file)
    file.write_text(file.read_text().replace(live.table_name, "another-table"))
    with pytest.raises(CheckpointRefused, match="another table"):
        live.changes(checkpoint=file)


def test_a_table_without_a_stream_is_told(shared_store: PromptStore) -> None:
    with pytest.raises(StoreMisconfigured, match="no stream"):
        shared_store.changes()
