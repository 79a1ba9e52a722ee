"""TapStack: one environment's settings become the backend, the provider, the variables and the parts."""

from cdktf import (
    CloudBackend,
    HttpBackend,
    LocalBackend,
    NamedCloudWorkspace,
    NamedRemoteWorkspace,
    RemoteBackend,
    S3Backend,
    S3BackendAssumeRoleConfig,
    S3BackendEndpointConfig,
    TerraformStack,
    TerraformVariable,
    TerraformVariableValidationConfig,
)
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderAssumeRole, AwsProviderDefaultTags
from constructs import Construct

from tap import provider
from tap import settings as config
from tap.infra import parts


class TapStack(TerraformStack):
    """The stack of one environment, `TapStack<environment_suffix>`."""

    def __init__(self, scope: Construct, settings: config.Settings, *, s3_path_style: bool = False) -> None:
        """:param s3_path_style: whether the backend's bucket stands in the path and not in the host name."""
        super().__init__(scope, settings.stack_name)
        # Ours and not the bindings', which say "aws": the JSON then stays as it is whatever framework writes it.
        self.add_override("terraform.required_providers.aws", {"source": provider.SOURCE, "version": provider.VERSION})
        _backend(self, settings, s3_path_style)
        _provider(self, settings)
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
            conditions=conditions(self, settings),
            claim_index=settings.claim_index_enabled,
            thresholds=settings.thresholds.model_dump(),
            alarm_period=settings.alarm_period,
            prevent_destroy=settings.deletion_protection_enabled,
            policies=settings.policy_names,
        )


def _provider(stack: TerraformStack, settings: config.Settings) -> None:
    role = settings.assume_role
    AwsProvider(
        stack,
        "aws",
        region=settings.region,
        allowed_account_ids=list(settings.allowed_account_ids) or None,
        profile=settings.profile or None,
        assume_role=[AwsProviderAssumeRole(**role.model_dump())] if role else None,
        default_tags=[AwsProviderDefaultTags(tags=dict(settings.default_tags))] if settings.default_tags else None,
    )


def _backend(stack: TerraformStack, settings: config.Settings, s3_path_style: bool) -> None:
    backend = settings.backend
    if isinstance(backend, config.S3Backend):
        _s3_backend(stack, settings, backend, s3_path_style)
    elif isinstance(backend, config.HttpBackend):
        HttpBackend(
            stack,
            address=settings.filled(backend.address),
            lock_address=_filled(settings, backend.lock_address),
            # Terraform would lock and never unlock.
            unlock_address=_filled(settings, backend.unlock_address or backend.lock_address),
            lock_method=backend.lock_method,
            unlock_method=backend.unlock_method,
            update_method=backend.update_method,
        )
    elif isinstance(backend, config.CloudBackend):
        cloud = NamedCloudWorkspace(settings.state_workspace(backend.workspace))
        CloudBackend(stack, organization=backend.organization, hostname=backend.hostname, workspaces=cloud)
    elif isinstance(backend, config.RemoteBackend):
        remote = NamedRemoteWorkspace(settings.state_workspace(backend.workspace))
        RemoteBackend(stack, organization=backend.organization, hostname=backend.hostname, workspaces=remote)
    else:
        # Relative to cdktf.out/stacks/<stack>, so beside main.py: CDKTF's own default is an absolute path, which
        # would make the JSON differ between checkouts. Other Terraform workspaces' states stand there as well, and
        # not in cdktf.out, which people delete.
        state = f"../../../terraform.{settings.stack_name}.tfstate"
        LocalBackend(stack, path=state, workspace_dir=f"{state}.d")


def _filled(settings: config.Settings, address: str | None) -> str | None:
    return settings.filled(address) if address else None


def _s3_backend(
    stack: TerraformStack, settings: config.Settings, backend: config.S3Backend, s3_path_style: bool
) -> None:
    role, endpoints = backend.assume_role, backend.endpoints
    S3Backend(
        stack,
        bucket=backend.bucket,
        key=settings.state_key(backend),
        region=backend.region or settings.region,
        encrypt=True,
        kms_key_id=backend.kms_key_id,
        profile=backend.profile or None,
        assume_role=S3BackendAssumeRoleConfig(**role.model_dump(exclude_none=True)) if role else None,
        workspace_key_prefix=backend.workspace_key_prefix,
        endpoints=S3BackendEndpointConfig(**endpoints.model_dump(exclude_none=True)) if endpoints else None,
    )
    # cdktf 0.21 does not know this one.
    stack.add_override("terraform.backend.s3.use_lockfile", True)
    path_style = backend.use_path_style if backend.use_path_style is not None else s3_path_style
    if path_style:
        stack.add_override("terraform.backend.s3.use_path_style", True)


def conditions(stack: TerraformStack, settings: config.Settings) -> parts.Conditions:
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
