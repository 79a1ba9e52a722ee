"""Fixtures of the tests that need a prompt table on a real HTTP endpoint and no stack.

A folder has them by `from tests.support.store_fixtures import *` in its conftest.py.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from tap.store import ClientSettings, PromptStore
from tap.store.candidates import index as looking
from tests.support.store_table import ManualClock, endpoint_url, make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = [
    "aws_environment",
    "client",
    "clock",
    "endpoint",
    "has_index",
    "live",
    "settings",
    "shared_store",
    "store",
    "strict",
    "table",
]


@pytest.fixture(scope="session", autouse=True)
def aws_environment() -> Iterator[None]:
    """Dummy credentials, and nothing of the developer's own AWS set-up."""
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():
        patch.setenv(name, value)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def endpoint(aws_environment: None) -> Iterator[str]:  # noqa: ARG001 -- for its effect
    """The endpoint's URL."""
    with endpoint_url() as url:
        yield url


@pytest.fixture(scope="session")
def client(endpoint: str) -> DynamoDBClient:
    """Plain boto3, for looking behind the store's back."""
    return boto3.client(
        "dynamodb", endpoint_url=endpoint, region_name="us-east-1", config=Config(max_pool_connections=32)
    )


@pytest.fixture(scope="module")
def has_index() -> bool:
    """Whether the tables have the claim index; a module that is about both has a fixture of its own."""
    return False


@pytest.fixture
def table(client: DynamoDBClient, has_index: bool) -> Iterator[str]:
    """A fresh table like the stack's."""
    name = f"prompts-{uuid.uuid4().hex[:12]}"
    make_table(client, name, index=has_index)
    yield name
    client.delete_table(TableName=name)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings(endpoint: str) -> ClientSettings:
    return ClientSettings(endpoint_url=endpoint, region="us-east-1")


@pytest.fixture
def store(table: str, settings: ClientSettings, clock: ManualClock) -> Iterator[PromptStore]:
    """A store on the fresh table, on the test's clock."""
    with PromptStore(table, settings, clock=clock) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_store(client: DynamoDBClient, endpoint: str, has_index: bool) -> Iterator[PromptStore]:
    """A store on a table that the module's tests share: for hypothesis, which wants no fresh fixture."""
    name = f"prompts-{uuid.uuid4().hex[:12]}"
    make_table(client, name, index=has_index)
    with PromptStore(name, ClientSettings(endpoint_url=endpoint, region="us-east-1")) as opened:
        yield opened
    client.delete_table(TableName=name)


@pytest.fixture
def live(table: str, settings: ClientSettings) -> Iterator[PromptStore]:
    """A store on the machine's clock, as workers and the command line have it."""
    with PromptStore(table, settings) as store:
        yield store


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing by chance: no look at the leased and no sweep while something is pending."""
    monkeypatch.setattr(looking, "_LOOKS_FOR_LAPSED", 0)
    monkeypatch.setattr(looking, "_SWEEPS", 0)
