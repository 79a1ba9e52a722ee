"""`tap prove alarms` on the documents that people have: CloudFormation templates, plans, states, Terraform JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from tap.declared import DeclaredError, cloudformation, files, plans, terraform
from tap.declared.alarms import alarms
from tap.declared.resources import ACCOUNT
from tap.place import Place
from tap.proofs.alarms import prove
from tests.support import cloudformation as seed
from tests.support import the_stack
from tests.support.alarm_proofs import ALARM, READS, Change, both, change, proofs_of, said
from tests.support.synthesis import DEFAULTS, stack_json


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


def policy_if(alarms: str, policys: str, effect: str, **conditions: Any) -> Change:
    """A policy of the topic that allows all or denies all, and conditions on it and on the alarm."""
    statement = {"Effect": effect, "Principal": "*", "Action": "sns:Publish", "Resource": "*"}
    statement["Condition"] = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}  # type: ignore[assignment]
    body = {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Statement": [statement]}}

    def apply(template: dict[str, Any]) -> None:
        template["Conditions"] = conditions
        template["Resources"]["Policy"] = {"Type": "AWS::SNS::TopicPolicy", "Properties": body, "Condition": policys}
        template["Resources"]["Alarm"] |= {"Condition": alarms} if alarms else {}

    return apply


def another(type_: str, **values: Any) -> Change:
    """A resource that has nothing to do with alarms."""
    return lambda template: template["Resources"].update(Another={"Type": type_, "Properties": values})


def alarm_if(made: dict[str, Any]) -> Change:
    return both(
        lambda template: template.update(Conditions={"There": made}),
        lambda template: template["Resources"]["Alarm"].update(Condition="There"),
    )


def literal_names(template: dict[str, Any]) -> None:
    literal_place(template)
    (statement,) = template["Resources"]["Policy"]["Properties"]["PolicyDocument"]["Statement"]
    statement["Condition"]["ArnLike"] = {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:222233334444:alarm:orders-*"}


def in_gov_cloud(template: dict[str, Any]) -> None:
    literal_place(template)
    (statement,) = template["Resources"]["Policy"]["Properties"]["PolicyDocument"]["Statement"]
    statement["Condition"]["ArnLike"] = {
        "aws:SourceArn": "arn:aws-us-gov:cloudwatch:us-gov-west-1:222233334444:alarm:*"
    }


def key_with(**values: Any) -> Change:
    """The topic is encrypted by a key that lets CloudWatch in."""
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "kms:*",
        "Resource": "*",
    }
    allowed["Condition"] = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    body = {"KeyPolicy": {"Version": "2012-10-17", "Statement": [allowed]}, **values}
    return both(
        lambda template: template["Resources"].update(Key={"Type": "AWS::KMS::Key", "Properties": body}),
        properties("Topic", KmsMasterKeyId={"Ref": "Key"}),
    )


def labelled(template: dict[str, Any]) -> None:
    body = template["Resources"]["Alarm"]["Properties"]
    metric = {one: body.pop(one) for one in ("Namespace", "MetricName", "Dimensions")}
    stat = {"Metric": metric, "Stat": body.pop("Statistic"), "Period": body.pop("Period")}
    body["Metrics"] = [
        {"Id": "e", "Expression": "FILL(m,\n 0)", "Label": "${LABEL} in all"},
        {"Id": "m", "ReturnData": False, "MetricStat": stat},
    ]


def env_is(value: str) -> dict[str, Any]:
    return {"Fn::Equals": [{"Ref": "Env"}, value]}


def key_for(principal: dict[str, Any]) -> Change:
    """Somebody else may use the key too."""

    def apply(template: dict[str, Any]) -> None:
        statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}
        template["Resources"]["Key"]["Properties"]["KeyPolicy"]["Statement"].append(statement)

    return apply


OPEN = {"Fn::Equals": [{"Ref": "Open"}, "yes"]}
NOTIFIES = "it notifies a topic when it fires: Topic"
IF_OPEN = {"Fn::If": ["Encrypted", [{"Name": "TableName", "Value": "t"}], {"Ref": "AWS::NoValue"}]}
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
    "true as YAML has it, and as a text": (
        parameter("On", condition({"Fn::Equals": [{"Ref": "On"}, "true"]}), Type="String", Default=True),
        "fault",
        "alias/aws/sns",
    ),
    "true as a text, and as YAML has it": (
        parameter("On", condition({"Fn::Equals": [{"Ref": "On"}, True]}), Type="String", Default="true"),
        "fault",
        "alias/aws/sns",
    ),
    "a condition that is not there": (
        both(condition(NEVER), lambda template: template["Conditions"].clear()),
        "unknown",
        "the key of Topic",
    ),
    "what is fetched when it is deployed": (
        properties("Alarm", TreatMissingData="{{resolve:ssm:/missing}}"),
        "unknown",
        "its treat_missing_data can't be determined",
    ),
    "a key": (key_with(), "proved", NOTIFIES),
    "a key that may be disabled": (key_with(Enabled={"Ref": "Open"}), "unknown", "enabled of Key can't be determined"),
    "TTL that is switched off": (
        both(
            properties("Orders", TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": False}),
            properties("Alarm", MetricName="TimeToLiveDeletedItemCount"),
        ),
        "fault",
        "doesn't have TTL",
    ),
    "dimensions of another kind": (
        another("AWS::Logs::MetricFilter", MetricTransformations=[{"Dimensions": [{"Key": "a", "Value": "b"}]}]),
        "proved",
        NOTIFIES,
    ),
    "numbers as names": (another("AWS::Serverless::Api", DefinitionBody={"responses": {200: {}}}), "proved", NOTIFIES),
    "an attribute by a parameter": (another("X", Y={"Fn::GetAtt": ["Orders", {"Ref": "Open"}]}), "proved", NOTIFIES),
    "dimensions on a condition": (
        both(condition(OPEN), properties("Alarm", Dimensions=IF_OPEN), properties("Topic", KmsMasterKeyId="")),
        "unknown",
        "its dimensions can't be determined",
    ),
    "metrics on a condition": (
        both(condition(OPEN), properties("Alarm", Metrics=IF_OPEN), properties("Topic", KmsMasterKeyId="")),
        "unknown",
        "its metric_query can't be determined",
    ),
    "another partition": (in_gov_cloud, "proved", NOTIFIES),
    "a denial that is not there": (policy_if("", "Never", "Deny", Never=NEVER), "proved", NOTIFIES),
    "a denial that may be there": (
        policy_if("", "Open", "Deny", Open=OPEN),
        "unknown",
        "Policy may not be there: it depends on Open",
    ),
    "a policy that comes with the alarm": (policy_if("Open", "Open", "Allow", Open=OPEN), "proved", NOTIFIES),
    "a denial that comes with the alarm": (policy_if("Open", "Open", "Deny", Open=OPEN), "fault", "does not allow"),
    "an alarm on a condition, and its actions on the same": (
        both(
            alarm_if(OPEN),
            properties("Alarm", AlarmActions={"Fn::If": ["There", [{"Ref": "Topic"}], {"Ref": "AWS::NoValue"}]}),
        ),
        "proved",
        NOTIFIES,
    ),
    "an alarm that is switched off where it is there": (
        both(alarm_if(NEVER), properties("Alarm", ActionsEnabled={"Fn::If": ["There", False, True]})),
        "fault",
        "its actions are switched off",
    ),
    "a table that is not there": (
        both(
            condition(NEVER),
            properties("Orders", TableName="orders"),
            of_table("orders"),
            lambda template: template["Resources"]["Orders"].update(Condition="Encrypted"),
        ),
        "unknown",
        "Orders isn't there with the defaults: it depends on Encrypted",
    ),
    "a world in which the alarm is there": (
        both(
            lambda template: template["Parameters"].update(Env={"Type": "String", "Default": "dev"}),
            lambda template: template.update(
                Conditions={"IsProd": env_is("prod"), "IsDev": env_is("dev")},
                Mappings={"Keys": {"dev": {"key": ""}, "prod": {"key": "alias/aws/sns"}}},
            ),
            properties("Topic", KmsMasterKeyId={"Fn::FindInMap": ["Keys", {"Ref": "Env"}, "key"]}),
            lambda template: template["Resources"]["Alarm"].update(Condition="IsProd"),
        ),
        "fault",
        "encrypted by alias/aws/sns",
    ),
    "a condition that asks for others": (
        both(
            alarm_if({"Fn::And": [{"Condition": "Open"}, NEVER]}),
            lambda template: template["Conditions"].update(Open=OPEN),
            lambda template: template["Resources"]["Topic"].update(Condition="Open"),
        ),
        "proved",
        NOTIFIES,
    ),
    "names by a parameter": (
        both(
            properties("Orders", TableName={"Fn::Sub": "orders-${Open}"}),
            properties("Topic", TopicName={"Fn::Sub": "alerts-${Open}"}),
        ),
        "proved",
        NOTIFIES,
    ),
    "a label with CloudWatch's own names": (labelled, "proved", NOTIFIES),
    "a function beside the topic": (
        both(
            another("AWS::Lambda::Function"),
            properties("Alarm", AlarmActions=[{"Fn::GetAtt": ["Another", "Arn"]}, {"Ref": "Topic"}]),
        ),
        "proved",
        NOTIFIES,
    ),
    "a key that a role uses": (
        both(another("AWS::IAM::Role"), key_with(), key_for({"AWS": {"Fn::GetAtt": ["Another", "Arn"]}})),
        "proved",
        NOTIFIES,
    ),
    "a key that nobody knows who uses": (
        both(key_with(), key_for({"AWS": {"Ref": "Open"}})),
        "unknown",
        "the policy of Key can't be determined",
    ),
    "two accounts, and a layer's": (
        both(
            literal_place,
            another("AWS::Lambda::Function", Layers=["arn:aws:lambda:eu-west-1:017000801446:layer:Powertools:1"]),
        ),
        "proved",
        NOTIFIES,
    ),
    "two accounts": (
        both(literal_place, another("AWS::IAM::Role", ManagedPolicyArns=["arn:aws:iam::333344445555:policy/x"])),
        "unknown",
        "lets alarms of 222233334444 in: whether one of them is the document's own can't be determined",
    ),
    "a policy for alarms by their names": (
        literal_names,
        "unknown",
        "the policy of Topic names alarms, and which name this one gets is not known here",
    ),
    "the default of a mapping": (
        both(
            lambda template: template.update(Mappings={"Tables": {"a": {"b": "c"}}}),
            properties("Orders", TableName={"Fn::FindInMap": ["Tables", "a", "x", {"DefaultValue": "orders"}]}),
            of_table("orders"),
        ),
        "proved",
        NOTIFIES,
    ),
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
            "Application": {"Type": "AWS::Serverless::Application"},
            "Fn::ForEach::More": ["X", ["a"], {"Alarm${X}": {"Type": "AWS::CloudWatch::Alarm"}}],
        }
        assert cloudformation.is_template(template)
        assert cloudformation.read(template).not_read == ("Nested", "Application", "Fn::ForEach::More")
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
        ("references", "meant"),
        [
            (["aws_sns_topic.a.arn", "aws_sns_topic.a"], ["a"]),
            (["aws_sns_topic.a.arn", "aws_sns_topic.a", "aws_sns_topic.b.arn", "aws_sns_topic.b"], ["a", "b"]),
            (['aws_sns_topic.many["y"].arn', 'aws_sns_topic.many["y"]', "aws_sns_topic.many"], ['many["y"]']),
            (["aws_sns_topic.many"], []),
            (["var.topic"], []),
            (["var.topic", "aws_sns_topic.a.arn", "aws_sns_topic.a"], []),
        ],
    )
    def test_a_plan_follows_references_that_can_mean_one_thing(self, references: list[str], meant: list[str]) -> None:
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
        named = [f"arn:aws:sns:us-east-1:{ACCOUNT}:topic-{names.index(one)}" for one in meant]
        assert list(found.alarm_actions) == (named or [plans.UNKNOWN])
        assert bool(plans.read(plan).assumed) == bool(meant)

    @pytest.mark.parametrize(
        ("given", "topic"),
        [
            (["module.topics.arn", "module.topics"], "s"),
            (["var.unknown"], None),
            (["local.topic"], None),
            (["module.topics.nothing", "module.topics"], None),
            (["var.unknown", "module.topics.arn", "module.topics"], None),
        ],
    )
    def test_a_plan_follows_a_module_variable_and_another_modules_output(
        self, given: list[str], topic: str | None
    ) -> None:
        address = f"module.alarms[0].{ALARM}.alarm"
        listed = [
            {
                "address": "module.topics.aws_sns_topic.s",
                "type": "aws_sns_topic",
                "mode": "managed",
                "values": {"name": "s"},
            },
            {"address": address, "type": ALARM, "mode": "managed", "values": {"alarm_name": "a"}},
        ]
        alarm = {"address": f"{ALARM}.alarm", "expressions": {"alarm_actions": {"references": ["var.topic"]}}}
        output = {"expression": {"references": ["aws_sns_topic.s.arn", "aws_sns_topic.s"]}}
        calls = {
            "alarms": {"expressions": {"topic": {"references": given}}, "module": {"resources": [alarm]}},
            "topics": {"module": {"outputs": {"arn": output}}},
        }
        plan = {
            "planned_values": {"root_module": {"resources": listed}},
            "resource_changes": [{"address": address, "change": {"after_unknown": {"alarm_actions": True}}}],
            "configuration": {"root_module": {"module_calls": calls}},
        }
        (found,) = plans.read(plan).of_type(ALARM)
        assert found.values["alarm_actions"] == [f"arn:aws:sns:us-east-1:{ACCOUNT}:{topic}" if topic else plans.UNKNOWN]

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

    def test_a_plan_is_where_its_alarms_are(self) -> None:
        """By the region that provider 6 writes into each resource, or by their ARNs."""
        alarm = {"address": f"{ALARM}.a", "type": ALARM, "mode": "managed", "values": {"region": "eu-west-1"}}
        others = [
            {
                "address": f"x.n{n}",
                "type": "x",
                "mode": "managed",
                "values": {"arn": "arn:aws:acm:us-west-2:111122223333:x"},
            }
            for n in range(3)
        ]
        state = {"terraform_version": "1.11.4", "values": {"root_module": {"resources": [alarm, *others]}}}
        assert plans.read(state).place.region == "eu-west-1"
        alarm["values"] = {"arn": "arn:aws-us-gov:cloudwatch:us-gov-west-1:222233334444:alarm:a"}
        assert plans.read(state).place == Place("aws-us-gov", "us-gov-west-1", "222233334444")

    def test_a_first_plan_is_where_its_data_sources_are(self) -> None:
        """Or of the account that it names, if it names one."""
        region = {"address": "data.aws_region.r", "type": "aws_region", "values": {"name": "eu-west-1"}}
        topic = {"address": "aws_sns_topic.t", "type": "aws_sns_topic", "mode": "managed"}
        topic |= {"values": {"policy": '{"aws:SourceAccount": "222233334444"}'}}  # type: ignore[dict-item]
        plan = {
            "planned_values": {"root_module": {"resources": [topic]}},
            "prior_state": {"values": {"root_module": {"resources": [region]}}},
        }
        assert plans.read(plan).place == Place("aws", "eu-west-1", "222233334444")

    def test_what_a_state_has_in_another_account_is_not_known(self) -> None:
        arns = {ALARM: "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a"}
        arns["aws_sns_topic"] = "arn:aws:sns:us-east-1:222233334444:t"
        values = {"alarm_name": "a", "alarm_actions": [arns["aws_sns_topic"]]}
        resources = [
            {"address": f"{type_}.x", "type": type_, "mode": "managed", "values": {"arn": arn, **values}}
            for type_, arn in arns.items()
        ]
        state = {"terraform_version": "1.11.4", "values": {"root_module": {"resources": resources}}}
        (proof,) = prove(plans.read(state))
        assert "aws_sns_topic.x is, or may be, in another region or account" in said(proof, "unknown")

    def test_a_plan_is_of_the_account_of_its_own_provider(self) -> None:
        callers = {"own": "222233334444", "other": "999999999999", "unknown": None}
        listed = [
            {
                "address": f"data.aws_caller_identity.{name}",
                "type": "aws_caller_identity",
                "values": {"account_id": account},
            }
            for name, account in callers.items()
        ]
        keys = {"own": "module.m:aws", "other": "aws.other", "unknown": "aws"}
        blocks = [
            {"address": f"data.aws_caller_identity.{name}", "provider_config_key": key} for name, key in keys.items()
        ]
        plan = {
            "planned_values": {},
            "prior_state": {"values": {"root_module": {"resources": listed}}},
            "configuration": {"root_module": {"resources": blocks}},
        }
        assert plans.read(plan).place.account == "222233334444"

    def test_what_a_plan_has_no_expression_for_is_the_default(self) -> None:
        """Until it is applied, the policy that AWS gives a topic is not known; nor are the names in a map."""
        values = {"aws_sns_topic.topic": {"name": "s"}, f"{ALARM}.alarm": {"alarm_name": "a"}}
        expressions = {
            "aws_sns_topic.topic": {"name": {"constant_value": "s"}},
            f"{ALARM}.alarm": {"dimensions": {"references": ["aws_sns_topic.topic.id", "aws_sns_topic.topic"]}},
        }
        unknown = {"aws_sns_topic.topic": {"policy": True}, f"{ALARM}.alarm": {"dimensions": True}}
        plan = {
            "planned_values": {
                "root_module": {
                    "resources": [
                        {"address": one, "type": one.partition(".")[0], "mode": "managed", "values": given}
                        for one, given in values.items()
                    ]
                }
            },
            "resource_changes": [
                {"address": one, "change": {"after_unknown": arguments}} for one, arguments in unknown.items()
            ],
            "configuration": {
                "root_module": {
                    "resources": [{"address": one, "expressions": made} for one, made in expressions.items()]
                }
            },
        }
        topic, alarm = plans.read(plan).resources
        assert "policy" not in topic.values
        assert alarm.values["dimensions"] == plans.UNKNOWN

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

    def test_utf_16_is_read(self, tmp_path: Path) -> None:
        """As PowerShell's `>` writes it."""
        (tmp_path / "plan.json").write_bytes(json.dumps(stack_json(DEFAULTS)).encode("utf-16"))
        assert len(list(alarms(files.read(tmp_path / "plan.json")))) == len(the_stack.ALARMS)

    def test_terraforms_own_language_is_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "main.tf").write_text('resource "aws_sns_topic" "x" {}')
        with pytest.raises(DeclaredError, match=r"is Terraform's own language\. Make a plan of it"):
            files.read(tmp_path / "main.tf")

    def test_what_declares_nothing_has_no_alarms(self) -> None:
        assert plans.is_plan({"format_version": "1.0", "terraform_version": "1.11.4"})
        assert prove(plans.read({"format_version": "1.0", "terraform_version": "1.11.4"})) == []

    def test_a_name_that_is_too_long_is_not_read(self) -> None:
        with pytest.raises(DeclaredError, match="can't be read: File name too long"):
            files.read(Path("x" * 300))

    def test_a_folder_is_not_read(self, tmp_path: Path) -> None:
        with pytest.raises(DeclaredError, match="it is not a file"):
            files.read(tmp_path)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "x.json is empty"),
            (" \n", "x.json is empty"),
            ('{"resource": {', "is no valid JSON: Expecting property name enclosed in double quotes: line 1 column 15"),
            ("Resources:\n\tTopic: 5", "is no valid YAML at line 2: found character"),
            ("Resources: {a: [}", "is no valid YAML at line 1"),
            (
                '{"version": 4, "lineage": "x", "resources": []}',
                "is a state file. Write it as JSON: terraform show -json",
            ),
            ("a: !!int x", "is none of the documents"),
            ('{"resource": {"aws_sns_topic": {"\\ud800": {}}}}', "is not well-formed"),
            ("PK\x03\x04", "is a saved plan. Write it as JSON: terraform show -json"),
            ("5", "is none of the documents"),
            ("[]", "is none of the documents"),
            ('{"resource": 5}', "is none of the documents"),
            ('{"resource": {"aws_sns_topic": ["x"]}}', "is not well-formed"),
            ('{"resource": {"aws_sns_topic": {"x": 5}}}', "is not well-formed at aws_sns_topic.x"),
            ('{"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": 5}}}', "is not well-formed at Topic"),
            ('resource "aws_sns_topic" "x" {}', "is none of the documents"),
            ("\udc80", "can't be read"),
        ],
    )
    def test_what_is_no_document_is_told_in_a_sentence(self, text: str, why: str, tmp_path: Path) -> None:
        (tmp_path / "x.json").write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(DeclaredError, match=why):
            files.read(tmp_path / "x.json")
