"""`tap prove alarms`: our stack is proved, and each way in which an alarm can be silent is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tap.declared import cloudformation
from tap.declared.resources import ACCOUNT
from tap.proofs.alarms import prove
from tests.support import cloudformation as seed
from tests.support import the_stack
from tests.support.alarm_proofs import ALARM, READS, Change, both, change, proofs_of, said
from tests.support.synthesis import ADOPTED, DEFAULTS, EVERYTHING_ON, stack_json

TABLE = DEFAULTS.names.table


@pytest.mark.parametrize("settings", [DEFAULTS, EVERYTHING_ON, ADOPTED], ids=["defaults", "everything-on", "adopted"])
def test_our_alarms_are_proved(settings: Any) -> None:
    found = proofs_of(stack_json(settings))
    assert set(found) == {one.logical_id for one in the_stack.ALARMS}
    for proof in found.values():
        assert [one.status for one in proof.findings] == ["proved"] * 10, said(proof, "fault")


def without(alarm: str, *arguments: str) -> Change:
    def apply(document: dict[str, Any]) -> None:
        for one in arguments:
            del document["resource"][ALARM][alarm][one]

    return apply


def topic(**values: Any) -> Change:
    return lambda document: document["resource"]["aws_sns_topic"]["SNSTopic"].update(values)


def policy(type_: str, name: str, edit: Callable[[list[Any]], Any]) -> Change:
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


def put_over(more: dict[str, Any]) -> Change:
    """A policy document that is put together with others."""

    def apply(document: dict[str, Any]) -> None:
        document["data"]["aws_iam_policy_document"] = {"all": {"statement": [], **more}}
        document["resource"]["aws_sns_topic_policy"]["SNSTopicPolicy"]["policy"] = (
            "${data.aws_iam_policy_document.all.json}"
        )

    return apply


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


def key_policy_apart(**values: Any) -> Change:
    """The key's policy in a resource of its own."""

    def apply(document: dict[str, Any]) -> None:
        made = document["resource"]["aws_kms_key"]["KMSKey"].pop("policy")
        apart = {"key_id": "${aws_kms_key.KMSKey.key_id}", "policy": made}
        document["resource"]["aws_kms_key_policy"] = {"Apart": apart | values}

    return apply


def allowed_if(condition: dict[str, Any]) -> Change:
    """CloudWatch may use the key on a further condition."""

    def edit(statements: list[Any]) -> list[Any]:
        own, cloudwatch = statements
        return [own, {**cloudwatch, "Condition": {**cloudwatch["Condition"], **condition}}]

    return policy("aws_kms_key", "KMSKey", edit)


def also_allowed(condition: dict[str, Any]) -> Change:
    """A second statement by which CloudWatch may publish."""

    def edit(statements: list[Any]) -> list[Any]:
        return [*statements, {**statements[0], "Sid": "More", "Condition": condition}]

    return policy("aws_sns_topic_policy", "SNSTopicPolicy", edit)


def without_resource(statements: list[Any]) -> list[Any]:
    return [{name: value for name, value in one.items() if name != "Resource"} for one in statements]


