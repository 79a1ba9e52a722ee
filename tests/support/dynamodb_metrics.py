"""What DynamoDB really emits to CloudWatch, written down from AWS's documentation and not from our code.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""

from collections.abc import Mapping

_ACCOUNT = frozenset[str]()
_TABLE = frozenset({"TableName"})
_INDEX = frozenset({"TableName", "GlobalSecondaryIndexName"})
_OPERATION = frozenset({"TableName", "Operation"})

#: Each metric with every set of dimensions that it is emitted under; there are no others.
EMITTED = {
    "UserErrors": {_ACCOUNT},
    "SystemErrors": {_OPERATION},
    "ThrottledRequests": {_OPERATION},
    "SuccessfulRequestLatency": {_OPERATION},
    "ReturnedItemCount": {_OPERATION},
    "ReadThrottleEvents": {_TABLE, _INDEX},
    "WriteThrottleEvents": {_TABLE, _INDEX},
    "ConsumedReadCapacityUnits": {_TABLE, _INDEX},
    "ConsumedWriteCapacityUnits": {_TABLE, _INDEX},
    "ConditionalCheckFailedRequests": {_TABLE},
    "TimeToLiveDeletedItemCount": {_TABLE},
    "TransactionConflict": {_TABLE},
}

#: The values of the dimension Operation for a table: its own calls, and those of PartiQL.
PARTIQL = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
CALLS = frozenset(
    {
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
    }
)


def never_emitted(namespace: str, metric: str, dimensions: Mapping[str, str]) -> str | None:
    """Why AWS will never have a data point for that, or None."""
    if namespace != "AWS/DynamoDB":
        return f"DynamoDB emits nothing into {namespace}"
    if metric not in EMITTED:
        return f"DynamoDB has no metric {metric}"
    if frozenset(dimensions) not in EMITTED[metric]:
        emitted = " or ".join(str(sorted(known)) for known in EMITTED[metric])
        return f"{metric} is emitted under {emitted}, never under {sorted(dimensions)}"
    if (operation := dimensions.get("Operation")) is not None and operation not in CALLS | PARTIQL:
        return f"{metric} knows no operation {operation}"
    return None
