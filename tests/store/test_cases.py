"""One table of cases, tests/cases/items.json, for this store and for the example in TypeScript.

So what one of them reads, claims and completes the other does too. What only Python can (export and import) is
tested here with the same items.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import uuid
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tap.local import ROOT
from tap.store import Claim, PromptStore, UnreadablePrompt
from tap.store.attributes import ENTRY
from tap.store.candidates import sweep
from tap.store.entries import due_entry
from tap.store.times import epoch_ms
from tests.support.store_table import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CASES: Any = json.loads((ROOT / "tests/cases/items.json").read_text(encoding="utf-8"))
EXAMPLE = ROOT / "examples/typescript"
#: What a claim and its completion change.
CHANGED = {
    *("status", "updated_at", "attempts", "claim_token", "claim_owner", "lease_until", "result", "result_json"),
    *ENTRY,
}


def typed(value: Any) -> Any:
    """A typed value with its bytes as bytes."""
    ((kind, inner),) = value.items()
    if kind == "B":
        return {"B": b64decode(inner)}
    if kind == "BS":
        return {"BS": [b64decode(item) for item in inner]}
    if kind == "M":
        return {"M": {key: typed(item) for key, item in inner.items()}}
    if kind == "L":
        return {"L": [typed(item) for item in inner]}
    return value


def item_of(case: dict[str, Any]) -> dict[str, Any]:
    attributes = CASES["base"] | case.get("attributes", {})
    return {name: typed(value) for name, value in attributes.items() if value is not None}


@pytest.fixture(scope="module", params=[False, True], ids=["scan", "index"])
def has_index(request: pytest.FixtureRequest) -> bool:
    """All cases on a table without the claim index, and on one with it."""
    found: bool = request.param
    return found


@pytest.fixture
def live(shared_store: PromptStore, client: DynamoDBClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptStore]:
    """A store on the machine's clock that may sweep at each look; its table is empty before and after."""
    monkeypatch.setattr(sweep, "_UNITS_A_SECOND", 1e9)
    yield shared_store
    for item in raw(client, shared_store):
        client.delete_item(TableName=shared_store.table_name, Key={"id": item["id"]})


def raw(client: DynamoDBClient, store: PromptStore) -> list[dict[str, Any]]:
    return client.scan(TableName=store.table_name, ConsistentRead=True)["Items"]


def put(client: DynamoDBClient, store: PromptStore, item: dict[str, Any]) -> dict[str, Any]:
    """The item, as the table then has it."""
    client.put_item(TableName=store.table_name, Item=item)
    (found,) = raw(client, store)
    return found


def without_entry(item: dict[str, Any]) -> dict[str, Any]:
    """The item but for its place in the claim index."""
    return {name: value for name, value in item.items() if name not in ENTRY}


