"""The fault matrix on a table with the claim index: what is written or looked for in another way there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tap.store.entries import due_entry, entry_of
from tests.store.fault_matrix import OPERATIONS, Bench, Operation, hurried, run_always, run_once
from tests.support.fault_proxy import FAULTS

#: What does the same with the index and without.
THE_SAME = {"get", "delete", "list", "export", "import: looking", "update_status if"}
DIFFERENT = [operation for operation in OPERATIONS if operation.name not in THE_SAME]


@pytest.fixture(scope="module")
def benches(endpoint: str) -> Iterator[dict[str, Bench]]:
    made = {fault: Bench(endpoint, fault, index=True) for fault in FAULTS}
    with hurried():
        yield made
    for each in made.values():
        each.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", DIFFERENT, ids=lambda operation: operation.name)
@pytest.mark.parametrize("run", [run_once, run_always], ids=["once", "always"])
def test_a_fault_leaves_each_entry_right(
    run: Callable[[Operation, Bench], str], operation: Operation, fault: str, benches: dict[str, Bench]
) -> None:
    bench = benches[fault]
    bench.renew()
    run(operation, bench)
    items: Any = bench.client.scan(TableName=bench.table, ConsistentRead=True)["Items"]
    assert items
    for item in items:
        assert entry_of(item) == due_entry(item, bench.clock())


def test_what_is_left_out_is_the_matrixs() -> None:
    assert {operation.name for operation in OPERATIONS} > THE_SAME
