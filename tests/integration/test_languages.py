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
from tests.support.endpoints import REGION, Endpoint
from tests.support.fault_proxy import FaultProxy
from tests.support.stacks import Stack, stacks

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


SEEDS_ITEM = {"prompt_text": {"S": "Count"}, "task_type": {"S": "count"}, "status": {"S": "pending"}}


def test_typescript_reads_what_python_reads(outputs: Path, endpoint: Endpoint, store: PromptStore) -> None:
    sets: dict[str, Any] = {"M": {"n": {"NS": ["10", "9"]}, "b": {"BS": [b"\xff", b"a"]}}}
    store.client.put_item(TableName=store.table_name, Item={"id": {"S": "odd"}, **SEEDS_ITEM, "result": sets})
    done = _typescript(outputs, endpoint, "update", "odd", "pending")  # without created_at: that is no fault
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"] == store.get("odd").result == {"n": [9, 10], "b": ["/w==", "YQ=="]}
    assert json.loads(_typescript(outputs, endpoint, "claim", "typescript").stdout)["id"] == "odd"


def test_typescript_leaves_a_ghost_as_it_is(outputs: Path, endpoint: Endpoint, store: PromptStore) -> None:
    ghost = {"id": {"S": "ghost"}, **SEEDS_ITEM}
    del ghost["task_type"]
    try:
        store.client.put_item(TableName=store.table_name, Item=ghost)
        assert _typescript(outputs, endpoint, "update", "ghost", "completed").returncode == 1
        assert store.client.get_item(TableName=store.table_name, Key={"id": {"S": "ghost"}})["Item"] == ghost
    finally:
        store.delete("ghost")


def test_typescript_passes_over_what_can_not_be_claimed(outputs: Path, endpoint: Endpoint, store: PromptStore) -> None:
    odd = {"id": {"S": "uncounted"}, **SEEDS_ITEM, "priority": {"S": "high"}, "attempts": {"S": "x"}}
    store.client.put_item(TableName=store.table_name, Item=odd)
    good = store.create("Count", "count", "low")
    claimed = _typescript(outputs, endpoint, "claim", "typescript")
    assert json.loads(claimed.stdout)["id"] == good.id
    assert "uncounted can't be claimed" in claimed.stderr


def test_more_attempts_given_while_typescript_retires_a_prompt_count(
    outputs: Path, endpoint: Endpoint, store: PromptStore
) -> None:
    prompt = store.create("Count", "count", max_attempts=1)
    claim = store.claim("python")
    assert isinstance(claim, Claim)
    store.release(claim)

    def operator(operation: str, _: int) -> None:
        if operation == "UpdateItem":
            store.update_status(prompt.id, "pending", more_attempts=1)

    with _proxy(endpoint) as proxy:
        proxy.plan(operator)
        assert _typescript(outputs, Endpoint(proxy.url, "proxy"), "claim", "typescript").returncode == 5
    assert (store.get(prompt.id).status, store.get(prompt.id).max_attempts) == ("pending", 2)
    assert _typescript(outputs, endpoint, "claim", "typescript").returncode == 0
    store.update_status(prompt.id, "pending")
    assert _typescript(outputs, endpoint, "claim", "typescript").returncode == 5
    read = store.get(prompt.id)
    assert (read.status, read.attempts, read.claim_owner, read.lease_until) == ("failed", 2, None, None)


@pytest.mark.parametrize("fault", ["broken JSON", "wrong CRC"])
def test_typescript_gets_over_damaged_replies(
    fault: str, outputs: Path, endpoint: Endpoint, store: PromptStore
) -> None:
    with _proxy(endpoint) as proxy:
        proxy.plan(lambda _, number: fault if number % 2 == 0 else None)
        done = _typescript(outputs, Endpoint(proxy.url, "proxy"))
        assert done.returncode == 0, done.stderr
        (prompt,) = store.list()
        assert (prompt.status, prompt.attempts) == ("completed", 1)
        proxy.plan(lambda *_: fault)
        done = _typescript(outputs, Endpoint(proxy.url, "proxy"), "get", prompt.id)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("no usable answer from DynamoDB")
        assert done.stderr.count("\n") == 1


NAME = "TurnAroundPromptTableName"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "deploy the stack with --outputs-file"),
        ("{", "can't be read as JSON"),
        ("[]", "its JSON is no object"),
        ({"other": "x"}, f"has no output {NAME} (it has other)"),
        ({"one": {NAME: "t1"}, "two": {NAME: "t2"}}, "(one, two)"),
    ],
)
def test_typescript_says_what_is_wrong_with_the_outputs(
    content: object, says: str, endpoint: Endpoint, tmp_path: Path
) -> None:
    file = tmp_path / "outputs.json"
    if content is not None:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    done = _typescript(file, endpoint, "get", "x")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr


def test_typescript_finds_the_outputs_by_the_environment(
    endpoint: Endpoint, store: PromptStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "flat.json"
    file.write_text(json.dumps({NAME: store.table_name}))
    prompt = store.create("Count", "count")
    monkeypatch.setitem(endpoint.environment, "TAP_OUTPUTS", str(file))
    assert json.loads(_run(["node", str(EXAMPLE), "get", prompt.id], endpoint).stdout)["id"] == prompt.id


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "", "count"),
        ("create", "Count", ""),
        ("get", "x" * 2049),
        ("claim", "x" * 257),
        ("complete", "x", "", "1"),
        ("complete", "x", "token", '{"__proto__": 1}'),
        ("update", "x", "completed", '[{"": 1}]'),
        ("update", "x", "completed", "[" * 31 + "]" * 31),
    ],
)
def test_typescript_refuses_bad_input_before_any_request(
    arguments: tuple[str, ...], outputs: Path, endpoint: Endpoint
) -> None:
    nowhere = Endpoint("http://127.0.0.1:9", endpoint.name)
    done = _typescript(outputs, nowhere, *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


@contextlib.contextmanager
def _proxy(endpoint: Endpoint) -> Iterator[FaultProxy]:
    proxy = FaultProxy(endpoint.url)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


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
