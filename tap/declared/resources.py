"""Resources in one form, and the ARNs that they have in an account.

What is only known after a deployment gets a made-up value that can be told apart from all others: so a reference leads
to the resource that it names. What can't be resolved stays as the text `${…}`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tap.place import Place
from tap.settings.kinds import aws_regions, partition_of

#: AWS's own account numbers for examples.
ACCOUNT: Final = "111122223333"
ANOTHER_ACCOUNT: Final = "444455556666"
#: Where what is not deployed is taken to be.
EXAMPLE: Final = Place("aws", "us-east-1", ACCOUNT)

#: What is in each name that is made up.
MADE_UP: Final = "MADEUP"
#: How a resource or data source may name the provider that has no alias.
DEFAULT_PROVIDER: Final = ("aws", "${aws}")


@dataclass(frozen=True)
class Resource:
    """A resource, by its Terraform address or its logical id, with Terraform's type and names of arguments."""

    address: str
    type: str
    values: Mapping[str, Any]
    #: What others refer to it by, such as `arn`.
    attributes: Mapping[str, str]
    #: What decides whether the resource exists: a condition, a count; empty where nothing does.
    condition: str = ""
    #: Whether that is met by the defaults of parameters and variables; None if that can't be told.
    exists: bool | None = True
    #: How many there are of it.
    number: int = 1


@dataclass(frozen=True)
class Document:
    """All that one document declares."""

    place: Place
    resources: tuple[Resource, ...]
    #: What declares more that is not in this document: modules, nested stacks.
    not_read: tuple[str, ...] = ()
    #: What was taken for granted, beside the place and the defaults, a sentence each.
    assumed: tuple[str, ...] = ()
    #: Accounts of which one may be the document's, where its place's is only an example.
    accounts: frozenset[str] = frozenset()
    #: The document where a condition of an alarm is met that the defaults don't meet, by that condition.
    when: Mapping[str, Document] = field(default_factory=dict)

    def missing(self, resource: Resource) -> str:
        """Why the resource may not be where the document is; empty if it is there.

        It may not with a condition, in another region or account, and with a provider that has an alias, of which
        nothing is known.
        """
        if not resource.exists:
            doubt = "isn't there with the defaults" if resource.exists is False else "may not be there"
            return f"{resource.address} {doubt}: it depends on {resource.condition}"
        own = place_of(resource.values, self.place)
        if (own.region, own.account) != (self.place.region, self.place.account):
            return f"{resource.address} is, or may be, in another region or account"
        return ""

    def at(self, address: str) -> Resource:
        """The resource with this address."""
        return next(one for one in self.resources if one.address == address)

    def named(self, type_: str, **attribute: str) -> Resource | None:
        """The resource of a type with that attribute; of several on different conditions the one that is there."""
        found = [one for one in self.of_type(type_) if attribute.items() <= one.attributes.items()]
        return next((one for one in found if one.exists), found[0] if found else None)

    def referred_to(self, text: str) -> Resource | None:
        """The resource that an unresolved reference, `${address.attribute}`, is about; None if there is none."""
        name = text.removeprefix("${").removesuffix("}")
        return next((one for one in self.resources if f"{name}.".startswith(f"{one.address}.")), None)

    def of_type(self, *types: str) -> Iterator[Resource]:
        """The resources of these types."""
        return (one for one in self.resources if one.type in types)


