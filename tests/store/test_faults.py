"""The fault matrix as tests, and faults that it has no room for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tap.store import Claim, ClientSettings, PromptConflict, PromptStore, StoreUnavailable, Throttled
from tests.store.fault_matrix import LEASE, OPERATIONS, Bench, Operation, hurried, run_always, run_once
from tests.support.fault_proxy import FAULTS
from tests.support.store_table import ManualClock

MakeBench = Callable[[str], Bench]


@pytest.fixture(scope="module")
def benches(endpoint: str) -> Iterator[MakeBench]:
    made: dict[str, Bench] = {}

    def bench(fault: str) -> Bench:
        if fault not in made:
            made[fault] = Bench(endpoint, fault)
        made[fault].renew()
        return made[fault]

    with hurried():
        yield bench
    for each in made.values():
        each.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_one_fault_is_got_over(operation: Operation, fault: str, benches: MakeBench) -> None:
    run_once(operation, benches(fault))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_endless_fault_is_a_named_error(operation: Operation, fault: str, benches: MakeBench) -> None:
    run_always(operation, benches(fault))


def test_a_create_with_a_fresh_id_makes_one_prompt(benches: MakeBench) -> None:
    bench = benches("lost reply")
    bench.proxy.plan(lambda _operation, number: bench.fault if number == 0 else None)
    prompt = bench.spoilt.create("text", "type")
    assert [found.id for found in bench.straight.list()] == [prompt.id]


def test_a_lost_create_that_a_worker_took_meanwhile_is_still_ours(benches: MakeBench) -> None:
    bench = benches("lost reply")
    taken: list[object] = []

    def lose_and_let_a_worker_in(_: str, number: int) -> str | None:
        if number == 1:
            taken.append(bench.straight.claim("quick"))
        return bench.fault if number == 0 else None

    bench.proxy.plan(lose_and_let_a_worker_in)
    prompt = bench.spoilt.create("text", "type")
    assert isinstance(taken[0], Claim)
    assert (prompt.id, prompt.status) == (taken[0].id, "in_progress")


def test_a_lost_compare_and_set_is_told_from_anothers_same_change(benches: MakeBench) -> None:
    bench = benches("refused")
    bench.straight.create("text", "type", prompt_id="p")

    def another_is_quicker(_: str, number: int) -> str | None:
        if number == 1:
            bench.straight.update_status("p", "in_progress", expected_status="pending")
        return bench.fault if number == 0 else None

    bench.proxy.plan(another_is_quicker)
    with pytest.raises(PromptConflict):
        bench.spoilt.update_status("p", "in_progress", expected_status="pending")


def test_a_lost_update_is_not_carried_out_over_the_claim_that_followed_it(benches: MakeBench) -> None:
    bench = benches("lost reply")
    bench.straight.create("text", "type", prompt_id="p")
    bench.straight.update_status("p", "failed")
    claims: list[object] = []

    def lose_and_let_a_worker_in(_: str, number: int) -> str | None:
        if number == 1:
            claims.append(bench.straight.claim("quick", lease=LEASE))
        return bench.fault if number == 0 else None

    bench.proxy.plan(lose_and_let_a_worker_in)
    assert bench.spoilt.update_status("p", "pending").claim_owner == "quick"
    assert isinstance(claims[0], Claim)
    assert bench.straight.complete(claims[0], "done").attempts == 1


def test_an_uncertain_batch_does_not_put_back_what_a_worker_took(benches: MakeBench, tmp_path: Path) -> None:
    """The batch is carried out, its reply lost; a worker takes a prompt before anything is sent again."""
    bench = benches("lost reply")
    file = tmp_path / "in.ndjson"
    file.write_text('{"prompt_text": "text", "task_type": "t"}\n' * 5)
    claims: list[object] = []

    def lose_and_let_a_worker_in(_: str, number: int) -> str | None:
        if number == 1:
            claims.append(bench.straight.claim("quick", lease=LEASE))
        return bench.fault if number == 0 else None

    bench.proxy.plan(lose_and_let_a_worker_in)
    assert bench.spoilt.import_prompts(file).imported == 5
    assert isinstance(claims[0], Claim)
    assert bench.straight.complete(claims[0], "done").attempts == 1
    assert len(list(bench.straight.list())) == 5


def test_what_a_batch_left_unwritten_is_written(benches: MakeBench, tmp_path: Path) -> None:
    bench = benches("unprocessed")
    file = tmp_path / "in.ndjson"
    file.write_text('{"prompt_text": "text", "task_type": "t"}\n' * 60)
    bench.proxy.plan(lambda _operation, number: bench.fault if number < 3 else None)
    assert bench.spoilt.import_prompts(file).imported == 60
    assert bench.proxy.faulted == 3
    assert len(list(bench.straight.list())) == 60


@pytest.mark.parametrize("fault", ["lost reply", "throttle", "500", None])
def test_a_line_written_late_does_not_put_back_what_others_did(
    benches: MakeBench, tmp_path: Path, fault: str | None
) -> None:
    """A line brings its own id. While its write is on its way, others create the prompt and claim it."""
    bench = benches("throttle")
    file = tmp_path / "in.ndjson"
    line = '{"prompt_text": "text", "task_type": "t", "id": "p%d"}\n'
    file.write_text("".join(line % number for number in range(20)))
    claims: list[object] = []

    def another_program_is_quicker(request: str, _: int) -> str | None:
        if "Write" not in request or claims:
            return None
        for prompt_id, attempts in (("p19", 9), ("p7", None)):
            bench.straight.create("text", "t", prompt_id=prompt_id, max_attempts=attempts)
            claims.append(bench.straight.claim("quick", lease=LEASE))
        return fault

    bench.proxy.plan(another_program_is_quicker)
    report = bench.spoilt.import_prompts(file)
    assert (report.imported, report.existing, report.rejected) == (18, 1, 1)
    for claim in claims:
        assert isinstance(claim, Claim)
        assert bench.straight.complete(claim, "done").attempts == 1
    assert len(list(bench.straight.list())) == 20


def test_a_transaction_that_arrives_twice_puts_nothing_back(benches: MakeBench, tmp_path: Path) -> None:
    bench = benches("lost reply")
    file = tmp_path / "in.ndjson"
    file.write_text('{"prompt_text": "text", "task_type": "t", "id": "p"}\n')
    claims: list[object] = []

    def lose_and_let_a_worker_in(request: str, _: int) -> str | None:
        if "Write" not in request or len(claims) == 2:
            return None
        claims.append(bench.straight.claim("quick", lease=LEASE))
        return bench.fault if len(claims) == 1 else None

    bench.proxy.plan(lose_and_let_a_worker_in)
    report = bench.spoilt.import_prompts(file)
    assert (report.imported + report.existing, report.rejected) == (1, 0)
    assert isinstance(claims[1], Claim)
    assert bench.straight.complete(claims[1], "done").attempts == 1


@pytest.mark.parametrize("code", ["TransactionConflictException", "TransactionInProgressException"])
def test_a_write_in_a_transactions_way_may_be_repeated(store: PromptStore, code: str) -> None:
    """moto has one request at a time, so nothing is ever in the way of another."""

    def refuse(**_: object) -> None:
        reply: Any = {"Error": {"Code": code, "Message": "in the way"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise ClientError(reply, "PutItem")

    store.client.meta.events.register("before-call.dynamodb.PutItem", refuse)
    with pytest.raises(Throttled, match="an import at this moment"):
        store.create("text", "type")


def test_a_transaction_is_tried_again_when_another_write_is_in_its_way(store: PromptStore, tmp_path: Path) -> None:
    refused: list[str] = []

    def refuse(**_: object) -> None:
        if len(refused) < 2:
            refused.append("once")
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            reply: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(reply, "TransactWriteItems")

    file = tmp_path / "in.ndjson"
    file.write_text("".join(f'{{"prompt_text": "a", "task_type": "t", "id": "p{n}"}}\n' for n in range(2)))
    store.client.meta.events.register("before-call.dynamodb.TransactWriteItems", refuse)
    assert store.import_prompts(file).imported == 2
    assert len(refused) == 2


def test_an_endpoint_that_is_not_there_is_unavailable(table: str, clock: ManualClock) -> None:
    nowhere = ClientSettings("us-east-1", "http://127.0.0.1:9", attempts=2)
    with hurried(), PromptStore(table, nowhere, clock) as store, pytest.raises(StoreUnavailable) as caught:
        store.get("p")
    assert (caught.value.table, caught.value.prompt_id) == (table, "p")
