"""The key and its alias: usable, rotating, and open to those that the code lets in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tap.checks.lines import NOT_THERE, Deployed, Line, policy, tags
from tap.declared.resources import Resource
from tap.deployed import lookups
from tap.deployed.lookups import asked

#: What AWS takes where nothing is said.
_A_YEAR: Final = 365


def key(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """The lines of the key."""
    address = resource.address
    if deployed.key is None:
        yield Line(address, "exists", resource.values["description"], NOT_THERE)
        return
    client, id_ = deployed.session.client("kms"), deployed.key["KeyId"]
    yield Line(address, "state", "Enabled", deployed.key["KeyState"])
    yield Line(address, "description", resource.values["description"], deployed.key["Description"])
    # KMS may refuse this for a key that is pending deletion.
    absent = ("KMSInvalidStateException",)
    rotation = asked(client, "get_key_rotation_status", *absent, KeyId=id_) or {}
    yield Line(address, "rotation", resource.values["enable_key_rotation"], _rotates(rotation))
    document = asked(client, "get_key_policy", KeyId=id_, PolicyName="default")["Policy"]
    yield from policy(resource, "policy", resource.values["policy"], document)
    yield from tags(resource, deployed, _tags_of(client, id_))


def _rotates(rotation: Mapping[str, Any]) -> bool | str:
    """Whether it rotates every year, or else how often."""
    if not rotation.get("KeyRotationEnabled", False):
        return False
    days = rotation.get("RotationPeriodInDays", _A_YEAR)
    return True if days == _A_YEAR else f"every {days} days"


def alias(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """That the alias points at the key."""
    found = lookups.key(deployed.session.client("kms"), resource.values["name"])
    yield Line(resource.address, "points at", deployed.key_arn, found["Arn"] if found else NOT_THERE)


def of_stack(promised: Resource, names: Iterator[str], client: Any) -> Mapping[str, Any] | None:
    """The stack's key: of those that its parts name, the one with its description and tags; else the first that is."""
    there = [found for name in names if (found := lookups.key(client, name))]
    for found in there:
        # We may not list the tags of a key in somebody else's account.
        found_tags = _tags_of(client, found["KeyId"], "AccessDeniedException")
        own = promised.values.get("tags", {}).items() <= found_tags.items()
        if own and found["Description"] == promised.values["description"]:
            return found
    return there[0] if there else None


def _tags_of(client: Any, key_id: str, *absent: str) -> dict[str, str]:
    listed = asked(client, "list_resource_tags", *absent, KeyId=key_id)
    return {tag["TagKey"]: tag["TagValue"] for tag in (listed or {}).get("Tags", [])}
