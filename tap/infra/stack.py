"""TapStack: joins the parts, declares the Terraform variables and the outputs."""

from typing import Any

from cdktf import (
    Fn,
    LocalBackend,
    S3Backend,
    TerraformOutput,
    TerraformStack,
    TerraformVariable,
    TerraformVariableValidationConfig,
)
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from tap import settings as config
from tap.infra.alarms import alarms
from tap.infra.alerts import alert_topic
from tap.infra.dashboard import dashboard
from tap.infra.dashboard_body import dashboard_body
from tap.infra.encryption import encryption_key
from tap.infra.metrics import alarm_definitions
from tap.infra.policies import Place
from tap.infra.prompt_table import prompt_table

#: The console's hosts by partition, but for `aws`. Those of the isolated partitions are not public.
CONSOLE_HOSTS = {
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}


class TapStack(TerraformStack):
    """The stack of one environment, `TapStack<environment_suffix>`.

    Terraform addresses are the seed's logical ids and stay so: a refactoring that would change one ships a `moved`
    block.
    """

    def __init__(self, scope: Construct, settings: config.Settings) -> None:
        super().__init__(scope, settings.stack_name)
        _backend(self, settings)
        AwsProvider(self, "aws", region=settings.region)
        variables = _variables(self, settings)
        place = Place(
            partition=DataAwsPartition(self, "partition").partition,
            region=settings.region,
            account_id=DataAwsCallerIdentity(self, "account").account_id,
        )
        # On each resource, not in the provider's default_tags: the same parts also serve as a plain module, where
        # the provider is the caller's.
        tags = {
            **settings.tags,
            "Environment": settings.environment_suffix,
            "Project": settings.project_name,
            "ManagedBy": "cdktf",
        }
        names = settings.names
        key, alias = encryption_key(
            self,
            alias=names.key_alias,
            description=f"Encrypts the prompts and alerts of {settings.stack_name}",
            place=place,
            tags=tags,
        )
        topic, policy, subscription = alert_topic(
            self,
            name=names.topic,
            key_arn=key.arn,
            alert_email=variables["alert_email"],
            place=place,
            tags=tags,
        )
        definitions = alarm_definitions(names, names.table)
        made = alarms(self, definitions, topic_arn=topic.arn, tags=tags)
        board = dashboard(
            self,
            name=names.dashboard,
            body=dashboard_body(
                title=f"TAP, {settings.environment_suffix}",
                region=place.region,
                table=names.table,
                definitions=definitions,
                alarm_arns=[alarm.arn for alarm in made],
            ),
        )
        # Last to be made is first to be destroyed: while the table is protected a destroy stops there, and leaves it
        # with its alarms (the dashboard waits for those). Hence they all have its name, not a reference to it.
        table = prompt_table(
            self,
            name=names.table,
            key_arn=key.arn,
            deletion_protection=variables["deletion_protection_enabled"].boolean_value,
            point_in_time_recovery=variables["point_in_time_recovery_enabled"].boolean_value,
            depends_on=[alias, policy, subscription, board],
            tags=tags,
        )
        host = Fn.lookup(CONSOLE_HOSTS, place.partition, "console.aws.amazon.com")
        _outputs(
            self,
            TurnAroundPromptTableName=(table.name, "Name of the table of turnaround prompts"),
            TurnAroundPromptTableArn=(table.arn, "ARN of the table"),
            TurnAroundPromptTableStreamArn=(table.stream_arn, "ARN of the table's stream of changes"),
            KMSKeyId=(key.key_id, "Id of the key that encrypts the table and the topic"),
            KMSKeyArn=(key.arn, "ARN of that key"),
            SNSTopicArn=(topic.arn, "ARN of the topic that the alarms tell"),
            DashboardURL=(
                f"https://{place.region}.{host}/cloudwatch/home?region={place.region}#dashboards:name={names.dashboard}",
                "Address of the dashboard in AWS's console",
            ),
            StackName=(settings.stack_name, "Name of this stack"),
            EnvironmentSuffix=(settings.environment_suffix, "Name of this environment"),
        )


def _backend(stack: TerraformStack, settings: config.Settings) -> None:
    backend = settings.backend
    if isinstance(backend, config.LocalBackend):
        # Relative to cdktf.out/stacks/<stack>, so beside main.py: CDKTF's own default is an absolute path, which
        # would make the JSON differ between checkouts. Other Terraform workspaces' states stand there as well, and
        # not in cdktf.out, which people delete.
        state = f"../../../terraform.{settings.stack_name}.tfstate"
        LocalBackend(stack, path=state, workspace_dir=f"{state}.d")
        return
    S3Backend(
        stack,
        bucket=backend.bucket,
        key=settings.state_key(backend),
        region=backend.region or settings.region,
        encrypt=True,
    )
    stack.add_override("terraform.backend.s3.use_lockfile", True)  # cdktf 0.21 does not know it


def _variables(stack: TerraformStack, settings: config.Settings) -> dict[str, TerraformVariable]:
    """The seed's three conditions, decided at deploy by `--var` or `TF_VAR_*`; the settings are their defaults."""
    return {
        "alert_email": TerraformVariable(
            stack,
            "alert_email",
            type="string",
            nullable=False,
            default=settings.alert_email,
            description="Who is told by e-mail when an alarm changes its state; empty for nobody",
            validation=[
                TerraformVariableValidationConfig(
                    condition=f'${{var.alert_email == "" || can(regex("^{config.EMAIL}$", var.alert_email))}}',
                    error_message='alert_email must be an e-mail address, or "" for no e-mail.',
                )
            ],
        ),
        "deletion_protection_enabled": TerraformVariable(
            stack,
            "deletion_protection_enabled",
            type="bool",
            nullable=False,
            default=settings.deletion_protection_enabled,
            description="Whether the table refuses to be deleted",
        ),
        "point_in_time_recovery_enabled": TerraformVariable(
            stack,
            "point_in_time_recovery_enabled",
            type="bool",
            nullable=False,
            default=settings.point_in_time_recovery_enabled,
            description="Whether the table can be restored to any second of the last 35 days",
        ),
    }


def _outputs(stack: TerraformStack, **outputs: tuple[Any, str]) -> None:
    for name, (value, description) in outputs.items():
        TerraformOutput(stack, name, value=value, description=description)
