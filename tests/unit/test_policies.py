"""The two policy documents: what they let through, asked as requests, and what they must not even contain."""

import json
from typing import Any

import pytest

from tap.place import Place
from tap.policies.resources import key_policy, topic_policy
from tests.support.iam import Request, allows, listed

ACCOUNT = "123456789012"
ANOTHER = ACCOUNT[::-1]
PLACE = Place(partition="aws", region="eu-west-1", account=ACCOUNT)
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alerts"

ROOT = ("AWS", f"arn:aws:iam::{ACCOUNT}:root")
SOMEBODY = ("AWS", f"arn:aws:iam::{ANOTHER}:root")
CLOUDWATCH = ("Service", "cloudwatch.amazonaws.com")
EVENTS = ("Service", "events.amazonaws.com")

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


class TestKeyPolicy:
    @pytest.mark.parametrize(
        "action", ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:CreateGrant", "kms:Decrypt"]
    )
    def test_the_account_administers_the_key(self, action: str) -> None:
        assert allows(POLICIES["key"], Request(action, KEY, ROOT))

    @pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"])
    def test_our_alarms_reach_the_encrypted_topic(self, action: str) -> None:
        assert allows(POLICIES["key"], Request(action, KEY, CLOUDWATCH, OUR_ALARM))

    @pytest.mark.parametrize("action", ["kms:Encrypt", "kms:CreateGrant", "kms:PutKeyPolicy", "kms:ReEncryptFrom"])
    def test_cloudwatch_may_do_no_more_than_that(self, action: str) -> None:
        assert not allows(POLICIES["key"], Request(action, KEY, CLOUDWATCH, OUR_ALARM))

    @pytest.mark.parametrize("context", NOT_OUR_ALARMS.values(), ids=NOT_OUR_ALARMS)
    def test_cloudwatch_may_not_use_the_key_for_others(self, context: dict[str, str]) -> None:
        assert not allows(POLICIES["key"], Request("kms:GenerateDataKey", KEY, CLOUDWATCH, context))

    @pytest.mark.parametrize("principal", [SOMEBODY, EVENTS], ids=["another-account", "another-service"])
    def test_nobody_else_may_use_the_key(self, principal: tuple[str, str]) -> None:
        assert not allows(POLICIES["key"], Request("kms:Decrypt", KEY, principal, OUR_ALARM))

    def test_only_the_account_has_all_of_kms(self) -> None:
        everything = [one for one in POLICIES["key"]["Statement"] if "kms:*" in listed(one["Action"])]
        assert [one["Principal"] for one in everything] == [{"AWS": ROOT[1]}]


class TestTopicPolicy:
    def test_our_alarms_publish(self) -> None:
        assert allows(POLICIES["topic"], Request("sns:Publish", TOPIC, CLOUDWATCH, OUR_ALARM))

    @pytest.mark.parametrize("context", NOT_OUR_ALARMS.values(), ids=NOT_OUR_ALARMS)
    def test_cloudwatch_may_not_publish_for_others(self, context: dict[str, str]) -> None:
        assert not allows(POLICIES["topic"], Request("sns:Publish", TOPIC, CLOUDWATCH, context))

    @pytest.mark.parametrize("principal", [SOMEBODY, EVENTS], ids=["another-account", "another-service"])
    def test_nobody_else_publishes(self, principal: tuple[str, str]) -> None:
        assert not allows(POLICIES["topic"], Request("sns:Publish", TOPIC, principal, OUR_ALARM))

    @pytest.mark.parametrize("action", ["sns:Subscribe", "sns:SetTopicAttributes", "sns:DeleteTopic"])
    def test_cloudwatch_only_publishes(self, action: str) -> None:
        assert not allows(POLICIES["topic"], Request(action, TOPIC, CLOUDWATCH, OUR_ALARM))

    @pytest.mark.parametrize(
        "principal", [CLOUDWATCH, ROOT, SOMEBODY], ids=["cloudwatch", "account", "another-account"]
    )
    def test_nobody_publishes_without_tls(self, principal: tuple[str, str]) -> None:
        # Together with a policy that allows everything, so that only an explicit deny can refuse.
        generous = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
        both = {"Statement": [*POLICIES["topic"]["Statement"], generous]}
        assert allows(both, Request("sns:Publish", TOPIC, principal, OUR_ALARM))
        plain = OUR_ALARM | {"aws:SecureTransport": "false"}
        assert not allows(both, Request("sns:Publish", TOPIC, principal, plain))

    @pytest.mark.parametrize("statement", topic_policy(PLACE, TOPIC)["Statement"], ids=lambda one: one["Sid"])
    def test_each_statement_is_about_this_topic(self, statement: dict[str, Any]) -> None:
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
            assert statement["Principal"] == {"AWS": ROOT[1]}

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
