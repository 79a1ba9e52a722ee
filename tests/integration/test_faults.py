"""A deploy that is interrupted, or whose endpoint forgot everything, and what the next one makes of it."""

import contextlib
import json
import os
import re
import secrets
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tap.local import embedded
from tap.settings import Settings
from tests.interruptions import POINTS, try_point
from tests.support.checkouts import Checkout, checkout, tap
from tests.support.endpoints import Endpoint
from tests.support.relay import GoneError, Sent, relay
from tests.support.stacks import Stack, stacks

pytestmark = pytest.mark.long


@pytest.fixture
def stack(endpoint: Endpoint, project: str, tmp_path: Path) -> Iterator[Stack]:
    made = stacks([Settings(environment_suffix="fault", project_name=project)], tmp_path, endpoint)[0]
    try:
        yield made
    finally:
        made.destroy(check=False)


def test_apply_after_ctrl_c_finishes_what_was_begun(stack: Stack, endpoint: Endpoint) -> None:
    process = _apply_until(stack, lambda: _topics(endpoint, stack))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 1
    began = stack.addresses()
    assert began  # Terraform wrote down what it had made
    _import_a_lost_alias(stack, endpoint)
    assert stack.apply()
    assert began < stack.addresses()
    assert stack.plan() == []


#: Of the 32 cases of `python -m tests.interruptions`; a run on the embedded AWS, which `make test` is, tries the first.
CASES = [
    ("s3", "the table is made, and nobody told"),
    ("s3", "while it plans"),
    ("local", "the key is made, and its id not told"),
    ("local", "the table is made, without TTL and backups"),
]


@pytest.mark.parametrize(("state", "name"), CASES if os.environ.get("TAP_TEST_ENDPOINT") else CASES[:1])
def test_a_deploy_that_was_killed_is_finished_by_adopt(
    state: str, name: str, endpoint: Endpoint, tmp_path: Path
) -> None:
    (point,) = [one for one in POINTS if one.name == name]
    project = f"k{secrets.token_hex(4)}"
    if state == "s3":
        endpoint.s3.create_bucket(Bucket=f"{project}-states")
    outcome = try_point(point, state, endpoint, project, tmp_path)
    assert outcome.killed
    assert outcome.faults == ()
    assert ("force-unlock" in outcome.steps) is (state == "s3")


def test_apply_heals_a_state_whose_endpoint_forgot_everything(project: str, tmp_path: Path) -> None:
    record = tmp_path / "embedded.json"
    log = tmp_path / "embedded.log"
    first = embedded.up(record=record, log=log)
    try:
        settings = Settings(environment_suffix="stale", project_name=project)
        stack = stacks([settings], tmp_path, Endpoint(first.url, "embedded AWS"))[0]
        stack.apply()
        embedded.down(record)
        embedded.up(first.port, record=record, log=log)
        assert {change.action for change in stack.apply()} == {"create"}
        assert stack.plan() == []
    finally:
        embedded.down(record)


def _apply_until(stack: Stack, begun: Callable[[], object]) -> "subprocess.Popen[str]":
    """Start an apply and return in the middle of it, as soon as the endpoint shows that it has begun."""
    process = subprocess.Popen(
        stack.command("apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=1"),
        env=stack.endpoint.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if begun():
            return process
        if process.poll() is not None:
            break
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError(f"the apply never came so far:\n{process.communicate()[0]}")


def _import_a_lost_alias(stack: Stack, endpoint: Endpoint) -> None:
    """Do what the documents say if the interruption came between the alias and its line in the state."""
    name = stack.settings.names.key_alias
    address = "aws_kms_alias.KMSKeyAlias"
    aliases = {alias["AliasName"] for alias in endpoint.kms.list_aliases(Limit=100)["Aliases"]}
    if name in aliases and address not in stack.addresses():
        stack.terraform("import", "-input=false", "-no-color", address, name)


def _topics(endpoint: Endpoint, stack: Stack) -> bool:
    return stack.settings.names.topic in json.dumps(endpoint.sns.list_topics()["Topics"])


@pytest.mark.skipif("TAP_TEST_ENDPOINT" in os.environ, reason="it takes a minute of retries: `make test-long` runs it")
def test_a_state_that_could_not_be_put_away_is_named_and_pushed(endpoint: Endpoint, tmp_path: Path) -> None:
    """The endpoint, and with it the bucket, goes away in the middle of an apply."""
    project = f"k{secrets.token_hex(4)}"
    endpoint.s3.create_bucket(Bucket=f"{project}-states")
    toml = f'[dev]\nproject_name = "{project}"\n[dev.backend]\ntype = "s3"\nbucket = "{project}-states"\n'
    here = checkout(tmp_path, toml, endpoint.attached)
    gone = threading.Event()

    def observe(sent: Sent, carried_out: bool) -> None:
        if gone.is_set() or (sent.operation == "UpdateTimeToLive" and carried_out):
            gone.set()
            raise GoneError

    with relay(endpoint.url, observe) as url:
        interrupted = checkout(tmp_path, toml, endpoint.environment | {"AWS_ENDPOINT_URL": url})
        died = interrupted.cdktf("deploy", "TapStackdev", "--auto-approve")
    assert died.returncode == 1
    told = here.run(*tap("adopt", "dev", "--apply"))
    assert told.returncode == 1
    push, unlock = re.findall(r"`(terraform [^`]*)`", told.stdout)
    _follow(here, push, unlock)
    (tmp_path / "cdktf.out/stacks/TapStackdev/errored.tfstate").unlink()
    told = here.run(*tap("adopt", "dev", "--apply"))
    assert told.returncode == 0, told.stdout
    assert "nothing to do" in here.run(*tap("adopt", "dev")).stdout
    here.cdktf("destroy", "TapStackdev", "--auto-approve")


def _follow(here: Checkout, push: str, unlock: str) -> None:
    """Do what the sentence says: push, and where the state is locked, unlock it first."""
    terraform = here.environment["TERRAFORM_BINARY_NAME"]
    pushed = here.run(terraform, *shlex.split(push)[1:])
    locked = re.search(r"ID: +([0-9a-f-]+)", pushed.stdout)
    assert pushed.returncode == 1
    assert locked, pushed.stdout
    for command in (unlock.replace(" ID", f" {locked[1]}"), push):
        done = here.run(terraform, *shlex.split(command)[1:])
        assert done.returncode == 0, done.stdout
