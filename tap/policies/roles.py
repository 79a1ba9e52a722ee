"""Least privilege for the people and programs that use a stack: one document for each role.

Which request of which command needs which action was recorded and evaluated (`make prove`, docs/security.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tap.place import Place

Document = dict[str, Any]
Statement = dict[str, Any]


@dataclass(frozen=True)
class StateBucket:
    """The S3 bucket with the stack's Terraform state, and the state's key in it."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Target:
    """The stack that a document is about, by its names."""

    place: Place
    project: str
    environment: str
    table: str
    topic: str
    key_alias: str
    dashboard: str
    alarms: tuple[str, ...]
    #: Names of the program roles' IAM policies, also while they are switched off. Only planner and deployer need them.
    policies: tuple[str, ...] = ()
    #: Without it, the key is the one that has the stack's tags.
    key_arn: str | None = None
    state: StateBucket | None = None

    @property
    def table_arn(self) -> str:
        """The table's ARN."""
        return self.place.arn("dynamodb", f"table/{self.table}")

    @property
    def topic_arn(self) -> str:
        """The topic's ARN."""
        return self.place.arn("sns", self.topic)

    @property
    def alarm_arns(self) -> list[str]:
        """The alarms' ARNs."""
        return [self.place.arn("cloudwatch", f"alarm:{name}") for name in self.alarms]


_DESCRIBED: Final = "dynamodb:DescribeTable"  # tells whether there is a claim index
_INDEX: Final = "claims"


def policy_names(project: str, environment: str, region: str) -> dict[str, str]:
    """What the programs' policies are called in IAM, by role. IAM has no regions: so the names have it."""
    return {role: f"{project}-{environment}-{region}-{role.replace('_', '-')}" for role in OF_PROGRAMS}


def reader(target: Target) -> Document:
    """Reads prompts: `get`, `list` and `export`."""
    return _document(
        _statement(
            "ReadPrompts", [_DESCRIBED, *_of("dynamodb", ["BatchGetItem", "GetItem", "Scan"])], target.table_arn
        ),
        _statement("ListPromptsByIndex", ["dynamodb:Query"], f"{target.table_arn}/index/{_INDEX}"),
        _key_through_dynamodb(target),
    )


