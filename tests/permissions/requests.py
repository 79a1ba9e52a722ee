"""What IAM would be asked for each request that was sent: action, ARN and context.

Actions, resources and what else an operation needs: https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from tap.place import Place
from tests.support.endpoints import Endpoint
from tests.support.relay import Sent

#: What DynamoDB does with the table's key on behalf of whoever reads or writes items, or chooses the key. The embedded
#: AWS doesn't ask for it. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
OF_ITEMS: Final = ("kms:Decrypt", "kms:DescribeKey")
OF_A_NEW_TABLE: Final = (
    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
)
#: The alias of the key that AWS manages for DynamoDB: Terraform's provider compares each table's key with it.
DEFAULT_KEY: Final = "alias/aws/dynamodb"
_ITEM_OPERATIONS: Final = frozenset(
    {
        "GetItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "Scan",
        "Query",
        "BatchWriteItem",
        "GetRecords",
        "TransactWriteItems",
    }
)
_SERVICES: Final = {"monitoring": "cloudwatch", "streams.dynamodb": "dynamodb"}


@dataclass(frozen=True)
class Asked:
    """One question to IAM."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass
class World:
    """The endpoint as it is while a request is on its way: which key a name means, and how that is tagged."""

    endpoint: Endpoint
    place: Place

    def key(self, name: str) -> str | None:
        """The ARN of a key by its id, ARN or alias; None for one that isn't there, of which IAM can't be asked."""
        try:
            return self.endpoint.kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"]
        except self.endpoint.kms.exceptions.NotFoundException:
            return None

    def about(self, key_arn: str) -> dict[str, str]:
        """The context of a request about a key: its tags, and whether it is the one that DynamoDB uses by default."""
        kms, id_ = self.endpoint.kms, key_arn.rpartition("/")[2]
        tags = kms.list_resource_tags(KeyId=id_)["Tags"]
        aliases = {one["AliasName"] for one in kms.list_aliases()["Aliases"] if one.get("TargetKeyId") == id_}
        by_default = {"kms:ResourceAliases": DEFAULT_KEY} if DEFAULT_KEY in aliases else {}
        return by_default | {f"aws:ResourceTag/{tag['TagKey']}": tag["TagValue"] for tag in tags}

    def key_of(self, table: str) -> str | None:
        described = self.endpoint.dynamodb.describe_table(TableName=table)["Table"]
        return described.get("SSEDescription", {}).get("KMSMasterKeyArn")


class UnknownRequestError(Exception):
    """A request for which this module doesn't know what IAM would be asked."""


