"""Whether a stack that exists is in the state that a deploy is about to use."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tap.settings import S3Backend, Settings
from tap.state import StateError
from tap.state.session import Session

#: Set by whoever is about to put what exists into the state.
ADOPTING = "TAP_ADOPTING"
#: Without one of these a look for credentials takes seconds, and finds none.
_CREDENTIALS = (
    *("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)


def require_recorded(environments: Iterable[Settings], folder: Path, process_environment: Mapping[str, str]) -> None:
    """Return unless a stack's table exists, and its state in S3 knows of nothing.

    Asks only where Terraform has no record of the backend: in a fresh clone, where it doesn't notice that the backend
    is another one than it was. What can't be asked is left to Terraform.

    :raises StateError: when a deploy would make everything anew.
    """
    if process_environment.get(ADOPTING) or not _has_credentials(process_environment):
        return
    for settings in environments:
        record = folder / "cdktf.out/stacks" / settings.stack_name / ".terraform/terraform.tfstate"
        if not isinstance(settings.backend, S3Backend) or record.exists():
            continue
        key = state_key(settings, settings.backend, process_environment)
        if _is_lost(settings, settings.backend, key, process_environment):
            raise StateError(
                f"The table {settings.names.table} of {settings.stack_name} exists, and its state,"
                f" s3://{settings.backend.bucket}/{key}, knows of nothing: a deploy would make everything anew. Was the"
                " state somewhere else before? Then deploy from there with `--migrate-state`. If it is lost,"
                f" `tap adopt {settings.environment_suffix} --apply`. For another environment alone, set"
                " TAP_ENVIRONMENT_SUFFIX to its name."
            )


def _has_credentials(process_environment: Mapping[str, str]) -> bool:
    home = Path(process_environment.get("HOME", ""))
    return any(process_environment.get(name) for name in _CREDENTIALS) or (home / ".aws").is_dir()


def state_key(settings: Settings, backend: S3Backend, process_environment: Mapping[str, str]) -> str:
    """Where in the bucket the state of the Terraform workspace is."""
    workspace = process_environment.get("TF_WORKSPACE") or "default"
    key = settings.state_key(backend)
    return key if workspace == "default" else f"{backend.workspace_key_prefix or 'env:'}/{workspace}/{key}"


def _is_lost(settings: Settings, backend: S3Backend, key: str, process_environment: Mapping[str, str]) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    session = Session(settings, process_environment, is_hurried=True)
    try:
        if _resources(session.bucket_client(backend), backend.bucket, key):
            return False
        session.client("dynamodb").describe_table(TableName=settings.names.table)
    except (BotoCoreError, ClientError, ValueError):
        return False
    return True


def _resources(client: Any, bucket: str, key: str) -> bool:
    try:
        state = json.load(client.get_object(Bucket=bucket, Key=key)["Body"])
    except client.exceptions.NoSuchKey:
        return False
    return bool(state.get("resources"))
