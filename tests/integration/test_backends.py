"""`cdktf deploy` itself, with either backend, and two deploys at once."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.local import ROOT
from tests.support import as_on_aws
from tests.support.checkouts import Checkout, checkout, tap
from tests.support.endpoints import REGION, Endpoint
from tests.support.http_state import http_states
from tests.support.provider import VARIABLE, start
from tests.support.servers import embedded_aws

pytestmark = pytest.mark.long


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
    here = checkout(tmp_path, LOCAL.format(project=project), environment)
    deployed = here.cdktf("deploy", "TapStacklocal", "--auto-approve", "--outputs-file=outputs.json")
    try:
        assert deployed.returncode == 0, deployed.stdout
        outputs = json.loads((tmp_path / "outputs.json").read_text())["TapStacklocal"]
        assert outputs["TurnAroundPromptTableName"] in endpoint.dynamodb.list_tables()["TableNames"]
        state = json.loads((tmp_path / "terraform.TapStacklocal.tfstate.d/localstack/terraform.tfstate").read_text())
        assert state["outputs"]["TurnAroundPromptTableName"]["value"] == outputs["TurnAroundPromptTableName"]
        assert "No changes" in here.cdktf("diff", "TapStacklocal").stdout
        file = tmp_path / "terraform.TapStacklocal.tfstate.d/localstack/terraform.tfstate"
        assert _read_by_another(endpoint, tmp_path, "local", path=str(file)) == outputs
        name = outputs["TurnAroundPromptTableName"]
        endpoint.dynamodb.put_item(TableName=name, Item={"id": {"S": "kept"}})
        _assert_the_same_in_hcl(here, "local")
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
        place = {"bucket": bucket, "key": f"{project}/s3/terraform.tfstate", "region": REGION}
        read = _read_by_another(endpoint, tmp_path, "s3", **place)
        assert read["TurnAroundPromptTableName"] == f"{project}-s3-turnaround-prompts"
        _assert_the_same_in_hcl(loser, "s3")
    finally:
        destroyed = two[0].cdktf("destroy", "TapStacks3", "--auto-approve")
    assert destroyed.returncode == 0, destroyed.stdout


#: Names of its own, tags with a colon, and somebody to tell.
LOCAL = """[local]
project_name = "{project}"
alert_email = "ops@example.com"
names = {{ table = "{project}.jobs", throttle_alarm = "{project}: too many (jobs)" }}
tags = {{ "Cost:Center" = "a b", "Größe" = "1/2" }}
"""


def _assert_the_same_in_hcl(here: Checkout, name: str) -> None:
    """`tap hcl`, and Terraform on what it wrote: no changes, on the same state."""
    folder = here.folder / "as-hcl"
    written = here.run(*tap("hcl", name, str(folder)))
    assert written.returncode == 0, written.stdout
    terraform = [here.environment["TERRAFORM_BINARY_NAME"], f"-chdir={folder}"]
    for command in (["init", "-input=false"], ["fmt", "-check"], ["plan", "-input=false", "-detailed-exitcode"]):
        done = here.run(*terraform, *command)
        assert done.returncode == 0, done.stdout
    (folder / "main.tf").write_text("# mine")
    refused = here.run(*tap("hcl", name, str(folder)))
    assert refused.returncode == 1
    assert "has another main.tf: name another folder, or overwrite it by --force" in refused.stdout
    assert (folder / "main.tf").read_text() == "# mine"
    assert here.run(*tap("hcl", name, str(folder), "--force")).returncode == 0
    (folder / "own.tf").touch()
    refused = here.run(*tap("hcl", name, str(folder)))
    assert refused.returncode == 1
    assert "has Terraform files of its own (own.tf)" in refused.stdout


def _read_by_another(endpoint: Endpoint, folder: Path, backend: str, **config: str) -> dict[str, str]:
    """The outputs as the project in examples/remote-state reads them."""
    other = folder / "reader"
    shutil.copytree(ROOT / "examples/remote-state", other)
    (other / "terraform.tfvars.json").write_text(json.dumps({"backend": backend, "config": config}))
    here = Checkout(other, endpoint.environment | {"TF_WORKSPACE": "default"})
    terraform = here.environment["TERRAFORM_BINARY_NAME"]
    for command in (["init"], ["apply", "-auto-approve"]):
        done = here.run(terraform, *command, "-input=false", "-no-color")
        assert done.returncode == 0, done.stdout
    outputs: dict[str, str] = json.loads(here.run(terraform, "output", "-json", "tap").stdout)
    return outputs


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


#: The provider's credentials are of a role, by a profile.
BY_A_ROLE = """[dev]
profile = "aws"
assume_role = { role_arn = "arn:aws:iam::123456789012:role/deploy", session_name = "ci" }
default_tags = { Team = "a" }
allowed_account_ids = ["123456789012"]
"""
#: A state in S3 with all that shops need.
IN_S3 = """type = "s3"
bucket = "our-states"
kms_key_id = "alias/aws/s3"
profile = "aws"
assume_role = { role_arn = "arn:aws:iam::123456789012:role/states", external_id = "x-1" }
workspace_key_prefix = "by-workspace"
use_path_style = true"""


@pytest.mark.skipif("TAP_TEST_ENDPOINT" in os.environ, reason="it has an endpoint of its own: `make test-long` runs it")
def test_a_state_moves_there_and_back_and_every_plan_is_empty(tmp_path: Path) -> None:
    """On what the checkout takes for AWS: local, S3 by a role, behind HTTP, local again, S3 again."""
    (tmp_path / "config").write_text(as_on_aws.profile("aws"))
    with embedded_aws(tmp_path) as server, http_states() as (address, states):
        environment = as_on_aws.environment(server.url, tmp_path / "config", "aws")
        environment[VARIABLE] = start(environment)
        endpoint = Endpoint(server.url, "embedded AWS")
        endpoint.s3.create_bucket(Bucket="our-states")
        behind_http = f'type = "http"\naddress = "{address}/tap-{{environment}}"\nlock_address = "{address}/lock"'
        places = {"local": 'type = "local"', "s3": IN_S3, "http": behind_http}
        (tmp_path / "here").mkdir()
        here = checkout(tmp_path / "here", BY_A_ROLE, environment)
        _deploy(here)
        arn = endpoint.dynamodb.describe_table(TableName="tap-dev-turnaround-prompts")["Table"]["TableArn"]
        tags = endpoint.dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
        assert {"Key": "Team", "Value": "a"} in tags
        for place in ("s3", "http", "local", "s3"):
            if states:  # a change in between: the next place must not have an older state
                here = Checkout(here.folder, here.environment | {"TAP_ALARM_PERIOD": "600"})
                _deploy(here)
            (here.folder / "environments.toml").write_text(f"{BY_A_ROLE}[dev.backend]\n{places[place]}\n")
            if place == "http":
                refused = here.run(*tap("adopt", "dev"))
                assert refused.returncode == 1
                assert "`npx cdktf deploy TapStackdev --migrate-state` moves its state" in refused.stdout
            _deploy(here, "0 added, 0 changed, 0 destroyed", "--migrate-state")
        assert list(states) == ["/tap-dev"]
        adopted = here.run(*tap("adopt", "dev"))
        assert (adopted.returncode, "nothing to do" in adopted.stdout) == (0, True), adopted.stdout
        _assert_a_fresh_clone_is_caught(here, tmp_path / "fresh", endpoint)


def _deploy(here: Checkout, says: str = "", *options: str) -> None:
    done = here.cdktf("deploy", "TapStackdev", "--auto-approve", *options)
    assert done.returncode == 0, done.stdout
    assert says in done.stdout


def _assert_a_fresh_clone_is_caught(here: Checkout, fresh: Path, endpoint: Endpoint) -> None:
    """Somebody sets the backend to S3 and commits it; the state never moved there."""
    fresh.mkdir()
    clone = checkout(fresh, f'{BY_A_ROLE}[dev.backend]\n{IN_S3}\nkey = "new/place"\n', here.environment)
    refused = clone.run(sys.executable, "main.py")
    assert refused.returncode == 1
    assert "s3://our-states/new/place, knows of nothing: a deploy would make everything anew" in refused.stdout
    assert "`tap adopt dev --apply`" in refused.stdout
    adopted = clone.run(*tap("adopt", "dev", "--apply", "--json"))
    assert adopted.returncode == 0, adopted.stdout
    assert json.loads(adopted.stdout)["status"] == "applied"
    assert clone.run(sys.executable, "main.py").returncode == 0
    assert len(endpoint.dynamodb.list_tables()["TableNames"]) == 1


def test_what_has_no_setting_goes_by_backend_config(
    endpoint: Endpoint, project: str, bucket: str, tmp_path: Path
) -> None:
    toml = f'[s3]\nproject_name = "{project}"\n[s3.backend]\ntype = "s3"\nbucket = "{bucket}"\n'
    option = {"TF_CLI_ARGS_init": "-backend-config=max_retries=2"}
    here = checkout(tmp_path, toml, endpoint.attached | option)
    planned = here.cdktf("diff", "TapStacks3")
    assert planned.returncode == 0, planned.stdout
    record = json.loads((tmp_path / "cdktf.out/stacks/TapStacks3/.terraform/terraform.tfstate").read_text())
    assert (record["backend"]["config"]["max_retries"], record["backend"]["config"]["bucket"]) == (2, bucket)