def is_unresolved(value: Any) -> bool:
    """Whether a text, or something in it, can't be told from the document."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, Mapping):
        return any(is_unresolved(one) for pair in value.items() for one in pair)
    return isinstance(value, list) and any(map(is_unresolved, value))


def is_repeated(values: Mapping[str, Any], *arguments: str) -> bool:
    """Whether one of these arguments is a block for each of something, of which nothing is known."""
    repeated = values.get("dynamic")
    return isinstance(repeated, Mapping) and any(one in repeated for one in arguments)


def with_conditions(document: Document, where: Callable[[str], Iterable[Resource]]) -> Document:
    """The document, and what it is where each condition of an alarm is met; `where` tells the resources for one."""
    alarms = document.of_type("aws_cloudwatch_metric_alarm")
    unmet = {one.condition for one in alarms if not one.exists}
    return replace(document, when={one: replace(document, resources=tuple(where(one))) for one in unmet})


def place_named_in(document: Any, place: Place, account: str, region: str) -> Place:
    """`place`, with the account and region that the document's text names, if it names exactly one of each.

    `account` and `region` are the texts by which a document refers to its own. If one occurs, a literal value beside it
    may be another's, so `place`'s is kept.
    """
    text = json.dumps(document)
    accounts = accounts_named_in(document, account)
    regions = (
        set(re.findall(r"arn:aws[a-z-]*:[a-z0-9-]+:([a-z]{2}(?:-[a-z]+)+-\d):", text)) if region not in text else set()
    )
    (own,) = accounts if len(accounts) == 1 else (place.account,)
    return in_region(replace(place, account=own), regions.pop() if len(regions) == 1 else place.region)


def accounts_named_in(document: Any, own: str) -> frozenset[str]:
    """The accounts that a document's text names, but for those that share Lambda layers and images.

    None if it refers to its own by the text `own`: what it names may then be others.
    """
    text = re.sub(r"arn:[^\"]*:layer:", "", json.dumps(document))
    found = frozenset(re.findall(r"(?<![\w-])\d{12}(?![\w-]|\.dkr\.)", text))
    return frozenset() if own in text else found


def place_of(values: Mapping[str, Any], place: Place) -> Place:
    """Where a resource is: in the region and account that it names; of another provider's region nothing is known."""
    own = replace(place, account=str(values.get("account") or place.account))
    provider = values.get("provider") or "aws"
    if provider not in DEFAULT_PROVIDER:
        return in_region(own, str(provider))
    return in_region(own, str(values["region"])) if values.get("region") else own


def in_region(place: Place, region: str) -> Place:
    """`place` in this region, and in the partition that the region is in."""
    return replace(place, region=region, partition=partition_of(region) if region in aws_regions() else place.partition)


def attributes_of(type_: str, address: str, values: Mapping[str, Any], place: Place) -> dict[str, str]:
    """The attributes by which others refer to a resource, made up where the document doesn't have them."""
    made = _ATTRIBUTES.get(type_)
    found = made(address, values, place) if made else {}
    given = {name: value for name, value in values.items() if isinstance(value, str) and value}
    return found | {name: value for name, value in given.items() if not is_unresolved(value)}


def _made_up(address: str) -> str:
    digest = hashlib.sha256(address.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def _name(values: Mapping[str, Any], argument: str, address: str) -> str:
    # Nobody knows the name that AWS or Terraform makes: not the address, or a name that is alike would seem the same.
    given = values.get(argument)
    return str(given) if given and not is_unresolved(given) else f"{address.rpartition('.')[2]}-{MADE_UP}"


def _key(address: str, _: Mapping[str, Any], place: Place) -> dict[str, str]:
    id_ = _made_up(address)
    return {"arn": place.arn("kms", f"key/{id_}"), "key_id": id_, "id": id_}


def _alias(address: str, values: Mapping[str, Any], place: Place) -> dict[str, str]:
    name = _name(values, "name", address)
    id_ = str(values.get("target_key_id", "")).rpartition("/")[2]
    return {"arn": place.arn("kms", name), "id": name, "target_key_arn": place.arn("kms", f"key/{id_}")}


def _topic(address: str, values: Mapping[str, Any], place: Place) -> dict[str, str]:
    name = _name(values, "name", address)
    arn = place.arn("sns", name)
    return {"arn": arn, "id": arn, "name": name}


def _alarm(address: str, values: Mapping[str, Any], place: Place) -> dict[str, str]:
    name = _name(values, "alarm_name", address)
    return {"arn": place.arn("cloudwatch", f"alarm:{name}"), "id": name, "alarm_name": name}


def _table(address: str, values: Mapping[str, Any], place: Place) -> dict[str, str]:
    name = _name(values, "name", address)
    arn = place.arn("dynamodb", f"table/{name}")
    return {"arn": arn, "id": name, "name": name, "stream_arn": f"{arn}/stream/2026-01-01T00:00:00.000"}


def _dashboard(address: str, values: Mapping[str, Any], place: Place) -> dict[str, str]:
    name = _name(values, "dashboard_name", address)
    return {"dashboard_arn": place.arn("cloudwatch", f"dashboard/{name}", region=""), "dashboard_name": name}


def _policy(address: str, values: Mapping[str, Any], place: Place) -> dict[str, str]:
    arn = place.arn("iam", f"policy{values.get('path') or '/'}{_name(values, 'name', address)}", region="")
    return {"arn": arn, "id": arn}


_ATTRIBUTES: Final = {
    "aws_kms_key": _key,
    "aws_kms_alias": _alias,
    "aws_sns_topic": _topic,
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_dynamodb_table": _table,
    "aws_cloudwatch_dashboard": _dashboard,
    "aws_iam_policy": _policy,
}
