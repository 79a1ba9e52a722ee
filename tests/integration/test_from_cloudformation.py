"""The seed's CloudFormation stack, with items and a program that goes on writing, becomes this project's stack."""

import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkouts import Checkout, checkout, tap
from tests.support.cloudformation import ALL_PARAMETERS, deployed
from tests.support.endpoints import Endpoint

ITEMS = 200


@dataclass
class Writer:
    """A program that keeps writing to a table."""

    endpoint: Endpoint
    table: str
    written: int = 0
    failures: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.wait(0.05):
            try:
                self.endpoint.dynamodb.put_item(TableName=self.table, Item={"id": {"S": f"new-{self.written}"}})
                self.written += 1
            except Exception as error:  # noqa: BLE001 -- whatever it is, the program would have noticed
                self.failures.append(repr(error))


@pytest.fixture(params=["defaults", "all parameters"])
def parameters(request: pytest.FixtureRequest, endpoint: Endpoint, project: str) -> dict[str, str]:
    if endpoint.name != "LocalStack":
        pytest.skip(f"the CloudFormation of {endpoint.name} can't make this stack; `make test-localstack` tries it")
    return {"ProjectName": f"{project}c", **(ALL_PARAMETERS if request.param == "all parameters" else {})}


@pytest.fixture
def here(parameters: dict[str, str], endpoint: Endpoint, tmp_path: Path) -> Iterator[Checkout]:
    name = parameters.get("EnvironmentSuffix", "dev")
    made = checkout(tmp_path, f"# ours\n[{name}] # all of it\n", endpoint.attached | {"TF_WORKSPACE": "localstack"})
    yield made
    off = {"TAP_DELETION_PROTECTION_ENABLED": "false"}
    unprotected = Checkout(made.folder, made.environment | off)
    unprotected.cdktf("deploy", f"TapStack{name}", "--auto-approve")
    unprotected.cdktf("destroy", f"TapStack{name}", "--auto-approve")


def test_a_stack_is_adopted_and_released(
    parameters: dict[str, str], here: Checkout, endpoint: Endpoint, project: str
) -> None:
    name = parameters.get("EnvironmentSuffix", "dev")
    stack = f"{project}-{name}"
    table = deployed(endpoint, stack, parameters)
    for number in range(ITEMS):
        endpoint.dynamodb.put_item(TableName=table, Item={"id": {"S": f"old-{number}"}})
    before = endpoint.dynamodb.describe_table(TableName=table)["Table"]
    arn = endpoint.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    writer = Writer(endpoint, table)
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        _adopt_and_release(here, name, stack, parameters, arn)
    finally:
        writer.over.set()
        thread.join()

    with pytest.raises(endpoint.cloudformation.exceptions.ClientError, match="does not exist"):
        endpoint.cloudformation.describe_stacks(StackName=stack)
    assert endpoint.cloudformation.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    after = endpoint.dynamodb.describe_table(TableName=table)["Table"]
    for kept in ("TableArn", "TableId", "LatestStreamArn", "DeletionProtectionEnabled"):
        assert after.get(kept) == before.get(kept), kept
    assert writer.failures == []
    assert writer.written > ITEMS / 10
    pages = endpoint.dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="id")
    found = {item["id"]["S"] for page in pages for item in page["Items"]}
    assert found == {f"old-{number}" for number in range(ITEMS)} | {f"new-{number}" for number in range(writer.written)}


def _adopt_and_release(here: Checkout, name: str, stack: str, parameters: dict[str, str], arn: str) -> None:
    early = here.run(*tap("release", stack))
    assert early.returncode == 1
    assert f"TapStack{name} lacks " in early.stdout

    shown = here.run(*tap("adopt", name, "--from-cloudformation", stack))
    assert shown.returncode == 2, shown.stdout
    text = (here.folder / "environments.toml").read_text()
    assert text.startswith(f"# ours\n[{name}] # all of it\n")
    assert tomllib.loads(text)[name] == _settings(parameters)
    for line in text.splitlines()[2:]:
        assert f"+{line}" in shown.stdout

    adopted = here.run(*tap("adopt", name, "--from-cloudformation", arn, "--apply", "--accept"))
    assert adopted.returncode == 0, adopted.stdout
    assert (here.folder / "environments.toml").read_text() == text
    assert "nothing to do" in here.run(*tap("adopt", name)).stdout
    # CloudFormation is still the way back.
    released = here.run(*tap("release", stack))
    assert released.returncode == 0, released.stdout
    assert "is deleted" in released.stdout
    assert "nothing to do" in here.run(*tap("adopt", name)).stdout
    again = here.run(*tap("release", stack))
    assert (again.returncode, f"There is no CloudFormation stack {stack}: " in again.stdout) == (1, True)


def _settings(parameters: dict[str, str]) -> dict[str, Any]:
    written: dict[str, Any] = {"project_name": parameters["ProjectName"]}
    if "AlertEmail" in parameters:
        written |= {
            "alert_email": parameters["AlertEmail"],
            "deletion_protection_enabled": True,
            "point_in_time_recovery_enabled": True,
        }
    return written
