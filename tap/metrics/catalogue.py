"""What AWS emits to CloudWatch, as far as it is known here: one namespace, AWS/DynamoDB.

From https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html: each metric with its
dimensions, unit and valid statistics. A metric under dimensions that are not listed has no data, and never will.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_COUNTED: Final = ("Sum", "SampleCount")
_ALL: Final = ("Minimum", "Maximum", "Average", "SampleCount", "Sum")
_LATENCY: Final = ("Minimum", "Maximum", "Average", "SampleCount")
_LEVEL: Final = ("Minimum", "Maximum", "Average")

_ACCOUNT: Final = frozenset[str]()
_TABLE: Final = frozenset({"TableName"})
_INDEX: Final = frozenset({"TableName", "GlobalSecondaryIndexName"})
_OPERATION: Final = frozenset({"TableName", "Operation"})
_STREAM: Final = frozenset({"TableName", "Operation", "StreamLabel"})
_REPLICA: Final = frozenset({"TableName", "ReceivingRegion"})
_DELEGATED: Final = frozenset({"TableName", "DelegatedOperation"})

#: The values of the dimension Operation: calls on items, PartiQL's, and reading a stream.
OPERATIONS: Final = frozenset(
    {
        *("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"),
        *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
        *("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"),
        "GetRecords",
    }
)
_RECORDS: Final = frozenset({"GetRecords"})


@dataclass(frozen=True)
class Metric:
    """What is known of one metric.

    `dimensions` has every set of names that it is emitted under, and there are no others. `period` is how often it is
    emitted, in seconds. A `sparse` one is not emitted while there is nothing to count. One `of_traffic` is emitted
    while all is well, as soon as somebody uses the table.
    """

    dimensions: tuple[frozenset[str], ...]
    statistics: tuple[str, ...] = _COUNTED
    unit: str = "Count"
    period: int = 60
    sparse: bool = True
    of_traffic: bool = False
    #: The values of the dimension Operation.
    operations: frozenset[str] = OPERATIONS - {"GetRecords"}


_PER_TABLE_AND_INDEX: Final = (_TABLE, _INDEX)
_THROTTLE_REASONS: Final = ("AccountLimit", "KeyRangeThroughput", "MaxOnDemandThroughput", "ProvisionedThroughput")

DYNAMODB: Final[Mapping[str, Metric]] = {
    "AccountMaxReads": Metric((_ACCOUNT,), ("Maximum",), period=300, sparse=False),
    "AccountMaxTableLevelReads": Metric((_ACCOUNT,), ("Maximum",), period=300, sparse=False),
    "AccountMaxTableLevelWrites": Metric((_ACCOUNT,), ("Maximum",), period=300, sparse=False),
    "AccountMaxWrites": Metric((_ACCOUNT,), ("Maximum",), period=300, sparse=False),
    "AccountProvisionedReadCapacityUtilization": Metric((_ACCOUNT,), _LEVEL, "Percent", 300, sparse=False),
    "AccountProvisionedWriteCapacityUtilization": Metric((_ACCOUNT,), _LEVEL, "Percent", 300, sparse=False),
    "AgeOfOldestUnreplicatedRecord": Metric((_DELEGATED,), ("Maximum",), "Milliseconds", 300),
    "ConditionalCheckFailedRequests": Metric((_TABLE,), _ALL),
    "ConsumedChangeDataCaptureUnits": Metric((_DELEGATED,), _LEVEL, period=300),
    "ConsumedReadCapacityUnits": Metric(_PER_TABLE_AND_INDEX, _ALL, of_traffic=True),
    "ConsumedWriteCapacityUnits": Metric(_PER_TABLE_AND_INDEX, _ALL, of_traffic=True),
    "FailedToReplicateRecordCount": Metric((_DELEGATED,), ("Sum",), period=300),
    "FaultInjectionServiceInducedErrors": Metric((_OPERATION,)),
    "MaxProvisionedTableReadCapacityUtilization": Metric((_ACCOUNT,), _LEVEL, "Percent", 300, sparse=False),
    "MaxProvisionedTableWriteCapacityUtilization": Metric((_ACCOUNT,), _LEVEL, "Percent", 300, sparse=False),
    "OnDemandMaxReadRequestUnits": Metric(_PER_TABLE_AND_INDEX, _LEVEL, period=300, sparse=False),
    "OnDemandMaxWriteRequestUnits": Metric(_PER_TABLE_AND_INDEX, _LEVEL, period=300, sparse=False),
    "OnlineIndexConsumedWriteCapacity": Metric((_INDEX,), _ALL, period=300),
    "OnlineIndexPercentageProgress": Metric((_INDEX,), _ALL, period=300),
    "OnlineIndexThrottleEvents": Metric((_INDEX,), _ALL, period=300),
    "PendingReplicationCount": Metric((_REPLICA,), ("Average", "SampleCount", "Sum"), period=300),
    "ProvisionedReadCapacityUnits": Metric(_PER_TABLE_AND_INDEX, _LEVEL, period=300, sparse=False),
    "ProvisionedWriteCapacityUnits": Metric(_PER_TABLE_AND_INDEX, _LEVEL, period=300, sparse=False),
    "ReadThrottleEvents": Metric(_PER_TABLE_AND_INDEX),
    "ReplicationLatency": Metric((_REPLICA,), _LEVEL, "Milliseconds", 300, of_traffic=True),
    "ReturnedBytes": Metric((_STREAM,), _ALL, "Bytes", operations=_RECORDS, of_traffic=True),
    "ReturnedItemCount": Metric(
        (_OPERATION,), _ALL, operations=frozenset({"Query", "Scan", "ExecuteStatement"}), of_traffic=True
    ),
    "ReturnedRecordsCount": Metric((_STREAM,), _ALL, operations=_RECORDS, of_traffic=True),
    "SuccessfulRequestLatency": Metric(
        (_OPERATION, _STREAM), _LATENCY, "Milliseconds", operations=OPERATIONS, of_traffic=True
    ),
    "SystemErrors": Metric((_OPERATION,), operations=OPERATIONS),
    "ThrottledPutRecordCount": Metric((_DELEGATED,), ("Minimum", "Maximum", "Average", "SampleCount"), period=300),
    "ThrottledRequests": Metric((_OPERATION,)),
    "TimeToLiveDeletedItemCount": Metric((_TABLE,), ("Sum",)),
    "TransactionConflict": Metric((_TABLE,), _ALL),
    "UserErrors": Metric((_ACCOUNT,)),
    "WriteThrottleEvents": Metric(_PER_TABLE_AND_INDEX),
    **{
        f"{what}{reason}ThrottleEvents": Metric(_PER_TABLE_AND_INDEX)
        for what in ("Read", "Write")
        for reason in _THROTTLE_REASONS
    },
}
NAMESPACES: Final[Mapping[str, Mapping[str, Metric]]] = {"AWS/DynamoDB": DYNAMODB}


def never_emitted(namespace: str, name: str, dimensions: Mapping[str, str]) -> str | None:
    """Why AWS will never have a data point for that; None when it may. The namespace must be a known one."""
    metric = NAMESPACES[namespace].get(name)
    if metric is None:
        return f"{namespace} has no metric {name}"
    if frozenset(dimensions) not in metric.dimensions:
        emitted = " or ".join(_named(known) for known in metric.dimensions)
        return f"{name} is emitted {emitted}, never {_named(frozenset(dimensions))}"
    if empty := sorted(dimension for dimension, value in dimensions.items() if not value):
        return f"the dimension {empty[0]} of {name} is empty"
    operation = dimensions.get("Operation")
    is_stream = "StreamLabel" in dimensions
    if operation is not None and operation not in (_RECORDS if is_stream else metric.operations):
        return f"{name} is not emitted for the operation {operation}"
    return None


def _named(dimensions: frozenset[str]) -> str:
    return f"per {' and '.join(sorted(dimensions))}" if dimensions else "without dimensions"
