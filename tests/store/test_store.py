"""create, get, update_status, delete and list on a real endpoint."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap.local import ROOT
from tap.store import (
    ClientSettings,
    InvalidPrompt,
    LeaseLost,
    PromptConflict,
    PromptNotFound,
    PromptStore,
    PromptTooLarge,
    UnreadablePrompt,
)
from tests.support.store_table import ManualClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def raw(client: DynamoDBClient, store: PromptStore, prompt_id: str) -> dict[str, Any] | None:
    """The item as it is in the table."""
    reply = client.get_item(TableName=store.table_name, Key={"id": {"S": prompt_id}}, ConsistentRead=True)
    return reply.get("Item")


@pytest.fixture
def sealed() -> PromptStore:
    """A store without an endpoint: a request that is made after all fails as StoreUnavailable."""
    return PromptStore("sealed", ClientSettings(endpoint_url="http://127.0.0.1:9", region="us-east-1", attempts=1))


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own time is not UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_created_prompt_is_stored_under_the_seeds_names(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    prompt = store.create("Review the code", "code_review", "high", max_attempts=2)
    ttl = int((clock() + timedelta(days=30)).timestamp())
    assert raw(client, store, prompt.id) == {
        "id": {"S": prompt.id},
        "prompt_text": {"S": "Review the code"},
        "task_type": {"S": "code_review"},
        "priority": {"S": "high"},
        "status": {"S": "pending"},
        "created_at": {"S": "2031-05-17T12:00:00.250000+00:00"},
        "ttl": {"N": str(ttl)},
        "max_attempts": {"N": "2"},
    }
    assert store.get(prompt.id) == prompt
    assert prompt.created_at == clock()
    assert prompt.expires_at == datetime.fromtimestamp(ttl, UTC)


def test_creating_the_same_prompt_again_changes_nothing(store: PromptStore, clock: ManualClock) -> None:
    first = store.create("text", "type", prompt_id="mine")
    store.update_status("mine", "completed", 7)
    clock.advance(5)
    again = store.create("text", "type", prompt_id="mine")
    assert (again.created_at, again.status, again.result) == (first.created_at, "completed", 7)


@pytest.mark.parametrize(
    "other",
    [
        {"prompt_text": "other"},
        {"task_type": "other"},
        {"priority": "low"},
        {"max_attempts": 9},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_prompt_under_the_same_id_is_a_conflict(store: PromptStore, other: dict[str, Any]) -> None:
    mine = {"prompt_text": "text", "task_type": "type"}
    first = store.create(**mine, prompt_id="mine")  # type: ignore[arg-type]
    with pytest.raises(PromptConflict) as caught:
        store.create(**(mine | other), prompt_id="mine")
    assert (caught.value.table, caught.value.prompt_id) == (store.table_name, "mine")
    assert store.get("mine") == first


def test_an_expired_prompt_is_nowhere_and_its_id_is_free(store: PromptStore, clock: ManualClock) -> None:
    store.create("old", "type", prompt_id="mine", expires_in=timedelta(seconds=10))
    assert [prompt.id for prompt in store.list()] == ["mine"]
    clock.advance(10)
    with pytest.raises(PromptNotFound, match="expired"):
        store.get("mine")
    with pytest.raises(PromptNotFound, match="expired"):
        store.update_status("mine", "completed")
    with pytest.raises(PromptNotFound, match="expired"):
        store.delete("mine")
    assert list(store.list()) == []
    store.create("new", "type", prompt_id="mine")
    assert store.get("mine").prompt_text == "new"


def test_a_prompt_without_expiry_stays(store: PromptStore, clock: ManualClock) -> None:
    prompt = store.create("text", "type", expires_in=None)
    clock.advance(timedelta(days=3650))
    assert store.get(prompt.id).expires_at is None


def test_update_status_leaves_the_rest_alone(store: PromptStore, client: DynamoDBClient, clock: ManualClock) -> None:
    prompt = store.create("text", "type")
    before = raw(client, store, prompt.id) or {}
    client.put_item(TableName=store.table_name, Item=before | {"team": {"SS": ["a", "b"]}})
    clock.advance(60)
    updated = store.update_status(prompt.id, "completed", {"score": 0.95})
    assert (updated.status, updated.result, updated.updated_at) == ("completed", {"score": 0.95}, clock())
    assert updated.extra == {"team": {"SS": ["a", "b"]}}
    after = raw(client, store, prompt.id) or {}
    changed = {"status", "result", "updated_at", "update_token"}
    assert {name: after[name] for name in after if name not in changed} == {
        name: value for name, value in (before | {"team": {"SS": ["a", "b"]}}).items() if name not in changed
    }
    assert after["result"] == {"M": {"score": {"N": "0.95"}}}


def test_a_result_is_kept_unless_another_is_given_and_null_is_one(store: PromptStore) -> None:
    prompt = store.create("text", "type")
    store.update_status(prompt.id, "completed", 1.0)
    assert repr(store.update_status(prompt.id, "failed").result) == "1.0"
    assert repr(store.update_status(prompt.id, "failed", 2).result) == "2"
    assert store.update_status(prompt.id, "failed", None).result is None


def test_expected_status_lets_one_of_two_win(store: PromptStore) -> None:
    prompt = store.create("text", "type")
    store.update_status(prompt.id, "in_progress", expected_status="pending")
    with pytest.raises(PromptConflict, match="in_progress, not pending"):
        store.update_status(prompt.id, "in_progress", expected_status="pending")


def test_delete_deletes_once(store: PromptStore, client: DynamoDBClient) -> None:
    prompt = store.create("text", "type")
    store.delete(prompt.id)
    assert raw(client, store, prompt.id) is None
    with pytest.raises(PromptNotFound):
        store.delete(prompt.id)


def test_list_filters_and_takes_the_seeds_missing_priority_as_medium(
    store: PromptStore, client: DynamoDBClient
) -> None:
    for priority in ("low", "medium", "high"):
        store.create("text", "review", priority, prompt_id=f"review-{priority}")
    store.create("text", "translate", prompt_id="translate")
    store.update_status("translate", "completed")
    seed = {"id": "seed", "prompt_text": "text", "task_type": "review", "status": "pending"}
    client.put_item(TableName=store.table_name, Item={name: {"S": text} for name, text in seed.items()})

    def ids(**filters: Any) -> set[str]:
        found = [prompt.id for prompt in store.list(**filters)]
        assert len(found) == len(set(found))
        return set(found)

    everything = {"review-low", "review-medium", "review-high", "translate", "seed"}
    assert ids() == everything
    assert ids(page_size=2) == everything
    assert ids(status="completed") == {"translate"}
    assert ids(task_type="review", priority="medium") == {"review-medium", "seed"}
    assert ids(priority="high") == {"review-high"}


def test_list_asks_for_a_page_only_when_it_is_needed(store: PromptStore) -> None:
    for _ in range(5):
        store.create("text", "type")
    requests: list[str] = []
    store.client.meta.events.register("before-call.dynamodb.Scan", lambda **_: requests.append("Scan"))
    pages = store.list(page_size=2)
    assert requests == []
    next(pages)
    next(pages)
    assert requests == ["Scan"]
    assert len(list(pages)) == 3
    assert len(requests) == 3


def test_an_item_that_is_no_prompt_is_named_and_hides_no_other(
    store: PromptStore, client: DynamoDBClient, caplog: pytest.LogCaptureFixture
) -> None:
    prompt = store.create("text", "type")
    client.put_item(TableName=store.table_name, Item={"id": {"S": "ghost"}, "status": {"S": "completed"}})
    with caplog.at_level(logging.WARNING, "tap.store"):
        assert [found.id for found in store.list()] == [prompt.id]
    assert "'ghost' is no prompt" in caplog.text
    with pytest.raises(UnreadablePrompt, match="prompt_text"):
        store.get("ghost")


@pytest.mark.parametrize("expected", [None, "completed"])
def test_an_update_leaves_a_ghost_as_it_is(store: PromptStore, client: DynamoDBClient, expected: Any) -> None:
    ghost: Any = {"id": {"S": "ghost"}, "status": {"S": "completed"}}
    client.put_item(TableName=store.table_name, Item=ghost)
    with pytest.raises(UnreadablePrompt, match="prompt_text"):
        store.update_status("ghost", "failed", expected_status=expected)
    assert raw(client, store, "ghost") == ghost


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    ("created_at", "ttl", "expected"),
    [
        ("2031-01-02T03:04:05.678901", "2000000000", datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)),
        ("2031-01-02T03:04:05.678901Z", "2000000000.75", datetime(2033, 5, 18, 3, 33, 20, 750_000, UTC)),
        ("2031-01-02T05:04:05.678901+02:00", "2000000000000", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_other_programs_times_are_read_as_utc(
    store: PromptStore, client: DynamoDBClient, created_at: str, ttl: str, expected: datetime
) -> None:
    item: dict[str, Any] = {name: {"S": name} for name in ("id", "prompt_text", "task_type", "status")}
    client.put_item(TableName=store.table_name, Item=item | {"created_at": {"S": created_at}, "ttl": {"N": ttl}})
    prompt = store.get("id")
    assert prompt.created_at == datetime(2031, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert prompt.created_at.tzinfo is UTC
    assert prompt.expires_at == expected


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"prompt_text": ""}, "prompt_text"),
        ({"task_type": 7}, "task_type.*got 7"),
        ({"priority": "urgent"}, "priority.*'low', 'medium' or 'high'"),
        ({"prompt_id": ""}, r"id: a key of DynamoDB's has 1 to 2048 bytes \(got ''\)"),
        ({"prompt_id": "x" * 2049}, "2048 bytes"),
        ({"prompt_text": "\ud800"}, "unicode"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"expires_in": timedelta(0)}, "expires_in"),
        ({"expires_in": timedelta(seconds=0.4)}, r"expires_in must be at least 1 s \(got 0.4 s\)"),
        ({"expires_in": timedelta(days=3_000_000)}, "expires_in ends after the year 9999"),
        ({"expires_in": 5}, "expires_in must be a timedelta"),
    ],
)
def test_bad_input_is_refused_before_a_request(sealed: PromptStore, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidPrompt, match=says) as caught:
        sealed.create(**({"prompt_text": "text", "task_type": "type"} | fields))
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("more", [0, 1.5, "1", True, 10**7])
def test_more_attempts_is_a_whole_number(sealed: PromptStore, more: Any) -> None:
    with pytest.raises(InvalidPrompt, match="more_attempts"):
        sealed.update_status("id", "pending", more_attempts=more)


def test_an_empty_id_is_refused_in_a_sentence(sealed: PromptStore) -> None:
    for call in (sealed.get, sealed.delete):
        with pytest.raises(InvalidPrompt, match=r"^id: a key of DynamoDB's has 1 to 2048 bytes \(got ''\)\.$"):
            call("")


def test_a_prompt_with_bytes_can_be_dumped_as_json(store: PromptStore, client: DynamoDBClient) -> None:
    prompt = store.create("text", "type")
    client.update_item(
        TableName=store.table_name,
        Key={"id": {"S": prompt.id}},
        UpdateExpression="SET bytes_ = :blob",
        ExpressionAttributeValues={":blob": {"M": {"a": {"B": b"\xff\x00"}, "b": {"BS": [b"\xfe"]}}}},
    )
    read = store.get(prompt.id)
    assert json.loads(read.model_dump_json())["extra"] == {"bytes_": {"M": {"a": {"B": "/wA="}, "b": {"BS": ["/g=="]}}}}
    assert read.model_dump()["extra"] == read.extra


def test_a_filter_that_is_no_text_is_refused_before_a_request(sealed: PromptStore) -> None:
    for task_type in (7, "\ud800"):
        with pytest.raises(InvalidPrompt, match="task_type"):
            sealed.list(task_type=task_type)  # type: ignore[arg-type]


def test_what_is_too_large_is_refused_before_a_request(sealed: PromptStore) -> None:
    with pytest.raises(PromptTooLarge, match="409,600"):
        sealed.create("x" * 409_600, "type")
    with pytest.raises(PromptTooLarge):
        sealed.update_status("id", "completed", "ä" * 204_800)
    with pytest.raises(InvalidPrompt, match="status"):
        sealed.update_status("id", "done")  # type: ignore[arg-type]
    with pytest.raises(InvalidPrompt, match="priority"):
        list(sealed.list(priority="urgent"))  # type: ignore[arg-type]


def test_a_result_that_no_longer_fits_beside_the_text_is_too_large(store: PromptStore) -> None:
    prompt = store.create("x" * 300_000, "type")
    with pytest.raises(PromptTooLarge) as caught:
        store.update_status(prompt.id, "completed", "y" * 300_000)
    assert caught.value.__cause__ is not None


def test_an_update_by_hand_revokes_the_claim(store: PromptStore) -> None:
    store.create("text", "type")
    claim = store.claim("w1")
    assert claim
    store.update_status(claim.id, "in_progress")
    with pytest.raises(LeaseLost):
        store.complete(claim, 1)


def test_importing_the_store_loads_neither_boto3_nor_the_command_line() -> None:
    heavy = {"boto3", "botocore", "cdktf", "typer", "rich"}
    code = f"import sys, tap.store; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
