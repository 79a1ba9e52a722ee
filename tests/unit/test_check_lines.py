"""`tap check` on what no endpoint here shows on request: an index on its way, a backup of one day, a key's new period.

botocore's stubber stands for AWS; each answer is checked against the service's model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from tap.checks.alarms import alarm as alarm_lines
from tap.checks.key import key
from tap.checks.lines import Deployed, Line
from tap.checks.table import table
from tap.checks.topic import subscription
from tap.declared import terraform
from tap.declared.resources import Resource
from tap.settings import Settings
from tap.state.session import Session
from tests.support.synthesis import stack_json

CHECKS = {
    "aws_cloudwatch_metric_alarm": alarm_lines,
    "aws_dynamodb_table": table,
    "aws_kms_key": key,
    "aws_sns_topic_subscription": subscription,
}
BACKED_UP = Settings(point_in_time_recovery_enabled=True)
SETTINGS = Settings(claim_index_enabled=True, alert_email="ops@example.com")
TABLE, TOPIC_ARN = SETTINGS.names.table, f"arn:aws:sns:us-east-1:123456789012:{SETTINGS.names.topic}"
GOOD_ARN = f"{TOPIC_ARN}:00000000-0000-4000-8000-000000000000"


class Stubbed:
    """A session whose only client answers what the test says."""

    account = "123456789012"

    def __init__(self, client: Any) -> None:
        self._client = client

    def client(self, _: str) -> Any:
        return self._client


@contextmanager
def stubbed(service: str, answers: list[tuple[str, dict[str, Any]]]) -> Iterator[Session]:
    client = boto3.client(service, "us-east-1", aws_access_key_id="-", aws_secret_access_key="-")  # type: ignore[call-overload]
    with Stubber(client) as stubber:
        for operation, answer in answers:
            stubber.add_response(operation, answer)
        yield cast(Session, Stubbed(client))


def lines(resource: Resource, session: Session, described: dict[str, Any] | None = None) -> list[Line]:
    """Of a key or a table, which are looked up before; the rest asks the session."""
    document = terraform.read(stack_json(SETTINGS))
    is_key = resource.type == "aws_kms_key"
    key_, tables = (described, {}) if is_key else (None, {TABLE: described})
    return list(CHECKS[resource.type](resource, Deployed(session, document, key_, {}, tables, {})))


ALARM = next(
    one
    for one in terraform.read(stack_json(SETTINGS)).of_type("aws_cloudwatch_metric_alarm")
    if "ReadThrottle" in one.address
)


@pytest.mark.parametrize(
    ("changed", "what", "found"),
    [
        ({"Threshold": 10.000001}, "fires", "Threshold 10.000001, "),
        (
            {"Threshold": None, "ThresholdMetricId": "band", "ComparisonOperator": "GreaterThanUpperThreshold"},
            "fires",
            "GreaterThanUpperThreshold an anomaly band",
        ),
    ],
)
def test_an_alarm_is_compared_to_the_last_digit(changed: dict[str, Any], what: str, found: str) -> None:
    described: dict[str, Any] = {
        "AlarmName": ALARM.values["alarm_name"],
        "AlarmArn": "arn",
        "Threshold": 10.0,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    } | changed
    alarm = {name: value for name, value in described.items() if value is not None}
    answers: list[tuple[str, dict[str, Any]]] = [
        ("describe_alarms", {"MetricAlarms": [alarm]}),
        ("list_tags_for_resource", {"Tags": []}),
    ]
    with stubbed("cloudwatch", answers) as session:
        (line,) = [one for one in lines(ALARM, session) if one.what == what]
    assert not line.holds
    assert found in line.found


@pytest.mark.parametrize(
    ("days", "found"), [({}, True), ({"RotationPeriodInDays": 365}, True), ({"RotationPeriodInDays": 2560}, "2560")]
)
def test_a_key_rotates_every_year(days: dict[str, int], found: object) -> None:
    (resource,) = terraform.read(stack_json(SETTINGS)).of_type("aws_kms_key")
    described = {"KeyId": "k", "KeyState": "Enabled", "Description": ""}
    answers: list[tuple[str, dict[str, Any]]] = [
        ("get_key_rotation_status", {"KeyRotationEnabled": True, **days}),
        ("get_key_policy", {"Policy": "{}"}),
        ("list_resource_tags", {"Tags": []}),
    ]
    with stubbed("kms", answers) as session:
        (line,) = [one for one in lines(resource, session, described) if one.what == "rotation"]
    assert line.holds == (found is True)
    assert str(found) in str(line.found)


@pytest.mark.parametrize(
    ("described", "what", "found"),
    [
        ({}, "point-in-time recovery", True),
        ({"RecoveryPeriodInDays": 35}, "point-in-time recovery", True),
        ({"RecoveryPeriodInDays": 1}, "point-in-time recovery", "the last 1 days"),
        ({"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}, "billing mode", "PAY_PER_REQUEST"),
        ({"MaxReadRequestUnits": 1}, "billing mode", "PAY_PER_REQUEST, MaxReadRequestUnits 1"),
    ],
)
def test_shorter_backups_or_a_capacity_limit_are_red(described: dict[str, int], what: str, found: object) -> None:
    (resource,) = terraform.read(stack_json(BACKED_UP)).of_type("aws_dynamodb_table")
    recovery = {"PointInTimeRecoveryStatus": "ENABLED"}
    table_: dict[str, Any] = {
        "TableArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}",
        "TableStatus": "ACTIVE",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    }
    if what == "billing mode":
        table_["OnDemandThroughput"] = described
    else:
        recovery |= described  # type: ignore[arg-type]
    with stubbed("dynamodb", _of_table(recovery)) as session:
        (line,) = [one for one in lines(resource, session, table_) if one.what == what]
    assert line.holds == (found in (True, "PAY_PER_REQUEST"))
    assert str(found) in str(line.found)


def _of_table(recovery: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    continuous = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
    return [
        ("describe_time_to_live", {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}),
        ("describe_continuous_backups", {"ContinuousBackupsDescription": continuous}),
        ("list_tags_of_resource", {"Tags": []}),
    ]


@pytest.mark.parametrize(
    ("status", "holds"), [("ACTIVE", True), ("UPDATING", True), ("CREATING", False), ("DELETING", False)]
)
def test_an_index_that_nobody_can_query_is_red(status: str, holds: bool) -> None:
    (resource,) = terraform.read(stack_json(SETTINGS)).of_type("aws_dynamodb_table")
    (index,) = resource.values["global_secondary_index"]
    described = {
        "TableArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}",
        "TableStatus": "UPDATING",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index["name"],
                "IndexStatus": status,
                "KeySchema": [
                    {"AttributeName": index["hash_key"], "KeyType": "HASH"},
                    {"AttributeName": index["range_key"], "KeyType": "RANGE"},
                ],
                "Projection": {
                    "ProjectionType": index["projection_type"],
                    **({"NonKeyAttributes": more} if (more := index.get("non_key_attributes")) else {}),
                },
            }
        ],
    }
    with stubbed("dynamodb", _of_table({"PointInTimeRecoveryStatus": "DISABLED"})) as session:
        (line,) = [one for one in lines(resource, session, described) if one.what == "indexes"]
    assert line.holds == holds
    assert holds or status in str(line.found)


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], "not subscribed"),
        (["Deleted"], "not subscribed"),
        (["PendingConfirmation"], "not confirmed yet"),
        (["Deleted", GOOD_ARN], "confirmed"),
        (["PendingConfirmation", GOOD_ARN], "confirmed"),
    ],
)
def test_a_deleted_subscription_is_not_pending(listed: list[str], found: str) -> None:
    (resource,) = terraform.read(stack_json(SETTINGS)).of_type("aws_sns_topic_subscription")
    subscriptions = [
        {"SubscriptionArn": arn, "Protocol": "email", "Endpoint": SETTINGS.alert_email, "TopicArn": TOPIC_ARN}
        for arn in listed
    ]
    answers: list[tuple[str, dict[str, Any]]] = [("list_subscriptions_by_topic", {"Subscriptions": subscriptions})]
    if GOOD_ARN in listed:
        answers.append(("get_subscription_attributes", {"Attributes": {"PendingConfirmation": "false"}}))
    with stubbed("sns", answers) as session:
        (line,) = lines(resource, session)
    assert line.found == found
