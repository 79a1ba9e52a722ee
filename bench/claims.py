"""What a claim costs: requests and read units, with the claim index and without, in Python and in TypeScript.

    python -m bench.claims [--results FILE] [--sizes 1000,10000,100000]

On DynamoDB Local: $TAP_DYNAMODB_LOCAL names one, or the one that LocalStack's set-up brings is started. All prompts
have 1 KB and are finished, but for none, one or one in a hundred. A proxy counts what the stores ask for.
"""

# ruff: noqa: T201 -- a script: it prints
from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from rich.console import Console
from rich.table import Table

from bench.measure import ROOT, keep
from tap.store import ClientSettings, PromptStore
from tests.support.store_table import index_update, make_table

LOCALSTACK = ROOT.parent / "shared/localstack-host"
TARGETS = {"requests": 3.0, "units": 2.0}
#: How many wait beside so many finished ones: none, one, one in a hundred.
PENDING = {"none": 0, "one": 0, "1 %": 100}
BATCH = 25


@contextmanager
def dynamodb_local() -> Iterator[str | None]:
    """Its URL; None where there is none."""
    if given := os.environ.get("TAP_DYNAMODB_LOCAL"):
        yield given
        return
    if not LOCALSTACK.exists() or shutil.which("java") is None:
        yield None
        return
    folder = ROOT / ".localstack"
    subprocess.run([LOCALSTACK / "setup.sh", folder], check=True, stdout=subprocess.DEVNULL)
    jars = folder / "root/var/lib/localstack/lib/dynamodb-local/2"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    classes = f"{jars}/DynamoDBLocal.jar:{jars}/DynamoDBLocal_lib/*:{folder}/run"
    command = ["java", f"-Djava.library.path={jars}/DynamoDBLocal_lib", "-cp", classes, "DdbLoopback"]
    environment = os.environ | {"DDB_LOCAL_TELEMETRY": "0"}
    with subprocess.Popen(
        [*command, "-inMemory", "-port", str(port)], env=environment, stdout=subprocess.DEVNULL, cwd=folder
    ) as process:
        try:
            while process.poll() is None:
                with socket.socket() as attempt:
                    if attempt.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


class Counting(ThreadingHTTPServer):
    """Passes requests on, counts them by operation, and adds up the read units of what reads."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target)
        self.counts: Counter[str] = Counter()
        self.units = 0.0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def taken(self) -> tuple[Counter[str], float]:
        """The counts and the units since the last call."""
        with self.lock:
            counts, units = self.counts, self.units
            self.counts, self.units = Counter(), 0.0
        return counts, units


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Counting

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rsplit(".", 1)[1]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reads = operation in ("Query", "Scan", "GetItem")
        if reads:
            body = json.dumps(json.loads(body) | {"ReturnConsumedCapacity": "TOTAL"}).encode()
        kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
        connection = http.client.HTTPConnection(self.server.target.hostname or "", self.server.target.port or 80)
        connection.request("POST", "/", body, kept)
        reply = connection.getresponse()
        content = reply.read()
        with self.server.lock:
            self.server.counts[operation] += 1
            if reads and reply.status == 200:
                self.server.units += json.loads(content)["ConsumedCapacity"]["CapacityUnits"]
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def fill(client: Any, table: str, count: int) -> None:
    """So many finished prompts of 1 KB."""

    def put(number: int) -> None:
        items = [{"PutRequest": {"Item": finished()}} for _ in range(min(BATCH, count - number))]
        while items:
            items = client.batch_write_item(RequestItems={table: items})["UnprocessedItems"].get(table, [])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(0, count, BATCH)))


def finished() -> dict[str, Any]:
    """As a store leaves it."""
    texts = {"prompt_text": "x" * 700, "task_type": "code_review", "priority": "medium", "status": "completed"}
    texts |= {"created_at": "2026-11-27T12:00:00.000000+00:00", "updated_at": "2026-11-27T12:00:05.000000+00:00"}
    texts |= {"claim_token": str(uuid.uuid4()), "claim_owner": "worker-1", "id": str(uuid.uuid4())}
    numbers = {"ttl": "4000000000", "attempts": "1"}
    item: dict[str, Any] = {name: {"S": text} for name, text in texts.items()}
    return item | {name: {"N": number} for name, number in numbers.items()} | {"result": {"S": "y" * 100}}


def switch(client: Any, table: str, *, on: bool) -> None:
    """The claim index, on a living table."""
    client.update_table(TableName=table, **index_update(on=on))
    while any(
        one["IndexStatus"] != "ACTIVE"
        for one in client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
    ):
        time.sleep(0.2)


#: Claims and completes COUNT times and, where `again` is yes, stores a prompt before each claim.
PYTHON = """
import sys
from tap.store import ClientSettings, PromptStore
table, count, again = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "yes"
store = PromptStore(table, ClientSettings(read_timeout=60))
done = 0
for _ in range(count):
    if again:
        store.create("x" * 700, "code_review")
    claim = store.claim("bench")
    if claim:
        store.complete(claim, "y")
        done += 1
