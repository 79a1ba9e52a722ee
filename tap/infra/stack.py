"""TapStack: one environment's settings become the backend, the provider, the variables and the parts."""

from cdktf import (
    LocalBackend,
    S3Backend,
    TerraformStack,
    TerraformVariable,
    TerraformVariableValidationConfig,
)
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from tap import settings as config
from tap.infra import parts


class TapStack(TerraformStack):
    """The stack of one environment, `TapStack<environment_suffix>`."""

    def __init__(self, scope: Construct, settings: config.Settings, *, s3_path_style: bool = False) -> None:
        """:param s3_path_style: whether the backend's bucket stands in the path and not in the host name."""
        super().__init__(scope, settings.stack_name)
        _backend(self, settings, s3_path_style)
        AwsProvider(self, "aws", region=settings.region, allowed_account_ids=list(settings.allowed_account_ids) or None)
        parts.build(
            self,
            stack_name=settings.stack_name,
            environment_suffix=settings.environment_suffix,
            region=settings.region,
            names=settings.names.model_dump(),
            # On each resource, not in the provider's default_tags: the same parts also serve as a plain module, where
            # the provider is the caller's.
            tags={
                **settings.tags,
                "Environment": settings.environment_suffix,
                "Project": settings.project_name,
                "ManagedBy": "cdktf",
            },
            conditions=_conditions(self, settings),
            claim_index=settings.claim_index_enabled,
            thresholds=settings.thresholds.model_dump(),
            alarm_period=settings.alarm_period,
            prevent_destroy=settings.deletion_protection_enabled,
        )


def _backend(stack: TerraformStack, settings: config.Settings, s3_path_style: bool) -> None:
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
    # cdktf 0.21 does not know these two.
    stack.add_override("terraform.backend.s3.use_lockfile", True)
    if s3_path_style:
        stack.add_override("terraform.backend.s3.use_path_style", True)


def _conditions(stack: TerraformStack, settings: config.Settings) -> parts.Conditions:
    """The conditions as variables, for `--var` and `TF_VAR_*`; the settings are their defaults."""
    return parts.Conditions(
        alert_email=TerraformVariable(
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
        deletion_protection_enabled=TerraformVariable(
            stack,
            "deletion_protection_enabled",
            type="bool",
            nullable=False,
            default=settings.deletion_protection_enabled,
            description="Whether the table refuses to be deleted",
        ),
        point_in_time_recovery_enabled=TerraformVariable(
            stack,
            "point_in_time_recovery_enabled",
            type="bool",
            nullable=False,
            default=settings.point_in_time_recovery_enabled,
            description="Whether the table can be restored to any second of the last 35 days",
        ),
    )
