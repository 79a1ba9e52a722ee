"""The Terraform module as people use it: both examples, its own tests, and the move of a CDKTF stack into it."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tap.local import ROOT
from tests.support.checkouts import Checkout, checkout, tap
from tests.support.endpoints import Endpoint
from tests.support.the_stack import OUTPUTS, POLICIES, SUBSCRIPTION

pytestmark = pytest.mark.long

#: `make test` has ten minutes: half of what makes a stack here is for `make test-localstack`.
on_localstack = pytest.mark.skipif("TAP_TEST_ENDPOINT" not in os.environ, reason="`make test-localstack` runs it")


def project(folder: Path, endpoint: Endpoint) -> Checkout:
    """A copy of the module and the examples."""
    for name in ("modules", "examples"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", ".terraform*", "dist")
        )
    return Checkout(folder, endpoint.attached)


def terraform(here: Checkout, root: str, *arguments: str, status: int = 0) -> str:
    done = here.run(here.environment["TERRAFORM_BINARY_NAME"], f"-chdir={root}", *arguments, "-no-color")
    assert done.returncode == status, done.stdout
    return done.stdout


def actions(here: Checkout, root: str) -> dict[str, set[str]]:
    """What a plan would do, by what it does to how many."""
    terraform(here, root, "plan", "-input=false", "-out=plan")
    shown: dict[str, Any] = json.loads(terraform(here, root, "show", "-json", "plan"))
    found: dict[str, set[str]] = {}
    for one in shown["resource_changes"]:
        for action in one["change"]["actions"]:
            if action != "no-op":
                found.setdefault(action, set()).add(one["address"])
        if "previous_address" in one:
            found.setdefault("moved", set()).add(one["previous_address"])
    return found


def test_several_environments_by_terraform_alone(endpoint: Endpoint, tmp_path: Path) -> None:
    here = project(tmp_path, endpoint)
    root = "examples/several-environments"
    terraform(here, root, "init", "-input=false")
    terraform(here, root, "apply", "-auto-approve", "-input=false")
    try:
        outputs = json.loads(terraform(here, root, "output", "-json", "environments"))
        told = {name: {one for one, value in values.items() if value is not None} for name, values in outputs.items()}
        assert told == {"dev": OUTPUTS, "prod": OUTPUTS}
        for name, index in (("dev", False), ("prod", True)):
            table = endpoint.dynamodb.describe_table(TableName=outputs[name]["TurnAroundPromptTableName"])["Table"]
            assert bool(table.get("GlobalSecondaryIndexes")) is index
        assert actions(here, root) == {}
    finally:
        terraform(here, root, "destroy", "-auto-approve", "-input=false")


@on_localstack
def test_one_environment_by_terraform_alone(endpoint: Endpoint, tmp_path: Path) -> None:
    here = project(tmp_path, endpoint)
    root = "examples/one-environment"
    terraform(here, root, "init", "-input=false")
    terraform(here, root, "apply", "-auto-approve", "-input=false")
    try:
        assert json.loads(terraform(here, root, "output", "-json", "table")) == "shop-prod-turnaround-prompts"
        assert actions(here, root) == {}
    finally:
        terraform(here, root, "destroy", "-auto-approve", "-input=false")


@pytest.mark.parametrize("folder", ["tests", pytest.param("tests/endpoint", marks=on_localstack)])
def test_its_own_tests_pass(folder: str, endpoint: Endpoint, tmp_path: Path) -> None:
    here = project(tmp_path, endpoint)
    if folder == "tests":  # a provider that only pretends can't be one that is attached
        here = Checkout(here.folder, endpoint.environment)
    terraform(here, "modules/tap", "init", "-input=false", f"-test-directory={folder}")
    assert "0 failed" in terraform(here, "modules/tap", "test", f"-test-directory={folder}")


SETTINGS = """[dev]
project_name = "{project}m"
alert_email = "ops@example.com"
claim_index_enabled = true
iam_policies_enabled = true
point_in_time_recovery_enabled = true
alarm_period = 600
thresholds = {{ throttle_alarm = 50 }}
names = {{ table = "{project}m.jobs" }}
tags = {{ "Cost:Center" = "a b" }}
"""


def test_a_stack_moves_into_the_module_with_all_that_is_in_it(endpoint: Endpoint, project: str, tmp_path: Path) -> None:
    here = checkout(tmp_path, SETTINGS.format(project=project), endpoint.attached | {"TF_WORKSPACE": "localstack"})
    deployed = here.run(*tap("adopt", "dev", "--apply"))  # on a green field it is a deploy
    assert deployed.returncode == 0, deployed.stdout
    table = f"{project}m.jobs"
    items = [{"id": {"S": f"{number}"}} for number in range(20)]
    for item in items:
        endpoint.dynamodb.put_item(TableName=table, Item=item)
    before = endpoint.dynamodb.describe_table(TableName=table)["Table"]
    root = "module/TapStackdev"
    try:
        written = here.run(*tap("module", "module", "--moved-from", "TapStackdev"))
        assert written.returncode == 0, written.stdout
        terraform(here, root, "fmt", "-check")
        terraform(here, root, "init", "-input=false")
        planned = actions(here, root)
        assert set(planned) == {"moved"}
        assert len(planned["moved"]) == 11 + len(POLICIES)
        assert f"{SUBSCRIPTION}[0]" in planned["moved"]
        terraform(here, root, "apply", "-input=false", "plan")
        assert actions(here, root) == {}
        assert endpoint.dynamodb.describe_table(TableName=table)["Table"] == before | {
            "ItemCount": len(items),
            "TableSizeBytes": endpoint.dynamodb.describe_table(TableName=table)["Table"]["TableSizeBytes"],
        }
        assert sorted(endpoint.dynamodb.scan(TableName=table)["Items"], key=str) == sorted(items, key=str)
        outputs = json.loads(terraform(here, root, "output", "-json"))
        assert set(outputs) == OUTPUTS | {f"{name}Arn" for name in POLICIES.values()}
    finally:
        terraform(here, root, "destroy", "-auto-approve", "-input=false")
