"""What the embedded AWS is beyond moto: a request that is sent again is carried out once."""

import json
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.support.servers import embedded_aws

CREATE: dict[str, object] = {
    "TableName": "prompts",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("embedded")
    with embedded_aws(folder) as server:
        yield server.url


def ask(url: str, operation: str, body: dict[str, object], invocation: str) -> tuple[int, bytes]:
    headers = {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": SIGNED,
        "amz-sdk-invocation-id": invocation,
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
            return reply.status, reply.read()
    except HTTPError as refusal:
        return refusal.code, refusal.read()


def test_a_request_that_is_sent_again_gets_its_answer_again(url: str) -> None:
    first = ask(url, "CreateTable", CREATE, "create-1")
    assert first[0] == HTTPStatus.OK
    assert ask(url, "CreateTable", CREATE, "create-1") == first
    assert ask(url, "CreateTable", CREATE, "create-2")[0] == HTTPStatus.BAD_REQUEST
    gone = ask(url, "DeleteTable", {"TableName": "prompts"}, "delete-1")
    assert gone[0] == HTTPStatus.OK
    assert ask(url, "DeleteTable", {"TableName": "prompts"}, "delete-1") == gone
    assert ask(url, "DeleteTable", {"TableName": "prompts"}, "delete-2")[0] == HTTPStatus.BAD_REQUEST


def test_only_the_last_answers_are_remembered(url: str) -> None:
    assert ask(url, "CreateTable", CREATE, "early")[0] == HTTPStatus.OK
    for number in range(300):
        ask(url, "ListTables", {}, f"list-{number}")
    assert ask(url, "CreateTable", CREATE, "early")[0] == HTTPStatus.BAD_REQUEST
    assert ask(url, "DeleteTable", {"TableName": "prompts"}, "end")[0] == HTTPStatus.OK
