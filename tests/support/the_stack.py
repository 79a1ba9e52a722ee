"""What the tests know about the stack, written down once and by hand: a new alarm is one more line in here.

The CloudFormation template's logical ids are the Terraform addresses; the settings are those of `[env.names]`.
"""

from dataclasses import dataclass
from typing import Literal

from tap.settings import Names


@dataclass(frozen=True)
class Alarm:
    """An alarm: its logical id, the setting that names it, and when it fires.

    `per` is what AWS counts the metric by: the whole account, this table, or this table and each operation.
    """

    logical_id: str
    setting: str
    metric: str
    per: Literal["account", "table", "operation"]
    threshold: int

    @property
    def address(self) -> str:
        """Its Terraform address."""
        return f"aws_cloudwatch_metric_alarm.{self.logical_id}"


ALARMS = (
    Alarm("DynamoDBThrottleAlarm", "throttle_alarm", "UserErrors", "account", 10),
    Alarm("DynamoDBSystemErrorAlarm", "system_error_alarm", "SystemErrors", "operation", 5),
    Alarm("DynamoDBReadThrottleAlarm", "read_throttle_alarm", "ReadThrottleEvents", "table", 10),
    Alarm("DynamoDBWriteThrottleAlarm", "write_throttle_alarm", "WriteThrottleEvents", "table", 10),
)
#: The settings `thresholds` and `alarm_period` by default.
THRESHOLDS = {alarm.setting: alarm.threshold for alarm in ALARMS}
ALARM_PERIOD = 300
SUBSCRIPTION = "aws_sns_topic_subscription.AlertEmailSubscription"
#: Where each name in the settings ends up: the resource's address, and its argument.
NAMED = {
    "table": ("aws_dynamodb_table.TurnAroundPromptTable", "name"),
    "key_alias": ("aws_kms_alias.KMSKeyAlias", "name"),
    "topic": ("aws_sns_topic.SNSTopic", "name"),
    "dashboard": ("aws_cloudwatch_dashboard.CloudWatchDashboard", "dashboard_name"),
    **{alarm.setting: (alarm.address, "alarm_name") for alarm in ALARMS},
}
if unknown := set(NAMED) ^ set(Names.model_fields):
    raise AssertionError(
        f"{', '.join(sorted(unknown))}: the names in tap/settings/model.py are not those in tests/support/the_stack.py."
        " A new alarm needs its line in ALARMS there."
    )
#: Every resource; the subscription is there only when there is an address to send to.
ADDRESSES = {
    *(address for address, _ in NAMED.values()),
    "aws_kms_key.KMSKey",
    "aws_sns_topic_policy.SNSTopicPolicy",
    SUBSCRIPTION,
}
#: The IAM policies that the stack has where they are wanted, by role; their addresses are aws_iam_policy's.
POLICIES = {
    "reader": "ReaderPolicy",
    "writer": "WriterPolicy",
    "worker": "WorkerPolicy",
    "importer": "ImporterPolicy",
    "stream_consumer": "StreamConsumerPolicy",
}
#: What takes tags; tests/validation asks the provider's schema whether that is all.
TAGGED = {
    "aws_kms_key.KMSKey",
    "aws_dynamodb_table.TurnAroundPromptTable",
    "aws_sns_topic.SNSTopic",
    *(alarm.address for alarm in ALARMS),
}
OUTPUTS = {
    "TurnAroundPromptTableName",
    "TurnAroundPromptTableArn",
    "TurnAroundPromptTableStreamArn",
    "KMSKeyId",
    "KMSKeyArn",
    "SNSTopicArn",
    "DashboardURL",
    "StackName",
    "EnvironmentSuffix",
}


def names(template: str = "the-{}") -> Names:
    """Names of one's own for all that has a name; each says its own setting, so that a swapped one shows."""
    own = {setting: template.format(setting.replace("_", "-")) for setting in NAMED}
    return Names(**own | {"key_alias": f"alias/{own['key_alias']}"})
