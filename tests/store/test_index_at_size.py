"""The claim index and many prompts.

The variables below scale it: moto copies its table for every transaction. `make test-localstack` has the full numbers.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap.local import ROOT
from tap.store import ClientSettings, PromptStore
from tap.store.bulk.reindexing import PAGE
from tests.store.test_claim_index import requests
from tests.store.test_claims import claimed
from tests.store.test_concurrency import LEASE_S, output, start
from tests.support.store_table import ManualClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EXPIRED = int(os.environ.get("TAP_EXPIRED_PROMPTS", "60"))
FOREIGN = int(os.environ.get("TAP_FOREIGN_PROMPTS", "150"))


@pytest.fixture(scope="module")
def has_index() -> bool:
    return True


@pytest.fixture
def live_store(table: str, endpoint: str) -> PromptStore:
    """On the machine's clock, as other processes are."""
    return PromptStore(table, ClientSettings("us-east-1", endpoint, read_timeout=60))


@pytest.mark.usefixtures("strict")
def test_a_head_of_expired_prompts_holds_nobody_up(table: str, settings: ClientSettings, clock: ManualClock) -> None:
    """They would be the first in the order of work, and DynamoDB takes up to two days to delete them."""
    line = {"prompt_text": "old", "task_type": "t", "priority": "high", "expires_at": "2031-05-18T00:00:00Z"}
    with PromptStore(table, settings, clock=clock) as store:
        store.import_prompts(io.BytesIO(f"{json.dumps(line)}\n".encode() * EXPIRED))
        clock.advance(timedelta(days=1))
        living = {store.create("text", "type", "low").id, store.create("text", "type", "low").id}
    with PromptStore(table, settings, clock=clock) as fresh:
        with requests(fresh) as first:
            taken = {claimed(fresh).id}
        with requests(fresh) as second:
            taken.add(claimed(fresh).id)
    assert taken == living
    assert len(first) <= 10
    assert len(second) <= 3


def test_a_reindex_killed_with_9_goes_on_beside_workers_and_each_prompt_is_completed_once(
    live_store: PromptStore, client: DynamoDBClient, tmp_path: Path
) -> None:
    """A table full of the seed's prompts, which have no entry."""
    waiting = [seeds_item(number) for number in range(FOREIGN)]
    for first in range(0, FOREIGN, 25):
        puts: Any = [{"PutRequest": {"Item": item}} for item in waiting[first : first + 25]]
        client.batch_write_item(RequestItems={live_store.table_name: puts})
    place = (str(live_store.settings.endpoint_url), live_store.table_name)
    workers = [
        start("tests.store.worker", *place, f"w{n}", LEASE_S, "2", str(min(50, FOREIGN // 10))) for n in range(2)
    ]
    # Read meanwhile: a worker whose pipe is full would sleep past its lease.
    reading = ThreadPoolExecutor(len(workers))
    told = [reading.submit(output(worker).read) for worker in workers]
    command = [sys.executable, "-m", "tap", "prompts", "reindex", "--json", "--workers=4", f"--table={place[1]}"]
    options: dict[str, Any] = {
        "cwd": tmp_path,
        "env": os.environ | {"AWS_ENDPOINT_URL": place[0], "PYTHONPATH": str(ROOT)},
    }
    killed = subprocess.Popen(command, **options)
    checkpoint = tmp_path / f"{place[1]}.reindex.json"
    while FOREIGN > PAGE and not checkpoint.exists() and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    done = subprocess.run(command, **options, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["items"] == FOREIGN
    assert (report["resumed_at"] > 0) == (FOREIGN > PAGE)
    handed_out = Counter(line for said in told for line in said.result().splitlines()[:-1])
    assert [worker.wait() for worker in workers] == [0, 0]
    while claim := live_store.claim("the last"):
        handed_out[live_store.complete(claim, "done").id] += 1
    assert handed_out == Counter({item["id"]["S"]: 1 for item in waiting})


def seeds_item(number: int) -> dict[str, Any]:
    """As the seed's example writes it: none of the store's own attributes."""
    texts = {"id": str(uuid.uuid4()), "prompt_text": f"text {number}", "task_type": "code_review", "priority": "medium"}
    texts |= {"status": "pending", "created_at": datetime.now().isoformat()}  # noqa: DTZ005 -- as there, without a zone
    return {name: {"S": text} for name, text in texts.items()} | {"ttl": {"N": str(int(time.time()) + 2_592_000)}}
