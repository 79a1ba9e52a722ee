"""`cdktf deploy` itself, with either backend, and two deploys at once."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interruptions import tap
from tests.support import as_on_aws
from tests.support.checkouts import Checkout, checkout
from tests.support.endpoints import Endpoint
from tests.support.http_state import http_states
from tests.support.servers import embedded_aws


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


ROLE = "arn:aws:iam::123456789012:role/states"


def test_a_state_moves_there_and_back_and_every_plan_is_empty(tmp_path: Path) -> None:
    """On what the checkout takes for AWS: local, S3 by a role, behind HTTP, local again, S3 again."""
    (tmp_path / "config").write_text(as_on_aws.profile("aws"))
    with embedded_aws(tmp_path) as server, http_states() as (address, states):
        environment = as_on_aws.environment(server.url, tmp_path / "config", "aws")
        endpoint = Endpoint(server.url, "embedded AWS")
        endpoint.s3.create_bucket(Bucket="our-states")
        in_s3 = f"""type = "s3"
            bucket = "our-states"
            kms_key_id = "alias/aws/s3"
            profile = "aws"
            assume_role = {{ role_arn = "{ROLE}", external_id = "x-1" }}
            workspace_key_prefix = "by-workspace"
            use_path_style = true"""
        behind_http = f'type = "http"\naddress = "{address}/tap-{{environment}}"\nlock_address = "{address}/lock"'
        places = {"local": 'type = "local"', "s3": in_s3, "http": behind_http}
        (tmp_path / "here").mkdir()
        here = checkout(tmp_path / "here", "[dev]\n", environment)
        deployed = here.cdktf("deploy", "TapStackdev", "--auto-approve")
        assert deployed.returncode == 0, deployed.stdout
        for number, place in enumerate(("s3", "http", "local", "s3", "local"), start=1):
            (here.folder / "environments.toml").write_text(f"[dev.backend]\n{places[place]}\n")
            refused = here.run(*tap("adopt", "dev"))
            assert refused.returncode == 1
            assert "`npx cdktf deploy TapStackdev --migrate-state` moves its state" in refused.stdout
            moved = here.cdktf("deploy", "TapStackdev", "--auto-approve", "--migrate-state")
            assert moved.returncode == 0, moved.stdout
            assert "0 added, 0 changed, 0 destroyed" in moved.stdout or "No changes" in moved.stdout, moved.stdout
            adopted = here.run(*tap("adopt", "dev"))
            assert (adopted.returncode, "nothing to do" in adopted.stdout) == (0, True), adopted.stdout
            # A change between two moves: the next place must not have an older state.
            changed = Checkout(here.folder, here.environment | {"TAP_ALARM_PERIOD": str(60 * number)})
            deployed = changed.cdktf("deploy", "TapStackdev", "--auto-approve")
            assert deployed.returncode == 0, deployed.stdout
            here = changed
        assert list(states) == ["/tap-dev"]
        _assert_a_fresh_clone_is_caught(here, tmp_path / "fresh", in_s3, endpoint)


def _assert_a_fresh_clone_is_caught(here: Checkout, fresh: Path, in_s3: str, endpoint: Endpoint) -> None:
    """Somebody sets the backend to S3 and commits it; the state never moved there."""
    fresh.mkdir()
    clone = checkout(fresh, f'[dev.backend]\n{in_s3}\nkey = "new/place"\n', here.environment)
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
