"""The table: encrypted by this stack's key, streamed, expiring, backed up and protected as promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tap.checks.lines import NOT_THERE, Deployed, Line, tags
from tap.declared.resources import Resource
from tap.deployed.existing import asked


def table(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """The lines of a table."""
    values, address = resource.values, resource.address
    client, name = deployed.session.client("dynamodb"), values["name"]
    answer = asked(client, "describe_table", "ResourceNotFoundException", TableName=name)
    if answer is None:
        yield Line(address, "exists", name, NOT_THERE)
        return
    found = answer["Table"]
    yield Line(address, "exists", "ACTIVE", found["TableStatus"])
    encryption = found.get("SSEDescription", {})
    key = encryption.get("KMSMasterKeyArn") if encryption.get("Status") in ("ENABLED", "UPDATING") else "AWS's own"
    yield Line(address, "encrypted by", deployed.key_arn, key)
    stream = found.get("StreamSpecification", {})
    view = stream.get("StreamViewType") if stream.get("StreamEnabled") else "no stream"
    yield Line(address, "stream", values["stream_view_type"], view)
    yield Line(address, "key", values["hash_key"], ", ".join(one["AttributeName"] for one in found["KeySchema"]))
    indexes = sorted(one["name"] for one in values.get("global_secondary_index") or [])
    yield Line(address, "indexes", indexes, sorted(one["IndexName"] for one in found.get("GlobalSecondaryIndexes", [])))
    billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    yield Line(address, "billing mode", values["billing_mode"], billing)
    protected = values["deletion_protection_enabled"]
    yield Line(address, "deletion protection", protected, found.get("DeletionProtectionEnabled", False))
    expiry = asked(client, "describe_time_to_live", TableName=name)["TimeToLiveDescription"]
    is_on = expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    yield Line(address, "TTL", _block(values["ttl"])["attribute_name"], expiry.get("AttributeName") if is_on else "off")
    backups = asked(client, "describe_continuous_backups", TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"
    yield Line(address, "point-in-time recovery", _block(values["point_in_time_recovery"])["enabled"], recovery)
    listed = asked(client, "list_tags_of_resource", ResourceArn=found["TableArn"])["Tags"]
    yield from tags(resource, deployed, {tag["Key"]: tag["Value"] for tag in listed})


def _block(value: Any) -> Mapping[str, Any]:
    block: Mapping[str, Any] = value[0] if isinstance(value, list) else value
    return block
