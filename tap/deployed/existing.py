"""What an endpoint holds under a stack's names, and the id by which Terraform imports each thing.

The names are those in the stack's Terraform JSON, so what is added to the stack is found as well. The ids are those of
https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs, "Import", of each resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tap.deployed import DeployedError, lookups
from tap.deployed.lookups import asked
from tap.state.session import Session

TABLE: Final = "aws_dynamodb_table.TurnAroundPromptTable"
KEY: Final = "aws_kms_key.KMSKey"
#: The states of a key that can be used or made so again.
_LIVING: Final = ("Enabled", "Disabled")


@dataclass(frozen=True)
class Existing:
    """What is there: ids by addresses, the table as DescribeTable tells it, its tags, and what a person should know."""

    ids: Mapping[str, str]
    table: Mapping[str, Any] | None
    table_tags: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass
class _Search:
    document: Mapping[str, Any]
    email: str
    session: Session
    ids: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def argument(self, address: str, name: str) -> Any:
        kind, _, logical_id = address.partition(".")
        return self.document["resource"][kind][logical_id].get(name)

    def arn(self, service: str, name: str) -> str:
        region = self.document["provider"]["aws"][0]["region"]
        return f"arn:{self.session.partition}:{service}:{region}:{self.session.account}:{name}"


def look_up(document: Mapping[str, Any], email: str, session: Session) -> Existing:
    """Ask for each resource of the stack's JSON whether it exists.

    `email` is the address that alarms are sent to, empty for none.

    :raises DeployedError: when AWS doesn't let us ask, or something is on its way out.
    """
    search = _Search(document, email, session)
    table = _table(search)
    for kind, resources in document["resource"].items():
        for logical_id in resources:
            if find := _FINDERS.get(kind):
                find(search, f"{kind}.{logical_id}", table)
    in_order = {address: search.ids[address] for address in addresses(document) if address in search.ids}
    return Existing(in_order, table, _tags(search, table), tuple(search.notes))


def addresses(document: Mapping[str, Any]) -> Iterator[str]:
    """The addresses of a stack's resources; of one that is there on a condition, that of its only instance."""
    for kind, resources in document["resource"].items():
        for logical_id, arguments in resources.items():
            yield f"{kind}.{logical_id}[0]" if "count" in arguments else f"{kind}.{logical_id}"


def _table(search: _Search) -> Mapping[str, Any] | None:
    name = search.argument(TABLE, "name")
    client = search.session.client("dynamodb")
    described = lookups.table(client, name)
    if described is None:
        return None
    if described["TableStatus"] == "DELETING":
        raise DeployedError(f"The table {name} is being deleted: wait until it is gone, then run this again.")
    if described["TableStatus"] == "CREATING":
        client.get_waiter("table_exists").wait(TableName=name)
        described = lookups.table(client, name)
    search.ids[TABLE] = name
    return described


def _tags(search: _Search, table: Mapping[str, Any] | None) -> Mapping[str, str]:
    if table is None:
        return {}
    client = search.session.client("dynamodb")
    listed = asked(client, "list_tags_of_resource", ResourceArn=table["TableArn"])["Tags"]
    return {tag["Key"]: tag["Value"] for tag in listed}


def _alias(search: _Search, address: str, _: Mapping[str, Any] | None) -> None:
    name = search.argument(address, "name")
    if lookups.key(search.session.client("kms"), name) is not None:
        search.ids[address] = name


def _key(search: _Search, address: str, table: Mapping[str, Any] | None) -> None:
    """The key is what the alias points at; without an alias, the one that this stack made before it was interrupted."""
    client = search.session.client("kms")
    alias = search.argument("aws_kms_alias.KMSKeyAlias", "name")
    metadata = lookups.key(client, alias)
    if metadata is not None:
        if metadata["KeyState"] not in _LIVING:
            raise DeployedError(
                f"The key {metadata['KeyId']} of {alias} is {metadata['KeyState']}: what it encrypts is lost with it."
                f" `aws kms cancel-key-deletion --key-id {metadata['KeyId']}` and `aws kms enable-key --key-id"
                f" {metadata['KeyId']}` bring it back."
            )
        search.ids[address] = metadata["KeyId"]
        return
    own = sorted(_own_keys(search, address, client), key=lambda one: (one["CreationDate"], one["KeyId"]))
    used = ((table or {}).get("SSEDescription") or {}).get("KMSMasterKeyArn")
    if own:
        chosen = next((one for one in own if one["Arn"] == used), own[0])
        search.ids[address] = chosen["KeyId"]
        search.notes += [
            f"The key {one['KeyId']} was made for this stack too, and nothing uses it:"
            f" `aws kms schedule-key-deletion --key-id {one['KeyId']}` removes it."
            for one in own
            if one is not chosen
        ]


