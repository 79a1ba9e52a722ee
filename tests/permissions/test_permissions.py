"""The recording that `make prove` keeps, against the policies as they are now."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tap.cli import prompts
from tap.local import ROOT
from tap.policies.roles import OF_PROGRAMS, ROLES
from tests.permissions import proof
from tests.permissions.__main__ import RECORDED
from tests.permissions.lives import Recording
from tests.permissions.requests import Asked

RECORDING = Recording.from_json(RECORDED.read_text())
table, dropped, outside = (
    cache(lambda make=make: make(RECORDING)) for make in (proof.table, proof.dropped, proof.outside)
)
each_role = pytest.mark.parametrize("role", ROLES)


def test_every_role_was_recorded() -> None:
    assert set(RECORDING.asked) == set(ROLES)
    assert RECORDING.as_json() == RECORDED.read_text()


def test_every_command_was_recorded() -> None:
    """A new command is to be lived through, or nobody knows which rights it needs."""
    by = {command for of_role in RECORDING.asked.values() for said in of_role.values() for command in said}
    store = {
        f"tap prompts {one.name or one.callback.__name__}" for one in prompts.app.registered_commands if one.callback
    }
    assert store <= by
    source = (ROOT / "examples/typescript/src/main.ts").read_text()
    steps = {f"main.js {one}" for one in re.findall(r"node dist/main.js \[outputs.json\] ([a-z]+)", source)}
    assert len(steps) >= 5
    assert steps <= by
    assert {"tap adopt", "tap drift", "tap check", "tap dashboard", "tap alarms test"} <= by
    assert {"cdktf deploy", "cdktf diff", "cdktf destroy"} <= by


@each_role
def test_each_request_is_allowed(role: str) -> None:
    rows = [row for row in table() if row.role == role]
    assert len(rows) >= 3
    assert [(row.asked, row.decision.error) for row in rows if not row.decision.allowed] == []


@each_role
def test_no_action_is_useless(role: str) -> None:
    rows = [one for one in dropped() if one.role == role]
    assert len(rows) >= 4
    assert [one for one in rows if not one.denied] == []


@each_role
def test_everything_else_is_denied(role: str) -> None:
    rows = [one for one in outside() if one.role == role]
    assert {"another table", "another key", "sns:Publish"} <= {one.what for one in rows}
    assert [(one.what, one.asked) for one in rows if one.decision.allowed or one.decision.error] == []


def test_a_worker_can_not_do_what_a_deployer_does() -> None:
    denied = {one.asked.action for one in outside() if one.role == "worker" and not one.decision.allowed}
    assert {"dynamodb:DeleteTable", "dynamodb:DeleteItem", "dynamodb:PutItem", "kms:Decrypt"} <= denied


def _statement(policy: dict[str, Any], sid: str) -> dict[str, Any]:
    (found,) = [one for one in policy["Statement"] if one["Sid"] == sid]
    return found  # type: ignore[no-any-return]


#: Policies with something wrong in them, each as somebody in a hurry might write it.
BROKEN: dict[str, tuple[str, Callable[[dict[str, Any]], None], str]] = {
    "a reader of all tables": ("reader", lambda policy: policy["Statement"][0].update(Resource="*"), "another table"),
    "any use of the key": ("reader", lambda policy: policy["Statement"][-1].pop("Condition"), "kms:Decrypt"),
    "any key may be tagged": (
        "deployer",
        lambda policy: _statement(policy, "TagNewKey")["Condition"].pop("StringEqualsIfExists"),
        "another key",
    ),
    "all actions": (
        "worker",
        lambda policy: policy["Statement"][0].update(Action="dynamodb:*"),
        "dynamodb:DeleteTable",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_generous_policy_is_seen(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    role, change, told = BROKEN[what]
    shipped = proof.documents(RECORDING.target)
    change(shipped[role])
    monkeypatch.setattr(proof, "documents", lambda _target: shipped)
    let_in = {one.what for one in proof.outside(RECORDING) if one.role == role and one.decision.allowed}
    assert told in let_in


@each_role
def test_aws_takes_the_document(role: str) -> None:
    for key_arn in (None, "arn:aws:kms:us-east-1:123456789012:key/1234"):
        document = ROLES[role](replace(RECORDING.target, key_arn=key_arn))
        assert document["Version"] == "2012-10-17"
        sids = [one["Sid"] for one in document["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(sid.isalnum() for sid in sids)
        # IAM counts without spaces: 6,144 characters for a managed policy, 10,240 for a role's inline ones.
        length = len(json.dumps(document, separators=(",", ":")))
        assert length <= (6_144 if role in OF_PROGRAMS else 10_240), length
        # "*" is only for operations that IAM can't limit to a resource, and for kms:CreateKey, limited by tags.
        for statement in document["Statement"]:
            if statement["Resource"] == "*" and statement["Sid"] != "MakeKey":
                assert set(statement["Action"]) <= NO_RESOURCE


NO_RESOURCE = {
    "cloudwatch:GetMetricData",
    "kms:ListAliases",
    "kms:ListKeys",
    "sns:GetSubscriptionAttributes",
    "sns:Unsubscribe",
}


@pytest.mark.parametrize("role", OF_PROGRAMS)
@pytest.mark.parametrize("by_tags", [True, False], ids=["by-tags", "by-arn"])
def test_the_key_is_this_stacks_and_used_through_dynamodb_alone(role: str, by_tags: bool) -> None:
    place = RECORDING.target.place
    own, another = (place.arn("kms", f"key/{name}") for name in ("own", "another"))
    document = OF_PROGRAMS[role](replace(RECORDING.target, key_arn=None if by_tags else own))
    tags = {"aws:ResourceTag/Project": "tap", "aws:ResourceTag/Environment": "dev"}
    via = {"kms:ViaService": f"dynamodb.{place.region}.amazonaws.com"}
    foreign = tags | {"aws:ResourceTag/Project": "other"}

    def decrypts(key: str, context: dict[str, str]) -> bool:
        (decision,) = proof.decided(RECORDING.target, [(document, Asked("kms:Decrypt", key, tuple(context.items())))])
        return decision.allowed

    assert decrypts(own, tags | via)
    assert not decrypts(own, tags)
    assert not decrypts(own, tags | {"kms:ViaService": f"sns.{place.region}.amazonaws.com"})
    assert not decrypts(another, foreign | via)
