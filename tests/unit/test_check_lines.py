"""`tap check` on what no endpoint here shows on request: an index on its way, a subscription that somebody ended.

botocore's stubber stands for AWS; each answer is checked against the service's model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import boto3
import pytest
from botocore.stub import ANY, Stubber

from tap.checks.lines import Deployed, Line
from tap.checks.table import table
from tap.checks.topic import subscription
from tap.declared import terraform
from tap.settings import Settings
from tap.state.session import Session
from tests.support.synthesis import stack_json

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
            given = client.meta.service_model.operation_model(
                client.meta.method_to_api_mapping[operation]
            ).input_shape.required_members
            stubber.add_response(operation, answer, dict.fromkeys(given, ANY))
        yield cast(Session, Stubbed(client))


def lines(type_: str, session: Session) -> list[Line]:
    document = terraform.read(stack_json(SETTINGS))
    (resource,) = document.of_type(type_)
    check = {"aws_dynamodb_table": table, "aws_sns_topic_subscription": subscription}[type_]
    return list(check(resource, Deployed(session, document, None, {})))


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
    answers: list[tuple[str, dict[str, Any]]] = [
        ("describe_table", {"Table": described}),
        ("describe_time_to_live", {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}),
        (
            "describe_continuous_backups",
            {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}},
        ),
        ("list_tags_of_resource", {"Tags": []}),
    ]
    with stubbed("dynamodb", answers) as session:
        (line,) = [one for one in lines("aws_dynamodb_table", session) if one.what == "indexes"]
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
def test_who_ended_a_subscription_is_not_waiting(listed: list[str], found: str) -> None:
    subscriptions = [
        {"SubscriptionArn": arn, "Protocol": "email", "Endpoint": SETTINGS.alert_email, "TopicArn": TOPIC_ARN}
        for arn in listed
    ]
    answers: list[tuple[str, dict[str, Any]]] = [("list_subscriptions_by_topic", {"Subscriptions": subscriptions})]
    if GOOD_ARN in listed:
        answers.append(("get_subscription_attributes", {"Attributes": {"PendingConfirmation": "false"}}))
    with stubbed("sns", answers) as session:
        (line,) = lines("aws_sns_topic_subscription", session)
    assert line.found == found
