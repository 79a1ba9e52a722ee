"""All parts of the stack put together from plain values: no settings, no backend, no provider.

Each value may be a Terraform expression, so that the same parts serve `TapStack` and whatever else wants them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdktf import Fn, TerraformOutput, TerraformVariable
from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from constructs import Construct

from tap.infra.alarm_resources import alarms
from tap.infra.alarms import alarm_definitions
from tap.infra.dashboard import dashboard_body
from tap.infra.key import encryption_key
from tap.infra.role_policies import role_policies
from tap.infra.table import CLAIM_INDEX, prompt_table
from tap.infra.topic import alert_topic
from tap.place import Place
from tap.policies.roles import Target

#: The console's hosts by partition, but for `aws`. Those of the isolated partitions are not public.
CONSOLE_HOSTS = {
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}


@dataclass(frozen=True)
class Conditions:
    """The variables that the CloudFormation template's three conditions hang on: decided at deploy."""

    alert_email: TerraformVariable
    deletion_protection_enabled: TerraformVariable
    point_in_time_recovery_enabled: TerraformVariable


def build(
    scope: Construct,
    *,
    stack_name: str,
    environment_suffix: str,
    region: str,
    names: Mapping[str, str],
    tags: dict[str, str],
    conditions: Conditions,
    claim_index: bool,
    thresholds: Mapping[str, int],
    alarm_period: int,
    prevent_destroy: bool,
    policies: Mapping[str, str],
) -> None:
    """Make every resource and output in `scope`.

    `names` are the physical names by their settings (`table`, `key_alias`, …), and `thresholds` the alarms' by the same
    ones. `claim_index` says whether the table has the index that workers find prompts by, and `prevent_destroy` whether
    Terraform refuses a plan that would destroy the table or its key. `policies` are the names of the IAM policies that
    the stack has, by the role that each is for; none by default. Terraform addresses are the CloudFormation
    template's logical ids and stay so: a refactoring that would change one ships a `moved` block.
    """
    place = Place(
        partition=DataAwsPartition(scope, "partition").partition,
        region=region,
        account=DataAwsCallerIdentity(scope, "account").account_id,
    )
    key, alias = encryption_key(
        scope,
        alias=names["key_alias"],
        description=f"Encrypts the prompts and alerts of {stack_name}",
        place=place,
        prevent_destroy=prevent_destroy,
        tags=tags,
    )
    topic, policy, subscription = alert_topic(
        scope,
        name=names["topic"],
        key_arn=key.arn,
        alert_email=conditions.alert_email,
        place=place,
        tags=tags,
    )
    index = CLAIM_INDEX if claim_index else None
    definitions = alarm_definitions(names, thresholds, index)
    made = alarms(scope, definitions, period=alarm_period, topic_arn=topic.arn, tags=tags)
    body = dashboard_body(
        title=f"TAP, {environment_suffix}",
        region=region,
        table=names["table"],
        index=index,
        definitions=definitions,
        alarm_period=alarm_period,
        alarm_arns=[alarm.arn for alarm in made],
    )
    board = CloudwatchDashboard(
        scope, "CloudWatchDashboard", dashboard_name=names["dashboard"], dashboard_body=json.dumps(body)
    )
    # The last to be made is the first to be destroyed: while the table is protected a destroy stops there, and leaves
    # it with its alarms (the dashboard waits for those). That is why all of them have its name, not a reference to it.
    table = prompt_table(
        scope,
        name=names["table"],
        key_arn=key.arn,
        deletion_protection=conditions.deletion_protection_enabled.boolean_value,
        point_in_time_recovery=conditions.point_in_time_recovery_enabled.boolean_value,
        claim_index=claim_index,
        prevent_destroy=prevent_destroy,
        depends_on=[alias, policy, subscription, board],
        tags=tags,
    )
    target = Target(
        place=place,
        project="",
        environment=environment_suffix,
        table=names["table"],
        topic=names["topic"],
        key_alias=names["key_alias"],
        dashboard=names["dashboard"],
        alarms=tuple(one.name for one in definitions),
        key_arn=key.arn,
    )
    for name, role_policy in role_policies(scope, target, policies, tags=tags).items():
        _outputs(scope, **{f"{name}Arn": (role_policy.arn, role_policy.description_input or "")})
    host = Fn.lookup(CONSOLE_HOSTS, place.partition, "console.aws.amazon.com")
    _outputs(
        scope,
        TurnAroundPromptTableName=(table.name, "Name of the table of turnaround prompts"),
        TurnAroundPromptTableArn=(table.arn, "ARN of the table"),
        TurnAroundPromptTableStreamArn=(table.stream_arn, "ARN of the table's stream of changes"),
        KMSKeyId=(key.key_id, "Id of the key that encrypts the table and the topic"),
        KMSKeyArn=(key.arn, "ARN of that key"),
        SNSTopicArn=(topic.arn, "ARN of the topic that the alarms tell"),
        DashboardURL=(
            f"https://{region}.{host}/cloudwatch/home?region={region}#dashboards:name={names['dashboard']}",
            "Address of the dashboard in AWS's console",
        ),
        StackName=(stack_name, "Name of this stack"),
        EnvironmentSuffix=(environment_suffix, "Name of this environment"),
    )


def _outputs(scope: Construct, **outputs: tuple[Any, str]) -> None:
    for name, (value, description) in outputs.items():
        TerraformOutput(scope, name, value=value, description=description)