def for_a_role(statements: list[Any]) -> list[Any]:
    """Nothing for CloudWatch, and a condition of which nothing is known for somebody else."""
    via = {"StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}}
    role = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/worker"}
    return [statements[0], {"Effect": "Allow", "Principal": role, "Action": "kms:*", "Resource": "*", "Condition": via}]


def queries(text: str, *metrics: tuple[str, str, int]) -> Change:
    """An alarm on an expression of metrics of the table: m0, m1, … by name, statistic and period."""

    def apply(document: dict[str, Any]) -> None:
        expression(text)(document)
        watched = [
            {
                "id": f"m{number}",
                "metric": {
                    "namespace": "AWS/DynamoDB",
                    "dimensions": PER_OPERATION if name == "SuccessfulRequestLatency" else {"TableName": TABLE},
                    "metric_name": name,
                    "stat": statistic,
                    "period": period,
                },
            }
            for number, (name, statistic, period) in enumerate(metrics)
        ]
        document["resource"][ALARM][READS]["metric_query"][1:] = watched

    return apply


def in_place(statements: Any) -> Callable[[list[Any]], Any]:
    return lambda _: statements


def account_of(provider: str) -> Change:
    """The caller's account, asked of another provider."""

    def apply(document: dict[str, Any]) -> None:
        for one in document["data"]["aws_caller_identity"].values():
            one["provider"] = provider

    return apply


def in_region_of(region: str) -> Callable[[list[Any]], list[Any]]:
    arns = {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{region}:*:alarm:*"}}
    return lambda listed: [{**one, "Condition": {**one["Condition"], **arns}} for one in listed[:1]]


def without_ttl(document: dict[str, Any]) -> None:
    del document["resource"]["aws_dynamodb_table"]["TurnAroundPromptTable"]["ttl"]


def table(**values: Any) -> Change:
    return lambda document: document["resource"]["aws_dynamodb_table"]["TurnAroundPromptTable"].update(values)


def expression(
    text: str, metric: str = "ReadThrottleEvents", statistic: str = "Sum", *, return_data: bool = True, **values: Any
) -> Change:
    """An alarm on an expression of one metric of the table, m."""

    def apply(document: dict[str, Any]) -> None:
        body = document["resource"][ALARM][READS]
        for argument in ("namespace", "metric_name", "dimensions", "statistic", "period"):
            del body[argument]
        watched = {"namespace": "AWS/DynamoDB", "dimensions": {"TableName": TABLE}, "period": 60}
        watched |= {"metric_name": metric, "stat": statistic}
        queries = [{"id": "e", "expression": text, "return_data": return_data}, {"id": "m", "metric": watched}]
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


def topic_of_that_name_elsewhere(document: dict[str, Any]) -> None:
    topics = document["resource"]["aws_sns_topic"]
    document["resource"]["aws_sns_topic"] = {"Us": {"name": topics["SNSTopic"]["name"], "provider": "aws.us"}, **topics}
    resource("aws_sns_topic_policy", "Us", arn="${aws_sns_topic.Us.arn}", policy="{}")(document)


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


ERRORS, USER = "DynamoDBSystemErrorAlarm", "DynamoDBThrottleAlarm"
REPLICATION = change(
    READS,
    metric_name="ReplicationLatency",
    statistic="Average",
    period=300,
    dimensions={"TableName": TABLE, "ReceivingRegion": "eu-west-1"},
)
PER_OPERATION = {"TableName": TABLE, "Operation": "GetItem"}
OF_STREAM = {"TableName": TABLE, "Operation": "GetRecords", "StreamLabel": "2026-01-01T00:00:00.000"}
TTL = "TimeToLiveDeletedItemCount"
MAYBE = "${var.cmk ? 1 : 0}"
TABLE_ADDRESS = "aws_dynamodb_table.TurnAroundPromptTable"
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
        "it has more than 5 actions for a state",
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
        f"the table {TABLE} doesn't have provisioned capacity",
    ),
    "replication without a replica": (REPLICATION, READS, "doesn't have a replica in eu-west-1"),
    "TTL deletions without TTL": (
        both(without_ttl, change(READS, metric_name="TimeToLiveDeletedItemCount")),
        READS,
        "doesn't have TTL",
    ),
    "a key of which nothing is said": (
        lambda document: document["resource"]["aws_kms_key"].update(KMSKey={}),
        READS,
        "aws_kms_key.KMSKey has the default policy",
    ),
    "two alarms of one name": (change(READS, alarm_name=DEFAULTS.names.throttle_alarm), READS, "has the same name"),
    "two of one alarm": (change(READS, count=2), READS, "there are 2 of it with the same name"),
    "a policy of a key that is not there": (key_policy_apart(for_each={}), READS, "has the default policy"),
    "records of a stream that is off": (
        both(table(stream_enabled="false"), change(READS, metric_name="ReturnedRecordsCount", dimensions=OF_STREAM)),
        READS,
        "doesn't have a stream",
    ),
    "TTL that is off": (
        both(table(ttl=[{"attribute_name": "", "enabled": False}]), change(READS, metric_name=TTL)),
        READS,
        "doesn't have TTL",
    ),
    "throttles of capacity that is not provisioned": (
        change(READS, metric_name="ReadProvisionedThroughputThrottleEvents"),
        READS,
        "doesn't have provisioned capacity",
    ),
    "throttles of on-demand capacity": (
        both(table(billing_mode="PROVISIONED"), change(READS, metric_name="ReadMaxOnDemandThroughputThrottleEvents")),
        READS,
        "doesn't have on-demand capacity",
    ),
    "an on-demand maximum that is not set": (
        change(READS, metric_name="OnDemandMaxReadRequestUnits", statistic="Maximum"),
        READS,
        "doesn't have an on-demand maximum for reads",
    ),
    "missing data in another case": (
        change(READS, treat_missing_data="NotBreaching"),
        READS,
        "treat_missing_data is NotBreaching: it must be breaching, notBreaching, ignore or missing",
    ),
    "no such comparison": (change(READS, comparison_operator="GreaterThan"), READS, "is GreaterThan: it must be"),
    "no threshold": (without(READS, "threshold"), READS, "it has no threshold"),
    "no number of periods": (without(READS, "evaluation_periods"), READS, "it has no evaluation_periods"),
    "two statistics": (change(READS, extended_statistic="p99"), READS, "both statistic and extended_statistic"),
    "a metric beside queries": (
        change(ERRORS, metric_name="SystemErrors"),
        ERRORS,
        "it has both metric_name and metric_query",
    ),
    "no query for the alarm": (
        expression("m", return_data=False),
        READS,
        "no queries return data (return_data = true): exactly one must",
    ),
    "a metric's period beside queries": (
        change(ERRORS, period=60),
        ERRORS,
        "it has both period and metric_query: only one of them is allowed",
    ),
    "an OK action that is a name": (
        change(READS, ok_actions=["alerts"]),
        READS,
        "CloudWatch refuses the action alerts, which is not an ARN",
    ),
    "a statement of a topic's without resource": (
        policy("aws_sns_topic_policy", "SNSTopicPolicy", without_resource),
        READS,
        "does not allow cloudwatch.amazonaws.com to call sns:Publish",
    ),
    "a statement of a key's without resource": (
        policy("aws_kms_key", "KMSKey", without_resource),
        READS,
        "does not allow cloudwatch.amazonaws.com to call kms:GenerateDataKey",
    ),
    "a key for somebody else, on a condition": (
        policy("aws_kms_key", "KMSKey", for_a_role),
        READS,
        "does not allow cloudwatch.amazonaws.com to call kms:GenerateDataKey",
    ),
    "others' alarms of another name": (
        also_allowed({"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:*:alarm:prod-*"}}),
        READS,
        "also lets alarms of other accounts in",
    ),
    "others by how their account begins": (
        also_allowed({"StringLike": {"aws:SourceAccount": "12*"}}),
        READS,
        "also lets alarms of other accounts in: of 120000000000, for example",
    ),
    **{
        f"an on-demand maximum {name}": (
            both(
                table(on_demand_throughput=[maximum], global_secondary_index=[{"name": "i"}]),
                change(READS, metric_name="ReadMaxOnDemandThroughputThrottleEvents"),
            ),
            READS,
            "doesn't have an on-demand maximum for reads",
        )
        for name, maximum in {
            "of writes": {"max_write_request_units": 5},
            "of -1": {"max_read_request_units": -1},
        }.items()
    },
    "a replica in another region": (
        both(table(replica=[{"region_name": "eu-north-1"}]), REPLICATION),
        READS,
        "a replica in",
    ),
    "latency of a stream that is off": (
        both(
            table(stream_enabled=False),
            change(READS, metric_name="SuccessfulRequestLatency", statistic="Average", dimensions=OF_STREAM),
        ),
        READS,
        "doesn't have a stream",
    ),
    "a few events, and not many": (
        change(READS, comparison_operator="LessThanThreshold", threshold=5, period=60),
        READS,
        "a few ReadThrottleEvents take it to ALARM, and many don't",
    ),
    "too long a name": (change(READS, alarm_name="x" * 256), READS, "its name has 256 characters: 255 are the most"),
    "a topic by its name": (
        change(READS, alarm_actions=["alerts"]),
        READS,
        "CloudWatch refuses the action alerts, which is not an ARN",
    ),
    "an account that the policy names": (
        policy("aws_sns_topic_policy", "SNSTopicPolicy", for_accounts("999999999998")),
        READS,
        "lets alarms of other accounts in: of 999999999998, for example",
    ),
    **{
        f"a policy with {name}": (
            policy("aws_sns_topic_policy", "SNSTopicPolicy", in_place(made)),
            READS,
            "is not valid",
        )
        for name, made in {
            "no statements": None,
            "a text for a statement": ["x"],
            "no condition": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": None}],
            "a list of conditions": [
                {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": []}
            ],
        }.items()
    },
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
        put_over({"override_policy_documents": ["${var.x}"]}),
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
    "a threshold from a variable": (change(READS, threshold="${var.t}"), READS, "its threshold can't be determined"),
    "no number": (change(READS, threshold=float("nan")), READS, "must be a fixed number below 1e+15"),
    "dimensions from a variable": (change(READS, dimensions="${var.d}"), READS, "its dimensions can't be determined"),
    "more than can be tried": (four_long_ones, READS, "too many metrics and periods to try all values"),
    **{
        f"{argument} from a variable": (change(READS, **{argument: "${var.x}"}), READS, f"its {argument} can't be")
        for argument in (
            "comparison_operator",
            "evaluation_periods",
            "period",
            "statistic",
            "treat_missing_data",
            "unit",
        )
    },
    "queries one for each of a list": (
        change(READS, dynamic={"metric_query": {"for_each": "${var.tables}", "content": {"id": "m"}}}),
        READS,
        "its metric_query can't be determined",
    ),
    **{
        f"a key with {argument} from a variable": (
            key(**{argument: "${var.x}"}),
            READS,
            f"{argument} of aws_kms_key.KMSKey can't be determined",
        )
        for argument in ("is_enabled", "key_usage", "customer_master_key_spec")
    },
    "billing by a variable": (
        both(table(billing_mode="${var.x}"), change(READS, metric_name="ProvisionedReadCapacityUnits")),
        READS,
        f"whether the table {TABLE} has provisioned capacity can't be determined",
    ),
    "a policy of a key that may be there": (
        key_policy_apart(count=MAYBE),
        READS,
        f"aws_kms_key_policy.Apart may not be there: it depends on {MAYBE}",
    ),
    "the account of another provider": (
        account_of("aws.monitoring"),
        READS,
        "the policy of aws_sns_topic.SNSTopic can't be determined",
    ),
    "another region by its data source": (
        both(
            lambda document: document["data"].update(aws_region={"other": {"region": "eu-west-1"}}),
            policy("aws_sns_topic_policy", "SNSTopicPolicy", in_region_of("${data.aws_region.other.name}")),
        ),
        READS,
        "the policy of aws_sns_topic.SNSTopic can't be determined",
    ),
    **{
        f"what is allowed if {name}": (allowed_if(condition), READS, "whose values are not known here")
        for name, condition in {
            "it doesn't come by another service": {
                "StringNotEquals": {"kms:ViaService": "sns.us-east-1.amazonaws.com"}
            },
            "it comes by a service, if by any": {
                "StringEqualsIfExists": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
            },
            "there is no context": {"Null": {"kms:EncryptionContext:aws:sns:topicArn": "true"}},
            "it is of an organization, if of any": {"StringEqualsIfExists": {"aws:SourceOrgID": "o-1234567890"}},
            "it is not of a network": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        }.items()
    },
    **{
        f"{text} as Python writes it": (expression(text), READS, "the expression")
        for text in ("True*m", "m*1_0", "m*0x1", "SUM(METRICS(), x=1)")
    },
    "a policy that is no JSON": (
        policy("aws_sns_topic_policy", "SNSTopicPolicy", in_place([{"Sid": float("nan")}])),
        READS,
        "the policy of aws_sns_topic.SNSTopic can't be determined",
    ),
    "a number that is none": (table(count="²"), READS, "may not be there: it depends on ²"),
    "others of an organization": (
        also_allowed({"StringEquals": {"aws:SourceOrgID": "o-1234567890"}}),
        READS,
        "depends on aws:sourceorgid, whose values are not known here",
    ),
    "a table that may not be there": (
        table(count=MAYBE),
        READS,
        f"{TABLE_ADDRESS} may not be there: it depends on {MAYBE}",
    ),
    "a document with one put over it": (
        put_over({"override_json": '${file("more.json")}'}),
        READS,
        "the policy of aws_sns_topic.SNSTopic can't be determined",
    ),
    "a sum of two without FILL": (
        queries("m0 + m1", ("ReadThrottleEvents", "Sum", 60), ("WriteThrottleEvents", "Sum", 60)),
        READS,
        "no values of ReadThrottleEvents, WriteThrottleEvents take it to ALARM while the others have no data",
    ),
    "two periods": (
        queries("m0 + FILL(m1, 0)", ("ReadThrottleEvents", "Sum", 60), ("WriteThrottleEvents", "Sum", 300)),
        READS,
        "its metrics have different periods",
    ),
    "metrics that are searched for": (
        expression("SEARCH('{AWS/DynamoDB,TableName} MetricName=\"ReadThrottleEvents\"', 'Sum')"),
        READS,
        "metrics that an expression finds (SEARCH, SELECT) are not covered",
    ),
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
        (
            both(
                REPLICATION, resource("aws_dynamodb_table_replica", "Eu", global_table_arn=f"${{{TABLE_ADDRESS}.arn}}")
            ),
            READS,
        ),
        (policy("aws_sns_topic_policy", "SNSTopicPolicy", perimeter), READS),
        (resource("aws_sns_topic_policy", "Other", count=0, arn="${var.x}", policy="{}"), READS),
        (key(key_usage=None, customer_master_key_spec=None), READS),
        (topic_of_that_name_elsewhere, READS),
        (change(READS, alarm_name="${each.key}-reads", for_each={"a": 1, "b": 2}), READS),
        (also_allowed({"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}), READS),
        (
            both(
                queries(
                    "m0 / PERIOD(m0) / m1",
                    ("ConsumedReadCapacityUnits", "Sum", 300),
                    ("ProvisionedReadCapacityUnits", "Average", 300),
                ),
                change(READS, threshold=0.8),
                table(billing_mode="PROVISIONED"),
            ),
            READS,
        ),
        (
            queries(
                "IF(m0 > 10 AND m1 > 100, m1, 0)",
                ("SuccessfulRequestLatency", "SampleCount", 60),
                ("SuccessfulRequestLatency", "Average", 60),
            ),
            READS,
        ),
        (key_policy_apart(), READS),
        (both(key_policy_apart(count=MAYBE), key(count=MAYBE), change(READS, count=MAYBE)), READS),
        (
            both(
                table(on_demand_throughput=[{"max_read_request_units": 10}]),
                change(READS, metric_name="ReadMaxOnDemandThroughputThrottleEvents"),
            ),
            READS,
        ),
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
        "null for what is not set",
        "a topic of the same name in another region",
        "two alarms from one block",
        "others of an organization, which no service is in",
        "a share of a capacity as a fraction",
        "two statistics of one metric",
        "a key's policy of its own",
        "all or none of an alarm, a key and its policy",
        "throttles by an on-demand maximum",
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
