"""`tap prompts watch` while prompts go through their life in another process; 200 of them on LocalStack."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap.local import ROOT
from tap.store import Claim, PromptStore
from tests.commands.test_work import until
from tests.support.store_table import stream_on

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PROMPTS = int(os.environ.get("TAP_WATCHED_PROMPTS", "30"))
PATIENCE = 300  # seconds, on a machine that is busy with other tests
LIFE = ["created", "claimed", "extended", "released", "claimed", "completed", "deleted"]
Watch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def table(table: str, client: DynamoDBClient) -> str:
    """With a stream, as the stack's has it."""
    stream_on(client, table)
    return table


@pytest.fixture
def environment(live: PromptStore) -> dict[str, str]:
    url = str(live.settings.endpoint_url)
    return os.environ | {"AWS_ENDPOINT_URL": url, "TAP_TABLE": live.table_name, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def watch(environment: dict[str, str], tmp_path: Path) -> Iterator[Watch]:
    """Starts a watcher with a checkpoint; it is at work when the checkpoint is there."""
    started: list[subprocess.Popen[str]] = []

    def start(output: Path, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tap", "prompts", "watch", f"--checkpoint={tmp_path / 'watch.json'}", *options]
        with output.open("w") as file:
            process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.PIPE, text=True)
        started.append(process)
        until((tmp_path / "watch.json").exists)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


LIVES = """
import sys
from tests.commands.test_watch import live_through
live_through(sys.argv[1], int(sys.argv[2]))
"""


def live_through(table: str, count: int) -> None:
    """What the other process does: the whole life of so many prompts."""
    with PromptStore(table) as store:
        for number in range(count):
            prompt = store.create("text", "type", prompt_id=f"p{number}")
            claim = store.claim("w")
            assert isinstance(claim, Claim)
            assert claim.id == prompt.id
            time.sleep(0.01)  # or the extension's end is the claim's
            store.extend(claim)
            store.release(claim)
            again = store.claim("w")
            assert isinstance(again, Claim)
            store.complete(again, {"n": number})
            store.delete(prompt.id)


def test_every_change_is_seen_in_order_though_the_watcher_is_killed(
    live: PromptStore, environment: dict[str, str], watch: Watch, tmp_path: Path
) -> None:
    outputs = [tmp_path / "first.ndjson", tmp_path / "second.ndjson"]
    first = watch(outputs[0])
    lives = subprocess.Popen([sys.executable, "-c", LIVES, live.table_name, str(PROMPTS)], env=environment, cwd=ROOT)
    until(lambda: len(lines(outputs[0])) >= PROMPTS, PATIENCE)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = watch(outputs[1])
    assert lives.wait() == 0
    last = f"p{PROMPTS - 1}"
    until(lambda: any((line["change"], line["id"]) == ("deleted", last) for line in lines(outputs[1])), PATIENCE)
    second.send_signal(signal.SIGTERM)
    _, said = second.communicate(timeout=30)
    assert (second.returncode, said) == (0, "")

    seen: dict[str, list[str]] = defaultdict(list)
    sequences: dict[str, set[str]] = defaultdict(set)
    for output in outputs:
        for line in lines(output):
            if line["sequence"] not in sequences[line["id"]]:  # at least once
                seen[line["id"]].append(line["change"])
                sequences[line["id"]].add(line["sequence"])
    assert seen == {f"p{number}": LIFE for number in range(PROMPTS)}
    for output in outputs:
        for_each: dict[str, list[int]] = defaultdict(list)
        for line in lines(output):
            for_each[line["id"]].append(int(line["sequence"]))
        assert all(numbers == sorted(numbers) for numbers in for_each.values())


def lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines of a file that is being written."""
    return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


def test_on_a_terminal_a_table_grows(live: PromptStore, environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tap", "prompts", "watch", "--from", "oldest"]
    live.create("Review the code", "code_review", prompt_id="my-prompt")
    process = subprocess.Popen(command, env=environment | {"COLUMNS": "120"}, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    shown = b""
    while b"Review the code" not in shown:
        shown += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    os.close(ours)
    row = next(line for line in shown.decode().splitlines() if "my-prompt" in line)
    assert row.split()[1:5] == ["created", "my-prompt", "code_review", "Review"]
