"""The claim index on a living table: on and off again in place, nothing lost, and an empty plan after each.

The tests run in the order they stand in: they follow one stack.
"""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tap.settings import Settings
from tap.store import Claim, ClientSettings, PromptStore
from tap.store import index as detection
from tap.store.candidates import index as looking
from tests.support.endpoints import REGION, Endpoint
from tests.support.stacks import Change, Stack, stacks
from tests.support.synthesis import synthesize
from tests.support.the_stack import ALARMS

TABLE = "aws_dynamodb_table.TurnAroundPromptTable"
IN_PLACE = {
    Change(TABLE, "update"),
    Change("aws_cloudwatch_dashboard.CloudWatchDashboard", "update"),
    *(Change(alarm.address, "update") for alarm in ALARMS if alarm.per == "table"),
}


@pytest.fixture(scope="module")
def stack(endpoint: Endpoint, project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = Settings(environment_suffix="index", project_name=project)
    (made,) = stacks([settings], tmp_path_factory.mktemp("checkout"), endpoint)
    try:
        made.apply()
        yield made
    finally:
        made.destroy(check=False)


@pytest.fixture(scope="module")
def store(stack: Stack, endpoint: Endpoint) -> Iterator[PromptStore]:
    """A program that runs through it all, with dummy credentials; it asks for the index at each use."""
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    patch.setattr(detection, "_HOLDS", dict.fromkeys(detection._HOLDS, 0.0))
    with PromptStore(stack.settings.names.table, ClientSettings(REGION, endpoint.url)) as opened:
        yield opened
    patch.undo()


def switched(stack: Stack, *, on: bool) -> list[Change]:
    synthesize([stack.settings.model_copy(update={"claim_index_enabled": on})], stack.folder.parents[1])
    return stack.apply()


def described(stack: Stack, endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = endpoint.dynamodb.describe_table(TableName=stack.settings.names.table)["Table"]  # type: ignore[assignment]
    return found


def put_by_another_program(stack: Stack, endpoint: Endpoint) -> str:
    """As the seed's example does it."""
    prompt_id = str(uuid.uuid4())
    item = {"id": prompt_id, "prompt_text": "text", "task_type": "type", "status": "pending"}
    endpoint.dynamodb.put_item(
        TableName=stack.settings.names.table, Item={name: {"S": text} for name, text in item.items()}
    )
    return prompt_id


def one_claimed(store: PromptStore) -> str:
    """The only prompt that waits; on AWS, and so on LocalStack, an index may be a moment behind."""
    for _ in range(50):
        claim = store.claim("w")
        if isinstance(claim, Claim):
            return store.complete(claim, "done").id
        time.sleep(0.1)
    raise AssertionError(store.claim("w"))


def entered(store: PromptStore) -> set[str]:
    items = store.client.scan(TableName=store.table_name, ConsistentRead=True)["Items"]
    return {item["id"]["S"] for item in items if "claim_queue" in item}


def test_a_table_without_it_is_the_seeds(stack: Stack, store: PromptStore, endpoint: Endpoint) -> None:
    assert described(stack, endpoint).get("GlobalSecondaryIndexes", []) == []
    prompt = store.create("text", "type")
    assert entered(store) == set()
    assert one_claimed(store) == prompt.id


def test_it_is_switched_on_in_place(stack: Stack, store: PromptStore, endpoint: Endpoint) -> None:
    before = described(stack, endpoint)
    waiting = store.create("text", "type").id
    assert set(switched(stack, on=True)) == IN_PLACE
    assert stack.plan() == []
    after = described(stack, endpoint)
    (index,) = after["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["IndexStatus"]) == ("claims", "ACTIVE")
    kept = ("TableArn", "CreationDateTime", "LatestStreamArn")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert one_claimed(store) == waiting  # it was there before the index


def test_new_prompts_and_other_programs_are_found_by_it(
    stack: Stack, store: PromptStore, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_SWEEPS", 0)  # none while something is pending: nothing by chance
    scans: list[str] = []
    prompt = store.create("text", "type")
    assert entered(store) == {prompt.id}
    store.client.meta.events.register("before-call.dynamodb.Scan", lambda **_: scans.append("Scan"))
    assert one_claimed(store) == prompt.id
    assert scans == []
    others = put_by_another_program(stack, endpoint)
    assert one_claimed(store) == others
    assert entered(store) == set()


def test_it_is_switched_off_in_place(stack: Stack, store: PromptStore, endpoint: Endpoint) -> None:
    waiting = store.create("text", "type").id
    assert set(switched(stack, on=False)) == IN_PLACE
    assert stack.plan() == []
    assert described(stack, endpoint).get("GlobalSecondaryIndexes", []) == []
    assert one_claimed(store) == waiting
