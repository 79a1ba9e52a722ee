"""Recorded requests against the shipped policies: each allowed, each action needed, everything else denied."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tap.policies.resources import key_policy
from tap.policies.roles import ROLES, Document, Target
from tap.proofs.engine import Decision, Request, decide
from tests.permissions.lives import Recording
from tests.permissions.requests import Asked


@dataclass(frozen=True)
class Row:
    """One line of the first table: what a role asked for, by which commands, and the decision."""

    role: str
    asked: Asked
    commands: tuple[str, ...]
    decision: Decision


@dataclass(frozen=True)
class Dropped:
    """One line of the second table: an action, and how many of the recorded requests are denied without it."""

    role: str
    statement: str
    action: str
    denied: int


@dataclass(frozen=True)
class Outside:
    """One line of the third table: what a role must not do, and the decision."""

    role: str
    what: str
    asked: Asked
    decision: Decision


def documents(target: Target) -> dict[str, Document]:
    """The shipped policies."""
    return {role: make(target) for role, make in ROLES.items()}


def decided(target: Target, policies: list[tuple[Document, Asked]]) -> list[Decision]:
    """What a role with that policy alone is answered. A key also asks its own policy, which leaves it to IAM."""
    principal = target.place.arn("iam", "role/somebody", region="")
    return decide(
        [
            Request(
                principal,
                one.action,
                one.resource,
                target.place.account,
                dict(one.context),
                (policy,),
                key_policy(target.place) if ":key/" in one.resource else None,
            )
            for policy, one in policies
        ]
    )


def table(recording: Recording) -> list[Row]:
    """Each request that was recorded, against the policy of the role that sent it."""
    shipped = documents(recording.target)
    asked = [(role, one, commands) for role, of_role in recording.asked.items() for one, commands in of_role.items()]
    decisions = decided(recording.target, [(shipped[role], one) for role, one, _ in asked])
    rows = [
        Row(role, one, tuple(sorted(said)), decision)
        for (role, one, said), decision in zip(asked, decisions, strict=True)
    ]
    return sorted(rows, key=lambda row: (list(ROLES).index(row.role), row.asked.action, row.asked.resource))


def dropped(recording: Recording) -> list[Dropped]:
    """Each action of each statement, dropped in turn."""
    cases = [
        (
            role,
            statement,
            action,
            policy,
            [one for one in recording.asked.get(role, {}) if fnmatchcase(one.action, action)],
        )
        for role, document in documents(recording.target).items()
        for statement, action, policy in _without_one(document)
    ]
    # The action's own requests: no others can miss it.
    decisions = iter(decided(recording.target, [(policy, one) for *_, policy, asked in cases for one in asked]))
    return [
        Dropped(role, statement, action, sum(not next(decisions).allowed for _ in asked))
        for role, statement, action, _, asked in cases
    ]


def _without_one(document: Document) -> Iterator[tuple[str, str, Document]]:
    for number, statement in enumerate(document["Statement"]):
        for action in statement["Action"]:
            policy = copy.deepcopy(document)
            kept = [one for one in statement["Action"] if one != action]
            if kept:
                policy["Statement"][number]["Action"] = kept
            else:
                del policy["Statement"][number]
            yield statement["Sid"], action, policy


def outside(recording: Recording) -> list[Outside]:
    """What no policy may allow: the same requests about another stack, and what is another role's alone."""
    shipped = documents(recording.target)
    questions = [
        (role, what, one)
        for role in ROLES
        for what, one in (*_elsewhere(role, recording), *_never(role, recording.target))
    ]
    decisions = decided(recording.target, [(shipped[role], one) for role, _, one in questions])
    return [
        Outside(role, what, one, decision) for (role, what, one), decision in zip(questions, decisions, strict=True)
    ]


def _elsewhere(role: str, recording: Recording) -> Iterator[tuple[str, Asked]]:
    """Each recorded request, about another project's resource of the same kind."""
    target = recording.target
    seen = set()
    for one in recording.asked.get(role, {}):
        another = _of_another(one, target)
        if another != one and another not in seen and one.resource != "*":
            seen.add(another)
            yield f"another {_kind(one)}", another


def _of_another(asked: Asked, target: Target) -> Asked:
    resource = asked.resource.replace(f"{target.project}-{target.environment}", "another-one")
    resource = resource.replace(f"{target.project}-states/{target.project}/", "states/another/")
    if ":key/" in resource:
        resource = target.place.arn("kms", "key/ffffffff-ffff-ffff-ffff-ffffffffffff")
    context = {
        name: "alias/another"
        if name == "kms:ResourceAliases"
        else "another"
        if name == "aws:ResourceTag/Project"
        else value
        for name, value in asked.context
    }
    if ":key/" in resource:
        context["aws:ResourceTag/Project"] = "another"
    return Asked(asked.action, resource, tuple(sorted(context.items())))


def _kind(asked: Asked) -> str:
    kinds = {"table/": "table", ":key/": "key", ":alias/": "alias", ":alarm:": "alarm", "dashboard/": "dashboard"}
    more = {":sns:": "topic", ":policy/": "policy", ":s3:": "state"}
    return next((name for part, name in (kinds | more).items() if part in asked.resource), "resource")


#: What each role must not do to this very stack, by service and operation.
_ITEMS = ("GetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
_OF_THE_TABLE = ("DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups", "TagResource")
_OF_THE_KEY = ("ScheduleKeyDeletion", "DisableKey", "PutKeyPolicy", "CreateGrant", "Decrypt", "Encrypt")
_MAY: Mapping[str, tuple[str, ...]] = {
    "reader": ("GetItem", "Scan"),  # Query on the index alone
    "writer": ("PutItem", "UpdateItem", "DeleteItem"),
    "worker": ("Scan", "UpdateItem"),
    "importer": ("BatchWriteItem", "PutItem", "Scan", "UpdateItem"),
    "deployer": ("DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups", "TagResource"),
}
_DEPLOYERS_KEY = ("ScheduleKeyDeletion", "PutKeyPolicy")


def _never(role: str, target: Target) -> Iterator[tuple[str, Asked]]:
    tags = {"aws:ResourceTag/Project": target.project, "aws:ResourceTag/Environment": target.environment}
    own_key = target.place.arn("kms", "key/11111111-1111-1111-1111-111111111111")
    for operation in (*_ITEMS, *_OF_THE_TABLE):
        if operation not in _MAY.get(role, ()):
            yield f"dynamodb:{operation}", Asked(f"dynamodb:{operation}", target.table_arn)
    for operation in _OF_THE_KEY:
        if role != "deployer" or operation not in _DEPLOYERS_KEY:
            # Not through DynamoDB, but by itself.
            yield f"kms:{operation}", Asked(f"kms:{operation}", own_key, tuple(sorted(tags.items())))
    yield "sns:Publish", Asked("sns:Publish", target.topic_arn)
    if role != "deployer":
        yield "sns:Subscribe", Asked("sns:Subscribe", target.topic_arn, (("sns:Protocol", "email"),))
        yield "cloudwatch:DeleteAlarms", Asked("cloudwatch:DeleteAlarms", target.alarm_arns[0])
        yield "kms:CreateKey", Asked("kms:CreateKey", "*")
    yield "a key without tags", Asked("kms:CreateKey", "*")
    yield "a subscription of another kind", Asked("sns:Subscribe", target.topic_arn, (("sns:Protocol", "sqs"),))
    yield "a user", Asked("iam:CreateUser", target.place.arn("iam", "user/somebody", region=""))
    yield "its own rights", Asked("iam:AttachRolePolicy", target.place.arn("iam", "role/somebody", region=""))