def asked(sent: Sent, world: World) -> list[Asked]:
    """The questions, none for what needs no permission."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]*/([^/]+)/", sent.headers.get("Authorization", ""))
    if scope is None and sent.path == "/" and sent.method == "GET":  # main.py asks whether anybody is there
        return []
    if scope is None:
        raise UnknownRequestError(f"{sent.method} {sent.path} is not signed")
    service = _SERVICES.get(scope[1], scope[1])
    if service == "sts":  # GetCallerIdentity is everybody's
        return []
    request = _Request(service, sent, world)
    try:
        return list(_QUESTIONS[service](request))
    except KeyError as error:
        raise UnknownRequestError(f"{service}:{sent.operation} without {error}: {sent.body[:500]!r}") from error


@dataclass(frozen=True)
class _Request:
    service: str
    sent: Sent
    world: World

    @property
    def operation(self) -> str:
        return self.sent.operation

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        body = self.sent.body.decode()
        if "X-Amz-Target" in self.sent.headers:
            parsed: dict[str, Any] = json.loads(body or "{}")
            return parsed
        return dict(parse_qsl(body, keep_blank_values=True))

    def listed(self, name: str) -> list[str]:
        """A list, as JSON or a form has it."""
        given = self.parameters.get(name)
        if isinstance(given, list):
            return list(given)
        return [value for key, value in self.parameters.items() if re.fullmatch(rf"{name}\.member\.\d+", key)]

    def tags(self) -> dict[str, str]:
        """The tags that the request sets."""
        given = self.parameters.get("Tags")
        if isinstance(given, list):
            return {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in given}
        keys = {name: value for name, value in self.parameters.items() if re.fullmatch(r"Tags\.member\.\d+\.Key", name)}
        return {value: self.parameters[f"{name[:-3]}Value"] for name, value in keys.items()}

    def of(self, resource: str, action: str | None = None, **context: str) -> Asked:
        return Asked(f"{self.service}:{action or self.operation}", resource, tuple(sorted(context.items())))

    def with_tags(self, resource: str, tag_action: str = "TagResource") -> Iterator[Asked]:
        yield self.of(resource)
        if self.tags():
            yield self.of(resource, tag_action)


def _dynamodb(request: _Request) -> Iterator[Asked]:
    parameters, world = request.parameters, request.world
    if stream := parameters.get("StreamArn"):
        yield request.of(stream)
        return
    if iterator := parameters.get("ShardIterator"):
        stream = iterator.partition("|")[0]
        table = stream.split("/")[1]
        yield request.of(stream)
    elif arn := parameters.get("ResourceArn"):
        yield request.of(arn)
        return
    elif transaction := parameters.get("TransactItems"):
        # IAM knows no transactions, but what is in them.
        parts = [(kind, one["TableName"]) for item in transaction for kind, one in item.items()]
        for kind, table in dict.fromkeys(parts):
            action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            yield request.of(world.place.arn("dynamodb", f"table/{table}"), action)
    else:
        (table,) = parameters.get("RequestItems") or [parameters["TableName"]]
        arn = world.place.arn("dynamodb", f"table/{table}")
        index = parameters.get("IndexName")
        yield from [request.of(f"{arn}/index/{index}")] if index else request.with_tags(arn)
    if request.operation == "CreateTable":
        if key := world.key(parameters["SSESpecification"]["KMSMasterKeyId"]):
            yield from _through_dynamodb(OF_A_NEW_TABLE, key, world)
    elif request.operation in _ITEM_OPERATIONS and (key_of_table := world.key_of(table)):
        yield from _through_dynamodb(OF_ITEMS, key_of_table, world)


def _through_dynamodb(actions: tuple[str, ...], key: str, world: World) -> Iterator[Asked]:
    via = {"kms:ViaService": f"dynamodb.{world.place.region}.amazonaws.com"}
    for action in actions:
        yield Asked(action, key, tuple(sorted((via | world.about(key)).items())))


def _kms(request: _Request) -> Iterator[Asked]:
    parameters, world = request.parameters, request.world
    if request.operation in ("ListAliases", "ListKeys"):
        yield request.of("*")
        return
    requested = {f"aws:RequestTag/{name}": value for name, value in request.tags().items()}
    if request.operation == "CreateKey":
        yield request.of("*", **requested)
        yield request.of(world.place.arn("kms", "key/a-new-one"), "TagResource", **requested)
        return
    names = [parameters[name] for name in ("KeyId", "TargetKeyId") if name in parameters]
    if alias := parameters.get("AliasName"):
        yield request.of(world.place.arn("kms", alias))
        names += [alias] * (request.operation in ("DeleteAlias", "UpdateAlias"))
    for key in dict.fromkeys(filter(None, map(world.key, names))):
        yield request.of(key, **requested, **world.about(key))


def _sns(request: _Request) -> Iterator[Asked]:
    parameters = request.parameters
    if request.operation in ("GetSubscriptionAttributes", "Unsubscribe"):
        yield request.of("*")
    elif request.operation == "CreateTopic":
        yield from request.with_tags(request.world.place.arn("sns", parameters["Name"]))
    elif request.operation == "Subscribe":
        yield request.of(parameters["TopicArn"], **{"sns:Protocol": parameters["Protocol"]})
    else:
        yield request.of(parameters.get("TopicArn") or parameters["ResourceArn"])


def _cloudwatch(request: _Request) -> Iterator[Asked]:
    parameters, place = request.parameters, request.world.place
    if request.operation == "GetMetricData":
        yield request.of("*")
        return
    if arn := parameters.get("ResourceARN"):
        yield request.of(arn)
        return
    boards = [
        *request.listed("DashboardNames"),
        *([parameters["DashboardName"]] if "DashboardName" in parameters else []),
    ]
    for board in boards:
        yield request.of(place.arn("cloudwatch", f"dashboard/{board}", region=""))
    alarms = [*request.listed("AlarmNames"), *([parameters["AlarmName"]] if "AlarmName" in parameters else [])]
    for alarm in alarms:
        yield from request.with_tags(place.arn("cloudwatch", f"alarm:{alarm}"))
    if not boards and not alarms:
        raise UnknownRequestError(f"cloudwatch:{request.operation} of nothing in particular")


def _iam(request: _Request) -> Iterator[Asked]:
    parameters = request.parameters
    if request.operation == "CreatePolicy":
        name = parameters["PolicyName"]
        yield from request.with_tags(request.world.place.arn("iam", f"policy/{name}", region=""), "TagPolicy")
    else:
        yield request.of(parameters["PolicyArn"])


_OBJECT_ACTIONS: Final = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


def _s3(request: _Request) -> Iterator[Asked]:
    bucket, _, key = unquote(urlsplit(request.sent.path).path).lstrip("/").partition("/")
    arn = f"arn:{request.world.place.partition}:s3:::{bucket}"
    if key:
        yield request.of(f"{arn}/{key}", _OBJECT_ACTIONS[request.sent.method])
    else:
        yield request.of(arn, "ListBucket")


_QUESTIONS: Final[Mapping[str, Callable[[_Request], Iterator[Asked]]]] = {
    "cloudwatch": _cloudwatch,
    "dynamodb": _dynamodb,
    "iam": _iam,
    "kms": _kms,
    "s3": _s3,
    "sns": _sns,
}
