"""What a table must have for a metric: of what it doesn't have there is never data.

The arguments are Terraform's, or CloudFormation's in Terraform's spelling. An answer is None where the document doesn't
say it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tap.declared.alarms import Query
from tap.declared.resources import Document, Resource, is_repeated, is_unresolved


def has_index(table: Resource, index: str) -> bool | None:
    """Whether the table has a global secondary index of that name."""
    names = [one.get("name") or one.get("index_name") for one in _indexes(table.values)]
    if index in names:
        return True
    return None if is_unresolved(names) or is_repeated(table.values, "global_secondary_index") else False


def needs(query: Query, table: Resource, document: Document) -> Iterator[tuple[bool | None, str]]:
    """Whether the table has each thing that the metric needs, and what that is.

    For throttles by their reason: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html.
    """
    metric, dimensions, values = query.metric, dict(query.dimensions), table.values
    if region := dimensions.get("ReceivingRegion"):
        yield _replicates_to(region, table, document), f"a replica in {region}"
    if "DelegatedOperation" in dimensions:
        yield _streams_to_kinesis(table, document), "a Kinesis stream"
    if "StreamLabel" in dimensions or metric in ("ReturnedBytes", "ReturnedRecordsCount"):
        yield _is_on(values, "stream_enabled", "stream_specification"), "a stream"
    if metric == "TimeToLiveDeletedItemCount":
        yield _is_on(values, "ttl", "time_to_live_specification", by_default=False), "TTL"
    if "OnDemand" in metric or "AccountLimit" in metric:
        yield _bills_as(values, "PAY_PER_REQUEST"), "on-demand capacity"
    if "OnDemand" in metric:
        kind = "read" if "Read" in metric else "write"
        index = dimensions.get("GlobalSecondaryIndexName")
        yield _has_maximum(values, kind, index), f"an on-demand maximum for {kind}s{f' of {index}' if index else ''}"
    if metric.startswith("Provisioned") or "ProvisionedThroughput" in metric:
        yield _bills_as(values, "PROVISIONED"), "provisioned capacity"


def _replicates_to(region: str, table: Resource, document: Document) -> bool | None:
    replicas = _listed(table.values.get("replica") or table.values.get("replicas"))
    regions = [one.get("region_name") or one.get("region") for one in replicas]
    if region == document.place.region:
        return None  # a table doesn't replicate to its own; but the document's region may be no more than assumed
    if region in regions:
        return True
    apart = [one.values.get("global_table_arn") for one in document.of_type("aws_dynamodb_table_replica")]
    if table.attributes.get("arn") in apart:
        return True
    return None if is_unresolved([*regions, *apart]) or is_repeated(table.values, "replica") else False


def _streams_to_kinesis(table: Resource, document: Document) -> bool | None:
    if table.values.get("kinesis_stream_specification"):
        return True
    apart = [one.values.get("table_name") for one in document.of_type("aws_dynamodb_kinesis_streaming_destination")]
    return True if table.attributes.get("name") in apart else None if is_unresolved(apart) else False


def _has_maximum(table: Mapping[str, Any], kind: str, index: str | None) -> bool | None:
    if table.get("replicas"):  # a global table's are spread over its replicas
        return None if "on_demand_throughput" in json.dumps(table) else False
    blocks = [one for one in _indexes(table) if index in (one.get("name"), one.get("index_name"))] if index else [table]
    if is_repeated(table, "global_secondary_index" if index else "on_demand_throughput"):
        return None
    given = [one.get(f"max_{kind}_request_units") for own in blocks for one in _listed(own.get("on_demand_throughput"))]
    return None if is_unresolved(given) else any(one not in (None, -1, "-1") for one in given)


def _bills_as(table: Mapping[str, Any], mode: str) -> bool | None:
    billing = table.get("billing_mode") or "PROVISIONED"  # the default of both
    return None if is_unresolved(billing) else bool(billing == mode)


def _is_on(table: Mapping[str, Any], *arguments: str, by_default: bool = True) -> bool | None:
    """Whether it has any of these arguments, and they don't say `enabled = false`, or say it is on by default."""
    if is_repeated(table, *arguments):
        return None
    blocks = [block for one in arguments for block in _as_list(table.get(one))]
    given = [one.get("enabled", by_default) if isinstance(one, Mapping) else one for one in blocks]
    return None if is_unresolved(blocks) else any(str(one).lower() == "true" for one in given)


def _indexes(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return _listed(table.get("global_secondary_index") or table.get("global_secondary_indexes"))


def _listed(blocks: Any) -> list[Mapping[str, Any]]:
    """One block or a list of them as a list; what can't be told, as a block of which nothing can."""
    return [one if isinstance(one, Mapping) else {"name": str(one), "region": str(one)} for one in _as_list(blocks)]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
