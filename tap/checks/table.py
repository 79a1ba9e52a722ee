"""The table: encrypted by this stack's key, streamed, expiring, backed up and protected as promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tap.checks.lines import NOT_THERE, Deployed, Line, tags
from tap.declared.resources import Resource
from tap.deployed.lookups import asked

#: What hashicorp/aws and AWS take where nothing is said.
_MOST_DAYS: Final = 35


def table(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """The lines of a table."""
    values, address = resource.values, resource.address
    client, name = deployed.session.client("dynamodb"), values["name"]
    found = deployed.tables[name]
    if found is None:
        yield Line(address, "exists", name, NOT_THERE)
        return
    yield Line(address, "exists", "ACTIVE", found["TableStatus"])
    encryption = found.get("SSEDescription", {})
    key = encryption.get("KMSMasterKeyArn") if encryption.get("Status") in ("ENABLED", "UPDATING") else "AWS's own"
    yield Line(address, "encrypted by", deployed.key_arn, key)
    stream = found.get("StreamSpecification", {})
    view = stream.get("StreamViewType") if stream.get("StreamEnabled") else "no stream"
    yield Line(address, "stream", values["stream_view_type"], view)
    yield Line(address, "key", values["hash_key"], ", ".join(one["AttributeName"] for one in found["KeySchema"]))
    promised = [_index(one) for one in values.get("global_secondary_index") or []]
    deployed_ones = [_index(_renamed(one)) for one in found.get("GlobalSecondaryIndexes", [])]
    yield Line(address, "indexes", sorted(promised), sorted(deployed_ones))
    billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    yield Line(address, "billing mode", values["billing_mode"], f"{billing}{_at_most(found)}")
    protected = values["deletion_protection_enabled"]
    yield Line(address, "deletion protection", protected, found.get("DeletionProtectionEnabled", False))
    expiry = asked(client, "describe_time_to_live", TableName=name)["TimeToLiveDescription"]
    is_on = expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    yield Line(address, "TTL", _block(values["ttl"])["attribute_name"], expiry.get("AttributeName") if is_on else "off")
    backups = asked(client, "describe_continuous_backups", TableName=name)["ContinuousBackupsDescription"]
    recovery = _recovery(backups.get("PointInTimeRecoveryDescription", {}))
    yield Line(address, "point-in-time recovery", _block(values["point_in_time_recovery"])["enabled"], recovery)
    listed = asked(client, "list_tags_of_resource", ResourceArn=found["TableArn"])["Tags"]
    yield from tags(resource, deployed, {tag["Key"]: tag["Value"] for tag in listed})


def _at_most(table: Mapping[str, Any]) -> str:
    """The on-demand maximum of a table, above which AWS throttles."""
    limits = {name: one for name, one in table.get("OnDemandThroughput", {}).items() if one != -1}
    return f", {', '.join(f'{name} {one}' for name, one in sorted(limits.items()))}" if limits else ""


def _recovery(described: Mapping[str, Any]) -> bool | str:
    """Whether the table can be restored to any second of the last 35 days; or of how many it is."""
    if described.get("PointInTimeRecoveryStatus") != "ENABLED":
        return False
    days = described.get("RecoveryPeriodInDays", _MOST_DAYS)
    return True if days == _MOST_DAYS else f"of the last {days} days"


def _block(value: Any) -> Mapping[str, Any]:
    block: Mapping[str, Any] = value[0] if isinstance(value, list) else value
    return block


def _renamed(index: Mapping[str, Any]) -> dict[str, Any]:
    """An index of DescribeTable's in Terraform's names."""
    keys = {one["KeyType"]: one["AttributeName"] for one in index["KeySchema"]}
    projection = index["Projection"]
    return {
        "name": index["IndexName"],
        "hash_key": keys.get("HASH"),
        "range_key": keys.get("RANGE"),
        "projection_type": projection.get("ProjectionType"),
        "non_key_attributes": projection.get("NonKeyAttributes", []),
        "status": index.get("IndexStatus"),
    }


def _index(index: Mapping[str, Any]) -> str:
    attributes = ", ".join(sorted(index.get("non_key_attributes") or []))
    keys = ", ".join(filter(None, (index["hash_key"], index.get("range_key"))))
    told = f"{index['name']} ({keys}) with {index['projection_type']}{f' {attributes}' if attributes else ''}"
    # Nobody can query an index that is still built or on its way out, though DescribeTable lists it.
    on_its_way = index.get("status") in ("CREATING", "DELETING")
    return f"{told}, {index['status']}" if on_its_way else told
