"""The claim index: what is found by it, at what price, and how wrong entries heal.

Other programs and older versions of the store are played by plain boto3, which knows nothing of entries.
"""

from __future__ import annotations

import io
import json
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tap.store import AllLeased, CheckpointRefused, Claim, NothingPending, PromptStore, StoreMisconfigured, Throttled
from tap.store import index as detection
from tap.store.candidates import index as looking
from tap.store.entries import due_entry, entry_of
from tap.store.errors import Calling
from tests.store.test_claims import LEASE, SKEW, claimed
from tests.support.store_table import ManualClock, make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ESSENTIAL = {"prompt_text": {"S": "text"}, "task_type": {"S": "type"}, "status": {"S": "pending"}}


@pytest.fixture(scope="module")
def has_index() -> bool:
    return True


@contextmanager
def requests(store: PromptStore) -> Iterator[list[str]]:
    """The operations that the store asks for in the block."""
    made: list[str] = []

    def count(model: Any, **_: object) -> None:
        made.append(model.name)

    store.client.meta.events.register("before-call.dynamodb", count)
    yield made
    store.client.meta.events.unregister("before-call.dynamodb", count)


def raw(client: DynamoDBClient, store: PromptStore) -> dict[str, Any]:
    items: list[Any] = [
        item
        for page in client.get_paginator("scan").paginate(TableName=store.table_name, ConsistentRead=True)
        for item in page["Items"]
    ]
    return {item["id"]["S"]: item for item in items}


def by_another(client: DynamoDBClient, store: PromptStore, prompt_id: str, **attributes: Any) -> None:
    """Written as the seed's example does, or an older version of the store."""
    client.put_item(TableName=store.table_name, Item={"id": {"S": prompt_id}} | ESSENTIAL | attributes)


