"""The endpoint, the table and the clock that the store's tests run on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).parents[2]


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
    """$TAP_TEST_ENDPOINT, or moto in a process of its own."""
    given = os.environ.get("TAP_TEST_ENDPOINT")
    if given:
        yield given
        return
    command = [sys.executable, "-m", "tests.store.moto_server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            assert port, "moto did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


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
