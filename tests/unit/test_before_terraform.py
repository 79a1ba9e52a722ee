"""What main.py asks before Terraform runs: does anybody answer, and whose state would it be?"""

import json
import os
from pathlib import Path

import botocore.loaders
import botocore.session
import pytest

from tap.local import LocalError, node
from tap.settings import CloudBackend, HttpBackend, S3Backend, Settings
from tap.state import StateError, endpoint, recorded, workspace
from tap.state.configured import AWS_SUFFIXES, needs_s3_path_style

IN_S3 = Settings(environment_suffix="s3", backend=S3Backend(type="s3", bucket="states"))


@pytest.mark.parametrize(
    "url", ["localhost", "ftp://127.0.0.1:21", "http://[::1:4566", "http://:4566", "http://x:port", "http://"]
)
def test_an_endpoint_that_is_no_address_is_named(url: str) -> None:
    with pytest.raises(StateError, match="which is not an http:// or https:// address") as refused:
        endpoint.require_served({"AWS_ENDPOINT_URL": url})
    assert repr(url) in str(refused.value)


def test_a_host_that_can_be_none_is_named() -> None:
    with pytest.raises(StateError, match="where nobody answers"):
        endpoint.require_served({"AWS_ENDPOINT_URL": f"http://{'a' * 64}.example:80"})


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4566",
        "http://127.1.2.3",
        "http://localhost:4566",
        "http://[::1]:4566",
        "http://localhost.localstack.cloud:4566",
        "http://localstack:4566",
        "http://host.docker.internal:4566",
        "http://0.0.0.0:4566",
        "http://127.1:4566",
        "http://192.168.1.20:4566",
        "http://localhost.:4566",
        "http://[::]:4566",
        "http://amazonaws.com.evil.example",
        "http://notamazonaws.com",
        "http://[",
    ],
)
@pytest.mark.parametrize("name", [{}, {"TF_WORKSPACE": ""}, {"TF_WORKSPACE": "default"}])
def test_an_endpoint_that_is_not_awss_does_not_get_the_state_of_a_stack_on_aws(url: str, name: dict[str, str]) -> None:
    with pytest.raises(StateError, match=r"the state of TapStackdev on AWS .* TF_WORKSPACE=localstack"):
        workspace.require_own([IN_S3, Settings()], {"AWS_ENDPOINT_URL": url, **name})


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_ENDPOINT_URL": "https://vpce-1.dynamodb.us-east-1.vpce.amazonaws.com"},
        {"AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.cn-north-1.amazonaws.com.cn"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "TF_WORKSPACE": "localstack"},
    ],
)
def test_each_with_a_state_of_its_own_is_fine(variables: dict[str, str]) -> None:
    workspace.require_own([Settings()], variables)


CONFIGURATION = """
[default]
endpoint_url = http://of-default:1
[profile everything]
endpoint_url = http://everything:2
[profile one]
services = mine
[services mine]
dynamodb =
  endpoint_url = http://one:3
[profile both]
services = mine
endpoint_url = http://both:4
[profile plain]
region = eu-west-1
[profile ignoring]
endpoint_url = http://ignored:5
ignore_configured_endpoint_urls = true
"""


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://of-default:1"),
        ({"AWS_PROFILE": "everything"}, "http://everything:2"),
        ({"AWS_DEFAULT_PROFILE": "everything"}, "http://everything:2"),
        ({"AWS_PROFILE": "one"}, "http://one:3"),
        ({"AWS_PROFILE": "both"}, "http://both:4"),
        ({"AWS_PROFILE": "plain", "AWS_ENDPOINT_URL_KMS": "http://kms:6"}, "http://kms:6"),
        ({"AWS_PROFILE": "everything", "AWS_ENDPOINT_URL": "http://wins:7"}, "http://wins:7"),
        ({"AWS_PROFILE": "plain", "TF_AWS_DYNAMODB_ENDPOINT": "http://terraforms:8"}, "http://terraforms:8"),
        ({"AWS_PROFILE": "plain", "AWS_STS_ENDPOINT": "http://old:9"}, "http://old:9"),
        (
            {"TF_AWS_DYNAMODB_ENDPOINT": "http://still:10", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "http://still:10",
        ),
    ],
)
def test_endpoints_are_resolved_as_the_sdks_do(tmp_path: Path, variables: dict[str, str], url: str) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(CONFIGURATION)
    with pytest.raises(StateError, match="which is not AWS's own") as refused:
        workspace.require_own([Settings()], {"HOME": str(tmp_path), **variables})
    assert f" is {url}, " in str(refused.value)
    # The table is where botocore would look for it, too.
    session = botocore.session.Session(profile=variables.get("AWS_PROFILE") or variables.get("AWS_DEFAULT_PROFILE"))
    session.set_config_variable("config_file", str(tmp_path / ".aws/config"))
    if all("ENDPOINT" not in name for name in variables):
        session.set_credentials("test", "test")
        asked = {session.create_client(one, "us-east-1").meta.endpoint_url for one in ("cloudwatch", "dynamodb")}
        assert url in asked


