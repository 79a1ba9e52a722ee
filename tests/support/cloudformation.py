"""The seed's stack as a CloudFormation template, written from its description: what this project is adopted from.

LocalStack ignores the template's protection and backups and makes no dashboard: `deployed` sets the first two through
DynamoDB itself.
"""

import json
from typing import Any

from tests.support.endpoints import Endpoint

_NAME = "${ProjectName}-${EnvironmentSuffix}"
_TAGS = [
    {"Key": "Environment", "Value": {"Ref": "EnvironmentSuffix"}},
    {"Key": "Project", "Value": {"Ref": "ProjectName"}},
    {"Key": "ManagedBy", "Value": "CloudFormation"},
]
#: As the seed deploys it in production.
ALL_PARAMETERS = {
    "EnvironmentSuffix": "prod",
    "AlertEmail": "ops@example.com",
    "DeletionProtectionEnabled": "true",
    "PointInTimeRecoveryEnabled": "true",
}


def _sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def _alarm(name: str, metric: str, threshold: int) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": _sub(f"{_NAME}-{name}"),
            "AlarmDescription": f"Alert on {metric}",
            "Namespace": "AWS/DynamoDB",
            "MetricName": metric,
            "Dimensions": [{"Name": "TableName", "Value": {"Ref": "TurnAroundPromptTable"}}],
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "SNSTopic"}],
        },
    }


def _condition(parameter: str) -> dict[str, Any]:
    return {"Fn::Equals": [{"Ref": parameter}, "true"]}


def template() -> dict[str, Any]:
    """The template, in CloudFormation's JSON."""
    key_policy = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": _sub("arn:aws:iam::${AWS::AccountId}:root")},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": ["dynamodb.amazonaws.com", "sns.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
        },
    ]
    body = {"widgets": [{"type": "text", "width": 24, "height": 2, "properties": {"markdown": "TAP"}}]}
    toggles = ("DeletionProtectionEnabled", "PointInTimeRecoveryEnabled")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {
            "EnvironmentSuffix": {"Type": "String", "Default": "dev"},
            "ProjectName": {"Type": "String", "Default": "tap"},
            "AlertEmail": {"Type": "String", "Default": ""},
            **{name: {"Type": "String", "Default": "false"} for name in toggles},
        },
        "Conditions": {
            "EnableDeletionProtection": _condition("DeletionProtectionEnabled"),
            "EnablePointInTimeRecovery": _condition("PointInTimeRecoveryEnabled"),
            "HasAlertEmail": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlertEmail"}, ""]}]},
        },
        "Resources": {
            "KMSKey": {
                "Type": "AWS::KMS::Key",
                "Properties": {
                    "Description": _sub(f"Encrypts {_NAME}"),
                    "EnableKeyRotation": True,
                    "KeyPolicy": {"Version": "2012-10-17", "Statement": key_policy},
                    "Tags": _TAGS,
                },
            },
            "KMSKeyAlias": {
                "Type": "AWS::KMS::Alias",
                "Properties": {"AliasName": _sub(f"alias/{_NAME}"), "TargetKeyId": {"Ref": "KMSKey"}},
            },
            "TurnAroundPromptTable": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": _sub(f"{_NAME}-turnaround-prompts"),
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
                    "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
                    "SSESpecification": {
                        "SSEEnabled": True,
                        "SSEType": "KMS",
                        "KMSMasterKeyId": {"Fn::GetAtt": ["KMSKey", "Arn"]},
                    },
                    "DeletionProtectionEnabled": {"Fn::If": ["EnableDeletionProtection", True, False]},
                    "PointInTimeRecoverySpecification": {
                        "PointInTimeRecoveryEnabled": {"Fn::If": ["EnablePointInTimeRecovery", True, False]}
                    },
                    "Tags": _TAGS,
                },
            },
            "SNSTopic": {
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "TopicName": _sub(f"{_NAME}-alerts"),
                    "KmsMasterKeyId": {"Ref": "KMSKey"},
                    "Tags": _TAGS,
                },
            },
            "AlertEmailSubscription": {
                "Type": "AWS::SNS::Subscription",
                "Condition": "HasAlertEmail",
                "Properties": {
                    "TopicArn": {"Ref": "SNSTopic"},
                    "Protocol": "email",
                    "Endpoint": {"Ref": "AlertEmail"},
                },
            },
            "DynamoDBThrottleAlarm": _alarm("dynamodb-throttle", "UserErrors", 10),
            "DynamoDBSystemErrorAlarm": _alarm("dynamodb-system-errors", "SystemErrors", 5),
            "DynamoDBReadThrottleAlarm": _alarm("dynamodb-read-throttle", "ReadThrottleEvents", 10),
            "DynamoDBWriteThrottleAlarm": _alarm("dynamodb-write-throttle", "WriteThrottleEvents", 10),
            "CloudWatchDashboard": {
                "Type": "AWS::CloudWatch::Dashboard",
                "Properties": {"DashboardName": _sub(f"{_NAME}-dashboard"), "DashboardBody": json.dumps(body)},
            },
        },
        "Outputs": {"TurnAroundPromptTableName": {"Value": {"Ref": "TurnAroundPromptTable"}}},
    }


def deployed(endpoint: Endpoint, name: str, parameters: dict[str, str]) -> str:
    """Deploy the template as a stack of that name; its table's name."""
    client = endpoint.cloudformation
    client.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template()),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    (table,) = [one["OutputValue"] for one in stack["Outputs"]]
    if parameters.get("DeletionProtectionEnabled") == "true":
        endpoint.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    if parameters.get("PointInTimeRecoveryEnabled") == "true":
        recovery = {"PointInTimeRecoveryEnabled": True}
        endpoint.dynamodb.update_continuous_backups(
            TableName=table,
            PointInTimeRecoverySpecification=recovery,  # type: ignore[arg-type]
        )
    return str(table)
