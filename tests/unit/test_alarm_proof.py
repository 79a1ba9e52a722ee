"""`tap prove alarms`: our stack is proved, and each way in which an alarm can be silent is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tap.declared import DeclaredError, cloudformation, files, plans, terraform
from tap.declared.alarms import alarms
from tap.declared.resources import ACCOUNT
from tap.proofs.alarms import Proof, prove
from tests.support import cloudformation as seed
from tests.support import the_stack
from tests.support.synthesis import ADOPTED, DEFAULTS, EVERYTHING_ON, stack_json

Change = Callable[[dict[str, Any]], None]
ALARM = "aws_cloudwatch_metric_alarm"
TABLE = DEFAULTS.names.table


def proofs_of(document: dict[str, Any]) -> dict[str, Proof]:
    return {one.address.rpartition(".")[2]: one for one in prove(terraform.read(document))}


def said(proof: Proof, status: str) -> str:
    return "\n".join(f"{one.question}: {one.sentence}" for one in proof.findings if one.status == status)


@pytest.mark.parametrize("settings", [DEFAULTS, EVERYTHING_ON, ADOPTED], ids=["defaults", "everything-on", "adopted"])
def test_our_alarms_are_proved(settings: Any) -> None:
    found = proofs_of(stack_json(settings))
    assert set(found) == {one.logical_id for one in the_stack.ALARMS}
    for proof in found.values():
        assert [one.status for one in proof.findings] == ["proved"] * 10, said(proof, "fault")


def change(alarm: str, **values: Any) -> Change:
    def apply(document: dict[str, Any]) -> None:
        document["resource"][ALARM][alarm].update(values)

    return apply


def without(alarm: str, *arguments: str) -> Change:
    def apply(document: dict[str, Any]) -> None:
        for one in arguments:
            del document["resource"][ALARM][alarm][one]

    return apply


def topic(**values: Any) -> Change:
    return lambda document: document["resource"]["aws_sns_topic"]["SNSTopic"].update(values)


def policy(type_: str, name: str, edit: Callable[[list[Any]], list[Any]]) -> Change:
    def apply(document: dict[str, Any]) -> None:
        body = document["resource"][type_][name]
        parsed = json.loads(body["policy"])
        parsed["Statement"] = edit(parsed["Statement"])
        body["policy"] = json.dumps(parsed)

    return apply


def unconditional(statements: list[Any]) -> list[Any]:
    return [{name: value for name, value in one.items() if name != "Condition"} for one in statements]


def no_topic_policy(document: dict[str, Any]) -> None:
    del document["resource"]["aws_sns_topic_policy"]


def alias_for_the_topic(document: dict[str, Any]) -> None:
    topic(kms_master_key_id="${aws_kms_alias.KMSKeyAlias.name}")(document)
    policy("aws_kms_key", "KMSKey", lambda listed: listed[:1])(document)


def without_fill(document: dict[str, Any]) -> None:
    body = document["resource"][ALARM]["DynamoDBSystemErrorAlarm"]
    (total,) = [one for one in body["metric_query"] if "expression" in one]
    total["expression"] = " + ".join(f"m{number}" for number in range(1, 11))


def resource(type_: str, address: str, **values: Any) -> Change:
    """Another resource."""
    return lambda document: document["resource"].setdefault(type_, {}).update({address: values})


def key(**values: Any) -> Change:
    return lambda document: document["resource"]["aws_kms_key"]["KMSKey"].update(values)


def for_accounts(*more: str) -> Callable[[list[Any]], list[Any]]:
    def edit(statements: list[Any]) -> list[Any]:
        own = "${data.aws_caller_identity.account.account_id}"
        condition = {"StringLike": {"aws:SourceAccount": [own, *more]}}
        return [{**statements[0], "Condition": condition}, *statements[1:]]

    return edit


def of_index(document: dict[str, Any]) -> None:
    change(READS, dimensions={"TableName": TABLE, "GlobalSecondaryIndexName": "nope"})(document)


def of_another_account(document: dict[str, Any]) -> None:
    for query in document["resource"][ALARM][ERRORS]["metric_query"][1:]:
        query["account_id"] = "999999999999"


def perimeter(statements: list[Any]) -> list[Any]:
    """What many organizations put into each policy."""
    outside = {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1234567890"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sns:*", "Resource": "*", "Condition": outside}
    return [*statements, deny]


def encryption_context(statements: list[Any]) -> list[Any]:
    context = {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": "${aws_sns_topic.SNSTopic.arn}"}}
    return [statements[0], {**statements[1], "Condition": context}]


def merged_document(document: dict[str, Any]) -> None:
    document["data"]["aws_iam_policy_document"] = {"all": {"statement": [], "override_policy_documents": ["${var.x}"]}}
    document["resource"]["aws_sns_topic_policy"]["SNSTopicPolicy"]["policy"] = (
        "${data.aws_iam_policy_document.all.json}"
    )


def four_long_ones(document: dict[str, Any]) -> None:
    """Too many values to try, over a day of minutes; and none fires it."""
    body = document["resource"][ALARM][READS]
    for argument in ("namespace", "metric_name", "dimensions", "statistic", "period"):
        del body[argument]
    names = ("ReadThrottleEvents", "WriteThrottleEvents", "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
    metric = {"namespace": "AWS/DynamoDB", "dimensions": {"TableName": TABLE}, "period": 60, "stat": "Sum"}
    queries = [{"id": f"m{n}", "metric": {**metric, "metric_name": name}} for n, name in enumerate(names)]
    expression = {"id": "e", "expression": "IF(m0 > 1000000000000000, m1 + m2 + m3, 0)", "return_data": True}
    body |= {"metric_query": [expression, *queries], "evaluation_periods": 1440}


def both(*edits: Change) -> Change:
    def apply(document: dict[str, Any]) -> None:
        for one in edits:
            one(document)

    return apply


def without_ttl(document: dict[str, Any]) -> None:
    del document["resource"]["aws_dynamodb_table"]["TurnAroundPromptTable"]["ttl"]


def table(**values: Any) -> Change:
    return lambda document: document["resource"]["aws_dynamodb_table"]["TurnAroundPromptTable"].update(values)


def expression(text: str, metric: str = "ReadThrottleEvents", statistic: str = "Sum", **values: Any) -> Change:
    """An alarm on an expression of one metric of the table, m."""

    def apply(document: dict[str, Any]) -> None:
        body = document["resource"][ALARM][READS]
        for argument in ("namespace", "metric_name", "dimensions", "statistic", "period"):
            del body[argument]
        watched = {"namespace": "AWS/DynamoDB", "dimensions": {"TableName": TABLE}, "period": 60}
        watched |= {"metric_name": metric, "stat": statistic}
        queries = [{"id": "e", "expression": text, "return_data": True}, {"id": "m", "metric": watched}]
        body.update({"metric_query": queries, **values})

    return apply


def no_table(document: dict[str, Any]) -> None:
    del document["resource"]["aws_dynamodb_table"]


def twice_in_a_document(document: dict[str, Any]) -> None:
    condition = {"test": "StringEquals", "variable": "aws:SourceAccount"}
    statement = {
        "principals": [{"type": "Service", "identifiers": ["cloudwatch.amazonaws.com"]}],
        "actions": ["sns:Publish"],
        "resources": ["*"],
        "condition": [{**condition, "values": ["999999999999"]}, {**condition, "values": [ACCOUNT]}],
    }
    document["data"]["aws_iam_policy_document"] = {"twice": {"statement": [statement]}}
    document["resource"]["aws_sns_topic_policy"]["SNSTopicPolicy"]["policy"] = (
        "${data.aws_iam_policy_document.twice.json}"
    )


def denied_by_service(statements: list[Any]) -> list[Any]:
    """Whether it is met nobody knows: the request comes through SNS."""
    condition = {"StringLike": {"kms:ViaService": "sns.*"}}
    return [
        *statements,
        {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": condition},
    ]


def looked_at(document: dict[str, Any]) -> None:
    document["resource"][ALARM][READS]["alarm_actions"] = []
    name = DEFAULTS.names.read_throttle_alarm
    document["resource"]["aws_cloudwatch_composite_alarm"] = {
        "All": {"alarm_name": "all", "alarm_rule": f"ALARM({name})"}
    }


def ratio(document: dict[str, Any]) -> None:
    """Throttles for each hundred units read: no metric alone fires it, both together do."""
    body = document["resource"][ALARM]["DynamoDBReadThrottleAlarm"]
    metric = {"namespace": "AWS/DynamoDB", "dimensions": {"TableName": TABLE}, "period": 60, "stat": "Sum"}
    for argument in ("namespace", "metric_name", "dimensions", "statistic", "period"):
        del body[argument]
    body["metric_query"] = [
        {"id": "rate", "expression": "IF(FILL(reads, 0) > 0, 100 * throttled / reads, 0)", "return_data": True},
        {"id": "throttled", "metric": {**metric, "metric_name": "ReadThrottleEvents"}},
        {"id": "reads", "metric": {**metric, "metric_name": "ConsumedReadCapacityUnits"}},
    ]


READS, ERRORS, USER = "DynamoDBReadThrottleAlarm", "DynamoDBSystemErrorAlarm", "DynamoDBThrottleAlarm"
REPLICATION = change(
    READS,
    metric_name="ReplicationLatency",
    statistic="Average",
    period=300,
    dimensions={"TableName": TABLE, "ReceivingRegion": "eu-west-1"},
)
PER_OPERATION = {"TableName": TABLE, "Operation": "GetItem"}
#: What is changed, at which alarm it shows, and what is said of it.
FAULTS: dict[str, tuple[Change, str, str]] = {
    "UserErrors per table": (
        change(USER, dimensions={"TableName": TABLE}),
        USER,
        "UserErrors is emitted without dimensions, never per TableName",
    ),
    "throttles without a table": (without(READS, "dimensions"), READS, "never without dimensions"),
    "throttles per operation": (change(READS, dimensions=PER_OPERATION), READS, "never per Operation and TableName"),
    "no such metric": (change(READS, metric_name="ThrottleEvents"), READS, "has no metric ThrottleEvents"),
    "no such operation": (
        change(READS, metric_name="ThrottledRequests", dimensions=PER_OPERATION | {"Operation": "DescribeTable"}),
        READS,
        "is not emitted for the operation DescribeTable",
    ),
    "an average of events": (
        change(READS, statistic="Average"),
        READS,
        "Average is not a statistic that AWS documents for ReadThrottleEvents",
    ),
    "half a minute": (change(READS, period=30), READS, "the period is 30 seconds; it must be a multiple of 60"),
    "another unit": (change(READS, unit="Percent"), READS, "with the unit Percent there is no data"),
    "two days": (change(READS, evaluation_periods=600), READS, "more than the day that CloudWatch evaluates at most"),
    "4 of 3 periods": (
        change(READS, evaluation_periods=3, datapoints_to_alarm=4),
        READS,
        "datapoints_to_alarm (4) is more than evaluation_periods (3)",
    ),
    "below a threshold": (
        change(READS, comparison_operator="LessThanThreshold", threshold=1),
        READS,
        "no values of ReadThrottleEvents take it to ALARM",
    ),
    "silence is breaching": (change(READS, treat_missing_data="breaching"), READS, "without any data it goes to ALARM"),
    "silence is missing": (without(READS, "treat_missing_data"), READS, "stays INSUFFICIENT_DATA when the trouble is"),
    "silence is ignored": (change(READS, treat_missing_data="ignore"), READS, "after a breach it stays ALARM"),
    "a sum without FILL": (without_fill, ERRORS, "no values of SystemErrors of GetItem, SystemErrors of BatchGetItem"),
    "nobody is told": (change(READS, alarm_actions=[]), READS, "it notifies nobody"),
    "actions switched off": (change(READS, actions_enabled=False), READS, "its actions are switched off"),
    "AWS's own key": (topic(kms_master_key_id="alias/aws/sns"), READS, "whose policy does not let CloudWatch in"),
    "AWS's own key by its ARN": (
        topic(kms_master_key_id=f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/sns"),
        READS,
        "encrypted by alias/aws/sns",
    ),
    "a key without CloudWatch": (
        policy("aws_kms_key", "KMSKey", lambda listed: listed[:1]),
        READS,
        "does not allow cloudwatch.amazonaws.com to call kms:GenerateDataKey and kms:Decrypt",
    ),
    "such a key by its alias": (
        alias_for_the_topic,
        READS,
        "does not allow cloudwatch.amazonaws.com to call kms:Generate",
    ),
    "a key with half of it": (
        policy("aws_kms_key", "KMSKey", lambda listed: [listed[0], {**listed[1], "Action": "kms:Decrypt"}]),
        READS,
        "does not allow cloudwatch.amazonaws.com to call kms:GenerateDataKey:",
    ),
    "a key with its default policy": (
        lambda document: document["resource"]["aws_kms_key"]["KMSKey"].pop("policy"),
        READS,
        "has the default policy, which does not let CloudWatch in",
    ),
    "a key for every account": (
        policy("aws_kms_key", "KMSKey", unconditional),
        READS,
        "the policy of aws_kms_key.KMSKey also lets alarms of other accounts in",
    ),
    "a topic without CloudWatch": (
        policy("aws_sns_topic_policy", "SNSTopicPolicy", lambda listed: listed[1:]),
        READS,
        "does not allow cloudwatch.amazonaws.com to call sns:Publish",
    ),
    "a topic for every account": (
        policy("aws_sns_topic_policy", "SNSTopicPolicy", lambda listed: unconditional(listed[:1])),
        READS,
        "the policy of aws_sns_topic.SNSTopic also lets alarms of other accounts in",
    ),
    "a policy that AWS doesn't take": (
        policy("aws_sns_topic_policy", "SNSTopicPolicy", lambda listed: [{**listed[0], "Effect": "Maybe"}]),
        READS,
        "is not valid",
    ),
}
FAULTS |= {
    "a disabled key": (key(is_enabled=False), READS, "aws_kms_key.KMSKey is disabled"),
    "a key for signatures": (key(customer_master_key_spec="RSA_2048"), READS, "is not a symmetric key"),
    "another account by its number": (
        policy("aws_sns_topic_policy", "SNSTopicPolicy", for_accounts("999999999998")),
        READS,
        "also lets alarms of other accounts in",
    ),
    "accounts by a star": (
        policy("aws_sns_topic_policy", "SNSTopicPolicy", for_accounts("9*")),
        READS,
        "also lets alarms of other accounts in",
    ),
    "no period": (
        change(READS, evaluation_periods=0),
        READS,
        "evaluation_periods and datapoints_to_alarm must be at least 1",
    ),
    "six actions": (
        change(READS, alarm_actions=["${aws_sns_topic.SNSTopic.arn}"] * 6),
        READS,
        "takes at most 5 actions per state",
    ),
    "an empty dimension": (change(READS, dimensions={"TableName": ""}), READS, "the dimension TableName of"),
    "an operation that another metric has": (
        change(READS, metric_name="ReturnedItemCount", dimensions=PER_OPERATION | {"Operation": "PutItem"}),
        READS,
        "ReturnedItemCount is not emitted for the operation PutItem",
    ),
    "capacity that is not provisioned": (
        change(READS, metric_name="ProvisionedReadCapacityUnits", statistic="Average"),
        READS,
        f"the table {TABLE} is PAY_PER_REQUEST",
    ),
    "replication without a replica": (REPLICATION, READS, "has no replica"),
    "TTL deletions without TTL": (
        both(without_ttl, change(READS, metric_name="TimeToLiveDeletedItemCount")),
        READS,
        "has no TTL",
    ),
    "a key of which nothing is said": (
        lambda document: document["resource"]["aws_kms_key"].update(KMSKey={}),
        READS,
        "aws_kms_key.KMSKey has the default policy",
    ),
    "two alarms of one name": (change(READS, alarm_name=DEFAULTS.names.throttle_alarm), READS, "has the same name"),
}
UNKNOWN: dict[str, tuple[Change, str, str]] = {
    "another namespace": (change(READS, namespace="Shop/Orders"), READS, "the namespace Shop/Orders is not covered"),
    "a percentile": (
        change(READS, statistic="p99"),
        READS,
        "p99 is not a statistic that AWS documents for ReadThrottleEvents",
    ),
    "a topic from elsewhere": (
        change(READS, alarm_actions=[f"arn:aws:sns:us-east-1:{ACCOUNT}:elsewhere"]),
        READS,
        "elsewhere is not in the document",
    ),
    "a topic from a variable": (change(READS, alarm_actions=["${var.topic_arn}"]), READS, "which topic it notifies"),
    "a key from a variable": (topic(kms_master_key_id="${var.key}"), READS, "the key of aws_sns_topic.SNSTopic"),
    "a function of metric math": (
        lambda document: document["resource"][ALARM][ERRORS]["metric_query"][0].update(expression="RATE(m1)"),
        ERRORS,
        "uses RATE(), which is not known here",
    ),
    "an anomaly": (
        change(READS, comparison_operator="GreaterThanUpperThreshold"),
        READS,
        "the comparison GreaterThanUpperThreshold can't be evaluated",
    ),
    "a policy with a variable": (
        policy("aws_kms_key", "KMSKey", lambda listed: [{**one, "Sid": "${var.sid}"} for one in listed]),
        READS,
        "the policy of aws_kms_key.KMSKey can't be determined",
    ),
}
UNKNOWN |= {
    "another table": (change(READS, dimensions={"TableName": "nope"}), READS, "of the table nope, which the document"),
    "no table at all": (no_table, READS, f"of the table {TABLE}, which the document doesn't declare"),
    "another table, beside one without a name": (
        both(resource("aws_dynamodb_table", "Other", name="${var.x}"), change(READS, dimensions={"TableName": "nope"})),
        READS,
        "doesn't declare (the name of another table can't be determined)",
    ),
    "a table in another region": (
        table(region="eu-west-1"),
        READS,
        "TurnAroundPromptTable is, or may be, in another region",
    ),
    "a table of another provider": (
        table(provider="aws.west"),
        READS,
        "TurnAroundPromptTable is, or may be, in another region",
    ),
    "an index that may be there": (
        both(table(dynamic={"global_secondary_index": {}}), of_index),
        READS,
        "whether the table has the index nope can't be determined",
    ),
    "a condition twice": (twice_in_a_document, READS, "the policy of aws_sns_topic.SNSTopic can't be determined"),
    "a denial of which nothing is known": (
        policy("aws_kms_key", "KMSKey", denied_by_service),
        READS,
        "depends on kms:viaservice",
    ),
    "a composite alarm looks at it": (looked_at, READS, "aws_cloudwatch_composite_alarm.All uses it"),
    "a power as Python writes it": (expression("m ** 2"), READS, "can't be read here"),
    "a comment as Python writes it": (expression("m # twice"), READS, "can't be read here"),
    "too deep an expression": (expression("-" * 5000 + "m"), READS, "'-----"),
    "an index that is not there": (of_index, READS, "of the index nope, which the document's table doesn't have"),
    "another account's metric": (of_another_account, ERRORS, "is of the account 999999999999"),
    "a topic in another region": (topic(region="eu-west-1"), READS, "is, or may be, in another region"),
    "an alarm in another region": (change(READS, region="eu-west-1"), READS, "Alarm is, or may be, in another region"),
    "a topic of another provider": (topic(provider="aws.eu"), READS, "is, or may be, in another region"),
    "a FIFO topic": (topic(name="alerts.fifo", fifo_topic=True), READS, "is a FIFO topic"),
    "a key in another region": (key(region="eu-west-1"), READS, "aws_kms_key.KMSKey is, or may be, in another region"),
    "a policy of some topic": (
        resource("aws_sns_topic_policy", "Other", arn="${element([aws_sns_topic.SNSTopic.arn], 0)}", policy="{}"),
        READS,
        "which resource aws_sns_topic_policy.Other applies to can't be determined",
    ),
    "a policy of some key": (
        resource("aws_kms_key_policy", "Other", key_id="${var.key}", policy="{}"),
        READS,
        "which resource aws_kms_key_policy.Other applies to can't be determined",
    ),
    "two policies of a topic": (
        resource("aws_sns_topic_policy", "Other", arn="${aws_sns_topic.SNSTopic.arn}", policy="{}"),
        READS,
        "apply to the same resource: one overwrites the other",
    ),
    "a document that is put together": (
        merged_document,
        READS,
        "the policy of aws_sns_topic.SNSTopic can't be determined",
    ),
    "a condition of which nothing is known": (
        policy("aws_kms_key", "KMSKey", encryption_context),
        READS,
        "depends on kms:encryptioncontext:aws:sns:topicarn",
    ),
    "actions on a variable": (change(READS, actions_enabled="${var.on}"), READS, "whether its actions are on"),
    "another kind of action": (
        change(READS, alarm_actions=["arn:aws:automate:us-east-1:ec2:reboot"]),
        READS,
        "it notifies no topic, and the action arn:aws:automate",
    ),
    "a threshold from a variable": (change(READS, threshold="${var.threshold}"), READS, "it can't be read here"),
    "no number": (change(READS, threshold=float("nan")), READS, "must be a fixed number below 1e+15"),
    "dimensions from a variable": (change(READS, dimensions="${var.dimensions}"), READS, "it can't be read here"),
    "more than can be tried": (four_long_ones, READS, "too many metrics and periods to try all values"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_silent_alarm_is_told(what: str) -> None:
    edit, alarm, sentence = FAULTS[what]
    document = stack_json(DEFAULTS)
    edit(document)
    proof = proofs_of(document)[alarm]
    assert proof.status == "fault"
    assert sentence in said(proof, "fault")


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_is_not_known_is_told_and_does_not_pass(what: str) -> None:
    edit, alarm, sentence = UNKNOWN[what]
    document = stack_json(DEFAULTS)
    edit(document)
    proof = proofs_of(document)[alarm]
    assert proof.status == "unknown", said(proof, "fault")
    assert sentence in said(proof, "unknown")


@pytest.mark.parametrize(
    ("edit", "alarm"),
    [
        (no_topic_policy, READS),
        (topic(kms_master_key_id=None), READS),
        (topic(kms_master_key_id="${aws_kms_alias.KMSKeyAlias.name}"), READS),
        (topic(kms_master_key_id="${aws_kms_key.KMSKey.key_id}"), READS),
        (ratio, READS),
        (expression("m / PERIOD(m)", threshold=100), READS),
        (expression("100 * (m / PERIOD(m)) / 2000", "ConsumedReadCapacityUnits", threshold=80), READS),
        (
            both(
                change(READS, metric_name="ConsumedReadCapacityUnits", threshold=9000),
                without(READS, "treat_missing_data"),
            ),
            READS,
        ),
        (both(REPLICATION, resource("aws_dynamodb_table_replica", "Eu", global_table_arn="${var.arn}")), READS),
        (policy("aws_sns_topic_policy", "SNSTopicPolicy", perimeter), READS),
        (resource("aws_sns_topic_policy", "Other", count=0, arn="${var.x}", policy="{}"), READS),
    ],
    ids=[
        "default topic policy",
        "not encrypted",
        "key by its alias",
        "key by its id",
        "a ratio",
        "a rate",
        "a share of a capacity",
        "traffic, and no data at night",
        "a replica of its own",
        "a perimeter",
        "count 0",
    ],
)
def test_other_ways_that_work_are_proved(edit: Change, alarm: str) -> None:
    document = stack_json(DEFAULTS)
    edit(document)
    proof = proofs_of(document)[alarm]
    assert proof.status == "proved", said(proof, "fault") + said(proof, "unknown")


class TestSeed:
    """The alarms that this project was made from: two of them could never have fired, and none would have arrived."""

    def test_as_cloudformation(self) -> None:
        found = {one.address: one for one in prove(cloudformation.read(seed.template()))}
        assert set(found) == {one.logical_id for one in the_stack.ALARMS}
        assert "UserErrors is emitted without dimensions" in said(found[USER], "fault")
        assert "SystemErrors is emitted per Operation and TableName" in said(found[ERRORS], "fault")
        for proof in found.values():
            assert "the policy of KMSKey does not allow cloudwatch.amazonaws.com" in said(proof, "fault")

    def test_as_terraform(self) -> None:
        document = stack_json(DEFAULTS)
        for name, metric in ((USER, "UserErrors"), (ERRORS, "SystemErrors")):
            body = document["resource"][ALARM][name]
            body.pop("metric_query", None)
            body |= {"namespace": "AWS/DynamoDB", "metric_name": metric, "statistic": "Sum", "period": 300}
            body["dimensions"] = {"TableName": "${aws_dynamodb_table.TurnAroundPromptTable.name}"}
        found = proofs_of(document)
        assert {name for name, proof in found.items() if proof.status == "fault"} == {USER, ERRORS}


def small_template() -> dict[str, Any]:
    """An alarm of a CloudFormation template that is proved."""
    alarm = {
        "Namespace": "AWS/DynamoDB",
        "MetricName": "ReadThrottleEvents",
        "Dimensions": [{"Name": "TableName", "Value": {"Ref": "Orders"}}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [{"Ref": "Topic"}],
    }
    return {
        "Parameters": {"Open": {"Type": "String"}},
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
            "Orders": {"Type": "AWS::DynamoDB::Table", "Properties": {"BillingMode": "PAY_PER_REQUEST"}},
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        },
    }


def properties(logical_id: str, **values: Any) -> Change:
    return lambda template: template["Resources"][logical_id]["Properties"].update(values)


def of_table(value: Any) -> Change:
    return properties("Alarm", Dimensions=[{"Name": "TableName", "Value": value}])


def parameter(name: str, edit: Change, **values: Any) -> Change:
    return both(lambda template: template["Parameters"].update({name: values}), edit)


def condition(made: dict[str, Any]) -> Change:
    encrypted = {"Fn::If": ["Encrypted", "alias/aws/sns", {"Ref": "AWS::NoValue"}]}
    return both(
        lambda template: template.update(Conditions={"Encrypted": made}), properties("Topic", KmsMasterKeyId=encrypted)
    )


def literal_place(template: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}
    arns = {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:222233334444:alarm:*"}}
    statement |= {"Resource": "*", "Condition": arns | {"StringEquals": {"aws:SourceAccount": "222233334444"}}}
    template["Resources"]["Policy"] = {
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Statement": [statement]}},
    }


OPEN = {"Fn::Equals": [{"Ref": "Open"}, "yes"]}
NEVER = {"Fn::Equals": ["a", "b"]}
#: What is changed in the small template, what becomes of the proof, and what is said.
TEMPLATES: dict[str, tuple[Change, str, str]] = {
    "as it is": (lambda _: None, "proved", "it notifies a topic when it fires: Topic"),
    "a table by its logical id": (of_table("Orders"), "unknown", "of the table Orders, which the document doesn't"),
    "a topic by its logical id": (
        properties("Alarm", AlarmActions=[{"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:Topic"}]),
        "unknown",
        ":Topic is not in the document",
    ),
    "a table from Systems Manager": (
        parameter("Path", of_table({"Ref": "Path"}), Type="AWS::SSM::Parameter::Value<String>", Default="/orders"),
        "unknown",
        "its dimensions can't be determined",
    ),
    "a part of what can't be told": (
        of_table({"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::ImportValue": "orders-arn"}]}]}),
        "unknown",
        "its dimensions can't be determined",
    ),
    "a part of an ARN": (
        of_table({"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Orders", "Arn"]}]}]}),
        "proved",
        "it notifies a topic when it fires: Topic",
    ),
    "one of a list": (
        parameter(
            "Tables",
            both(of_table({"Fn::Select": [1, {"Ref": "Tables"}]}), properties("Orders", TableName="two")),
            Type="CommaDelimitedList",
            Default="one, two",
        ),
        "proved",
        "it notifies a topic when it fires: Topic",
    ),
    "a global table": (
        lambda template: template["Resources"]["Orders"].update(Type="AWS::DynamoDB::GlobalTable"),
        "proved",
        "it notifies a topic when it fires: Topic",
    ),
    "a place by its number and name": (literal_place, "proved", "it notifies a topic when it fires: Topic"),
    "a condition on a parameter": (condition(OPEN), "unknown", "the key of Topic can't be determined"),
    "not such a condition": (condition({"Fn::Not": [OPEN]}), "unknown", "the key of Topic can't be determined"),
    "and what is not met": (
        condition({"Fn::And": [OPEN, NEVER]}),
        "proved",
        "it notifies a topic when it fires: Topic",
    ),
    "and what is met": (condition({"Fn::And": [OPEN, {"Fn::Not": [NEVER]}]}), "unknown", "the key of Topic"),
    "or what is met": (condition({"Fn::Or": [OPEN, {"Fn::Not": [NEVER]}]}), "fault", "alias/aws/sns"),
    "or what is not met": (condition({"Fn::Or": [NEVER, NEVER]}), "proved", "it notifies a topic when it fires: Topic"),
    "a rule that is not known": (condition({"Fn::EachMemberIn": [["a"], ["b"]]}), "unknown", "the key of Topic"),
}


class TestDocuments:
    """The kinds of files that people have."""

    def test_each_kind_is_read(self, tmp_path: Path) -> None:
        for name, document in (("cdk.tf.json", stack_json(DEFAULTS)), ("template.json", seed.template())):
            (tmp_path / name).write_text(json.dumps(document))
            assert len(list(alarms(files.read(tmp_path / name)))) == len(the_stack.ALARMS)

    def test_a_template_in_yaml(self, tmp_path: Path) -> None:
        file = tmp_path / "template.yaml"
        file.write_text(
            """
            Parameters: {Name: {Type: String, Default: shop}}
            Conditions:
              Never: !Equals [!Ref Name, other]
            Resources:
              Topic: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Sub '${Name}-alerts'}}
              Orders: {Type: 'AWS::DynamoDB::Table', Properties: {TableName: orders}}
              Other: {Type: 'AWS::SNS::Topic', Condition: Never}
              Alarm:
                Type: AWS::CloudWatch::Alarm
                Properties:
                  AlarmName: !Join ['-', [!Ref Name, alarm]]
                  Metrics:
                    - {Id: e, Expression: 'FILL(m, 0)'}
                    - Id: m
                      ReturnData: false
                      MetricStat:
                        Metric:
                          Namespace: AWS/DynamoDB
                          MetricName: WriteThrottleEvents
                          Dimensions: [{Name: TableName, Value: orders}]
                        Period: 60
                        Stat: Sum
                  Threshold: !If [Never, 1, 3]
                  EvaluationPeriods: 2
                  ComparisonOperator: GreaterThanThreshold
                  TreatMissingData: notBreaching
                  AlarmActions: [!Ref Topic]
            """
        )
        document = files.read(file)
        assert [one.address for one in document.resources] == ["Topic", "Orders", "Other", "Alarm"]
        (alarm,) = alarms(document)
        assert (alarm.name, alarm.threshold) == ("shop-alarm", 3.0)
        assert alarm.alarm_actions == (f"arn:aws:sns:us-east-1:{ACCOUNT}:shop-alerts",)
        (proof,) = prove(document)
        assert proof.status == "proved", said(proof, "fault")

    @pytest.mark.parametrize("what", TEMPLATES)
    def test_a_template_is_proved_only_as_far_as_it_goes(self, what: str) -> None:
        edit, status, sentence = TEMPLATES[what]
        template = small_template()
        edit(template)
        (proof,) = prove(cloudformation.read(template))
        assert proof.status == status, said(proof, "fault") + said(proof, "unknown")
        assert sentence in said(proof, status)

    def test_two_alarms_of_one_name_on_opposite_conditions(self) -> None:
        template = small_template()
        template["Conditions"] = {"Big": {"Fn::Equals": ["a", "b"]}, "Small": {"Fn::Not": [{"Condition": "Big"}]}}
        resources = template["Resources"]
        resources["Alarm"]["Properties"]["AlarmName"] = "throttles"
        resources["Other"] = {**resources["Alarm"], "Condition": "Small"}
        resources["Alarm"] = {**resources["Alarm"], "Condition": "Big"}
        assert {one.status for one in prove(cloudformation.read(template))} == {"proved"}
        resources["Alarm"]["Condition"] = "Small"
        assert {one.status for one in prove(cloudformation.read(template))} == {"fault"}

    def test_what_is_not_read_is_told(self) -> None:
        template = small_template()
        template["Resources"] |= {
            "Nested": {"Type": "AWS::CloudFormation::Stack"},
            "Fn::ForEach::More": ["X", ["a"], {"Alarm${X}": {"Type": "AWS::CloudWatch::Alarm"}}],
        }
        assert cloudformation.is_template(template)
        assert cloudformation.read(template).not_read == ("Nested", "Fn::ForEach::More")
        document = stack_json(DEFAULTS) | {"module": {"alarms": {"source": "./alarms"}}}
        assert terraform.read(document).not_read == ("module.alarms",)

    def test_a_local_in_a_local(self) -> None:
        document = stack_json(DEFAULTS) | {"locals": {"limits": {"reads": 7}}}
        change(READS, threshold="${local.limits.reads}")(document)
        assert {one.name: one.threshold for one in alarms(terraform.read(document))}[
            DEFAULTS.names.read_throttle_alarm
        ] == 7.0

    @pytest.mark.parametrize("account", ["222233334444", "${data.aws_caller_identity.account.account_id}"])
    def test_an_account_by_its_number_is_the_only_one(self, account: str) -> None:
        """Of a document that never refers to its own account; a number beside such a reference is another's."""
        document = {
            "provider": {"aws": [{"region": "eu-west-1"}]},
            "data": {"aws_caller_identity": {"account": {}}} if account.startswith("$") else {},
            "resource": {
                "aws_dynamodb_table": {"t": {"name": "t"}},
                "aws_sns_topic": {"s": {"name": "s"}},
                "aws_sns_topic_policy": {
                    "p": {
                        "arn": "${aws_sns_topic.s.arn}",
                        "policy": json.dumps(
                            {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {
                                        "Effect": "Allow",
                                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                                        "Action": "sns:Publish",
                                        "Resource": "*",
                                        "Condition": {"StringEquals": {"aws:SourceAccount": "222233334444"}},
                                    }
                                ],
                            }
                        ),
                    }
                },
                ALARM: {
                    "a": {
                        "alarm_name": "a",
                        "namespace": "AWS/DynamoDB",
                        "metric_name": "ReadThrottleEvents",
                        "dimensions": {"TableName": "t"},
                        "statistic": "Sum",
                        "period": 60,
                        "threshold": 1,
                        "evaluation_periods": 1,
                        "comparison_operator": "GreaterThanThreshold",
                        "treat_missing_data": "notBreaching",
                        "alarm_actions": ["${aws_sns_topic.s.arn}"],
                    }
                },
            },
        }
        (proof,) = prove(terraform.read(document))
        assert proof.status == ("fault" if account.startswith("$") else "proved")
        document["provider"]["aws"][0]["allowed_account_ids"] = ["222233334444"]  # type: ignore[index]
        (proof,) = prove(terraform.read(document))
        assert proof.status == "proved"

    def test_a_policy_from_a_data_source(self) -> None:
        document = stack_json(DEFAULTS)
        statements = [
            {
                "principals": [{"type": "Service", "identifiers": ["cloudwatch.amazonaws.com"]}],
                "actions": ["sns:Publish"],
                "resources": ["${aws_sns_topic.SNSTopic.arn}"],
                "condition": [
                    {
                        "test": "StringEquals",
                        "variable": "aws:SourceAccount",
                        "values": ["${data.aws_caller_identity.account.account_id}"],
                    }
                ],
            }
        ]
        document["data"]["aws_iam_policy_document"] = {"publish": {"statement": statements}}
        body = document["resource"]["aws_sns_topic_policy"]["SNSTopicPolicy"]
        body["policy"] = "${data.aws_iam_policy_document.publish.json}"
        assert proofs_of(document)[READS].status == "proved"
        statements[0]["condition"] = []
        assert "also lets alarms of other accounts in" in said(proofs_of(document)[READS], "fault")

    def test_a_composite_alarm_is_not_known(self) -> None:
        document = stack_json(DEFAULTS)
        document["resource"]["aws_cloudwatch_composite_alarm"] = {"All": {"alarm_name": "all", "alarm_rule": "TRUE"}}
        assert proofs_of(document)["All"].status == "unknown"

    def test_the_policy_whose_condition_is_met_counts(self) -> None:
        """Two policies of one topic on opposite conditions, in either order; and the kind with the policy in line."""
        allowing = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}
        allowing |= {"Resource": "*", "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}}
        denying = {"Effect": "Deny", "Principal": "*", "Action": "sns:*", "Resource": "*"}
        for kind, topics in (
            ("TopicPolicy", {"Topics": [{"Ref": "SNSTopic"}]}),
            ("TopicInlinePolicy", {"TopicArn": {"Ref": "SNSTopic"}}),
        ):
            for met, unmet, status in ((allowing, denying, "proved"), (denying, allowing, "fault")):
                template = seed.template()
                del template["Resources"]["SNSTopic"]["Properties"]["KmsMasterKeyId"]
                # HasAlertEmail is not met by the defaults.
                template["Conditions"]["Always"] = {"Fn::Equals": ["a", "a"]}
                for name, condition, statement in (("Unmet", "HasAlertEmail", unmet), ("Met", "Always", met)):
                    document = {"Version": "2012-10-17", "Statement": [statement]}
                    template["Resources"][name] = {
                        "Type": f"AWS::SNS::{kind}",
                        "Condition": condition,
                        "Properties": topics | {"PolicyDocument": document},
                    }
                found = {one.address: one for one in prove(cloudformation.read(template))}
                told = [
                    one.status
                    for one in found[READS].findings
                    if one.question == "CloudWatch may publish for this alarm"
                ]
                assert told == [status], (kind, status)

    @pytest.mark.parametrize(
        ("references", "topic"),
        [
            (["aws_sns_topic.a.arn", "aws_sns_topic.a"], "a"),
            (["aws_sns_topic.a.arn", "aws_sns_topic.a", "aws_sns_topic.b.arn", "aws_sns_topic.b"], None),
            (['aws_sns_topic.many["y"].arn', 'aws_sns_topic.many["y"]', "aws_sns_topic.many"], 'many["y"]'),
            (["aws_sns_topic.many"], None),
            (["var.topic"], None),
        ],
    )
    def test_a_plan_follows_a_reference_that_can_mean_one_thing(self, references: list[str], topic: str | None) -> None:
        names = ("a", "b", 'many["x"]', 'many["y"]')
        address = "aws_cloudwatch_metric_alarm.alarm"
        topics = [
            {
                "address": f"aws_sns_topic.{one}",
                "type": "aws_sns_topic",
                "mode": "managed",
                "values": {"name": f"topic-{n}"},
            }
            for n, one in enumerate(names)
        ]
        alarm = {"address": address, "type": "aws_cloudwatch_metric_alarm", "mode": "managed"}
        plan = {
            "planned_values": {"root_module": {"resources": [*topics, alarm | {"values": {"alarm_name": "x"}}]}},
            "resource_changes": [{"address": address, "change": {"after_unknown": {"alarm_actions": True}}}],
            "configuration": {
                "root_module": {
                    "resources": [{"address": address, "expressions": {"alarm_actions": {"references": references}}}]
                }
            },
        }
        (found,) = alarms(plans.read(plan))
        (told,) = found.alarm_actions
        assert told.endswith(f":topic-{names.index(topic)}") if topic else told == plans.UNKNOWN

    def test_a_plan_follows_a_reference_within_a_module(self) -> None:
        module = 'module.outer.module.shop["eu"]'
        address = f"{module}.{ALARM}.alarm"
        listed = [
            {
                "address": f"{module}.aws_sns_topic.s",
                "type": "aws_sns_topic",
                "mode": "managed",
                "values": {"name": "s"},
            },
            {"address": address, "type": ALARM, "mode": "managed", "values": {"alarm_name": "a"}},
        ]
        block = {
            "address": f"{ALARM}.alarm",
            "provider_config_key": "module.outer:aws.west",
            "expressions": {"alarm_actions": {"references": ["aws_sns_topic.s.arn", "aws_sns_topic.s"]}},
        }
        shop = {"module": {"resources": [block]}}
        plan = {
            "planned_values": {"root_module": {"child_modules": [{"child_modules": [{"resources": listed}]}]}},
            "resource_changes": [{"address": address, "change": {"after_unknown": {"alarm_actions": True}}}],
            "configuration": {"root_module": {"module_calls": {"outer": {"module": {"module_calls": {"shop": shop}}}}}},
        }
        (found,) = plans.read(plan).of_type(ALARM)
        assert found.values["alarm_actions"] == [f"arn:aws:sns:us-east-1:{ACCOUNT}:s"]
        assert found.values["provider"] == "aws.west"

    @pytest.mark.parametrize(
        ("expression", "region"),
        [
            ({"constant_value": "eu-west-1"}, "eu-west-1"),
            ({"references": ["var.region"]}, "eu-central-1"),
            ({}, "us-east-1"),  # that of most ARNs
        ],
    )
    def test_a_plan_is_where_its_provider_is(self, expression: dict[str, Any], region: str) -> None:
        arns = ["arn:aws:acm:us-west-2:111122223333:x", *["arn:aws:sns:us-east-1:111122223333:x"] * 2]
        resources = [
            {"address": f"x.n{n}", "type": "x", "mode": "managed", "values": {"arn": arn}} for n, arn in enumerate(arns)
        ]
        plan = {
            "planned_values": {"root_module": {"resources": resources}},
            "variables": {"region": {"value": "eu-central-1"}},
            "configuration": {"provider_config": {"aws": {"expressions": {"region": expression}}}},
        }
        assert plans.read(plan).place.region == region

    @pytest.mark.parametrize("moved", ["table", "topic"])
    @pytest.mark.parametrize("how", ["provider", "arn"])
    def test_what_a_plan_has_elsewhere_is_not_known(self, moved: str, how: str) -> None:
        region = {name: "eu-west-1" if (name, how) == (moved, "arn") else "us-east-1" for name in ("table", "topic")}
        topic = f"arn:aws:sns:{region['topic']}:111122223333:s"
        values = {
            "aws_sns_topic.topic": {"name": "s", "arn": topic},
            "aws_dynamodb_table.table": {
                "name": "t",
                "arn": f"arn:aws:dynamodb:{region['table']}:111122223333:table/t",
            },
            f"{ALARM}.alarm": {
                "alarm_name": "a",
                "namespace": "AWS/DynamoDB",
                "metric_name": "ReadThrottleEvents",
                "period": 60,
                "dimensions": {"TableName": "t"},
                "statistic": "Sum",
                "threshold": 1,
                "evaluation_periods": 1,
                "comparison_operator": "GreaterThanThreshold",
                "treat_missing_data": "notBreaching",
                "alarm_actions": [topic],
                "arn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a",
            },
        }
        blocks = [
            {"address": one, "provider_config_key": "aws.eu" if how == "provider" and moved in one else "aws"}
            for one in values
        ]
        resources = [
            {"address": one, "type": one.partition(".")[0], "mode": "managed", "values": given}
            for one, given in values.items()
        ]
        plan = {
            "planned_values": {"root_module": {"resources": resources}},
            "configuration": {"root_module": {"resources": blocks}},
        }
        (proof,) = prove(plans.read(plan))
        assert proof.status == "unknown"
        assert f".{moved} is, or may be, in another region" in said(proof, "unknown")

    def test_a_folder_is_not_read(self, tmp_path: Path) -> None:
        with pytest.raises(DeclaredError, match="it is not a file"):
            files.read(tmp_path)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("{", "is none of the documents"),
            ("[]", "is none of the documents"),
            ('{"resource": 5}', "is none of the documents"),
            ('{"resource": {"aws_sns_topic": ["x"]}}', "is not well-formed"),
            ('resource "aws_sns_topic" "x" {}', "is none of the documents"),
            ("\udc80", "can't be read"),
        ],
    )
    def test_what_is_no_document_is_told_in_a_sentence(self, text: str, why: str, tmp_path: Path) -> None:
        (tmp_path / "x.json").write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(DeclaredError, match=why):
            files.read(tmp_path / "x.json")
