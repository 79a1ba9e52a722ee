"""The stack's alarms as plain data: what each one watches, and from which value on it fires.

An alarm on dimensions that AWS never emits stays green for ever. What DynamoDB emits:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

NAMESPACE = "AWS/DynamoDB"
#: The operations that `SystemErrors`, `ThrottledRequests` and `SuccessfulRequestLatency` are counted by. Ten, since
#: an alarm's expression takes ten metrics at most and no SEARCH.
TABLE_OPERATIONS = (
    "GetItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "TransactGetItems",
    "TransactWriteItems",
)


@dataclass(frozen=True)
class Series:
    """One metric of DynamoDB with one set of dimensions that DynamoDB emits it under."""

    metric: str
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class AlarmDefinition:
    """An alarm on the sum of its series over the alarms' period: ALARM while it is `threshold` or more."""

    construct_id: str
    name: str
    description: str
    threshold: int
    series: tuple[Series, ...]


def by_operation(metric: str, table: str) -> tuple[Series, ...]:
    """The series of a metric that is emitted per table and operation, never per table alone."""
    return tuple(Series(metric, {"TableName": table, "Operation": operation}) for operation in TABLE_OPERATIONS)


def by_index(metric: str, table: str, index: str | None) -> tuple[Series, ...]:
    """The series of a metric that is emitted per table and, apart from that, per index if the table has one."""
    per_table = Series(metric, {"TableName": table})
    if index is None:
        return (per_table,)
    return (per_table, Series(metric, {"TableName": table, "GlobalSecondaryIndexName": index}))


def alarm_definitions(
    names: Mapping[str, str], thresholds: Mapping[str, int], index: str | None = None
) -> tuple[AlarmDefinition, ...]:
    """The stack's alarms; `names` has the table's name and each alarm's, all of which may be expressions."""
    table = names["table"]
    return (
        AlarmDefinition(
            "DynamoDBThrottleAlarm",
            names["throttle_alarm"],
            "Requests to DynamoDB that were refused with HTTP 400 (UserErrors), in the whole account and region:"
            " AWS does not count them by table. Look for a deployment with bad parameters or credentials.",
            thresholds["throttle_alarm"],
            (Series("UserErrors", {}),),
        ),
        AlarmDefinition(
            "DynamoDBSystemErrorAlarm",
            names["system_error_alarm"],
            f"DynamoDB answered requests to {table} with HTTP 500 (SystemErrors), over all operations."
            " Clients retry by themselves; look at the AWS Health Dashboard if it lasts.",
            thresholds["system_error_alarm"],
            by_operation("SystemErrors", table),
        ),
        AlarmDefinition(
            "DynamoDBReadThrottleAlarm",
            names["read_throttle_alarm"],
            f"Reads of {table} were throttled (ReadThrottleEvents): a hot key, or the account's table limits.",
            thresholds["read_throttle_alarm"],
            by_index("ReadThrottleEvents", table, index),
        ),
        AlarmDefinition(
            "DynamoDBWriteThrottleAlarm",
            names["write_throttle_alarm"],
            f"Writes to {table} were throttled (WriteThrottleEvents): a hot key, or the account's table limits.",
            thresholds["write_throttle_alarm"],
            by_index("WriteThrottleEvents", table, index),
        ),
    )
