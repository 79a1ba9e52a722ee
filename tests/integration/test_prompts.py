"""The seed's workflow on a deployed table, from the shell, Python and TypeScript, which share their prompts."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tap.local import ROOT
from tap.settings import Settings
from tap.store import AllLeased, Claim, ClientSettings, NothingPending, PromptStore
from tests.integration.endpoints import REGION, Endpoint
from tests.integration.stacks import Stack, stacks

EXAMPLE = ROOT / "examples/typescript/dist/main.js"


@pytest.fixture(scope="module")
def deployed(endpoint: Endpoint, project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("checkout")
    stack = stacks([Settings(environment_suffix="work", project_name=project)], folder, endpoint)[0]
    try:
        stack.apply()
        yield stack
    finally:
        stack.destroy(check=False)


@pytest.fixture(scope="module")
def outputs(deployed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("outputs") / "outputs.json"
    file.write_text(deployed.terraform("output", "-json").stdout)
    return file


@pytest.fixture
def store(outputs: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptStore]:
    """The Python store on the deployed table, which is empty again afterwards."""
    for name, value in endpoint.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    with PromptStore.from_outputs(outputs, client=ClientSettings(region=REGION)) as opened:
        yield opened
        for prompt in list(opened.list()):
            opened.delete(prompt.id)


def test_seeds_workflow_from_the_shell(outputs: Path, endpoint: Endpoint, store: PromptStore) -> None:
    def tap(*arguments: str) -> Any:
        done = _run([sys.executable, "-m", "tap", "prompts", *arguments, f"--outputs={outputs}"], endpoint)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    created = tap("create", "Review code for security vulnerabilities", "code_review", "--priority=high")
    assert created["status"] == "pending"
    tap("update", created["id"], "completed", '--result={"score": 0.95}')
    assert tap("get", created["id"])["result"] == {"score": 0.95}
    assert store.get(created["id"]).status == "completed"


def test_on_a_terminal_people_get_tables(outputs: Path, endpoint: Endpoint, store: PromptStore, tmp_path: Path) -> None:
    prompt = store.create("Translate", "translation", "high")
    tap = [sys.executable, "-m", "tap"]
    listed = _on_a_terminal([*tap, "prompts", "list", f"--outputs={outputs}"], endpoint)
    assert prompt.id in listed
    assert "1 prompt" in listed
    assert "{" not in listed
    one = _on_a_terminal([*tap, "prompts", "get", prompt.id, f"--outputs={outputs}"], endpoint)
    assert "translation" in one
    assert "{" not in one
    exported = tmp_path / "prompts.ndjson"
    assert "exported" in _on_a_terminal([*tap, "prompts", "export", str(exported), f"--outputs={outputs}"], endpoint)
    assert json.loads(exported.read_text())["id"] == prompt.id
    assert "TurnAroundPromptTableArn" in _on_a_terminal([*tap, "outputs", f"--outputs={outputs}"], endpoint)


def test_outputs_command_shows_what_is_deployed(deployed: Stack, outputs: Path, endpoint: Endpoint) -> None:
    done = _run([sys.executable, "-m", "tap", "outputs", f"--outputs={outputs}", "--json"], endpoint)
    assert json.loads(done.stdout) == deployed.outputs()


def test_typescript_runs_the_seeds_workflow(outputs: Path, endpoint: Endpoint, store: PromptStore) -> None:
    done = _typescript(outputs, endpoint)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    read = store.get(told["id"])
    assert (read.prompt_text, read.task_type, read.priority) == (
        "Review code for security vulnerabilities",
        "code_review",
        "high",
    )
    assert (read.status, read.result, read.attempts) == ("completed", {"score": 0.95}, 1)
    assert read.expires_at is not None


def test_python_claims_what_typescript_wrote(outputs: Path, endpoint: Endpoint, store: PromptStore) -> None:
    written = json.loads(_typescript(outputs, endpoint, "create", "Translate", "translation").stdout)
    claim = store.claim("python")
    assert isinstance(claim, Claim)
    assert claim.prompt.id == written["id"]
    # Neither hands it out a second time, and TypeScript finishes it with the token that Python got.
    assert _typescript(outputs, endpoint, "claim", "typescript").returncode == 5
    assert isinstance(store.claim("python"), AllLeased)
    for _ in range(2):  # the second is what a worker does whose first reply got lost
        done = _typescript(outputs, endpoint, "complete", claim.prompt.id, claim.token, '{"words": 7}')
        assert done.returncode == 0, done.stderr
    assert _typescript(outputs, endpoint, "complete", claim.prompt.id, claim.token, '{"words": 8}').returncode == 4
    assert store.get(written["id"]).result == {"words": 7}


def test_typescript_claims_what_python_wrote(outputs: Path, endpoint: Endpoint, store: PromptStore) -> None:
    written = store.create("Summarize", "summary")
    claimed = json.loads(_typescript(outputs, endpoint, "claim", "typescript").stdout)
    assert claimed["id"] == written.id
    assert isinstance(store.claim("python"), AllLeased)
    _typescript(outputs, endpoint, "complete", written.id, claimed["claim_token"], "[1.5, 2]")
    assert store.get(written.id).result == [1.5, 2]
    assert isinstance(store.claim("python"), NothingPending)


def test_a_prompt_goes_to_one_worker_in_either_language(outputs: Path, endpoint: Endpoint, store: PromptStore) -> None:
    wanted = {store.create(f"prompt {number}", "race").id for number in range(5)}
    command = ["node", str(EXAMPLE), str(outputs), "claim", "typescript"]
    racing = [
        subprocess.Popen(command, env=endpoint.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    # Python leaves prompts for the others, who need a moment to start.
    ours = [claim.prompt.id for _ in range(2) if isinstance(claim := store.claim("python"), Claim)]
    theirs = []
    for process in racing:
        said, complaint = process.communicate(timeout=60)
        assert process.returncode in (0, 5), complaint
        if process.returncode == 0:
            theirs.append(json.loads(said)["id"])
    assert len(ours) == 2
    assert sorted(ours + theirs) == sorted(wanted)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("get", "nobody"), 3),
        (("update", "nobody", "completed"), 3),
        (("update", "x", "done"), 2),
        (("claim", "typescript"), 5),
    ],
)
def test_typescript_exits_as_the_python_command_does(
    arguments: tuple[str, ...], status: int, outputs: Path, endpoint: Endpoint, store: PromptStore
) -> None:
    ours = _run([sys.executable, "-m", "tap", "prompts", *arguments, f"--outputs={outputs}"], endpoint)
    theirs = _typescript(outputs, endpoint, *arguments)
    assert (ours.returncode, theirs.returncode) == (status, status)
    assert list(store.list()) == []  # an update of a prompt that is not there makes no ghost


def _run(command: list[str], endpoint: Endpoint) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=ROOT, env=endpoint.environment, capture_output=True, text=True, check=False)


def _on_a_terminal(command: list[str], endpoint: Endpoint) -> str:
    """What a person sees: the command's output with a terminal at its end."""
    ours, its = pty.openpty()
    environment = endpoint.environment | {"TERM": "xterm-256color", "COLUMNS": "80"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=its, stdout=its, stderr=its, close_fds=True)
    os.close(its)
    seen = b""
    with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    assert process.wait() == 0, seen
    return seen.decode()


def _typescript(outputs: Path, endpoint: Endpoint, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return _run(["node", str(EXAMPLE), str(outputs), *arguments], endpoint)
