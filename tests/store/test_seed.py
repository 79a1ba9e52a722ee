"""The seed's example, run as it stands, and what the store does in its place.

Each test first shows the seed's way failing on the endpoint: should a newer boto3 or DynamoDB mend it, the
test says so by failing.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from tap.store import PromptNotFound, PromptStore, UnreadablePrompt
from tests.support.store_table import ManualClock


class Seed:
    """The seed's functions, word for word but for where the table comes from."""

    def __init__(self, store: PromptStore) -> None:
        resource = boto3.resource("dynamodb", region_name="us-east-1", endpoint_url=store.settings.endpoint_url)
        self.table: Any = resource.Table(store.table_name)

    def create_prompt(self, prompt_text: str, task_type: str, priority: str = "medium", days: float = 30) -> str:
        prompt_id = str(uuid.uuid4())
        ttl_timestamp = int((datetime.now() + timedelta(days=days)).timestamp())  # noqa: DTZ005 -- the seed's
        item = {
            "id": prompt_id,
            "prompt_text": prompt_text,
            "task_type": task_type,
            "priority": priority,
            "status": "pending",
            "created_at": datetime.now().isoformat(),  # noqa: DTZ005 -- the seed's
            "ttl": ttl_timestamp,
        }
        self.table.put_item(Item=item)
        return prompt_id

    def update_prompt_status(self, prompt_id: str, status: str, result: Any = None) -> None:
        update_expr = "SET #status = :status, updated_at = :updated_at"
        expr_values = {":status": status, ":updated_at": datetime.now().isoformat()}  # noqa: DTZ005
        names = {"#status": "status"}
        if result:
            # RESULT is no reserved word on AWS, but moto takes it only behind a name.
            update_expr += ", #result = :result"
            names["#result"] = "result"
            expr_values[":result"] = result
        self.table.update_item(
            Key={"id": prompt_id},
            UpdateExpression=update_expr,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=expr_values,
        )

    def get(self, prompt_id: str) -> Any:
        return self.table.get_item(Key={"id": prompt_id}).get("Item")


@pytest.fixture
def seed(store: PromptStore) -> Seed:
    return Seed(store)


@pytest.fixture
def now(clock: ManualClock) -> ManualClock:
    """The seed's functions know only the machine's clock, so here the store goes by it too."""
    clock.time = datetime.now(UTC)
    return clock


def test_updating_a_prompt_that_is_not_there_makes_no_ghost(store: PromptStore, seed: Seed) -> None:
    seed.update_prompt_status("never created", "completed")
    assert seed.get("never created")["status"] == "completed"
    with pytest.raises(UnreadablePrompt):
        store.get("never created")

    with pytest.raises(PromptNotFound):
        store.update_status("not created either", "completed")
    assert seed.get("not created either") is None


@pytest.mark.usefixtures("now")
def test_a_score_of_0_95_is_stored(store: PromptStore, seed: Seed) -> None:
    prompt_id = seed.create_prompt("Review code for security vulnerabilities", "code_review", "high")
    with pytest.raises(TypeError, match="Float types are not supported"):
        seed.update_prompt_status(prompt_id, "completed", {"score": 0.95})

    assert store.update_status(prompt_id, "completed", {"score": 0.95}).result == {"score": 0.95}
    assert float(seed.get(prompt_id)["result"]["score"]) == 0.95


@pytest.mark.usefixtures("now")
def test_an_expired_prompt_is_not_served(store: PromptStore, seed: Seed) -> None:
    prompt_id = seed.create_prompt("text", "type", days=-1)
    assert seed.get(prompt_id)["status"] == "pending"

    with pytest.raises(PromptNotFound, match="expired"):
        store.get(prompt_id)
    assert list(store.list()) == []
    assert not store.claim("w")


@pytest.mark.usefixtures("now")
def test_a_falsy_result_is_stored(store: PromptStore, seed: Seed) -> None:
    prompt_id = seed.create_prompt("text", "type")
    seed.update_prompt_status(prompt_id, "completed", 0)
    assert "result" not in seed.get(prompt_id)

    assert store.update_status(prompt_id, "completed", 0).result == 0
    assert seed.get(prompt_id)["result"] == 0


@pytest.mark.usefixtures("now")
def test_of_two_workers_one_gets_the_prompt(store: PromptStore, seed: Seed) -> None:
    first = seed.create_prompt("text", "type")
    seen = [seed.get(first)["status"] for _ in ("one worker", "the other")]
    for status in seen:
        assert status == "pending"
        seed.update_prompt_status(first, "in_progress")  # both now work on it

    second = seed.create_prompt("text", "type")
    answers = [store.claim("one worker"), store.claim("the other")]
    assert [bool(answer) for answer in answers] == [True, False]
    assert store.get(second).claim_owner == "one worker"


@pytest.mark.usefixtures("now")
def test_seed_and_store_read_and_claim_each_others_prompts(store: PromptStore, seed: Seed) -> None:
    prompt_id = seed.create_prompt("text", "type", "low")
    prompt = store.get(prompt_id)
    assert (prompt.priority, prompt.status, prompt.attempts) == ("low", "pending", 0)
    assert prompt.created_at is not None
    assert prompt.created_at.tzinfo is UTC
    claim = store.claim("w")
    assert claim
    store.complete(claim, {"score": 1.0, "notes": ["a", None]})
    item = seed.get(prompt_id)
    assert (item["status"], item["result"]) == ("completed", {"score": 1, "notes": ["a", None]})
    seed.update_prompt_status(prompt_id, "failed", {"score": 2})
    assert (store.get(prompt_id).status, store.get(prompt_id).result) == ("failed", {"score": 2})