def instant(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("case", CASES["items"], ids=lambda case: case["name"])
def test_an_item_is_read_as_the_table_says(live: PromptStore, client: DynamoDBClient, case: dict[str, Any]) -> None:
    put(client, live, item_of(case))
    if case.get("reads") is False:
        with pytest.raises(UnreadablePrompt):
            live.get("case")
        assert list(live.list()) == []
        return
    prompt = live.get("case")
    assert list(live.list()) == [prompt]
    assert list(live.list(priority="medium")) == ([prompt] if prompt.priority == "medium" else [])
    assert {
        "priority": prompt.priority,
        "created_at": instant(prompt.created_at),
        "updated_at": instant(prompt.updated_at),
        "ttl": None if prompt.expires_at is None else prompt.expires_at.timestamp(),
        "attempts": prompt.attempts,
        "max_attempts": prompt.max_attempts,
        "claim_owner": prompt.claim_owner,
        "lease_until": None if prompt.lease_until is None else epoch_ms(prompt.lease_until),
        "result": prompt.result,
    } == CASES["as_absent"] | case.get("reads", {})
    assert sorted(prompt.extra) == case.get("extra", [])
    json.loads(prompt.model_dump_json())


@pytest.mark.parametrize("case", CASES["items"], ids=lambda case: case["name"])
def test_an_item_is_claimed_as_the_table_says(live: PromptStore, client: DynamoDBClient, case: dict[str, Any]) -> None:
    before = put(client, live, item_of(case))
    claim = live.claim("python")
    if not isinstance(case["claims"], int):
        assert not claim
        (after,) = raw(client, live)
        expected = before
        if case["claims"] == "failed":
            assert after.pop("updated_at") != before.get("updated_at")
            expected = before | {"status": {"S": "failed"}}
        assert without_entry(after) == expected
        return
    assert isinstance(claim, Claim)
    assert claim.attempt == case["claims"]
    assert live.complete(claim, {"score": 0.95}).status == "completed"
    (after,) = raw(client, live)
    assert {name: value for name, value in after.items() if name not in CHANGED} == {
        name: value for name, value in before.items() if name not in CHANGED
    }
    assert after["result"] == {"M": {"score": {"N": "0.95"}}}


@pytest.mark.parametrize("case", CASES["items"], ids=lambda case: case["name"])
def test_an_update_writes_all_or_nothing(live: PromptStore, client: DynamoDBClient, case: dict[str, Any]) -> None:
    before = put(client, live, item_of(case))
    if case.get("reads") is False and not case["name"].startswith("status"):
        with pytest.raises(UnreadablePrompt):
            live.update_status("case", "failed")
        assert raw(client, live) == [before]
        return
    assert live.update_status("case", "failed").status == "failed"
    assert live.update_status("case", "pending", more_attempts=2).max_attempts == live.get("case").attempts + 2
    (after,) = raw(client, live)
    changed = CHANGED | {"update_token", "max_attempts"}
    assert {name: value for name, value in after.items() if name not in changed} == {
        name: value for name, value in before.items() if name not in changed
    }
    if case["claims"] != "passed over":
        assert live.claim("python")


@pytest.mark.parametrize("case", CASES["items"], ids=lambda case: case["name"])
def test_what_is_exported_is_imported_byte_for_byte(
    live: PromptStore, client: DynamoDBClient, case: dict[str, Any]
) -> None:
    before = put(client, live, item_of(case))
    exported = io.BytesIO()
    report = live.export_prompts(exported)
    if case.get("reads") is False:
        assert (report.exported, report.unreadable_ids) == (0, ["case"])
        return
    client.delete_item(TableName=live.table_name, Key={"id": before["id"]})
    again = live.import_prompts(io.BytesIO(exported.getvalue()))
    assert (again.imported, again.rejected) == (1, 0)
    (after,) = raw(client, live)
    tokens = {"claim_token", "update_token"}
    assert without_entry(after) == {name: value for name, value in before.items() if name not in tokens}


@pytest.mark.parametrize("case", CASES["results"], ids=lambda case: case["name"])
def test_a_result_is_read_and_comes_back_from_an_export(
    live: PromptStore, client: DynamoDBClient, case: dict[str, Any]
) -> None:
    forms = {name: case[name] for name in ("result", "result_json") if name in case}
    before = put(client, live, item_of({"attributes": {**forms, "status": {"S": "completed"}}}))
    result = live.get("case").result
    assert (result, json.dumps(result)) == (case["reads"], json.dumps(case["reads"]))
    exported = io.BytesIO()
    live.export_prompts(exported)
    assert json.loads(exported.getvalue())["result"] == case["reads"]
    client.delete_item(TableName=live.table_name, Key={"id": before["id"]})
    assert live.import_prompts(io.BytesIO(exported.getvalue())).imported == 1
    assert raw(client, live) == [before]


@pytest.mark.parametrize("case", CASES["completes"], ids=lambda case: json.dumps(case["value"]))
def test_a_result_is_stored_as_the_table_says(live: PromptStore, client: DynamoDBClient, case: dict[str, Any]) -> None:
    live.create("text", "type")
    claim = live.claim("python")
    assert isinstance(claim, Claim)
    assert live.complete(claim, case["value"]).result == case["value"]
    (item,) = raw(client, live)
    assert item["result"] == typed(case["stored"])
    assert "result_json" not in item


@pytest.mark.parametrize("case", CASES["entries"], ids=lambda case: case["name"])
def test_an_entry_is_the_one_that_the_table_says(case: dict[str, Any]) -> None:
    due = due_entry(item_of(case), datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert due == (case["entry"] and tuple(case["entry"]))


def test_an_unknown_priority_goes_with_medium(live: PromptStore, client: DynamoDBClient) -> None:
    for priority in ("low", "urgent", "high"):
        client.put_item(
            TableName=live.table_name,
            Item=CASES["base"] | {"id": {"S": priority}, "priority": {"S": priority}},
        )
    claims = [live.claim("python") for _ in range(3)]
    assert [claim.id for claim in claims if isinstance(claim, Claim)] == ["high", "urgent", "low"]


def test_typescript_does_the_same(client: DynamoDBClient, endpoint: str, has_index: bool) -> None:
    """All cases in one Node: see examples/typescript/test/cases.test.mjs."""
    table = f"cases-{uuid.uuid4().hex[:12]}"
    make_table(client, table, index=has_index)
    environment = os.environ | {"AWS_ENDPOINT_URL": endpoint, "TAP_TABLE": table}
    environment |= {"TAP_HAS_INDEX": "yes"} if has_index else {}
    try:
        done = subprocess.run(
            ["node", "--test", "test/"], cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        client.delete_table(TableName=table)
    assert done.returncode == 0, done.stdout + done.stderr