@pytest.mark.parametrize("profile", ["plain", "ignoring", "nobodys"])
def test_a_profile_without_an_endpoint_is_awss(tmp_path: Path, profile: str) -> None:
    (tmp_path / "config").write_text(CONFIGURATION)
    workspace.require_own([Settings()], {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": profile})


def test_awss_own_hosts_are_those_that_botocore_knows() -> None:
    partitions = botocore.loaders.create_loader().load_data("partitions")["partitions"]
    suffixes = {one["outputs"][kind] for one in partitions for kind in ("dnsSuffix", "dualStackDnsSuffix")}
    assert set(AWS_SUFFIXES) == suffixes


def test_a_state_in_a_bucket_is_where_the_bucket_is() -> None:
    workspace.require_own([IN_S3], {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
    with pytest.raises(StateError, match=r"AWS_ENDPOINT_URL_SNS is http://localstack:4566, .* of TapStacks3 on"):
        workspace.require_own([IN_S3], {"AWS_ENDPOINT_URL_SNS": "http://localstack:4566"})


@pytest.mark.parametrize(
    ("variables", "path_style"),
    [
        ({}, False),
        ({"AWS_ENDPOINT_URL": "http://localhost:4566"}, True),
        ({"AWS_ENDPOINT_URL_S3": "http://minio:9000"}, True),
        ({"AWS_S3_ENDPOINT": "http://minio:9000"}, True),
        ({"AWS_ENDPOINT_URL_S3": "https://s3.eu-west-1.amazonaws.com", "AWS_ENDPOINT_URL": "http://here:1"}, False),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:8000"}, False),
        ({"AWS_ENDPOINT_URL": "http://localhost:4566", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, False),
        # The SDK does so by itself, and Terraform takes a change of the backend for another place of the state.
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, False),
        ({"AWS_ENDPOINT_URL": "http://[::1]:4566"}, False),
    ],
)
def test_a_bucket_stands_in_the_path_where_it_has_no_host_of_its_own(
    variables: dict[str, str], path_style: bool
) -> None:
    assert needs_s3_path_style(variables) is path_style


def test_a_workspace_is_made_for_local_states_alone(tmp_path: Path) -> None:
    workspace.prepare([IN_S3, Settings()], tmp_path / "cdktf.out", {"TF_WORKSPACE": "localstack"})
    workspace.prepare([Settings()], tmp_path / "cdktf.out", {})
    assert [str(made.relative_to(tmp_path)) for made in sorted(tmp_path.rglob("*"))] == [
        "terraform.TapStackdev.tfstate.d",
        "terraform.TapStackdev.tfstate.d/localstack",
    ]


def _state(folder: Path, region: str, *resources: str, workspace_name: str = "") -> None:
    file = folder / "terraform.TapStackdev.tfstate"
    if workspace_name:
        file = folder / "terraform.TapStackdev.tfstate.d" / workspace_name / "terraform.tfstate"
    file.parent.mkdir(parents=True, exist_ok=True)
    arn = {"TurnAroundPromptTableArn": {"value": f"arn:aws:dynamodb:{region}:1:table/t"}} if resources else {}
    file.write_text(json.dumps({"outputs": arn, "resources": resources}))


MOVED = Settings(backend=S3Backend(type="s3", bucket="states"))


@pytest.mark.parametrize(
    ("settings", "variables", "says"),
    [
        (MOVED, {}, r"in terraform.TapStackdev.tfstate and its backend is S3 now: .* `--migrate-state`"),
        (Settings(region="eu-west-1"), {}, r"is deployed in us-east-1 and its region is eu-west-1 now: .* Destroy"),
        (Settings(region="eu-west-1"), {"TF_WORKSPACE": "own"}, "is deployed in us-west-2 and"),
    ],
)
def test_a_state_that_would_be_left_behind_is_named(
    tmp_path: Path, settings: Settings, variables: dict[str, str], says: str
) -> None:
    _state(tmp_path, "us-east-1", "table")
    _state(tmp_path, "us-west-2", "table", workspace_name="own")
    with pytest.raises(StateError, match=says):
        workspace.require_followed([settings], tmp_path, variables)


def test_a_state_that_is_followed_is_fine(tmp_path: Path) -> None:
    workspace.require_followed([MOVED, Settings()], tmp_path, {})
    _state(tmp_path, "us-east-1", "table")
    workspace.require_followed([Settings(), Settings(environment_suffix="prod", region="eu-west-1")], tmp_path, {})
    workspace.require_followed([Settings(region="eu-west-1")], tmp_path, {"TF_WORKSPACE": "another"})
    # Terraform knows the earlier backend, and asks for --migrate-state itself.
    record = tmp_path / "cdktf.out/stacks/TapStackdev/.terraform/terraform.tfstate"
    record.parent.mkdir(parents=True)
    record.touch()
    workspace.require_followed([MOVED], tmp_path, {})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"resources": []}'])
def test_a_state_that_holds_nothing_is_fine(tmp_path: Path, text: str) -> None:
    (tmp_path / "terraform.TapStackdev.tfstate").write_text(text)
    workspace.require_followed([MOVED, Settings(region="eu-west-1")], tmp_path, {})


@pytest.mark.parametrize("stack", ["TapStackdev", "TapStackpr-7"])
def test_a_state_that_only_an_interrupted_deploy_knows_is_never_left_behind(tmp_path: Path, stack: str) -> None:
    workspace.require_no_errored_state(tmp_path)
    errored = tmp_path / "cdktf.out/stacks" / stack / "errored.tfstate"
    errored.parent.mkdir(parents=True)
    errored.write_text("{}")
    pushed = rf"`terraform -chdir=cdktf.out/stacks/{stack} state push errored.tfstate`, then delete the file"
    with pytest.raises(StateError, match=pushed):
        workspace.require_no_errored_state(tmp_path)


def test_node_is_asked_for_before_jsii_stumbles(tmp_path: Path) -> None:
    node.require(os.environ)
    with pytest.raises(LocalError, match="There is no node on PATH"):
        node.require({"PATH": str(tmp_path)})
    with pytest.raises(LocalError, match="There is no other-node on PATH"):
        node.require({"PATH": os.environ["PATH"], "JSII_NODE": "other-node"})


BEHIND_HTTP = Settings(backend=HttpBackend(type="http", address="https://gitlab.example.com/state/{environment}"))
IN_THE_CLOUD = Settings(backend=CloudBackend(type="cloud", organization="acme"))
HERE = Settings(backend=HttpBackend(type="http", address="http://127.0.0.1:8080/state"))


@pytest.mark.parametrize("settings", [BEHIND_HTTP, IN_THE_CLOUD], ids=["http", "cloud"])
def test_a_state_that_is_one_for_all_endpoints_is_kept_from_another_one(settings: Settings) -> None:
    workspace.require_own([settings, HERE], {})
    with pytest.raises(StateError, match=r'has one state for both, .* give \[dev\] the backend type = "local"'):
        workspace.require_own([settings], {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
    workspace.require_own([HERE], {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})


def test_a_backend_without_workspaces_is_told_at_once() -> None:
    with pytest.raises(StateError, match="TF_WORKSPACE is localstack, and the backend of TapStackdev, http, has no"):
        workspace.require_own([BEHIND_HTTP], {"TF_WORKSPACE": "localstack"})


def test_a_profile_of_the_settings_wins_over_the_variable(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(CONFIGURATION)
    variables = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "plain"}
    workspace.require_own([Settings()], variables)
    with pytest.raises(StateError, match="profile everything is http://everything:2, which is not AWS's own"):
        workspace.require_own([Settings(profile="everything")], variables)
    with pytest.raises(StateError, match="where nobody answers"):
        endpoint.require_served(variables, {"", "everything"})


@pytest.mark.parametrize(
    ("backend", "variables", "key"),
    [
        ({}, {}, "tap/dev/terraform.tfstate"),
        ({}, {"TF_WORKSPACE": "default"}, "tap/dev/terraform.tfstate"),
        ({"key": "a/b"}, {"TF_WORKSPACE": "w"}, "env:/w/a/b"),
        ({"workspace_key_prefix": "by"}, {"TF_WORKSPACE": "w"}, "by/w/tap/dev/terraform.tfstate"),
    ],
)
def test_a_state_in_s3_is_looked_for_where_terraform_has_it(
    backend: dict[str, str], variables: dict[str, str], key: str
) -> None:
    in_s3 = S3Backend.model_validate({"type": "s3", "bucket": "states", **backend})
    assert recorded.state_key(Settings(backend=in_s3), in_s3, variables) == key
