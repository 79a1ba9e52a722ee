"""A deploy that is interrupted, or whose endpoint forgot everything, and what the next one makes of it."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tap.local import embedded
from tap.settings import Settings
from tests.support.endpoints import Endpoint
from tests.support.stacks import Stack, stacks


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


def test_apply_after_kill_9_goes_on_once_the_table_is_imported(stack: Stack, endpoint: Endpoint) -> None:
    name = stack.settings.names.table
    process = _apply_until(stack, lambda: name in endpoint.dynamodb.list_tables()["TableNames"])
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    address = "aws_dynamodb_table.TurnAroundPromptTable"
    if address in stack.addresses():  # the kill came a moment late: leave what an earlier one would have left
        stack.terraform("state", "rm", address)
    endpoint.dynamodb.put_item(TableName=name, Item={"id": {"S": "kept"}})
    refused = stack.terraform("apply", "-auto-approve", "-input=false", "-no-color", check=False)
    assert refused.returncode == 1
    assert "already exists" in refused.stderr
    # What the README says to do then.
    stack.terraform("import", "-input=false", "-no-color", address, name)
    _import_a_lost_alias(stack, endpoint)
    stack.apply()
    assert stack.plan() == []
    assert endpoint.dynamodb.get_item(TableName=name, Key={"id": {"S": "kept"}})["Item"] == {"id": {"S": "kept"}}


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
