"""The topic, its policy, and whether whoever is to be told has confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tap.checks.lines import NOT_THERE, Deployed, Line, policy, tags
from tap.declared.resources import Resource
from tap.deployed import lookups
from tap.deployed.lookups import asked

CONFIRMED, PENDING, NOT_SUBSCRIBED = "confirmed", "not confirmed yet", "not subscribed"
#: Only messages that match the filter get through, so an alarm may be lost.
FILTERED = "confirmed, with a filter"


def topic(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """The lines of a topic."""
    client, arn = deployed.session.client("sns"), resource.attributes["arn"]
    found = deployed.topics[arn]
    if found is None:
        yield Line(resource.address, "exists", resource.values["name"], NOT_THERE)
        return
    named = found.get("KmsMasterKeyId") or "nothing"
    # A topic may name its key by id, ARN or alias.
    key = deployed.key or {}
    aliases = [one.values["name"] for one in deployed.document.of_type("aws_kms_alias")]
    is_own = named in (key.get("KeyId"), key.get("Arn")) or any(
        named == name or named.endswith(f":{deployed.session.account}:{name}") for name in aliases
    )
    yield Line(resource.address, "encrypted by", deployed.key_arn, deployed.key_arn if is_own else named)
    listed = asked(client, "list_tags_for_resource", ResourceArn=arn)["Tags"]
    yield from tags(resource, deployed, {tag["Key"]: tag["Value"] for tag in listed})


def topic_policy(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """The lines of a topic's policy."""
    found = deployed.topics[resource.values["arn"]]
    yield from policy(resource, "policy", resource.values["policy"], (found or {}).get("Policy"))


def subscription(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """That the address gets the alarms; there is none where the setting is empty."""
    address = resource.values.get("endpoint")
    if not address:
        return
    listed = subscriptions(deployed.session.client("sns"), resource.values["topic_arn"])
    states = [state for protocol, endpoint, state in listed if (protocol, endpoint) == ("email", address)]
    found = CONFIRMED if CONFIRMED in states else next(iter(states), NOT_SUBSCRIBED)
    yield Line(resource.address, f"subscription of {address}", CONFIRMED, found)


def subscriptions(client: Any, topic_arn: str) -> Iterator[tuple[str, str, str]]:
    """Who is told: protocol, endpoint, and whether it is confirmed."""
    for one in lookups.subscriptions(client, topic_arn):
        yield one["Protocol"], one["Endpoint"], _state(client, one["SubscriptionArn"])


def _state(client: Any, arn: str) -> str:
    if not arn.startswith("arn:"):  # "PendingConfirmation"
        return PENDING
    answer = asked(client, "get_subscription_attributes", "NotFound", "NotFoundException", SubscriptionArn=arn)
    found = (answer or {}).get("Attributes", {})
    if found.get("PendingConfirmation") == "true":
        return PENDING
    return FILTERED if found.get("FilterPolicy") not in (None, "", "{}") else CONFIRMED
