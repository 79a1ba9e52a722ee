"""All promises of a stack, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tap.checks.alarms import alarm
from tap.checks.key import alias, key, of_stack
from tap.checks.lines import Deployed, Described, Line
from tap.checks.others import dashboard, role_policy
from tap.checks.table import table
from tap.checks.topic import subscription, topic, topic_policy
from tap.declared import terraform
from tap.declared.resources import Document, Resource
from tap.deployed import lookups
from tap.state.session import Session

_CHECKS: Final[Mapping[str, Callable[[Resource, Deployed], Iterator[Line]]]] = {
    "aws_dynamodb_table": table,
    "aws_kms_key": key,
    "aws_kms_alias": alias,
    "aws_sns_topic": topic,
    "aws_sns_topic_policy": topic_policy,
    "aws_sns_topic_subscription": subscription,
    "aws_cloudwatch_metric_alarm": alarm,
    "aws_cloudwatch_dashboard": dashboard,
    "aws_iam_policy": role_policy,
}


def check(json_: Mapping[str, Any], variables: Mapping[str, Any], session: Session) -> list[Line]:
    """Compare what is deployed with a stack's Terraform JSON; `variables` are those that are not the defaults.

    :raises StateError: for credentials that don't work; :raises DeployedError: when AWS doesn't let us ask.
    """
    session.require_allowed()
    promised = terraform.read(json_, session.place, variables=variables)
    dynamodb, sns = session.client("dynamodb"), session.client("sns")
    tables = {name: lookups.table(dynamodb, name) for name in _each(promised, "aws_dynamodb_table", "name")}
    topics = {arn: lookups.topic(sns, arn) for arn in _each(promised, "aws_sns_topic", "arn")}
    (own_key,) = promised.of_type("aws_kms_key")
    found = of_stack(own_key, _keys(promised, tables, topics), session.client("kms"))
    if found:
        known = {own_key.address: {"arn": found["Arn"], "key_id": found["KeyId"], "id": found["KeyId"]}}
        promised = terraform.read(json_, session.place, variables=variables, known=known)
    deployed = Deployed(session, promised, found, _default_tags(json_), tables, topics)
    return [line for one in promised.resources for line in _CHECKS[one.type](one, deployed)]


def _each(promised: Document, type_: str, attribute: str) -> Iterator[str]:
    return (one.attributes[attribute] for one in promised.of_type(type_))


def _keys(promised: Document, tables: Described, topics: Described) -> Iterator[str]:
    """What may be the stack's key: where its alias points, and what its table and its topic are encrypted by."""
    yield from _each(promised, "aws_kms_alias", "name")
    for table_ in tables.values():
        if arn := (table_ or {}).get("SSEDescription", {}).get("KMSMasterKeyArn"):
            yield arn
    for topic_ in topics.values():
        if name := (topic_ or {}).get("KmsMasterKeyId"):
            yield name


def _default_tags(json_: Mapping[str, Any]) -> Mapping[str, str]:
    (provider,) = json_["provider"]["aws"]
    blocks = provider.get("default_tags") or [{}]
    tags: Mapping[str, str] = (blocks[0] if isinstance(blocks, list) else blocks).get("tags", {})
    return tags
