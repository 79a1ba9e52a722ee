"""`cdktf deploy` itself, with either backend, and two deploys at once."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkouts import Checkout, checkout
from tests.support.endpoints import Endpoint


@pytest.fixture
def bucket(endpoint: Endpoint, project: str) -> Iterator[str]:
    name = f"{project}-states"
    endpoint.s3.create_bucket(Bucket=name)
    yield name
    for item in endpoint.s3.list_objects_v2(Bucket=name).get("Contents", []):
        endpoint.s3.delete_object(Bucket=name, Key=item["Key"])
    endpoint.s3.delete_bucket(Bucket=name)


def test_cdktf_deploys_diffs_and_destroys_with_a_local_state(endpoint: Endpoint, project: str, tmp_path: Path) -> None:
    environment = endpoint.attached | {"TF_WORKSPACE": "localstack"}
    here = checkout(tmp_path, f'[local]\nproject_name = "{project}"\n', environment)
    deployed = here.cdktf("deploy", "TapStacklocal", "--auto-approve", "--outputs-file=outputs.json")
    try:
        assert deployed.returncode == 0, deployed.stdout
        outputs = json.loads((tmp_path / "outputs.json").read_text())["TapStacklocal"]
        assert outputs["TurnAroundPromptTableName"] in endpoint.dynamodb.list_tables()["TableNames"]
        state = json.loads((tmp_path / "terraform.TapStacklocal.tfstate.d/localstack/terraform.tfstate").read_text())
        assert state["outputs"]["TurnAroundPromptTableName"]["value"] == outputs["TurnAroundPromptTableName"]
        assert "No changes" in here.cdktf("diff", "TapStacklocal").stdout
        if endpoint.accounts_by_key:
            _assert_another_account_is_refused(here)
        assert "No changes" in here.run(*_plan(here, "TapStacklocal", endpoint)).stdout
    finally:
        destroyed = here.cdktf("destroy", "TapStacklocal", "--auto-approve")
    assert destroyed.returncode == 0, destroyed.stdout
    assert outputs["TurnAroundPromptTableName"] not in endpoint.dynamodb.list_tables()["TableNames"]


def test_two_deploys_at_once_leave_one_stack_in_s3(
    endpoint: Endpoint, project: str, bucket: str, tmp_path: Path
) -> None:
    toml = f'[s3]\nproject_name = "{project}"\n[s3.backend]\ntype = "s3"\nbucket = "{bucket}"\n'
    # A host name, of which SDKs make BUCKET.localhost unless they are told otherwise.
    by_name = {"AWS_ENDPOINT_URL": endpoint.url.replace("127.0.0.1", "localhost")}
    two = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        two.append(checkout(tmp_path / name, toml, endpoint.attached | by_name))
    try:
        running = [here.start(*here.cdktf_command("deploy", "TapStacks3", "--auto-approve")) for here in two]
        said = [process.communicate(timeout=300)[0] for process in running]
        outcomes = [process.returncode for process in running]
        assert 0 in outcomes, said
        for status, text in zip(outcomes, said, strict=True):
            # Whoever came second waited for nothing: it says who holds the lock, and has changed nothing.
            assert status == 0 or "Error acquiring the state lock" in text, text
        keys = [item["Key"] for item in endpoint.s3.list_objects_v2(Bucket=bucket)["Contents"]]
        assert keys == [f"{project}/s3/terraform.tfstate"]  # and no lock is left
        loser = two[outcomes.index(1)] if 1 in outcomes else two[1]
        assert "No changes" in loser.cdktf("diff", "TapStacks3").stdout  # it sees what the other one has made
    finally:
        destroyed = two[0].cdktf("destroy", "TapStacks3", "--auto-approve")
    assert destroyed.returncode == 0, destroyed.stdout


def _plan(here: Checkout, stack: str, endpoint: Endpoint) -> list[str]:
    terraform = endpoint.environment["TERRAFORM_BINARY_NAME"]
    return [terraform, f"-chdir={here.folder}/cdktf.out/stacks/{stack}", "plan", "-input=false", "-no-color"]


def _assert_another_account_is_refused(here: Checkout) -> None:
    other = Checkout(here.folder, here.environment | {"AWS_ACCESS_KEY_ID": "222222222222"})
    refused = other.run(sys.executable, "main.py")
    assert refused.returncode == 1
    assert "TapStacklocal is deployed in the account 000000000000, and the credentials are of 222222222222" in (
        refused.stdout
    )
