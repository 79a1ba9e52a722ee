"""`tap drift`: what others change on a deployed stack, through AWS's own interfaces."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkouts import Checkout, checkout, tap
from tests.support.endpoints import Endpoint
from tests.support.the_stack import ALARMS, NAMED

READS, WRITES = (f"aws_cloudwatch_metric_alarm.DynamoDB{what}ThrottleAlarm" for what in ("Read", "Write"))
TABLE, KEY, TOPIC = "aws_dynamodb_table.TurnAroundPromptTable", "aws_kms_key.KMSKey", "aws_sns_topic.SNSTopic"
DASHBOARD = NAMED["dashboard"][0]
CHANGED = {
    "an alarm's threshold": (READS, "threshold", 10, 999),
    "an alarm's actions switched off": (WRITES, "actions_enabled", True, False),
    "a removed tag": (TOPIC, "tags.Project", "the project", None),
    "an unencrypted topic": (TOPIC, "kms_master_key_id", "the key", ""),
    "TTL switched off": (TABLE, "ttl.0.enabled", True, False),
    "backups switched off": (TABLE, "point_in_time_recovery.0.enabled", True, False),
    "the stream switched off": (TABLE, "stream_enabled", True, False),
    "rotation switched off": (KEY, "enable_key_rotation", True, False),
    "a changed key policy": (KEY, "policy.Statement.1", "a statement", None),
}
GONE = {"a deleted dashboard": DASHBOARD, "a key scheduled for deletion": KEY}


@pytest.fixture(scope="module")
def here(endpoint: Endpoint, project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A deployed stack, `TapStackdev`."""
    toml = f'[dev]\nproject_name = "{project}d"\npoint_in_time_recovery_enabled = true\n'
    environment = endpoint.attached | {"TF_WORKSPACE": "localstack"}
    made = checkout(tmp_path_factory.mktemp("drift"), toml, environment)
    try:
        deployed = made.run(*tap("adopt", "dev", "--apply"))  # on a green field it is a deploy
        assert deployed.returncode == 0, deployed.stdout
        yield made
    finally:
        made.run(sys.executable, "main.py")
        made.run(*terraform(made, "destroy", "-auto-approve"))


def terraform(here: Checkout, *arguments: str) -> list[str]:
    return [here.environment["TERRAFORM_BINARY_NAME"], "-chdir=cdktf.out/stacks/TapStackdev", *arguments]


def drift(here: Checkout, *options: str) -> tuple[int, str]:
    done = here.run(*tap("drift", "dev", *options))
    return done.returncode, done.stdout


def test_a_fresh_deployment_has_none(here: Checkout) -> None:
    assert drift(here) == (0, "TapStackdev: no drift.\n")


def test_a_setting_that_is_not_deployed_yet_is_none(here: Checkout) -> None:
    file = here.folder / "environments.toml"
    before = file.read_text()
    file.write_text(before + "thresholds = { throttle_alarm = 55 }\n")
    status, said = drift(here)
    file.write_text(before)
    assert status == 0
    undeployed = f"{DASHBOARD}, {ALARMS[0].address}"  # the dashboard draws the threshold
    told = f"A deploy would also change, and not for drift of its own: {undeployed}."
    assert said == f"TapStackdev: no drift.\n{told}\n"


