"""What the genuine Terraform 1.11 with the genuine hashicorp/aws 5.100.0 says of the stack, without any endpoint."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tap import settings as config
from tap.local.terraform import PROVIDER_VERSION
from tap.settings import Names, S3Backend, Settings
from tests.support.documents import Document, references, resources, the_only
from tests.support.synthesis import DEFAULTS, EVERYTHING_ON, stack_json
from tests.support.the_stack import ALARMS, TAGGED
from tests.validation.conftest import Evaluate, Terraform

#: Each as long as AWS takes it, and no two alarms alike.
LONGEST_NAMES = Names(
    table="t" * 255,
    key_alias="alias/" + "k" * 250,
    topic="t" * 256,
    dashboard="d" * 255,
    **{alarm.setting: chr(ord("a") + index) * 255 for index, alarm in enumerate(ALARMS)},
)
#: Every name as long as AWS takes it, so that the provider's own checks see them.
LONGEST = Settings(
    environment_suffix="s" * 20,
    project_name="p" * 40,
    alert_email="ops@example.com",
    deletion_protection_enabled=True,
    point_in_time_recovery_enabled=True,
    iam_policies_enabled=True,
    names=LONGEST_NAMES,
    tags={f"tag{index}": "v" * 256 for index in range(47)},
    backend=S3Backend(type="s3", bucket="states"),
)


class TestValidate:
    @pytest.mark.parametrize("settings", [DEFAULTS, LONGEST], ids=["defaults", "everything-on-longest-names-and-s3"])
    def test_takes_the_stack(self, tf: Terraform, request: pytest.FixtureRequest, settings: Settings) -> None:
        folder = tf.folder(f"valid-{request.node.callspec.id}", stack_json(settings))
        done = tf.run(folder, "validate", "-json")
        answer = json.loads(done.stdout)
        assert answer["diagnostics"] == []
        assert answer["valid"] is True

    def test_refuses_a_broken_one(self, tf: Terraform) -> None:
        document = stack_json(DEFAULTS)
        # Leaves of the graph, since what depends on something broken is not looked at.
        alarms = document["resource"]["aws_cloudwatch_metric_alarm"]
        alarms["DynamoDBThrottleAlarm"]["comparison_operator"] = "Bigger"
        alarms["DynamoDBReadThrottleAlarm"]["nmae"] = "typo"
        document["resource"]["aws_sns_topic_policy"]["SNSTopicPolicy"]["policy"] = "{"
        document["output"]["KMSKeyId"]["value"] = "${aws_kms_key.KmsKey.key_id}"
        done = tf.run(tf.folder("broken", document), "validate", "-json")
        answer = json.loads(done.stdout)
        found = " ".join(f"{one['summary']} {one['detail']}" for one in answer["diagnostics"])
        assert answer["valid"] is False
        told = ["comparison_operator", '"nmae"', '"policy" contains an invalid JSON', '"aws_kms_key" "KmsKey"']
        assert [part for part in told if part not in found] == [], found

    def test_is_asked_of_the_pinned_provider(self, tf: Terraform) -> None:
        lock = (tf.root / "providers" / ".terraform.lock.hcl").read_text()
        assert re.findall(r'version\s+= "(.*)"', lock) == [PROVIDER_VERSION]


class TestSchema:
    def test_every_taggable_resource_is_tagged(self, schema: dict[str, Any]) -> None:
        made = resources(stack_json(DEFAULTS))
        taggable = {one for one in made if "tags" in schema[one.split(".")[0]]["block"]["attributes"]}
        assert taggable == TAGGED, "Tag it, or correct tests/support/the_stack.py."
        assert {
            one for one in made if {"Environment", "Project", "ManagedBy"} <= set(made[one].get("tags", {}))
        } == taggable

    @pytest.mark.parametrize("settings", [DEFAULTS, EVERYTHING_ON], ids=["defaults", "everything-on"])
    def test_every_expression_names_an_attribute_that_exists(self, schema: dict[str, Any], settings: Settings) -> None:
        named = [one for one in references(stack_json(settings)) if one.attribute]
        assert len(named) >= 10
        unknown = [
            one for one in named if one.attribute not in schema[one.address.rsplit(".", 1)[0]]["block"]["attributes"]
        ]
        assert unknown == []

    def test_nothing_is_deprecated(self, schema: dict[str, Any]) -> None:
        used = {
            (address.split(".")[0], name)
            for address, one in resources(stack_json(EVERYTHING_ON)).items()
            for name in one
        }
        attributes = [(kind, name, schema[kind]["block"]["attributes"].get(name, {})) for kind, name in used]
        assert len(attributes) > 30
        assert [(kind, name) for kind, name, attribute in attributes if attribute.get("deprecated")] == []


RUNS = Path(__file__).with_name("conditions.tftest.hcl")


@pytest.fixture(scope="module")
def runs(tf: Terraform) -> dict[str, list[str]]:
    """What is wrong by run: [] when it passed."""
    document = stack_json(DEFAULTS)
    del document["terraform"]["backend"]
    folder = tf.folder("conditions", document)
    each_alarm = ", ".join(alarm.address for alarm in ALARMS)
    (folder / RUNS.name).write_text(RUNS.read_text().replace("EACH_ALARM", f"[{each_alarm}]"))
    done = tf.run(folder, "test", "-json")
    problems: dict[str, list[str]] = {}
    for message in map(json.loads, done.stdout.splitlines()):
        if message["type"] == "test_run" and message["test_run"].get("progress") == "complete":
            status = message["test_run"]["status"]
            problems.setdefault(message["test_run"]["run"], []).extend([] if status == "pass" else [status])
        if message["type"] == "diagnostic" and message["@level"] == "error":
            problems.setdefault(message.get("@testrun", ""), []).append(
                " ".join([message["@message"], message["diagnostic"].get("detail", "")])
            )
    return problems


class TestConditions:
    """The whole stack, planned and applied by Terraform with a provider that only pretends."""

    def test_nothing_went_wrong_outside_the_runs(self, runs: dict[str, list[str]]) -> None:
        assert set(runs) == set(re.findall(r'(?m)^run "(\w+)"', RUNS.read_text()))

    @pytest.mark.parametrize("run", re.findall(r'(?m)^run "(\w+)"', RUNS.read_text()))
    def test_run(self, runs: dict[str, list[str]], run: str) -> None:
        assert runs[run] == []


def text_of(done: Any) -> str:
    """What Terraform said, without its line breaks."""
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    details = [
        f"{one.get('diagnostic', {}).get('summary')} {one.get('diagnostic', {}).get('detail')}" for one in messages
    ]
    return " ".join(" ".join(details).split())


class TestVariables:
    """The declarations as they are, in a configuration of nothing else."""

    @pytest.fixture
    def given(self, evaluate: Evaluate) -> Callable[..., Any]:
        variables = stack_json(DEFAULTS)["variable"]
        return lambda **values: evaluate(variables, {"all": "${var.alert_email}"}, **values)

    @pytest.mark.parametrize(
        "address",
        [
            "ops@",
            "ops",
            "@example.com",
            "ops@example",
            "o ps@example.com",
            "a@b@example.com",
            "o\tps@example.com",
            "ops@example.com\n",
        ],
    )
    def test_a_bad_address_is_told(self, given: Callable[..., Any], address: str) -> None:
        done = given(alert_email=address)
        assert done.returncode == 1
        assert 'alert_email must be an e-mail address, or "" for no e-mail.' in text_of(done)
        with pytest.raises(ValueError, match="alert_email"):
            Settings(alert_email=address)

    @pytest.mark.parametrize(
        "address", ["", "ops@example.com", "first.last+tag@mail.example.co.uk", "a!#&'*/=?^_|~-b@example.com"]
    )
    def test_a_good_address_is_taken(self, given: Callable[..., Any], address: str) -> None:
        assert Settings(alert_email=address).alert_email == address
        done = given(alert_email=address)
        assert done.returncode == 0, text_of(done)

    @pytest.mark.parametrize("name", ["deletion_protection_enabled", "point_in_time_recovery_enabled"])
    def test_a_toggle_is_true_or_false(self, given: Callable[..., Any], name: str) -> None:
        assert given(**{name: "true"}).returncode == 0
        done = given(**{name: "yes"})
        assert done.returncode == 1
        assert "a bool is required" in text_of(done)

    def test_nothing_has_to_be_given(self, given: Callable[..., Any]) -> None:
        assert given().returncode == 0

    def test_an_address_in_the_settings_is_never_read_as_an_expression(self, evaluate: Evaluate) -> None:
        address = "a!#&'*+/=?^_|~.-b@example.com"
        variable = stack_json(Settings(alert_email=address))["variable"]
        done = evaluate(variable, {"address": "${var.alert_email}"})
        outputs = [json.loads(line) for line in done.stdout.splitlines() if '"outputs"' in line]
        assert outputs[-1]["outputs"]["address"]["value"] == address


class TestPlace:
    """Region and partition: never a literal, and the console's host follows."""

    @pytest.mark.parametrize(
        ("region", "partition", "host"),
        [
            ("us-east-1", "aws", "us-east-1.console.aws.amazon.com"),
            ("eusc-de-east-1", "aws-eusc", "eusc-de-east-1.console.amazonaws-eusc.eu"),
            ("eu-west-1", "aws", "eu-west-1.console.aws.amazon.com"),
            ("cn-north-1", "aws-cn", "cn-north-1.console.amazonaws.cn"),
            ("us-gov-west-1", "aws-us-gov", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ],
    )
    def test_dashboard_url(self, evaluate: Evaluate, region: str, partition: str, host: str) -> None:
        document = stack_json(Settings(region=region))
        asked = "data.aws_partition.partition.partition"
        value = document["output"]["DashboardURL"]["value"]
        assert asked in value
        done = evaluate({"partition": {"default": partition}}, {"url": value.replace(asked, "var.partition")})
        outputs = [json.loads(line) for line in done.stdout.splitlines() if '"outputs"' in line]
        assert outputs[-1]["outputs"]["url"]["value"] == (
            f"https://{host}/cloudwatch/home?region={region}#dashboards:name=tap-dev-dashboard"
        )

    @pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
    def test_no_other_region_or_partition_is_in_it(self, region: str) -> None:
        document: Document = stack_json(Settings(region=region))
        text = json.dumps({key: value for key, value in document.items() if key != "output"})
        assert the_only(document, "aws_sns_topic")["name"] == "tap-dev-alerts"
        named = {one for one in config.aws_regions() if re.search(rf"\b{one}\b", text)}
        assert named == {region}
        assert "arn:aws" not in text
