"""Where a state can be: one model for each kind of Terraform backend, each setting named as Terraform names it.

https://developer.hashicorp.com/terraform/language/backend. What else a backend takes goes by `-backend-config`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tap.settings.kinds import (
    Address,
    Bucket,
    ExternalId,
    Host,
    HttpMethod,
    KeyId,
    Organization,
    Profile,
    Region,
    RoleArn,
    SessionName,
    StateKey,
    StatePrefix,
    Workspace,
)

#: What stands for the environment's suffix in an address that several environments share.
PLACEHOLDER = "{environment}"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AssumeRole(_Table):
    """A role to assume, with the process's or the profile's credentials."""

    role_arn: RoleArn
    session_name: SessionName | None = None
    external_id: ExternalId | None = None


class Endpoints(_Table):
    """Addresses of the services that an S3 backend asks."""

    s3: Address | None = None
    sts: Address | None = None
    iam: Address | None = None
    sso: Address | None = None


class LocalBackend(_Table):
    """State in a file beside main.py."""

    type: Literal["local"] = "local"


class S3Backend(_Table):
    """State in an S3 bucket, locked by a file of its own beside it (Terraform 1.11's `use_lockfile`)."""

    type: Literal["s3"]
    bucket: Bucket
    key: StateKey | None = None
    region: Region | None = None
    kms_key_id: KeyId | None = None
    profile: Profile | None = None
    assume_role: AssumeRole | None = None
    workspace_key_prefix: StatePrefix | None = None
    use_path_style: bool | None = None
    endpoints: Endpoints | None = None


class HttpBackend(_Table):
    """State behind an HTTP address, as GitLab keeps it; the password is in TF_HTTP_PASSWORD."""

    type: Literal["http"]
    address: Address
    lock_address: Address | None = None
    unlock_address: Address | None = None
    lock_method: HttpMethod | None = None
    unlock_method: HttpMethod | None = None
    update_method: HttpMethod | None = None


class _Workspace(_Table):
    organization: Organization
    hostname: Host | None = None
    workspace: Workspace | None = None


class CloudBackend(_Workspace):
    """State in HCP Terraform or Terraform Enterprise; the token is in TF_TOKEN_<host>."""

    type: Literal["cloud"]


class RemoteBackend(_Workspace):
    """The same by the older backend `remote`, which other products speak as well."""

    type: Literal["remote"]


Backend = Annotated[LocalBackend | S3Backend | HttpBackend | CloudBackend | RemoteBackend, Field(discriminator="type")]
#: The kinds by their `type`.
BACKENDS: dict[str, type[BaseModel]] = {
    "local": LocalBackend,
    "s3": S3Backend,
    "http": HttpBackend,
    "cloud": CloudBackend,
    "remote": RemoteBackend,
}
