"""Every operation under every fault: nothing lost, nothing doubled, or a named error.

    python -m tests.store.fault_matrix [--index]

prints the matrix. A cell is two runs: the fault once (the store's own retry has to get over it) and the fault
on every request (a named error is the only way out; then the fault ends and the caller tries again).
test_faults.py runs the same cells.
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3

from tap.store import (
    AllLeased,
    Claim,
    ClientSettings,
    PromptConflict,
    PromptNotFound,
    PromptStore,
    StoreUnavailable,
    Throttled,
)
from tests.support.fault_proxy import FAULTS, FaultProxy
from tests.support.store_table import ManualClock, endpoint_url, make_table

LEASE = timedelta(seconds=60)
IMPORTED = 60
_folders: list[TemporaryDirectory[str]] = []  # deleted when the process ends


@dataclass(frozen=True)
class Operation:
    """`act` is what is tested; `state` says "before" or "after", anything else is loss or doubling.

    `repeated` are the errors that a second call may end with when the first one had been carried out.
    `requests` are those that the fault hits, where an operation makes several kinds.
    """

    name: str
    prepare: Callable[[PromptStore], Any]
    act: Callable[[PromptStore, Any], Any]
    state: Callable[[PromptStore, Any], str]
    repeated: tuple[type[Exception], ...] = ()
    requests: frozenset[str] = frozenset()

    def hits(self, request: str) -> bool:
        return not self.requests or request in self.requests


def stored(store: PromptStore) -> dict[str, tuple[str, object, int]]:
    return {prompt.id: (prompt.status, prompt.result, prompt.attempts) for prompt in store.list()}


def one(store: PromptStore) -> str:
    return store.create("text", "type", prompt_id="p").id


def taken(store: PromptStore) -> Claim:
    one(store)
    claim = store.claim("w", lease=LEASE)
    assert isinstance(claim, Claim)
    return claim


def among(before: object, after: object) -> Callable[[PromptStore, Any], str]:
    """The state of a table that holds exactly this before, exactly that after."""

    def state(store: PromptStore, _: Any) -> str:
        found = stored(store)
        if found == after:
            return "after"
        return "before" if found == before else f"WRONG: {found}"

    return state


def extended(store: PromptStore, claim: Claim) -> str:
    until = store.get(claim.id).lease_until
    moments = {claim.lease_until: "before", claim.lease_until + LEASE: "after"}
    return moments.get(until, f"WRONG: {until}") if until else "WRONG: no lease"


def some_file(_: PromptStore) -> Path:
    _folders.append(TemporaryDirectory())
    lines = [{"prompt_text": f"text {n}", "task_type": "t", "id": f"own-{n}"} for n in range(IMPORTED // 2)]
    lines += [{"prompt_text": f"text {n}", "task_type": "t"} for n in range(IMPORTED // 2, IMPORTED)]
    file = Path(_folders[-1].name) / "in.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def imported(store: PromptStore, _: Path) -> str:
    texts = sorted(prompt.prompt_text for prompt in store.list())
    if texts == sorted(f"text {number}" for number in range(IMPORTED)):
        return "after"
    return "before" if len(set(texts)) == len(texts) < IMPORTED else f"WRONG: {texts}"


def several(store: PromptStore) -> set[str]:
    return {store.create("text", "type", prompt_id=f"p{number}").id for number in range(5)}


def exported(store: PromptStore, ids: set[str]) -> bool:
    target = io.BytesIO()
    store.export_prompts(target, segments=2)
    return sorted(json.loads(line)["id"] for line in target.getvalue().splitlines()) == sorted(ids)


NOTHING: dict[str, Any] = {}
PENDING = {"p": ("pending", None, 0)}
HELD = {"p": ("in_progress", None, 1)}
DONE = {"p": ("completed", {"score": 0.95}, 1)}

OPERATIONS = [
    Operation(
        "create",
        lambda _: None,
        lambda store, _: store.create("text", "type", prompt_id="p").id == "p",
        among(NOTHING, PENDING),
    ),
    Operation("get", one, lambda store, p: store.get(p).id == p, among(NOTHING, PENDING)),
    Operation(
        "update_status",
        one,
        lambda store, p: store.update_status(p, "completed", 1.0).status == "completed",
        among(PENDING, {"p": ("completed", 1.0, 0)}),
    ),
    Operation(
        "update_status if",
        one,
        lambda store, p: store.update_status(p, "failed", expected_status="pending").status == "failed",
        among(PENDING, {"p": ("failed", None, 0)}),
        (PromptConflict,),
    ),
    Operation(
        "delete",
        one,
        lambda store, p: store.delete(p) is None,  # type: ignore[func-returns-value]
        among(PENDING, NOTHING),
        (PromptNotFound,),
    ),
    Operation(
        "list",
        several,
        lambda store, ids: sorted(p.id for p in store.list(page_size=2)) == sorted(ids),
        lambda *_: "after",
    ),
    Operation(
        "claim: looking",
        one,
        lambda store, _: isinstance(store.claim("w", lease=LEASE), Claim),
        among(PENDING, HELD),
        requests=frozenset({"Scan", "Query"}),
    ),
    Operation(
        "claim: taking",
        one,
        lambda store, _: isinstance(store.claim("w", lease=LEASE), Claim),
        among(PENDING, HELD),
        requests=frozenset({"UpdateItem"}),
    ),
    Operation("extend", taken, lambda store, c: store.extend(c, lease=2 * LEASE) is not None, extended),
    Operation(
        "complete",
        taken,
        lambda store, c: store.complete(c, {"score": 0.95}).status == "completed",
        among(HELD, DONE),
    ),
    Operation(
        "fail",
        taken,
        lambda store, c: store.fail(c).status == "failed",
        among(HELD, {"p": ("failed", None, 1)}),
    ),
    Operation(
        "release",
        taken,
        lambda store, c: store.release(c).status == "pending",
        among(HELD, {"p": ("pending", None, 1)}),
    ),
    Operation(
        "import: looking",
        some_file,
        lambda store, path: store.import_prompts(path, workers=3).rejected == 0,
        imported,
        requests=frozenset({"BatchGetItem"}),
    ),
    Operation(
        "import: writing",
        some_file,
        lambda store, path: store.import_prompts(path, workers=3).rejected == 0,
        imported,
        requests=frozenset({"BatchWriteItem", "PutItem", "TransactWriteItems"}),
    ),
    Operation("export", several, exported, lambda *_: "after"),
]


class Bench:
    """One table, a proxy before it that knows one fault, and two stores: one straight, one through it."""

    def __init__(self, endpoint: str, fault: str, *, index: bool = False) -> None:
        self.fault = fault
        self.client = boto3.client("dynamodb", endpoint_url=endpoint, region_name="us-east-1")
        self.table = f"faults-{uuid.uuid4().hex[:12]}"
        make_table(self.client, self.table, index=index)
        self.proxy = FaultProxy(endpoint)
        self.proxy.start()
        self.clock = ManualClock()
        # Drawn alike in each run, or hypothesis takes another run of the same steps for a flaky test.
        self.rng = random.Random()  # noqa: S311
        self.straight = PromptStore(self.table, ClientSettings("us-east-1", endpoint), self.clock, rng=self.rng)
        self.spoilt = self.straight
        self._renewals = 0

    def renew(self, cells_per_client: int = 6) -> None:
        """Empty the table, and give the spoilt store a client with an unspent budget of retries.

        botocore's budget lasts for some cells of the matrix, and a client takes 0.1 s to make.
        """
        self.proxy.plan(lambda _operation, _number: None)
        for prompt in self.straight.list():
            self.straight.delete(prompt.id)
        self._renewals += 1
        self.rng.seed(0)
        if self._renewals % cells_per_client != 1 % cells_per_client:
            return
        # Long enough for an answer on a busy machine, unless it is the time-out that is tested.
        patience = 1 if self.fault == "late reply" else 10
        settings = ClientSettings("us-east-1", self.proxy.url, read_timeout=patience, attempts=3)
        self.spoilt = PromptStore(self.table, settings, self.clock, rng=self.rng)

    def close(self) -> None:
        self.proxy.stop()
        self.straight.close()
        self.spoilt.close()
        self.client.delete_table(TableName=self.table)


def run_once(operation: Operation, bench: Bench) -> str:
    """The fault on the first request only: the operation has to succeed, once."""
    subject = operation.prepare(bench.straight)
    hit: list[str] = []

    def first(request: str, _: int) -> str | None:
        if hit or not operation.hits(request):
            return None
        hit.append(request)
        return bench.fault

    bench.proxy.plan(first)
    assert operation.act(bench.spoilt, subject), "wrong answer"
    assert bench.proxy.faulted == 1, "the fault did not happen"
    assert operation.state(bench.straight, subject) == "after"
    return "ok"


def run_always(operation: Operation, bench: Bench) -> str:
    """The fault on every request: a named error, and trying again afterwards loses and doubles nothing."""
    subject = operation.prepare(bench.straight)
    bench.proxy.plan(lambda request, _: bench.fault if operation.hits(request) else None)
    error = None
    try:
        operation.act(bench.spoilt, subject)
    except StoreUnavailable as raised:
        error = raised
    assert error is not None, "no error under a fault that never ends"
    assert error.table == bench.table
    assert error.__cause__ is not None
    assert isinstance(error, Throttled) == (bench.fault == "throttle")
    assert bench.proxy.faulted >= 3, "given up too early"
    state = operation.state(bench.straight, subject)
    assert state in {"before", "after"}, state
    bench.proxy.plan(lambda _operation, _number: None)
    try_again(operation, bench, subject, carried_out=state == "after")
    assert operation.state(bench.straight, subject) == "after"
    return type(error).__name__


def try_again(operation: Operation, bench: Bench, subject: Any, *, carried_out: bool) -> None:
    """The caller's own second try, without faults."""
    if operation.name == "claim: taking" and carried_out:
        # Nobody knows the token of the first try: the prompt waits for its lease's end, and is not lost.
        assert isinstance(bench.spoilt.claim("w2", lease=LEASE), AllLeased)
        bench.clock.advance(LEASE * 2)
        claim = bench.spoilt.claim("w2", lease=LEASE)
        assert isinstance(claim, Claim)
        assert claim.attempt == 2
        bench.client.update_item(
            TableName=bench.table,
            Key={"id": {"S": claim.id}},
            UpdateExpression="SET attempts = :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        return
    try:
        assert operation.act(bench.spoilt, subject), "wrong answer"
    except operation.repeated:
        assert carried_out, "refused although the first try was not carried out"


@contextmanager
def hurried() -> Iterator[None]:
    """Retries without their pauses: what is tested is what is sent, not how long it waits."""
    no_pause = SimpleNamespace(sleep=lambda _: None)
    with (
        mock.patch("botocore.endpoint.time", no_pause),
        mock.patch.multiple("tap.store.bulk.writer", TRIES=3, PATIENCE=0),
    ):
        yield


def main() -> None:
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with endpoint_url() as endpoint, hurried():
        benches = [Bench(endpoint, fault, index="--index" in sys.argv) for fault in FAULTS]
        sys.stdout.write("| operation | " + " | ".join(FAULTS) + " |\n" + "|---" * (len(FAULTS) + 1) + "|\n")
        for operation in OPERATIONS:
            cells = [" / ".join(cell(operation, bench)) for bench in benches]
            sys.stdout.write(f"| {operation.name} | " + " | ".join(cells) + " |\n")
            sys.stdout.flush()
        for bench in benches:
            bench.close()


def cell(operation: Operation, bench: Bench) -> list[str]:
    outcomes = []
    bench.renew()
    for run in (run_once, run_always):
        try:
            outcomes.append(run(operation, bench))
        except AssertionError as error:
            outcomes.append(f"**{error}**")
        for prompt in bench.straight.list():
            bench.straight.delete(prompt.id)
    return outcomes


if __name__ == "__main__":
    main()