def changed_by_another(client: DynamoDBClient, store: PromptStore, prompt_id: str, **values: Any) -> None:
    client.update_item(
        TableName=store.table_name,
        Key={"id": {"S": prompt_id}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
    )


def all_right(client: DynamoDBClient, store: PromptStore, clock: ManualClock) -> bool:
    return all(entry_of(item) == due_entry(item, clock()) for item in raw(client, store).values())


# --- order and price ---


@pytest.mark.usefixtures("strict")
def test_high_priority_goes_first_over_the_whole_table_and_then_the_oldest(
    store: PromptStore, clock: ManualClock
) -> None:
    expected: dict[str, list[str]] = {"high": [], "medium": [], "low": []}
    for number in range(90):
        priority = random.Random(number).choice(["low", "medium", "high"])  # noqa: S311
        expected[priority].append(store.create("text", "type", priority).id)  # type: ignore[arg-type]
        clock.advance(0.01)
    taken = [store.complete(claimed(store)).id for _ in range(90)]
    assert taken == [*expected["high"], *expected["medium"], *expected["low"]]


@pytest.mark.usefixtures("strict")
def test_a_prompt_that_is_given_back_has_its_old_place(store: PromptStore, clock: ManualClock) -> None:
    first, second, third = "abc"
    for name in (first, second, third):
        store.create("text", "type", prompt_id=name)
        clock.advance(1)
    store.release(claimed(store))
    held = claimed(store)
    assert held.id == first
    clock.advance(LEASE + SKEW + timedelta(seconds=1))
    store.update_status(second, "failed")
    store.update_status(second, "pending")
    assert [claimed(store).id for _ in range(2)] == [second, third]
    assert claimed(store).id == first  # its lease ran out, and nothing else is left


@pytest.mark.usefixtures("strict")
def test_a_claim_makes_three_requests_at_most(store: PromptStore) -> None:
    store.import_prompts(io.BytesIO(b'{"prompt_text": "text", "task_type": "type"}\n' * 120))
    for _ in range(100):
        store.complete(claimed(store))
    for _ in range(20):
        with requests(store) as made:
            claim = claimed(store)
        assert sorted(made) == ["Query", "UpdateItem"]
        store.complete(claim)
    store._by_index._sweep._start = None  # the table's head: past its end a sweep makes one request more
    with requests(store) as idle:
        assert store.claim("w") == NothingPending()
    assert idle == ["Query", "Query", "Scan"]


def test_a_claim_that_looks_for_leases_does_not_sweep_too(
    store: PromptStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_LOOKS_FOR_LAPSED", 1)
    monkeypatch.setattr(looking, "_SWEEPS", 1)
    store.create("text", "type", "high", prompt_id="lapsed")
    claimed(store)
    clock.advance(LEASE + SKEW + timedelta(seconds=1))
    store.create("text", "type", "low")
    with requests(store) as made:
        assert claimed(store).id == "lapsed"
    assert made == ["Query", "Query", "UpdateItem"]


def test_the_index_is_asked_for_once(store: PromptStore) -> None:
    with requests(store) as made:
        for _ in range(5):
            store.create("text", "type")
            store.complete(claimed(store))
    assert made.count("DescribeTable") == 1


def test_a_lease_that_ran_out_is_seen_though_others_wait(store: PromptStore, clock: ManualClock) -> None:
    store.create("text", "type", "high")
    held = claimed(store)
    clock.advance(LEASE + SKEW + timedelta(seconds=1))
    for _ in range(40):
        store.create("text", "type", "low")
    assert held.id in [claimed(store).id for _ in range(40)]


@pytest.mark.usefixtures("strict")
def test_only_the_type_that_is_asked_for(store: PromptStore) -> None:
    for number in range(60):
        store.create("text", "others", "high", prompt_id=f"other-{number}")
    ours = store.create("text", "ours", "low")
    claim = claimed(store, task_type="ours")
    assert claim.id == ours.id
    assert isinstance(store.claim("w", task_type="ours"), AllLeased)
    store.complete(claim)
    assert store.claim("w", task_type="ours") == NothingPending()


def test_many_workers_choose_among_many(store: PromptStore, clock: ManualClock) -> None:
    for number in range(60):
        store.create("text", "type", prompt_id=f"p{number}")
        clock.advance(1)
    first = raw_first_tries(store, 1)
    assert first == {"p0"}
    store._by_index.taken(lost=1)
    assert len(raw_first_tries(store, 20)) > 5


def raw_first_tries(store: PromptStore, claims: int) -> set[str]:
    """What that many claims take, each given back."""
    taken = set()
    for _ in range(claims):
        claim = claimed(store)
        taken.add(claim.id)
        store.update_status(claim.id, "pending", more_attempts=5)
    return taken


# --- what must not happen ---


@pytest.mark.usefixtures("strict")
def test_what_another_program_finished_is_not_found_again(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    ids = [store.create("text", "type", prompt_id=f"p{number}").id for number in range(12)]
    for prompt_id in ids[:8]:
        changed_by_another(client, store, prompt_id, status={"S": "completed"})
    assert claimed(store).id in ids[8:]
    assert all_right(client, store, clock)
    with requests(store) as made:
        assert claimed(store).id in ids[8:]
    assert sorted(made) == ["Query", "UpdateItem"]


def test_what_no_worker_can_take_goes_out_of_the_way(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(60):
        store.create("text", "type", "high", prompt_id=f"odd-{number}")
        changed_by_another(client, store, f"odd-{number}", attempts={"S": "none"})
    ours = store.create("text", "type", "low")
    with caplog.at_level(logging.WARNING, "tap.store"):
        assert claimed(store).id == ours.id
    for _ in range(3):  # each look mends some
        assert isinstance(store.claim("w"), AllLeased)
    assert all_right(client, store, clock)
    assert {entry.queue for item in raw(client, store).values() if (entry := entry_of(item))} == {"stuck", "leased"}
    assert {found.id for found in store.list(status="pending")} == {f"odd-{number}" for number in range(60)}
    changed_by_another(client, store, "odd-0", attempts={"N": "0"})
    store.update_status("odd-0", "pending")
    assert claimed(store).id == "odd-0"


def refuse_writes_of(store: PromptStore, full: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As DynamoDB does with an item that has no room left for the attribute."""
    update = store._table.update

    def refuse(prompt_id: str, changes: str, *rest: Any) -> Any:
        if prompt_id == full and name in changes:
            said: Any = {"Error": {"Code": "ValidationException", "Message": "Item size to update has exceeded"}}
            with Calling(store.table_name, prompt_id):
                raise ClientError(said, "UpdateItem")
        return update(prompt_id, changes, *rest)

    monkeypatch.setattr(store._table, "update", refuse)


def test_the_claim_that_dynamodb_refuses_is_not_tried_for_ever(
    store: PromptStore, client: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create("text", "type", "high", prompt_id="full")
    other = store.create("text", "type", "low")
    refuse_writes_of(store, "full", "attempts", monkeypatch)
    assert claimed(store).id == other.id
    assert raw(client, store)["full"]["claim_queue"] == {"S": "stuck"}
    with requests(store) as made:
        assert isinstance(store.claim("w"), AllLeased)
    assert "UpdateItem" not in made


# --- older versions and other programs beside it ---


def test_prompts_of_other_programs_are_found_without_a_step_by_hand(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    for number in range(40):
        by_another(client, store, f"s{number}", priority={"S": "high"}, created_at={"S": "2031-05-17T11:00:00.000001"})
    taken = set()
    for _ in range(200):
        claim = store.claim("w")
        if isinstance(claim, Claim):
            taken.add(store.complete(claim).id)
        clock.advance(1)
    assert taken == {f"s{number}" for number in range(40)}
    assert all_right(client, store, clock)


def test_a_large_bite_of_strays_leaves_none_behind(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    """A worker that looked last a minute ago takes a bite of 300 items, and mends as many as fit into a claim."""
    store.claim("w")
    for number in range(60):
        by_another(client, store, f"s{number:02}")
    clock.advance(60)
    assert len({claimed(store).id for _ in range(60)}) == 60
    assert all_right(client, store, clock)


def test_a_stray_without_room_for_an_entry_stops_no_other(
    store: PromptStore, client: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_writes_of(store, "full", "claim_queue", monkeypatch)
    for name in ("full", "stray"):
        by_another(client, store, name)
    assert claimed(store).id == "stray"
    assert raw(client, store)["stray"]["claim_queue"] == {"S": "leased"}
    assert "claim_queue" not in raw(client, store)["full"]


def test_an_entry_is_only_mended_where_the_item_is_as_it_was_seen(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    """Another program finishes the prompt between the look and the write."""
    by_another(client, store, "stray")
    writes: list[str] = []

    def finish_before_the_first(**_: object) -> None:
        if not writes:
            changed_by_another(client, store, "stray", status={"S": "completed"})
        writes.append("UpdateItem")

    store.client.meta.events.register("before-call.dynamodb.UpdateItem", finish_before_the_first)
    assert store.claim("w") == NothingPending()
    assert writes
    assert all_right(client, store, clock)


def test_strays_are_found_although_something_always_waits(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    by_another(client, store, "stray", priority={"S": "high"})
    for _ in range(400):
        store.create("text", "type", "low")
        claim = claimed(store)
        store.complete(claim)
        if claim.id == "stray":
            return
        clock.advance(1)
    raise AssertionError("the stray was never handed out")


def test_a_sweep_costs_a_unit_a_second(store: PromptStore, clock: ManualClock) -> None:
    store.import_prompts(io.BytesIO(b'{"prompt_text": "text", "task_type": "type", "status": "failed"}\n' * 200))
    with requests(store) as made:
        for _ in range(50):
            assert store.claim("w") == NothingPending()
    assert made.count("Scan") <= 2
    with requests(store) as made:
        for _ in range(20):
            clock.advance(10)
            store.claim("w")
    assert 18 <= made.count("Scan") <= 25


@pytest.mark.usefixtures("strict")
def test_an_older_worker_loses_nothing_and_blocks_nothing(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    """It claims, extends, releases and completes without a thought for entries."""
    for name in ("completes", "releases", "dies", "extends"):
        store.create("text", "type", "high", prompt_id=name)
    ours = store.create("text", "type", "low")
    soon = {"N": str(int(clock().timestamp() * 1000) + 60_000)}
    for name in ("completes", "releases", "dies", "extends"):
        changed_by_another(
            *(client, store, name), status={"S": "in_progress"}, claim_token={"S": "old"}, lease_until=soon
        )
    assert claimed(store).id == ours.id
    assert store.claim("w") == AllLeased(clock() + timedelta(seconds=60) + SKEW)
    assert all_right(client, store, clock)
    changed_by_another(client, store, "completes", status={"S": "completed"})
    changed_by_another(client, store, "releases", status={"S": "pending"})
    later = {"N": str(int(clock().timestamp() * 1000) + 600_000)}
    changed_by_another(client, store, "extends", lease_until=later)
    clock.advance(timedelta(seconds=70))
    taken = {claimed(store).id for _ in range(3)}
    assert taken == {"releases", "dies", ours.id}
    assert isinstance(store.claim("w"), AllLeased)
    assert all_right(client, store, clock)
    clock.advance(timedelta(seconds=600))
    assert "extends" in {claimed(store).id for _ in range(4)}


# --- whether the table has it ---


def refuse(operation: str) -> Callable[..., None]:
    def handler(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

    return handler


@pytest.mark.usefixtures("strict")
def test_who_may_not_describe_the_table_finds_out_by_a_query(store: PromptStore, client: DynamoDBClient) -> None:
    store.client.meta.events.register("before-call.dynamodb.DescribeTable", refuse("DescribeTable"))
    prompt = store.create("text", "type")
    assert raw(client, store)[prompt.id]["claim_queue"] == {"S": "pending"}
    with requests(store) as made:
        assert claimed(store).id == prompt.id
    assert "Scan" not in made


def test_who_may_not_query_scans(store: PromptStore, client: DynamoDBClient, clock: ManualClock) -> None:
    store.client.meta.events.register("before-call.dynamodb.Query", refuse("Query"))
    prompt = store.create("text", "type")
    assert claimed(store).id == prompt.id
    assert all_right(client, store, clock)  # and still writes what others find it by


def test_who_may_not_query_lists_by_a_scan(store: PromptStore) -> None:
    store.client.meta.events.register("before-call.dynamodb.Query", refuse("Query"))
    prompt = store.create("text", "type")
    assert {found.id for found in store.list(status="pending")} == {prompt.id}


def test_who_may_not_scan_works_without_sweeps(store: PromptStore) -> None:
    store.client.meta.events.register("before-call.dynamodb.Scan", refuse("Scan"))
    prompt = store.create("text", "type")
    assert claimed(store).id == prompt.id
    assert isinstance(store.claim("w"), AllLeased)


def test_a_table_without_it_stays_the_seeds(
    client: DynamoDBClient, settings: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "_HOLDS", dict.fromkeys(detection._HOLDS, 0.0))
    name = "plain"
    make_table(client, name)
    try:
        with PromptStore(name, settings, clock=clock) as store:
            store.import_prompts(io.BytesIO(b'{"prompt_text": "text", "task_type": "type"}\n' * 2))
            store.create("text", "type")
            store.release(claimed(store))
            store.extend(claimed(store), lease=2 * LEASE)
            store.update_status(claimed(store).id, "pending")
            assert not any(
                name.startswith(("claim_queue", "claim_order", "claim_rank"))
                for item in raw(client, store).values()
                for name in item
            )
            with pytest.raises(StoreMisconfigured, match="claim_index_enabled"):
                store.reindex()
    finally:
        client.delete_table(TableName=name)


# --- list and reindex ---


def test_what_is_pending_is_listed_in_the_order_of_work(store: PromptStore, clock: ManualClock) -> None:
    for number, priority in enumerate(["low", "high", "medium", "high"] * 40):
        store.create("text", f"type-{number % 2}", priority, prompt_id=f"p{number}")  # type: ignore[arg-type]
        clock.advance(1)
    for _ in range(20):
        store.complete(claimed(store))
    with requests(store) as made:
        listed = list(store.list(status="pending"))
    assert "Scan" not in made
    assert len(listed) == 140
    ranks = [("high", "medium", "low").index(prompt.priority) for prompt in listed]
    assert ranks == sorted(ranks)
    some = list(store.list(status="pending", task_type="type-1", priority="high", page_size=7))
    assert [prompt.id for prompt in some] == [
        prompt.id for prompt in listed if (prompt.task_type, prompt.priority) == ("type-1", "high")
    ]


def test_a_reindex_finds_all_that_wait_and_takes_out_what_does_not(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    for number in range(30):
        by_another(client, store, f"s{number}")
    finished = store.create("text", "type")
    changed_by_another(client, store, finished.id, status={"S": "completed"})
    aside = store.create("text", "type")
    changed_by_another(client, store, aside.id, claim_queue={"S": "stuck"})
    by_another(client, store, "by hand", status={"S": "in_progress"})
    client.put_item(TableName=store.table_name, Item={"id": {"S": "ghost"}, "status": {"S": "pending"}})
    report = store.reindex()
    assert (report.items, report.mended, report.refused) == (34, 32, 0)
    items = raw(client, store)
    assert "claim_queue" not in items.pop("ghost")
    assert all(entry_of(item) == due_entry(item, clock()) for item in items.values())
    assert store.reindex().mended == 0
    assert len(list(store.list(status="pending"))) == 31


def test_a_reindex_goes_on_where_it_stopped(
    store: PromptStore, client: DynamoDBClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap.store.bulk.reindexing.PAGE", 10)
    for number in range(45):
        by_another(client, store, f"s{number}")
    checkpoint = tmp_path / "reindex.json"
    seen: list[int] = []

    def stop(report: Any) -> None:
        seen.append(report.items)
        if report.items >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.reindex(checkpoint=checkpoint, on_progress=stop)
    with requests(store) as made:
        report = store.reindex(checkpoint=checkpoint)
    assert (report.items, report.mended, report.resumed_at) == (45, 45, 20)
    assert made.count("Scan") == 3
    assert not checkpoint.exists()
    assert len(list(store.list(status="pending"))) == 45


def test_a_reindex_refuses_anothers_checkpoint(store: PromptStore, tmp_path: Path) -> None:
    checkpoint = tmp_path / "reindex.json"
    for content in ("no JSON", "[]", '{"target": "x", "start": null, "report": {"items": 1}}'):
        checkpoint.write_text(content)
        with pytest.raises(CheckpointRefused, match="name another file"):
            store.reindex(checkpoint=checkpoint)
        assert checkpoint.read_text() == content


def test_an_export_tells_nothing_of_it_and_an_import_makes_it_anew(
    store: PromptStore, client: DynamoDBClient, clock: ManualClock
) -> None:
    store.create("text", "type", "high", prompt_id="p")
    exported = io.BytesIO()
    store.export_prompts(exported)
    assert b"claim_" not in exported.getvalue()
    # As a version that did not know the attributes exported them.
    line = json.loads(exported.getvalue()) | {"extra": {"claim_queue": {"S": "leased"}, "claim_order": {"S": "9"}}}
    store.delete("p")
    assert store.import_prompts(io.BytesIO(json.dumps(line).encode())).imported == 1
    assert all_right(client, store, clock)
    assert claimed(store).id == "p"


def test_a_busy_index_is_throttling_and_no_reason_to_scan(store: PromptStore) -> None:
    def throttle(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow"}}, "Query")

    store.create("text", "type")
    store.client.meta.events.register("before-call.dynamodb.Query", throttle)
    with requests(store) as made, pytest.raises(Throttled):
        store.claim("w")
    assert "Scan" not in made
