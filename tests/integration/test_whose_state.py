"""One folder, one account's stack in its state, and then other credentials and other endpoints."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest

from tests.support import as_on_aws
from tests.support.checkouts import Checkout, checkout
from tests.support.servers import embedded_aws
from tests.support.the_stack import ADDRESSES, SUBSCRIPTION

pytestmark = pytest.mark.long

KEYS = "region = us-east-1\naws_access_key_id = test\naws_secret_access_key = test"
FIRST, SECOND = "111111111111", "222222222222"


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The address of a server for each of two accounts."""
    with ExitStack() as running:
        urls = {}
        for account in (FIRST, SECOND):
            monkeypatch.setenv("MOTO_ACCOUNT_ID", account)
            (tmp_path / account).mkdir()
            urls[account] = running.enter_context(embedded_aws(tmp_path / account)).url
        yield urls


def test_neither_another_endpoint_nor_another_account_takes_over_the_state(
    servers: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(
        f"{as_on_aws.profile('aws')}"
        f"[profile laptop]\nendpoint_url = {servers[SECOND].replace('127.0.0.1', 'localhost')}\n{KEYS}\n"
    )
    (tmp_path / "folder").mkdir()

    def here(profile: str, account: str, **variables: str) -> Checkout:
        mine = as_on_aws.environment(servers[account], tmp_path / "config", profile) | variables
        return checkout(tmp_path / "folder", "[dev]\n", mine)

    aws = here("aws", FIRST)
    _synth(aws)
    _terraform(aws, "init")
    assert "Apply complete! Resources: " in _terraform(aws, "apply", "-auto-approve")
    state = tmp_path / "folder/terraform.TapStackdev.tfstate"
    deployed = state.read_bytes()

    refused = here("laptop", FIRST).run(sys.executable, "main.py")
    assert refused.returncode == 1
    assert refused.stdout.startswith("endpoint_url of the profile laptop is http://localhost:")
    assert "which is not AWS's own" in refused.stdout
    refused = here("aws", SECOND).run(sys.executable, "main.py")
    assert refused.returncode == 1
    assert f"deployed in the account {FIRST}, and the credentials are of {SECOND}" in refused.stdout

    laptop = here("laptop", FIRST, TF_WORKSPACE="localstack")
    _synth(laptop)
    _terraform(laptop, "init")
    count = len(ADDRESSES - {SUBSCRIPTION})
    assert f"Plan: {count} to add, 0 to change, 0 to destroy." in _terraform(laptop, "plan")

    _synth(aws)
    _terraform(aws, "init")
    assert "No changes." in _terraform(aws, "plan")
    assert state.read_bytes() == deployed
    session = boto3.Session("test", "test", region_name="us-east-1")
    assert session.client("dynamodb", endpoint_url=servers[SECOND]).list_tables()["TableNames"] == []


def _synth(here: Checkout) -> None:
    done = here.run(sys.executable, "main.py")
    assert done.returncode == 0, done.stdout


def _terraform(here: Checkout, *arguments: str) -> str:
    terraform = here.environment["TERRAFORM_BINARY_NAME"]
    done = here.run(terraform, "-chdir=cdktf.out/stacks/TapStackdev", *arguments, "-input=false", "-no-color")
    assert done.returncode == 0, done.stdout
    return done.stdout