@pytest.fixture(scope="module")
def changed(here: Checkout, endpoint: Endpoint, project: str) -> dict[str, Any]:
    """The report after all changes at once; each is of an attribute of its own."""
    name = f"{project}d-dev"
    _change_alarms(endpoint, name)
    (topic,) = [one["TopicArn"] for one in endpoint.sns.list_topics()["Topics"] if f":{name}-" in one["TopicArn"]]
    endpoint.sns.untag_resource(ResourceArn=topic, TagKeys=["Project"])
    endpoint.sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="")
    table = f"{name}-turnaround-prompts"
    ttl = {"Enabled": False, "AttributeName": "ttl"}
    endpoint.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=ttl)  # type: ignore[arg-type]
    endpoint.dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    endpoint.dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    key = _key(endpoint, name)
    endpoint.kms.disable_key_rotation(KeyId=key)
    policy = json.loads(endpoint.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"] = policy["Statement"][:1]
    endpoint.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    endpoint.cloudwatch.delete_dashboards(DashboardNames=[f"{name}-dashboard"])
    status, said = drift(here, "--json")
    assert status == 2, said
    report: dict[str, Any] = json.loads(said)
    return report


def _key(endpoint: Endpoint, name: str) -> str:
    return endpoint.kms.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["KeyId"]


def _change_alarms(endpoint: Endpoint, name: str) -> None:
    (alarm,) = endpoint.cloudwatch.describe_alarms(AlarmNames=[f"{name}-dynamodb-read-throttle"])["MetricAlarms"]
    kept = (
        *("AlarmName", "AlarmDescription", "OKActions", "AlarmActions", "MetricName", "Namespace", "Statistic"),
        *("Dimensions", "Period", "EvaluationPeriods", "ComparisonOperator", "TreatMissingData", "ActionsEnabled"),
    )
    endpoint.cloudwatch.put_metric_alarm(
        **{**{one: alarm[one] for one in kept}, "Threshold": 999}  # type: ignore[literal-required]
    )
    endpoint.cloudwatch.disable_alarm_actions(AlarmNames=[f"{name}-dynamodb-write-throttle"])


@pytest.mark.parametrize("what", CHANGED)
def test_a_change_is_told_with_the_old_and_the_new_value(what: str, changed: dict[str, Any]) -> None:
    address, attribute, old, new = CHANGED[what]
    (found,) = [one for one in changed["drift"] if one["address"] == address]
    assert found["action"] == "changed"
    values = found["attributes"][attribute]
    assert values["old"]
    assert values["old"] == old or isinstance(old, str)
    assert values["new"] == new


def test_nothing_else_is_told(changed: dict[str, Any], here: Checkout) -> None:
    assert {one["address"] for one in changed["drift"]} == {READS, WRITES, TABLE, KEY, TOPIC, DASHBOARD}
    told = {(one["address"], path) for one in changed["drift"] for path in one["attributes"]}
    known = {(address, attribute) for address, attribute, _, _ in CHANGED.values()}
    copies = {(TOPIC, "tags_all.Project"), (TABLE, "point_in_time_recovery.0.recovery_period_in_days")}
    assert told - copies == known
    # As a person reads it, in a pipe: no colours.
    status, said = drift(here)
    assert status == 2
    assert "\x1b" not in said
    for part in ("Drift of TapStackdev", "threshold", "999", "gone", "kms_master_key_id"):
        assert part in said


@pytest.mark.parametrize("what", GONE)
def test_what_is_gone_is_told(
    what: str, changed: dict[str, Any], here: Checkout, endpoint: Endpoint, project: str
) -> None:
    report = changed
    if GONE[what] == KEY:
        key = _key(endpoint, f"{project}d-dev")
        endpoint.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        status, said = drift(here, "--json")
        assert status == 2, said
        report = json.loads(said)
    assert [one["action"] for one in report["drift"] if one["address"] == GONE[what]] == ["gone"]


def test_a_mistyped_name_makes_no_environment(here: Checkout) -> None:
    done = here.run(*tap("adopt", "pord", "--apply"))
    assert done.returncode == 1
    assert "environments.toml has no [pord], and nothing exists under its names" in done.stdout


def test_a_state_with_nothing_in_it_is_no_answer(here: Checkout) -> None:
    done = here.run(*tap("drift", "pord", "--json"))
    assert done.returncode == 1
    assert "The state of TapStackpord has nothing in it" in done.stdout
    assert '"status": "failed"' in done.stdout


def test_what_fails_has_a_status_of_its_own(here: Checkout, tmp_path: Path) -> None:
    nowhere = Checkout(here.folder, here.environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    status, said = drift(nowhere)
    assert status == 1
    assert said.startswith("Error: AWS_ENDPOINT_URL is http://127.0.0.1:1, where nobody answers")
    status, said = drift(Checkout(here.folder, here.environment | {"AWS_ACCESS_KEY_ID": "", "HOME": str(tmp_path)}))
    assert status == 1
    assert "the AWS credentials do not work" in said