print(done)
"""
TYPESCRIPT = """
import { claimPrompt, completePrompt, createPrompt } from %r;
const [name, count, again] = process.argv.slice(1);
const table = { name };
let done = 0;
for (let n = 0; n < Number(count); n++) {
  if (again === 'yes') await createPrompt(table, 'x'.repeat(700), 'code_review');
  const claim = await claimPrompt(table, 'bench');
  if (claim.kind !== 'claimed') continue;
  await completePrompt(table, claim.prompt.id, claim.token, 'y');
  done++;
}
console.log(done);
"""


def commands(table: str, count: int, again: str) -> dict[str, list[str]]:
    """The same in both languages."""
    module = (ROOT / "examples/typescript/dist/prompts.js").as_uri()
    node = ["node", "--input-type=module", "-e", TYPESCRIPT % module, "--", table, str(count), again]
    return {"Python": [sys.executable, "-c", PYTHON, table, str(count), again], "TypeScript": node}


def measure(proxy: Counting, command: list[str], claims: int) -> dict[str, float]:
    """Requests and read units per claim."""
    environment = os.environ | {"AWS_ENDPOINT_URL": proxy.url, "PYTHONPATH": str(ROOT)}
    proxy.taken()
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    counts, units = proxy.taken()
    own = counts.total() - counts["PutItem"] - int(run.stdout)  # but what creates and completes
    return {"requests": own / claims, "units": units / claims}


def main() -> None:
    """Measure, show, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "bench-results.json", help="the JSON file to write")
    parser.add_argument("--sizes", default="1000,10000,100000", help="finished prompts in the table")
    options = parser.parse_args()
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    with dynamodb_local() as url:
        if url is None:
            print(
                "Claims: not measured. Start DynamoDB Local, and name it in TAP_DYNAMODB_LOCAL=http://127.0.0.1:8000."
            )
            return
        rows = list(measured(url, [int(size) for size in options.sizes.split(",")]))
    shown = Table(title=f"Requests and read units per claim; with the index at most {TARGETS}", box=None)
    for heading in ("finished", "index", "pending", "language", "requests", "read units"):
        shown.add_column(heading, justify="right")
    for row in rows:
        missed = row["index"] and any(row[name] > target for name, target in TARGETS.items())
        figures = [f"{row['requests']:.1f}", f"{row['units']:.1f}{' (missed)' if missed else ''}"]
        shown.add_row(f"{row['size']:,}", "yes" if row["index"] else "no", row["pending"], row["language"], *figures)
    Console(width=100).print(shown)
    keep("claims", {"rows": rows, "targets": TARGETS}, options.results)


def measured(url: str, sizes: list[int]) -> Iterator[dict[str, Any]]:
    """A row for each size, index, number of pending prompts and language; the table grows from one size to the next."""
    client = boto3.client("dynamodb", endpoint_url=url, region_name="us-east-1")
    table = f"claims-{uuid.uuid4().hex[:8]}"
    make_table(client, table)
    proxy = Counting(url)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    there = 0
    for size in sizes:
        fill(client, table, size - there)
        there = size
        for index in (False, True):
            if index:
                switch(client, table, on=True)
            for pending, one_in in PENDING.items():
                for language in ("Python", "TypeScript"):
                    claims = 20 if index else 4
                    if one_in:
                        prepare(url, table, size // one_in)
                    again = "yes" if pending == "one" else "no"
                    figures = measure(proxy, commands(table, claims, again)[language], claims)
                    yield {"size": size, "index": index, "pending": pending, "language": language, **figures}
                    empty(url, table)
        switch(client, table, on=False)
    proxy.shutdown()


def prepare(url: str, table: str, count: int) -> None:
    """So many pending prompts."""
    with PromptStore(table, ClientSettings(endpoint_url=url)) as store, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.create("x" * 700, "code_review"), range(count)))


def empty(url: str, table: str) -> None:
    """Nothing pending."""
    with PromptStore(table, ClientSettings(endpoint_url=url)) as store:
        for prompt in store.list(status="pending"):
            store.delete(prompt.id)


if __name__ == "__main__":
    main()
