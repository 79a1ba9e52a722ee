"""What an adoption may do: plans as Terraform's JSON has them, and the verdict on each."""

from typing import Any

import pytest

from tap.deployed.existing import Existing
from tap.deployed.gate import judge
from tap.deployed.plan import UNKNOWN, Difference, Plan
from tests.support.synthesis import DEFAULTS, EVERYTHING_ON, stack_json
from tests.support.the_stack import ADDRESSES, ALARMS

TABLE, KEY, ALIAS = "aws_dynamodb_table.TurnAroundPromptTable", "aws_kms_key.KMSKey", "aws_kms_alias.KMSKeyAlias"
DESCRIBED = {
    "TableName": "t",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
OURS = {"Environment": "dev", "Project": "tap", "ManagedBy": "cdktf"}


def existing(tags: dict[str, str] | None = None, **table: Any) -> Existing:
    return Existing({TABLE: "t", KEY: "k"}, {**DESCRIBED, **table}, tags or {}, notes=())


def change(address: str, *actions: str, before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    described = {"actions": list(actions), "before": before, "after": after, "after_unknown": {}, **more}
    return {"address": address, "mode": "managed", "change": described}


def plan(*changes: dict[str, Any]) -> Plan:
    return Plan({"resource_changes": list(changes)})


@pytest.mark.parametrize("address", sorted(ADDRESSES))
@pytest.mark.parametrize(
    "actions",
    [("delete",), ("delete", "create"), ("create", "delete"), ("forget",), ("create", "forget"), ("forget", "create")],
    ids="-".join,
)
def test_nothing_is_lost(address: str, actions: tuple[str, ...]) -> None:
    verdict = judge(plan(change(address, *actions)), existing(), stack_json(DEFAULTS))
    assert len(verdict.refused) == 1
    assert address in verdict.refused[0]


def test_what_exists_is_not_made_anew() -> None:
    verdict = judge(plan(change(TABLE, "create"), change(ALIAS, "create")), existing(), stack_json(DEFAULTS))
    assert [one.split()[0] for one in verdict.refused] == [TABLE]


#: A change of the table or its key, by attribute: what it was and what it would be.
ASKED = {
    (TABLE, "stream_enabled"): (False, True),
    (TABLE, "stream_view_type"): ("KEYS_ONLY", "NEW_AND_OLD_IMAGES"),
    (TABLE, "global_secondary_index"): ([{"name": "by_status"}], []),
    (TABLE, "local_secondary_index"): ([{"name": "by_status"}], []),
    (TABLE, "ttl"): ([{"enabled": False}], [{"enabled": True}]),
    (TABLE, "point_in_time_recovery"): ([{"enabled": True}], [{"enabled": False}]),
    (TABLE, "deletion_protection_enabled"): (True, False),
    (TABLE, "server_side_encryption"): ([{"kms_key_arn": "a"}], [{"kms_key_arn": "b"}]),
    (TABLE, "billing_mode"): ("PROVISIONED", "PAY_PER_REQUEST"),
    (TABLE, "something_new_in_the_provider"): (1, 2),
    (KEY, "policy"): ('{"Statement": []}', '{"Statement": [1]}'),
    (KEY, "is_enabled"): (False, True),
    (ALIAS, "target_key_id"): ("a", "b"),
    ("aws_sns_topic_policy.SNSTopicPolicy", "policy"): ('{"Id": "theirs"}', '{"Statement": []}'),
    ("aws_sns_topic.SNSTopic", "kms_master_key_id"): ("", "arn:aws:kms:us-east-1:1:key/k"),
}


@pytest.mark.parametrize(("address", "attribute"), ASKED, ids=lambda part: part.rpartition(".")[2])
def test_what_reaches_data_or_readers_is_asked(address: str, attribute: str) -> None:
    old, new = ASKED[address, attribute]
    made = change(address, "update", before={attribute: old}, after={attribute: new})
    verdict = judge(plan(made), existing(), stack_json(DEFAULTS))
    assert verdict.refused == ()
    assert len(verdict.asked) == 1
    assert f"{address}: {attribute} changes: " in verdict.asked[0]


@pytest.mark.parametrize(
    ("address", "attribute", "old", "new"),
    [
        (TABLE, "tags", {"a": "1"}, {"a": "2"}),
        (KEY, "tags_all", {}, {"a": "2"}),
        (KEY, "description", "old", "new"),
        (KEY, "deletion_window_in_days", None, 7),
        (ALARMS[0].address, "threshold", 1, 10),
        ("aws_sns_topic_policy.SNSTopicPolicy", "policy", '{"Id": "__default_policy_ID"}', '{"a": 1}'),
        ("aws_sns_topic.SNSTopic", "kms_master_key_id", "k-1", "arn:aws:kms:us-east-1:1:key/k-1"),
        (TABLE, "stream_arn", "a", None),
    ],
)
def test_the_rest_is_not(address: str, attribute: str, old: Any, new: Any) -> None:
    made = change(address, "update", before={attribute: old}, after={attribute: new})
    assert judge(plan(made), existing(), stack_json(DEFAULTS)).asked == ()


@pytest.mark.parametrize("attribute", ["ttl", "point_in_time_recovery"])
@pytest.mark.parametrize(
    ("tags", "old", "new", "asks"),
    [
        (OURS, False, True, False),
        (OURS | {"Team": "x"}, False, True, False),
        (OURS, True, False, True),
        (OURS | {"ManagedBy": "CloudFormation"}, False, True, True),
        (OURS | {"Environment": "prod"}, False, True, True),
        ({}, False, True, True),
    ],
)
def test_a_deploy_that_was_killed_is_completed_without_asking(
    attribute: str, tags: dict[str, str], old: bool, new: bool, asks: bool
) -> None:
    values = {"before": {attribute: [{"enabled": old}]}, "after": {attribute: [{"enabled": new}]}}
    imported = plan(change(TABLE, "update", importing={"id": "t"}, **values))
    in_the_state = plan(change(TABLE, "update", **values))
    document = stack_json(DEFAULTS)
    assert bool(judge(imported, existing(tags), document).asked) is asks
    assert bool(judge(in_the_state, existing(tags), document, half_made=[TABLE]).asked) is asks
    assert judge(in_the_state, existing(tags), document).asked  # a complete one, which somebody changed


def test_what_is_marked_as_half_made_is_told_before_anything_is_asked() -> None:
    again = plan(change(TABLE, "delete", "create"), change(ALIAS, "update", before={"target_key_id": "a"}, after={}))
    marked = judge(again, existing(), stack_json(DEFAULTS), half_made=[TABLE], is_marked=True)
    assert (marked.refused, marked.asked) == ((), ())
    unmarked = judge(again, existing(), stack_json(DEFAULTS), half_made=[TABLE])
    assert unmarked.refused
    assert unmarked.asked
    other = plan(change(KEY, "delete", "create"))
    assert judge(other, existing(), stack_json(DEFAULTS), half_made=[TABLE], is_marked=True).refused


HASH = {"AttributeName": "id", "KeyType": "HASH"}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"KeySchema": [HASH, {"AttributeName": "at", "KeyType": "RANGE"}]}, "has the range key at"),
        ({"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}, "The hash key of t is pk"),
        (
            {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}]},
            "The attribute id of t is of type N, and must be of type S.",
        ),
    ],
)
def test_a_table_of_another_shape_is_refused(table: dict[str, Any], says: str) -> None:
    (sentence,) = judge(plan(), existing(**table), stack_json(DEFAULTS)).refused
    assert says in sentence


