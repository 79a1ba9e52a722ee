"""Candidates by a scan: what differs from those by the claim index."""

from __future__ import annotations

import json
import random

from tap.store import ClientSettings, PromptStore
from tests.store.test_claims import claimed
from tests.support.store_table import ManualClock


def test_workers_that_see_the_same_candidates_part_ways(store: PromptStore, clock: ManualClock) -> None:
    # These ids come after every UUID, so that on moto each Scan sees them in the same order.
    for number in range(20):
        store.create("text", "type", prompt_id=f"z{number}")
    chosen = set()
    for seed in range(8):
        worker = PromptStore(store.table_name, store.settings, clock, rng=random.Random(seed))  # noqa: S311
        first_tries: list[str] = []
        worker.client.meta.events.register(
            "before-call.dynamodb.UpdateItem",
            lambda params, tries=first_tries, **_: tries.append(json.loads(params["body"])["Key"]["id"]["S"]),
        )
        worker.release(claimed(worker))
        chosen.add(first_tries[0])
    assert len(chosen) > 2


def test_workers_start_to_look_all_over_the_table(table: str, settings: ClientSettings) -> None:
    starts = []
    with PromptStore(table, settings) as store:
        store.client.meta.events.register(
            "provide-client-params.dynamodb.Scan", lambda params, **_: starts.append(params.get("ExclusiveStartKey"))
        )
        for _ in range(32):
            store.claim("w")
    tails, heads = starts[::2], starts[1::2]
    assert heads == [None] * 32  # an empty table is looked at all round
    assert len({start["id"]["S"][0] for start in tails}) > 4  # of sixteen first digits