def own_key_arn(alias: str, session: Session) -> str | None:
    """The ARN of the key that an alias points at, if there is one.

    :raises DeployedError: when AWS doesn't let us ask.
    """
    found = lookups.key(session.client("kms"), alias)
    return found["Arn"] if found else None


def _own_keys(search: _Search, address: str, client: Any) -> Iterator[Mapping[str, Any]]:
    """Living keys with this stack's description and tags: made, and not recorded, when a deploy was killed."""
    description, tags = search.argument(address, "description"), search.argument(address, "tags")
    parameters: dict[str, str] = {}
    while True:
        page = asked(client, "list_keys", **parameters)
        for key in page["Keys"]:
            # A key whose policy keeps us out is somebody else's.
            answer = asked(client, "describe_key", "NotFoundException", "AccessDeniedException", KeyId=key["KeyId"])
            metadata = answer["KeyMetadata"] if answer else {}
            if metadata.get("Description") != description or metadata["KeyState"] not in _LIVING:
                continue
            listed = asked(client, "list_resource_tags", KeyId=key["KeyId"])["Tags"]
            if tags.items() <= {tag["TagKey"]: tag["TagValue"] for tag in listed}.items():
                yield metadata
        if not page.get("Truncated"):
            return
        parameters = {"Marker": page["NextMarker"]}


def _topic(search: _Search, address: str, _: Mapping[str, Any] | None) -> None:
    arn = search.arn("sns", search.argument(address, "name"))
    if lookups.topic(search.session.client("sns"), arn) is not None:
        search.ids[address] = arn


def _topic_policy(search: _Search, address: str, table: Mapping[str, Any] | None) -> None:
    # Each topic has a policy, which a `create` would silently overwrite.
    topic = "aws_sns_topic.SNSTopic"
    if topic not in search.ids:
        _topic(search, topic, table)
    if topic in search.ids:
        search.ids[address] = search.ids[topic]


def _subscription(search: _Search, address: str, _: Mapping[str, Any] | None) -> None:
    # A pending one can't be imported; making it again changes nothing.
    topic = search.arn("sns", search.argument("aws_sns_topic.SNSTopic", "name"))
    for one in lookups.subscriptions(search.session.client("sns"), topic) if search.email else ():
        is_it = (one["Protocol"], one["Endpoint"]) == ("email", search.email)
        if is_it and one["SubscriptionArn"].startswith("arn:"):
            search.ids[f"{address}[0]"] = one["SubscriptionArn"]
            return


def _alarm(search: _Search, address: str, _: Mapping[str, Any] | None) -> None:
    name = search.argument(address, "alarm_name")
    if lookups.alarm(search.session.client("cloudwatch"), name) is not None:
        search.ids[address] = name


def _dashboard(search: _Search, address: str, _: Mapping[str, Any] | None) -> None:
    name = search.argument(address, "dashboard_name")
    if lookups.dashboard(search.session.client("cloudwatch"), name) is not None:
        search.ids[address] = name


def _policy(search: _Search, address: str, _: Mapping[str, Any] | None) -> None:
    arn = f"arn:{search.session.partition}:iam::{search.session.account}:policy/{search.argument(address, 'name')}"
    if lookups.policy(search.session.client("iam"), arn) is not None:
        search.ids[address] = arn


_FINDERS: Final[Mapping[str, Callable[[_Search, str, Mapping[str, Any] | None], None]]] = {
    "aws_kms_key": _key,
    "aws_kms_alias": _alias,
    "aws_sns_topic": _topic,
    "aws_sns_topic_policy": _topic_policy,
    "aws_sns_topic_subscription": _subscription,
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_cloudwatch_dashboard": _dashboard,
    "aws_iam_policy": _policy,
}
