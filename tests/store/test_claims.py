"""Claims on a real endpoint, on a clock that the test moves."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap.store import (
    AllLeased,
    Claim,
    ClientSettings,
    InvalidPrompt,
    LeaseLost,
    NothingPending,
    PromptConflict,
    PromptNotFound,
    PromptStore,
    PromptTooLarge,
    Ticket,
)
from tap.store.items import CLAIM_BYTES, MAX_ITEM_BYTES, MAX_WORKER_BYTES, REASON_BYTES
from tap.store.values import item_size
from tests.support.store_table import ManualClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LEASE = timedelta(seconds=60)
SKEW = timedelta(seconds=2)


@pytest.fixture(scope="module", params=[False, True], ids=["scan", "index"])
def has_index(request: pytest.FixtureRequest) -> bool:
    """All of it on a table without the claim index, and on one with it."""
    found: bool = request.param
    return found


def claimed(store: PromptStore, worker: str = "w1", **options: str) -> Claim:
    claim = store.claim(worker, lease=LEASE, **options)
    assert isinstance(claim, Claim)
    return claim


def test_a_claim_hands_the_prompt_out_once(store: PromptStore, clock: ManualClock, client: DynamoDBClient) -> None:
    prompt = store.create("text", "type")
    claim = claimed(store)
    assert (claim.id, claim.attempt, claim.lease_until) == (prompt.id, 1, clock() + LEASE)
    item = client.get_item(TableName=store.table_name, Key={"id": {"S": prompt.id}})["Item"]
    until_ms = str(int(claim.lease_until.timestamp() * 1000))
    assert item["claim_token"] == {"S": claim.token}
    assert (item["claim_owner"], item["lease_until"], item["attempts"], item["status"]) == (
        {"S": "w1"},
        {"N": until_ms},
        {"N": "1"},
        {"S": "in_progress"},
    )
    assert store.claim("w2") == AllLeased(clock() + LEASE + SKEW)


def test_nothing_pending_and_all_leased_are_different_answers(store: PromptStore, clock: ManualClock) -> None:
    assert store.claim("w") == NothingPending()
    for _ in range(3):
        store.create("text", "type")
    first = claimed(store)
    clock.advance(7)
    others = [claimed(store), claimed(store)]
    assert store.claim("w") == AllLeased(first.lease_until + SKEW)
    for claim in (first, *others):
        store.complete(claim)
    answer = store.claim("w")
    assert answer == NothingPending()
    assert not answer


def test_a_lease_counts_as_run_out_only_beyond_the_skew(store: PromptStore, clock: ManualClock) -> None:
    store.create("text", "type")
    claimed(store)
    clock.advance(LEASE + SKEW)
    assert isinstance(store.claim("w2"), AllLeased)
    clock.advance(0.001)
    assert claimed(store, "w2").attempt == 2


def test_the_write_itself_keeps_the_margin(store: PromptStore, clock: ManualClock, client: DynamoDBClient) -> None:
    """The lease had run out when the worker looked; when it writes, it ended only a second ago."""
    prompt = store.create("text", "type")
    claimed(store)
    clock.advance(LEASE * 2)
    a_second_ago = int(clock().timestamp() * 1000) - 1000

    def another_was_here(**_: object) -> None:
        client.update_item(
            TableName=store.table_name,
            Key={"id": {"S": prompt.id}},
            UpdateExpression="SET lease_until = :until",
            ExpressionAttributeValues={":until": {"N": str(a_second_ago)}},
        )

    store.client.meta.events.register("before-call.dynamodb.UpdateItem", another_was_here)
    assert isinstance(store.claim("w2"), AllLeased)


def test_a_worker_that_slept_past_its_lease_changes_nothing(store: PromptStore, clock: ManualClock) -> None:
    store.create("text", "type")
    late = claimed(store, "late")
    clock.advance(LEASE * 2)
    quick = claimed(store, "quick")
    for step in (
        lambda: store.complete(late, "stale"),
        lambda: store.fail(late),
        lambda: store.release(late),
        lambda: store.extend(late),
    ):
        with pytest.raises(LeaseLost, match="held by quick"):
            step()
    store.complete(quick, "fresh")
    with pytest.raises(LeaseLost):
        store.complete(late, "stale")
    assert store.get(late.id).result == "fresh"


def test_a_late_worker_without_successor_may_still_complete(store: PromptStore, clock: ManualClock) -> None:
    store.create("text", "type")
    claim = claimed(store)
    clock.advance(LEASE * 10)
    assert store.complete(claim, 1).status == "completed"


def test_extend_keeps_others_out(store: PromptStore, clock: ManualClock) -> None:
    store.create("text", "type")
    claim = claimed(store)
    clock.advance(50)
    assert store.extend(claim, lease=LEASE) == clock() + LEASE
    clock.advance(50)
    assert isinstance(store.claim("w2"), AllLeased)
    assert store.complete(Ticket(claim.id, claim.token)).status == "completed"


def test_a_lease_never_moves_back(store: PromptStore, clock: ManualClock) -> None:
    """An extension sent earlier, or for a shorter time, arrives after a longer one."""
    store.create("text", "type")
    claim = claimed(store)
    until = store.extend(claim, lease=LEASE * 10)
    assert store.extend(claim, lease=LEASE) == until
    assert store.get(claim.id).lease_until == until
    clock.advance(LEASE * 5)
    assert isinstance(store.claim("w2"), AllLeased)


def test_a_claim_that_arrives_after_its_release_takes_nothing(store: PromptStore, client: DynamoDBClient) -> None:
    """The network kept a copy of the request, whose first try was carried out."""
    store.create("text", "type")
    sent: list[Any] = []
    store.client.meta.events.register(
        "before-call.dynamodb.UpdateItem", lambda params, **_: sent.append(json.loads(params["body"]))
    )
    claim = claimed(store)
    store.release(claim)
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.update_item(**sent[0])
    assert store.get(claim.id).status == "pending"


def test_release_gives_the_prompt_back_and_shuts_the_token_out(store: PromptStore) -> None:
    store.create("text", "type")
    claim = claimed(store)
    released = store.release(claim)
    assert (released.status, released.claim_owner, released.lease_until) == ("pending", None, None)
    assert store.release(claim).status == "pending"
    with pytest.raises(LeaseLost):
        store.complete(claim)
    assert claimed(store, "w2").attempt == 2
    with pytest.raises(LeaseLost):
        store.release(claim)


def test_completing_again_with_the_same_result_is_no_error_and_another_is(store: PromptStore) -> None:
    store.create("text", "type")
    claim = claimed(store)
    store.complete(claim, {"score": 1.0})
    assert store.complete(claim, {"score": 1.0}).status == "completed"
    with pytest.raises(PromptConflict, match="already completed") as caught:
        store.complete(claim, {"score": 1})
    assert not isinstance(caught.value, LeaseLost)
    with pytest.raises(PromptConflict, match="already completed"):
        store.fail(claim)
    assert repr(store.get(claim.id).result) == "{'score': 1.0}"


def test_after_max_attempts_the_prompt_is_failed_not_handed_out(store: PromptStore, clock: ManualClock) -> None:
    prompt = store.create("text", "type", max_attempts=2)
    for attempt in (1, 2):
        assert claimed(store).attempt == attempt
        clock.advance(LEASE * 2)
    assert store.claim("w") == NothingPending()
    failed = store.get(prompt.id)
    assert (failed.status, failed.attempts, failed.claim_owner) == ("failed", 2, None)
    store.update_status(prompt.id, "pending", more_attempts=1)
    assert claimed(store).attempt == 3
    clock.advance(LEASE * 2)
    assert store.claim("w") == NothingPending()


def test_five_attempts_unless_the_prompt_says_otherwise(store: PromptStore) -> None:
    store.create("text", "type")
    for _ in range(5):
        store.release(claimed(store))
    assert store.claim("w") == NothingPending()


def test_high_priority_goes_first_and_the_type_may_be_chosen(store: PromptStore) -> None:
    for priority in ("low", "high", "medium", "high", "low"):
        store.create("text", "review", priority)
    store.create("text", "translate", "high")
    order = [claimed(store, task_type="review").prompt.priority for _ in range(5)]
    assert order == ["high", "high", "medium", "low", "low"]
    assert store.claim("w", task_type="review") != NothingPending()
    assert claimed(store).prompt.task_type == "translate"


def test_a_prompt_far_from_the_scans_start_is_found(store: PromptStore) -> None:
    for _ in range(230):
        store.update_status(store.create("text", "type").id, "completed")
    prompt = store.create("text", "type")
    assert {claimed(store).id} == {prompt.id}


def test_ghosts_and_expired_prompts_are_not_handed_out(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    client.put_item(TableName=store.table_name, Item={"id": {"S": "ghost"}, "status": {"S": "pending"}})
    store.create("text", "type", expires_in=timedelta(seconds=5))
    clock.advance(5)
    assert store.claim("w") == NothingPending()


def test_a_prompt_that_cannot_be_read_stays_as_it_is_and_holds_nobody_up(
    store: PromptStore, client: DynamoDBClient
) -> None:
    texts = {name: {"S": name} for name in ("id", "prompt_text", "task_type")}
    odd: Any = {**texts, "status": {"S": "pending"}, "priority": {"S": "high"}, "prompt_text": {"N": "5"}}
    client.put_item(TableName=store.table_name, Item=odd)
    prompt = store.create("text", "type")
    assert claimed(store).id == prompt.id
    assert isinstance(store.claim("w2"), AllLeased)
    assert client.get_item(TableName=store.table_name, Key={"id": {"S": "id"}})["Item"] == odd


@pytest.mark.parametrize(
    "until", ["253402300799999", "1" + "0" * 16, "1" + "0" * 20, "1" + "0" * 30, "1.5", "-" + "1" * 30]
)
def test_another_programs_lease_holds_nobody_up(store: PromptStore, client: DynamoDBClient, until: str) -> None:
    odd: Any = {name: {"S": name} for name in ("id", "prompt_text", "task_type")}
    odd |= {"status": {"S": "in_progress"}, "lease_until": {"N": until}, "ttl": {"N": "1" + "0" * 30}}
    client.put_item(TableName=store.table_name, Item=odd)
    prompt = store.create("text", "type", "high")
    assert claimed(store).id == prompt.id
    answer = store.claim("w")
    assert isinstance(answer, Claim if until in {"1.5", "-" + "1" * 30} else AllLeased)


def test_an_item_that_cannot_be_claimed_holds_nobody_up(
    store: PromptStore, client: DynamoDBClient, caplog: pytest.LogCaptureFixture
) -> None:
    odd: Any = {name: {"S": name} for name in ("id", "prompt_text", "task_type")}
    odd |= {"status": {"S": "pending"}, "priority": {"S": "high"}, "attempts": {"S": "0"}}
    odd |= {"claim_queue": {"S": "pending"}, "claim_order": {"S": "0"}}  # the first, on a table with the index
    client.put_item(TableName=store.table_name, Item=odd)
    prompt = store.create("text", "type")
    with caplog.at_level(logging.WARNING, "tap.store"):
        assert claimed(store).id == prompt.id
    assert "'id' can't be claimed" in caplog.text
    assert store.claim("w2") != NothingPending()


def test_a_new_prompt_leaves_room_for_a_claim(store: PromptStore, client: DynamoDBClient) -> None:
    def size() -> int:
        item: Any = client.get_item(TableName=store.table_name, Key={"id": {"S": "id"}})["Item"]
        return item_size(item)

    store.create("text", "type", prompt_id="id", max_attempts=1_000_000)
    before = size()
    claim = claimed(store, "w" * MAX_WORKER_BYTES)
    grown = size() - before
    assert MAX_WORKER_BYTES < grown <= CLAIM_BYTES
    assert grown + REASON_BYTES <= CLAIM_BYTES
    store.fail(claim, {"score": 1.0, "why": "r" * 480})
    assert size() - before <= CLAIM_BYTES
    # Without a request: moto counts an item's bytes in its own way.
    sealed = PromptStore("sealed", ClientSettings("us-east-1", "http://127.0.0.1:9", attempts=1))
    with pytest.raises(PromptTooLarge, match=f"less {CLAIM_BYTES} that a claim needs"):
        sealed.create("x" * (MAX_ITEM_BYTES - grown), "type")


def test_a_time_beyond_the_calendar_hides_nothing(
    store: PromptStore, client: DynamoDBClient, tmp_path: Path, *, has_index: bool
) -> None:
    odd: Any = {name: {"S": name} for name in ("id", "prompt_text", "task_type")}
    odd |= {"status": {"S": "pending"}, "created_at": {"S": "0001-01-01T00:00:00+01:00"}}
    client.put_item(TableName=store.table_name, Item=odd | {"priority": {"S": "high"}})
    prompt = store.create("text", "type")
    if has_index:
        store.reindex()
    assert {found.id for found in store.list()} == {prompt.id, "id"}
    assert store.export_prompts(tmp_path / "out").exported == 2
    assert claimed(store).id == "id"


def test_an_exhausted_prompt_that_vanishes_meanwhile_is_no_error(store: PromptStore, client: DynamoDBClient) -> None:
    prompt = store.create("text", "type", max_attempts=1)
    store.release(claimed(store))
    writes: list[str] = []

    def delete_before_the_second(**_: object) -> None:
        writes.append("UpdateItem")
        if len(writes) == 2:
            client.delete_item(TableName=store.table_name, Key={"id": {"S": prompt.id}})

    store.client.meta.events.register("before-call.dynamodb.UpdateItem", delete_before_the_second)
    assert store.claim("w") == NothingPending()
    assert len(writes) == 2
    assert list(store.list()) == []


def test_what_is_worked_on_does_not_expire(store: PromptStore, clock: ManualClock) -> None:
    prompt = store.create("text", "type", expires_in=timedelta(seconds=30))
    claim = claimed(store)
    assert claim.prompt.expires_at is not None
    assert claim.prompt.expires_at > claim.lease_until + SKEW
    clock.advance(LEASE - timedelta(seconds=1))
    until = store.extend(claim, lease=LEASE)
    clock.advance(LEASE)
    assert clock() == until
    assert store.complete(claim, "paid for").status == "completed"
    assert store.get(prompt.id).result == "paid for"


def test_a_lease_leaves_a_longer_life_alone(store: PromptStore) -> None:
    prompt = store.create("text", "type", expires_in=timedelta(hours=1))
    claim = claimed(store)
    store.extend(claim, lease=LEASE)
    assert store.get(prompt.id).expires_at == prompt.expires_at


def test_a_prompt_that_expires_or_vanishes_during_the_work_is_not_found(store: PromptStore, clock: ManualClock) -> None:
    store.create("text", "type", expires_in=timedelta(seconds=30))
    claim = claimed(store)
    clock.advance(LEASE * 2)
    for step in (store.complete, store.release, store.extend):
        with pytest.raises(PromptNotFound, match="expired"):
            step(claim)
    store.create("text", "other", expires_in=None)
    other = claimed(store, task_type="other")
    store.delete(other.id)
    with pytest.raises(PromptNotFound):
        store.release(other)


def test_marked_in_progress_by_hand_has_no_lease_that_could_run_out(store: PromptStore, clock: ManualClock) -> None:
    prompt = store.create("text", "type")
    store.update_status(prompt.id, "in_progress")
    clock.advance(timedelta(days=1))
    assert store.claim("w") == NothingPending()
    assert store.update_status(prompt.id, "completed", 1).result == 1


def test_a_claim_needs_a_worker_and_a_lease(settings: ClientSettings) -> None:
    store = PromptStore("unused", settings)
    with pytest.raises(InvalidPrompt):
        store.claim("")
    with pytest.raises(InvalidPrompt):
        store.claim("w", lease=timedelta(0))


@pytest.mark.parametrize("lease", [timedelta(0), timedelta(seconds=-1), timedelta(days=9_999_999), 5, None])
def test_a_lease_that_is_none_is_refused_before_a_request(clock: ManualClock, lease: Any) -> None:
    store = PromptStore("sealed", ClientSettings("us-east-1", "http://127.0.0.1:9", attempts=1), clock)
    with pytest.raises(InvalidPrompt, match="lease"):
        store.claim("w", lease=lease)
    with pytest.raises(InvalidPrompt, match="lease"):
        store.extend(Ticket("id", "token"), lease=lease)


@pytest.mark.parametrize("asked", [{"worker": 5}, {"worker": "w", "task_type": 5}, {"worker": "\ud800"}])
def test_a_claim_for_what_is_no_text_is_refused_before_a_request(asked: dict[str, Any]) -> None:
    store = PromptStore("sealed", ClientSettings("us-east-1", "http://127.0.0.1:9", attempts=1))
    with pytest.raises(InvalidPrompt, match=r"must be text|not valid Unicode"):
        store.claim(**asked)


@pytest.mark.parametrize("token", [None, "", "\ud800", 5])
def test_a_token_that_is_none_is_refused_before_a_request(token: Any) -> None:
    store = PromptStore("sealed", ClientSettings("us-east-1", "http://127.0.0.1:9", attempts=1))
    for call in (store.complete, store.fail, store.release, store.extend):
        with pytest.raises(InvalidPrompt, match="token"):
            call(Ticket("id", token))


def test_an_id_or_a_worker_that_cannot_be_sent_is_refused_before_a_request() -> None:
    store = PromptStore("sealed", ClientSettings("us-east-1", "http://127.0.0.1:9", attempts=1))
    for call in (store.get, store.delete):
        with pytest.raises(InvalidPrompt, match="id is not valid Unicode"):
            call("\ud800")
    with pytest.raises(InvalidPrompt, match="256 bytes"):
        store.claim("\u00fc" * 129)
