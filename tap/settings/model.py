"""What the settings are: one line for each, with its kind and its default."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from tap.policies.roles import policy_names
from tap.settings.backends import PLACEHOLDER, AssumeRole, Backend, HttpBackend, LocalBackend, S3Backend
from tap.settings.kinds import (
    AccountId,
    AlarmName,
    AlarmPeriod,
    DashboardName,
    Email,
    KeyAlias,
    Profile,
    Project,
    Region,
    Suffix,
    TableName,
    TagKey,
    TagValue,
    Threshold,
    TopicName,
)

DEFAULT_SUFFIX = "dev"
OWN_TAGS = ("Environment", "Project", "ManagedBy")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _called(template: str) -> Any:
    """The name that a resource gets by default; `{}` is `<project_name>-<environment_suffix>`."""
    return Field(json_schema_extra={"template": template})


class Names(_Model):
    """The physical names of one environment's resources, each within AWS's limits for its kind."""

    table: TableName = _called("{}-turnaround-prompts")
    key_alias: KeyAlias = _called("alias/{}")
    topic: TopicName = _called("{}-alerts")
    dashboard: DashboardName = _called("{}-dashboard")
    throttle_alarm: AlarmName = _called("{}-dynamodb-throttle")
    system_error_alarm: AlarmName = _called("{}-dynamodb-system-errors")
    read_throttle_alarm: AlarmName = _called("{}-dynamodb-read-throttle")
    write_throttle_alarm: AlarmName = _called("{}-dynamodb-write-throttle")


def default_names(project_name: str, environment_suffix: str) -> dict[str, str]:
    """Names under `<project_name>-<environment_suffix>`, so that environments can share an account.

    The two arguments may be Terraform expressions.
    """
    prefix = f"{project_name}-{environment_suffix}"
    return {name: _template(name).format(prefix) for name in Names.model_fields}


def _template(name: str) -> str:
    extra = Names.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)  # noqa: S101 -- _called made it
    return str(extra["template"])


class Thresholds(_Model):
    """From how many on within `alarm_period` each alarm fires; called like the alarm's name in `Names`."""

    throttle_alarm: Threshold = 10
    system_error_alarm: Threshold = 5
    read_throttle_alarm: Threshold = 10
    write_throttle_alarm: Threshold = 10


def _own_tags_left_alone(tags: dict[str, str]) -> dict[str, str]:
    if taken := sorted(set(tags) & set(OWN_TAGS)):
        raise ValueError(f"tags of your own, not {taken[0]}, which the stack sets itself")
    if any(key.lower().startswith("aws:") for key in tags):
        raise ValueError("tag names that do not begin with aws:, which AWS keeps for itself")
    if len(tags) > 50 - len(OWN_TAGS):
        raise ValueError(f"at most {50 - len(OWN_TAGS)} tags, since AWS takes 50 and the stack sets three")
    return tags


def _not_too_many(default_tags: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    if len({*default_tags, *info.data.get("tags", {})}) > 50 - len(OWN_TAGS):
        raise ValueError(f"at most {50 - len(OWN_TAGS)} tags together with `tags`, since AWS takes 50")
    return default_tags


class Settings(_Model):
    """What one environment's stack is made from; every setting has a default."""

    environment_suffix: Suffix = DEFAULT_SUFFIX
    project_name: Project = "tap"
    region: Region = "us-east-1"
    alert_email: Email = ""
    deletion_protection_enabled: bool = False
    point_in_time_recovery_enabled: bool = False
    claim_index_enabled: bool = False
    iam_policies_enabled: bool = False
    alarm_period: AlarmPeriod = 300
    thresholds: Thresholds = Thresholds()
    allowed_account_ids: list[AccountId] = []
    tags: Annotated[dict[TagKey, TagValue], AfterValidator(_own_tags_left_alone)] = {}
    profile: Profile = ""
    assume_role: AssumeRole | None = None
    default_tags: Annotated[
        dict[TagKey, TagValue], AfterValidator(_own_tags_left_alone), AfterValidator(_not_too_many)
    ] = {}
    backend: Backend = LocalBackend()
    names: Names = Field(
        default_factory=lambda data: Names(**default_names(data["project_name"], data["environment_suffix"]))
    )

    @property
    def stack_name(self) -> str:
        """The stack's name, as in the CloudFormation template: `TapStack<environment_suffix>`."""
        return f"TapStack{self.environment_suffix}"

    @property
    def policy_names(self) -> dict[str, str]:
        """The names of the IAM policies that the stack has, by the role that each is for."""
        if not self.iam_policies_enabled:
            return {}
        return policy_names(self.project_name, self.environment_suffix, self.region)

    def state_key(self, backend: S3Backend) -> str:
        """Where in the bucket this environment's state is."""
        return backend.key or f"{self.project_name}/{self.environment_suffix}/terraform.tfstate"

    @property
    def state_place(self) -> tuple[str, ...]:
        """What tells this environment's state from another's; empty for a file of its own."""
        if isinstance(self.backend, LocalBackend):
            return ()
        if isinstance(self.backend, S3Backend):
            return (self.backend.bucket, self.state_key(self.backend))
        if isinstance(self.backend, HttpBackend):
            return (self.filled(self.backend.address),)
        hostname = self.backend.hostname or "app.terraform.io"
        return (hostname, self.backend.organization, self.state_workspace(self.backend.workspace))

    def state_workspace(self, workspace: str | None) -> str:
        """The workspace of HCP Terraform that holds this environment's state."""
        return workspace or f"{self.project_name}-{self.environment_suffix}"

    def filled(self, address: str) -> str:
        """An address with this environment's suffix in it, where it has a place for that."""
        return address.replace(PLACEHOLDER, self.environment_suffix)
