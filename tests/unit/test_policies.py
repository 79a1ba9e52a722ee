"""The two policy documents: what they let through, asked as requests, and what they must not even contain."""

import json
from typing import Any

import pytest

from tap.place import Place
from tap.policies.resources import key_policy, topic_policy
from tap.proofs.engine import Decision, Request, decide
from tests.support.documents import listed

ACCOUNT = "123456789012"
ANOTHER = ACCOUNT[::-1]
PLACE = Place(partition="aws", region="eu-west-1", account=ACCOUNT)
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alerts"

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
SOMEBODY = f"arn:aws:iam::{ANOTHER}:role/admin"
CLOUDWATCH = "cloudwatch.amazonaws.com"
EVENTS = "events.amazonaws.com"
#: What an administrator may do by IAM; a key's policy must leave it to IAM first.
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

ALARM = f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:tap-dev-dynamodb-throttle"
OUR_ALARM = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": ALARM, "aws:SecureTransport": "true"}
NOT_OUR_ALARMS = {
    "no-source": {"aws:SecureTransport": "true"},
    "another-account": OUR_ALARM | {"aws:SourceAccount": ANOTHER},
    "another-accounts-alarm": OUR_ALARM | {"aws:SourceArn": ALARM.replace(ACCOUNT, ANOTHER)},
    "another-regions-alarm": OUR_ALARM | {"aws:SourceArn": ALARM.replace("eu-west-1", "us-east-1")},
    "a-dashboard": OUR_ALARM | {"aws:SourceArn": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/tap-dev-dashboard"},
    "another-service": OUR_ALARM | {"aws:SourceArn": ALARM.replace(":cloudwatch:", ":events:")},
}

POLICIES: dict[str, dict[str, Any]] = {"key": key_policy(PLACE), "topic": topic_policy(PLACE, TOPIC)}


def statements(effect: str) -> list[Any]:
    return [
        pytest.param(statement, id=f"{kind}-{statement['Sid']}")
        for kind, policy in POLICIES.items()
        for statement in policy["Statement"]
        if statement["Effect"] == effect
    ]


def of_key(action: str, principal: str, context: dict[str, str]) -> Request:
    return _request("key", action, KEY, principal, context)


def of_topic(action: str, principal: str, context: dict[str, str], policy: Any = None) -> Request:
    return _request("topic", action, TOPIC, principal, context, policy)


def _request(
    kind: str, action: str, resource: str, principal: str, context: dict[str, str], policy: Any = None
) -> Request:
    own = (EVERYTHING,) if principal.startswith("arn:") else ()
    return Request(principal, action, resource, ACCOUNT, dict(context), own, policy or POLICIES[kind])


#: The topic's policy together with one that allows everything, so that only an explicit deny can refuse.
GENEROUS = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
WITH_GENEROUS = POLICIES["topic"] | {"Statement": [*POLICIES["topic"]["Statement"], GENEROUS]}
PLAIN = OUR_ALARM | {"aws:SecureTransport": "false"}

ALLOWED = {
    **{
        f"the account administers the key: {action}": of_key(f"kms:{action}", ADMIN, {})
        for action in ("PutKeyPolicy", "ScheduleKeyDeletion", "CreateGrant", "Decrypt")
    },
    **{
        f"our alarms use the key: {action}": of_key(f"kms:{action}", CLOUDWATCH, OUR_ALARM)
        for action in ("Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
    },
    "our alarms publish": of_topic("sns:Publish", CLOUDWATCH, OUR_ALARM),
    **{
        f"{name} publishes with TLS": of_topic("sns:Publish", principal, OUR_ALARM, WITH_GENEROUS)
        for name, principal in (("cloudwatch", CLOUDWATCH), ("account", ADMIN), ("another account", SOMEBODY))
    },
}
DENIED = {
    **{
        f"CloudWatch may do no more with the key: {action}": of_key(f"kms:{action}", CLOUDWATCH, OUR_ALARM)
        for action in ("Encrypt", "CreateGrant", "PutKeyPolicy", "ReEncryptFrom")
    },
    **{
        f"CloudWatch may not use the key for {name}": of_key("kms:GenerateDataKey", CLOUDWATCH, context)
        for name, context in NOT_OUR_ALARMS.items()
    },
    **{
        f"{name} may not use the key": of_key("kms:Decrypt", principal, OUR_ALARM)
        for name, principal in (("another account", SOMEBODY), ("another service", EVENTS))
    },
    **{
        f"CloudWatch may not publish for {name}": of_topic("sns:Publish", CLOUDWATCH, context)
        for name, context in NOT_OUR_ALARMS.items()
    },
    **{
        f"{name} may not publish": of_topic("sns:Publish", principal, OUR_ALARM)
        for name, principal in (("another account", SOMEBODY), ("another service", EVENTS))
    },
    **{
        f"CloudWatch only publishes: {action}": of_topic(f"sns:{action}", CLOUDWATCH, OUR_ALARM)
        for action in ("Subscribe", "SetTopicAttributes", "DeleteTopic")
    },
    **{
        f"{name} may not publish without TLS": of_topic("sns:Publish", principal, PLAIN, WITH_GENEROUS)
        for name, principal in (("cloudwatch", CLOUDWATCH), ("account", ADMIN), ("another account", SOMEBODY))
    },
}


@pytest.fixture(scope="module")
def decisions() -> dict[str, Decision]:
    cases = ALLOWED | DENIED
    return dict(zip(cases, decide(list(cases.values())), strict=True))


@pytest.mark.parametrize("what", ALLOWED)
def test_is_let_through(what: str, decisions: dict[str, Decision]) -> None:
    assert decisions[what].allowed, decisions[what]


@pytest.mark.parametrize("what", DENIED)
def test_is_not_let_through(what: str, decisions: dict[str, Decision]) -> None:
    assert not decisions[what].allowed
    assert not decisions[what].error


def test_only_the_account_has_all_of_kms() -> None:
    everything = [one for one in POLICIES["key"]["Statement"] if "kms:*" in listed(one["Action"])]
    assert [one["Principal"] for one in everything] == [{"AWS": ROOT}]


@pytest.mark.parametrize("statement", topic_policy(PLACE, TOPIC)["Statement"], ids=lambda one: one["Sid"])
def test_each_statement_is_about_this_topic(statement: dict[str, Any]) -> None:
    assert listed(statement["Resource"]) == [TOPIC]


class TestBoth:
    @pytest.mark.parametrize("statement", statements("Allow"))
    def test_no_allow_for_everybody(self, statement: dict[str, Any]) -> None:
        assert isinstance(statement["Principal"], dict)
        assert not any("*" in one for names in statement["Principal"].values() for one in listed(names))
        assert "NotPrincipal" not in statement
        assert "NotAction" not in statement

    @pytest.mark.parametrize("statement", statements("Allow"))
    def test_services_are_held_to_this_account(self, statement: dict[str, Any]) -> None:
        if "Service" in statement["Principal"]:
            assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
            assert f":{ACCOUNT}:alarm:" in statement["Condition"]["ArnLike"]["aws:SourceArn"]
        else:
            assert statement["Principal"] == {"AWS": ROOT}

    @pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
    def test_arns_are_of_the_partition(self, partition: str) -> None:
        place = Place(partition=partition, region="xx-north-1", account=ACCOUNT)
        text = json.dumps([key_policy(place), topic_policy(place, f"arn:{partition}:sns:xx-north-1:{ACCOUNT}:t")])
        assert f"arn:{partition}:iam::{ACCOUNT}:root" in text
        assert f"arn:{partition}:cloudwatch:xx-north-1:" in text
        assert "arn:aws:" not in text

    @pytest.mark.parametrize("kind", POLICIES)
    def test_aws_takes_the_document(self, kind: str) -> None:
        assert POLICIES[kind]["Version"] == "2012-10-17"
        sids = [statement["Sid"] for statement in POLICIES[kind]["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(sid.isalnum() for sid in sids)