def writer(target: Target) -> Document:
    """Stores prompts one by one: `create`, `update` and `delete`."""
    actions = [_DESCRIBED, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    return _document(_statement("WritePrompts", actions, target.table_arn), _key_through_dynamodb(target))


def worker(target: Target) -> Document:
    """Claims prompts and completes them, by the claim index where there is one: `claim` and `work`."""
    return _document(
        _statement("ClaimPrompts", [_DESCRIBED, "dynamodb:Scan", "dynamodb:UpdateItem"], target.table_arn),
        _statement("FindPromptsByIndex", ["dynamodb:Query"], f"{target.table_arn}/index/{_INDEX}"),
        _key_through_dynamodb(target),
    )


def importer(target: Target) -> Document:
    """Imports prompts in bulk, and gives those that have none their entry in the claim index."""
    of_items = ["BatchGetItem", "BatchWriteItem", "PutItem", "Scan", "UpdateItem"]
    actions = [_DESCRIBED, *_of("dynamodb", of_items)]
    return _document(_statement("ImportPrompts", actions, target.table_arn), _key_through_dynamodb(target))


def stream_consumer(target: Target) -> Document:
    """Reads the table's stream of changes: `watch`."""
    actions = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
    return _document(
        _statement("FindStream", [_DESCRIBED], target.table_arn),
        _statement("ReadStream", actions, f"{target.table_arn}/stream/*"),
        _key_through_dynamodb(target),
    )


def planner(target: Target) -> Document:
    """Plans, and looks: `terraform plan`, `tap drift`, `tap check` and `tap dashboard`."""
    return _document(*_looking(target), *_state(target, writes=False))


def deployer(target: Target) -> Document:
    """Deploys, changes and destroys the stack, takes over what exists, and tries its alarms; a planner too."""
    return _document(*_looking(target), *_changing(target), *_state(target, writes=True))


#: The roles of programs, which the stack can have as IAM policies; a stack can't hold what it is deployed with.
OF_PROGRAMS: Final[Mapping[str, Callable[[Target], Document]]] = {
    "reader": reader,
    "writer": writer,
    "worker": worker,
    "importer": importer,
    "stream_consumer": stream_consumer,
}
ROLES: Final[Mapping[str, Callable[[Target], Document]]] = {**OF_PROGRAMS, "planner": planner, "deployer": deployer}


def _document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(sid: str, actions: list[str], resource: str | list[str], **condition: Any) -> Statement:
    made: Statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
    return made | ({"Condition": condition} if condition else {})


def _looking(target: Target) -> list[Statement]:
    key = _key_arn(target)
    table = [
        _DESCRIBED,
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:ListTagsOfResource",
    ]
    of_key = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"]
    topic = ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"]
    return [
        _statement("LookAtTable", table, target.table_arn),
        _statement("LookAtKey", of_key, key, **_own_key(target)),
        # Terraform's provider compares the table's key with the one that AWS manages for DynamoDB.
        _statement(
            "LookAtDefaultKey",
            ["kms:DescribeKey"],
            target.place.arn("kms", "key/*"),
            **{"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/dynamodb"}},
        ),
        _statement("LookAtTopic", topic, target.topic_arn),
        _statement("LookAtAlarms", ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"], target.alarm_arns),
        _statement("LookAtDashboard", ["cloudwatch:GetDashboard"], _dashboard(target)),
        # AWS has no resources for these.
        _statement("LookUp", ["cloudwatch:GetMetricData", "kms:ListAliases", "sns:GetSubscriptionAttributes"], "*"),
        _statement("LookAtPolicies", ["iam:GetPolicy", "iam:GetPolicyVersion"], _policies(target)),
    ]


def _changing(target: Target) -> list[Statement]:
    key, alias = _key_arn(target), target.place.arn("kms", target.key_alias)
    table = ["CreateTable", "DeleteTable", "TagResource", "UntagResource", "UpdateContinuousBackups", "UpdateTable"]
    of_key = ["EnableKeyRotation", "PutKeyPolicy", "ScheduleKeyDeletion", "CancelKeyDeletion", "EnableKey"]
    of_key += ["TagResource", "UntagResource", "UpdateKeyDescription", "CreateAlias", "DeleteAlias", "UpdateAlias"]
    through_dynamodb = ["CreateGrant", "Decrypt", "Encrypt", "GenerateDataKey*", "ReEncrypt*"]
    topic = ["CreateTopic", "DeleteTopic", "SetTopicAttributes", "TagResource", "UntagResource"]
    alarms = ["DeleteAlarms", "PutMetricAlarm", "SetAlarmState", "TagResource", "UntagResource"]
    policies = ["CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "ListPolicyVersions"]
    policies += ["TagPolicy", "UntagPolicy"]
    tags = _tags(target, "aws:RequestTag")
    return [
        _statement("ChangeTable", _of("dynamodb", [*table, "UpdateTimeToLive"]), target.table_arn),
        _statement("MakeKey", ["kms:CreateKey"], "*", StringEquals=tags),
        # A new key has no tags yet. One that has another stack's stays that stack's.
        _statement(
            "TagNewKey",
            ["kms:TagResource"],
            target.place.arn("kms", "key/*"),
            StringEquals=tags,
            StringEqualsIfExists=_tags(target, "aws:ResourceTag"),
        ),
        _statement("ChangeKey", _of("kms", of_key), key, **_own_key(target)),
        _statement("ChangeAlias", _of("kms", ["CreateAlias", "DeleteAlias", "UpdateAlias"]), alias),
        # What DynamoDB needs of whoever chooses the table's key: AWS, "DynamoDB encryption at rest usage notes".
        _through_dynamodb(target, "EncryptTable", _of("kms", through_dynamodb)),
        _statement("ChangeTopic", _of("sns", topic), target.topic_arn),
        _statement("SubscribeMail", ["sns:Subscribe"], target.topic_arn, StringEquals={"sns:Protocol": "email"}),
        _statement("ChangeAlarms", _of("cloudwatch", alarms), target.alarm_arns),
        _statement("ChangeDashboard", _of("cloudwatch", ["DeleteDashboards", "PutDashboard"]), _dashboard(target)),
        # AWS has no resources for these: a lost key is looked for among all.
        _statement("LookForLost", ["kms:ListKeys", "sns:Unsubscribe"], "*"),
        _statement("ChangePolicies", _of("iam", policies), _policies(target)),
    ]


def _state(target: Target, *, writes: bool) -> list[Statement]:
    """The state in S3; a plan locks it too, by a file beside it."""
    if target.state is None:
        return []
    bucket = f"arn:{target.place.partition}:s3:::{target.state.bucket}"
    state, lock = f"{bucket}/{target.state.key}", f"{bucket}/{target.state.key}.tflock"
    return [
        _statement("FindState", ["s3:ListBucket"], bucket),
        _statement("ReadState", ["s3:GetObject"], state),
        _statement("LockState", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], lock),
        *([_statement("WriteState", ["s3:PutObject"], state)] if writes else []),
    ]


def _of(service: str, actions: list[str]) -> list[str]:
    return [f"{service}:{action}" for action in actions]


def _dashboard(target: Target) -> str:
    return target.place.arn("cloudwatch", f"dashboard/{target.dashboard}", region="")


def _policies(target: Target) -> list[str]:
    return [target.place.arn("iam", f"policy/{name}", region="") for name in target.policies]


def _key_arn(target: Target) -> str:
    return target.key_arn or target.place.arn("kms", "key/*")


def _own_key(target: Target) -> dict[str, Any]:
    return {} if target.key_arn else {"StringEquals": _tags(target, "aws:ResourceTag")}


def _tags(target: Target, kind: str) -> dict[str, str]:
    return {f"{kind}/Project": target.project, f"{kind}/Environment": target.environment}


def _key_through_dynamodb(target: Target) -> Statement:
    """What DynamoDB does with the key for whoever reads or writes items."""
    return _through_dynamodb(target, "UseKeyThroughDynamoDB", ["kms:Decrypt", "kms:DescribeKey"])


def _through_dynamodb(target: Target, sid: str, actions: list[str]) -> Statement:
    # Hosts in China end in .com.cn.
    service = f"dynamodb.{target.place.region}.amazonaws.com*"
    condition = {**_own_key(target), "StringLike": {"kms:ViaService": service}}
    return _statement(sid, actions, _key_arn(target), **condition)
