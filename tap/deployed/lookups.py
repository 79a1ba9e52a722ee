"""What AWS says of one thing by its name: the answer, or None where there is no such thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tap.deployed import DeployedError
from tap.state.session import one_line


def asked(client: Any, operation: str, *absent: str, **parameters: Any) -> Any:
    """What an AWS operation answers, or None for one of the error codes in `absent`.

    :raises DeployedError: for any other error.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client, operation)(**parameters)
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in absent:
            return None
        raise DeployedError(f"What exists can't be looked up: {one_line(error)}.") from error


def table(client: Any, name: str) -> Mapping[str, Any] | None:
    """A table as DescribeTable tells it."""
    answer = asked(client, "describe_table", "ResourceNotFoundException", TableName=name)
    return answer["Table"] if answer else None


def key(client: Any, name: str) -> Mapping[str, Any] | None:
    """A key's metadata, by its id, ARN or alias."""
    answer = asked(client, "describe_key", "NotFoundException", KeyId=name)
    return answer["KeyMetadata"] if answer else None


def topic(client: Any, arn: str) -> Mapping[str, str] | None:
    """A topic's attributes."""
    answer = asked(client, "get_topic_attributes", "NotFound", "NotFoundException", TopicArn=arn)
    return answer["Attributes"] if answer else None


def subscriptions(client: Any, topic_arn: str) -> Iterator[Mapping[str, str]]:
    """A topic's subscriptions, pending ones too; none of a topic that isn't there.

    SNS lists one that somebody ended by the link in an e-mail for three more days, with "Deleted" as its ARN.
    """
    parameters = {"TopicArn": topic_arn}
    while page := asked(client, "list_subscriptions_by_topic", "NotFound", "NotFoundException", **parameters):
        yield from (one for one in page["Subscriptions"] if one["SubscriptionArn"] != "Deleted")
        if not page.get("NextToken"):
            return
        parameters["NextToken"] = page["NextToken"]


def alarm(client: Any, name: str) -> Mapping[str, Any] | None:
    """An alarm on metrics as DescribeAlarms tells it."""
    answer = asked(client, "describe_alarms", AlarmNames=[name], AlarmTypes=["MetricAlarm"])
    return next(iter(answer["MetricAlarms"]), None)


def dashboard(client: Any, name: str) -> str | None:
    """A dashboard's body."""
    absent = ("ResourceNotFound", "DashboardNotFoundError", "ResourceNotFoundException")
    answer = asked(client, "get_dashboard", *absent, DashboardName=name)
    return answer["DashboardBody"] if answer else None


def policy(client: Any, arn: str) -> Mapping[str, Any] | None:
    """An IAM policy as GetPolicy tells it."""
    answer = asked(client, "get_policy", "NoSuchEntity", PolicyArn=arn)
    return answer["Policy"] if answer else None
