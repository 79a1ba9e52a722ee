"""The endpoint, the table and the clock that tests of the store run on."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.servers import embedded_aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ManualClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.time = datetime(2031, 5, 17, 12, 0, 0, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, by: timedelta | float) -> None:
        self.time += by if isinstance(by, timedelta) else timedelta(seconds=by)


#: The stack's table with everything on, as the snapshot has it: tests of the store need no synth.
_SNAPSHOT = Path(__file__).parents[1] / "snapshot/__snapshots__/test_stacks/test_everything_on.json"
_STACK: Any = json.loads(_SNAPSHOT.read_text(encoding="utf-8"))
_TABLE: Any = _STACK["resource"]["aws_dynamodb_table"]["TurnAroundPromptTable"]


def _index(one: dict[str, Any]) -> dict[str, Any]:
    """An index of Terraform's as the API takes it."""
    return {
        "IndexName": one["name"],
        "KeySchema": [
            {"AttributeName": one["hash_key"], "KeyType": "HASH"},
            {"AttributeName": one["range_key"], "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": one["projection_type"], "NonKeyAttributes": one["non_key_attributes"]},
    }


@contextmanager
def endpoint_url() -> Iterator[str]:
    """$TAP_TEST_ENDPOINT, or an embedded AWS."""
    given = os.environ.get("TAP_TEST_ENDPOINT")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder, embedded_aws(Path(folder)) as server:
        yield server.url


def make_table(client: DynamoDBClient, name: str, *, index: bool = False) -> None:
    """A table like the stack's, with the claim index or without; it has no stream, for which moto takes its time."""
    keys = _TABLE["attribute"] if index else _TABLE["attribute"][:1]
    options: dict[str, Any] = {"GlobalSecondaryIndexes": [_index(one) for one in _TABLE["global_secondary_index"]]}
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": one["name"], "AttributeType": one["type"]} for one in keys],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        **(options if index else {}),
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})


def index_update(*, on: bool) -> dict[str, Any]:
    """What UpdateTable takes to give a table the claim index, or to take it away."""
    if not on:
        return {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": _TABLE["global_secondary_index"][0]["name"]}}]}
    attributes = [{"AttributeName": one["name"], "AttributeType": one["type"]} for one in _TABLE["attribute"]]
    updates = [{"Create": _index(one)} for one in _TABLE["global_secondary_index"]]
    return {"AttributeDefinitions": attributes, "GlobalSecondaryIndexUpdates": updates}


def stream_on(client: DynamoDBClient, name: str) -> None:
    """Give the table a stream like the stack's."""
    client.update_table(
        TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
