"""`tap prompts work` with programs that do what programs do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tap.local import ROOT
from tap.store import PromptStore

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(live: PromptStore, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker whose program is a shell script."""
    started: list[subprocess.Popen[str]] = []

    def work(script: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tap", "prompts", "work", "w1", *options, "--", "sh", "-c", script]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=os.environ
            | {
                "AWS_ENDPOINT_URL": str(live.settings.endpoint_url),
                "TAP_TABLE": live.table_name,
                "PYTHONPATH": str(ROOT),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield work
    for process in started:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> dict[str, int]:
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    counts: dict[str, int] = json.loads(said)
    return {name: count for name, count in counts.items() if count}


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for it; the limit is for what never comes, not for what is slow."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("script", "counts", "result"),
    [
        ("cat", {"completed": 1}, None),  # the prompt itself
        ("true", {"completed": 1}, None),
        ("sleep 2.5; echo 0.95", {"completed": 1}, 0.95),  # past its lease of 1 s
        ("echo broken >&2; exit 3", {"released": 1, "failed": 1}, "CommandError: exit status 3: broken"),
        ("echo not English >&2; exit 65", {"failed": 1}, "not English"),
        ("echo no JSON", {"released": 1, "failed": 1}, "its output is not JSON"),
        ('echo \'{"a": 1, "a": 2}\'', {"released": 1, "failed": 1}, "the key 'a' comes twice"),
        ("kill -9 $$", {"released": 1, "failed": 1}, "CommandError: ended by SIGKILL"),
    ],
)
def test_its_exit_status_and_output_decide(
    live: PromptStore, start: Start, script: str, counts: dict[str, int], result: Any
) -> None:
    prompt = live.create("Räume auf", "type", max_attempts=2)
    assert ended(start(script, "--drain", "--lease", "1s")) == counts
    found = live.get(prompt.id)
    if script == "cat":
        assert found.result["prompt_text"] == "Räume auf"
        assert (found.result["id"], found.result["attempt"]) == (prompt.id, 1)
    elif "failed" in counts:
        assert result in found.result["error"]
    else:
        assert found.result == result


def test_sigterm_lets_the_program_finish(live: PromptStore, start: Start) -> None:
    prompt = live.create("text", "type")
    worker = start("sleep 2; echo 1")
    until(lambda: live.get(prompt.id).status == "in_progress")
    worker.send_signal(signal.SIGTERM)
    assert ended(worker) == {"completed": 1}


def test_a_program_that_ignores_sigterm_is_killed_and_its_prompt_released(
    live: PromptStore, start: Start, tmp_path: Path
) -> None:
    prompt = live.create("text", "type")
    worker = start(f"trap '' TERM; echo $$ > {tmp_path}/pid; sleep 60 & wait; sleep 60", "--grace", "1s")
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    worker.send_signal(signal.SIGTERM)
    assert ended(worker) == {"released": 1}
    assert live.get(prompt.id).status == "pending"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_worker_that_is_killed_loses_its_lease_and_not_the_prompt(live: PromptStore, start: Start) -> None:
    prompt = live.create("text", "type")
    worker = start("sleep 60", "--lease", "1s")
    until(lambda: live.get(prompt.id).status == "in_progress")
    worker.kill()
    until(lambda: live.claim("w2"))
    assert live.get(prompt.id).attempts == 2


def test_once_takes_one_and_says_when_there_is_none(live: PromptStore, start: Start) -> None:
    for _ in range(2):
        live.create("text", "type")
    assert ended(start("echo 1", "--once")) == {"completed": 1}
    assert ended(start("echo 1", "--once", "--type", "type")) == {"completed": 1}
    nothing = start("echo 1", "--once")
    assert nothing.communicate(timeout=60) == ("", "Nothing is free to claim.\n")
    assert nothing.returncode == 5


def test_a_program_that_is_not_there_is_named_before_anything_is_claimed(live: PromptStore, tmp_path: Path) -> None:
    prompt = live.create("text", "type")
    done = subprocess.run(
        [sys.executable, "-m", "tap", "prompts", "work", "w1", "--table", live.table_name, "--", "no-such-program"],
        cwd=tmp_path,
        env=os.environ | {"AWS_ENDPOINT_URL": str(live.settings.endpoint_url), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "There is no program 'no-such-program' that can be run.\n")
    assert live.get(prompt.id).attempts == 0
