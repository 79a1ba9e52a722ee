"""Deletion protection in the settings: a plan that would destroy the table or its key is refused before it begins."""

from collections.abc import Callable, Iterator

import pytest

from tap.settings import Settings
from tests.support.endpoints import Endpoint
from tests.support.stacks import Stack, stacks
from tests.support.synthesis import synthesize

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def stack(endpoint: Endpoint, project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = Settings(environment_suffix="safe", project_name=project, deletion_protection_enabled=True)
    (made,) = stacks([settings], tmp_path_factory.mktemp("checkout"), endpoint)
    try:
        made.apply()
        yield made
    finally:
        synthesized(made, deletion_protection_enabled=False)
        made.terraform("apply", "-auto-approve", check=False)
        made.destroy(check=False)


def synthesized(stack: Stack, **changed: object) -> None:
    synthesize([stack.settings.model_copy(update=changed)], stack.folder.parents[1])


def renamed(stack: Stack) -> None:
    names = stack.settings.names.model_copy(update={"table": f"{stack.settings.project_name}-renamed"})
    synthesized(stack, names=names)


#: What would destroy the table: how, and the command that is refused.
LOSSES: dict[str, tuple[Callable[[Stack], None], list[str]]] = {
    "destroy": (lambda _: None, ["destroy", "-auto-approve"]),
    "another-table-name": (renamed, ["apply", "-auto-approve"]),
}


@pytest.mark.parametrize(("change", "command"), LOSSES.values(), ids=LOSSES)
def test_what_would_lose_the_table_is_refused_at_plan(
    change: Callable[[Stack], None], command: list[str], stack: Stack, endpoint: Endpoint
) -> None:
    addresses, outputs = stack.addresses(), stack.outputs()
    change(stack)
    refused = stack.terraform(*command, "-input=false", "-no-color", check=False)
    synthesized(stack)
    assert refused.returncode == 1
    assert "Instance cannot be destroyed" in refused.stderr
    assert "aws_dynamodb_table.TurnAroundPromptTable" in refused.stderr
    assert "Destroying..." not in refused.stdout
    assert (stack.addresses(), stack.outputs()) == (addresses, outputs)
    assert stack.plan() == []
    described = endpoint.dynamodb.describe_table(TableName=stack.settings.names.table)["Table"]
    assert described["TableStatus"] == "ACTIVE"


def test_another_accounts_credentials_are_refused_at_plan(stack: Stack) -> None:
    addresses = stack.addresses()
    synthesized(stack, allowed_account_ids=["111122223333"])
    refused = stack.terraform("plan", "-input=false", "-no-color", check=False)
    assert refused.returncode == 1
    assert "AWS account ID not allowed" in refused.stderr
    (own,) = {arn.split(":")[4] for name, arn in stack.outputs().items() if name.endswith("TableArn")}
    synthesized(stack, allowed_account_ids=["111122223333", own])
    assert stack.plan() == []
    synthesized(stack)
    assert stack.addresses() == addresses


def test_it_goes_once_the_settings_say_so(stack: Stack) -> None:
    synthesized(stack, deletion_protection_enabled=False)
    assert {(change.address, change.action) for change in stack.apply()} == {
        ("aws_dynamodb_table.TurnAroundPromptTable", "update")
    }
    stack.destroy()
    assert stack.addresses() == set()