def test_an_attribute_of_the_index_has_its_type_too() -> None:
    definitions = [*DESCRIBED["AttributeDefinitions"], {"AttributeName": "claim_order", "AttributeType": "N"}]
    (sentence,) = judge(plan(), existing(AttributeDefinitions=definitions), stack_json(EVERYTHING_ON)).refused
    assert "claim_order of t is of type N" in sentence


def differences(before: Any, after: Any, **more: Any) -> list[Difference]:
    (made,) = plan(change(KEY, "update", before=before, after=after, **more)).changes
    return list(made.differences)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": None}, {"a": ""}, []),
        ({"a": []}, {"a": None}, []),
        ({"a": 1}, {"b": 2}, [Difference("a", 1, None), Difference("b", None, 2)]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [Difference("a.b", 1, 2)]),
        ({"a": [{"b": 1, "c": 3}]}, {"a": [{"b": 2, "c": 3}]}, [Difference("a.0.b", 1, 2)]),
        ({"a": [{"b": 1}]}, {"a": []}, [Difference("a.0", {"b": 1}, None)]),
        ({"a": ["x"]}, {"a": ["x", "y"]}, [Difference("a", ["x"], ["x", "y"])]),
        ({"a": '{"b": 1, "c": 2}'}, {"a": '{"c":2,"b":1}'}, []),
        ({"a": '{"b": 1}'}, {"a": '{"b": 2}'}, [Difference("a.b", 1, 2)]),
        ({"a": '{"b": 1}'}, {"a": "{b}"}, [Difference("a", '{"b": 1}', "{b}")]),
        ({"a": "[1"}, {"a": "[2"}, [Difference("a", "[1", "[2")]),
    ],
)
def test_a_difference_is_told_where_it_is(before: Any, after: Any, found: list[Difference]) -> None:
    assert differences(before, after) == found


def test_a_value_that_only_aws_knows_and_one_that_nobody_may_see() -> None:
    assert differences({"a": 1}, {}, after_unknown={"a": True}) == [Difference("a", 1, UNKNOWN)]
    hidden = differences({"a": "x"}, {"a": "y"}, before_sensitive={"a": True}, after_sensitive={"a": True})
    assert "x" not in str(hidden)
    assert "y" not in str(hidden)


def test_an_import_and_an_output_are_something_to_apply() -> None:
    assert plan(change(KEY, "no-op")).is_empty
    assert not plan(change(KEY, "no-op", importing={"id": "k"})).is_empty
    assert not Plan({"output_changes": {"StackName": {"actions": ["create"]}}}).is_empty
    assert Plan({"output_changes": {"StackName": {"actions": ["no-op"]}}}).is_empty
    assert Plan({"resource_changes": [change(KEY, "read") | {"mode": "data"}]}).is_empty
