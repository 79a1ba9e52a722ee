"""The endpoint, the table and the clock that tests of the store run on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

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


@contextmanager
def endpoint_url() -> Iterator[str]:
    """$TAP_TEST_ENDPOINT, or an embedded AWS."""
    given = os.environ.get("TAP_TEST_ENDPOINT")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder, embedded_aws(Path(folder)) as server:
        yield server.url


def make_table(client: DynamoDBClient, name: str) -> None:
    """A table like the stack's."""
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
