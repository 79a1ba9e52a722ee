"""Clients of AWS's services, with an environment's credentials and at the endpoints that are configured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from tap.settings import S3Backend, Settings
from tap.state import StateError
from tap.state.configured import endpoint_of

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 30


class Session:
    """One environment's credentials: the process's, or those of the environment's profile and role."""

    def __init__(self, settings: Settings, process_environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._variables = process_environment

    def client(self, service: str) -> Any:
        """A boto3 client of that service in the environment's region."""
        return self._client(self._session, service, self._settings.region)

    @cached_property
    def account(self) -> str:
        """The number of the account that the credentials belong to.

        :raises StateError: when there are none, or they are refused.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            account: str = self.client("sts").get_caller_identity()["Account"]
        except (BotoCoreError, ClientError, ValueError) as error:
            raise StateError(
                f"{self._settings.stack_name}: the AWS credentials do not work: {one_line(error)}. Set AWS_PROFILE, or"
                " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in again."
            ) from error
        return account

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, …"""
        partition: str = self._session.get_partition_for_region(self._settings.region)
        return partition

    def require_usable(self) -> None:
        """Return if the credentials work, are of an allowed account, and reach the bucket that the state is in.

        :raises StateError: when not; Terraform would find out later, and some of it after half a minute.
        """
        allowed = self._settings.allowed_account_ids
        if allowed and self.account not in allowed:
            raise StateError(
                f"{self._settings.stack_name}: the credentials are of the account {self.account}, and"
                f" allowed_account_ids has only {', '.join(allowed)}: use that account's credentials."
            )
        if not self.account:
            raise StateError(f"{self._settings.stack_name}: AWS does not say which account the credentials are of.")
        if isinstance(self._settings.backend, S3Backend):
            self._require_bucket(self._settings.backend)

    def _require_bucket(self, backend: S3Backend) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        region = backend.region or self._settings.region
        try:
            self._client(self._session, "s3", region).head_bucket(Bucket=backend.bucket)
        except (BotoCoreError, ClientError, ValueError) as error:
            status = getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode")
            why = {
                404: "does not exist: make it, or correct the setting",
                403: "may not be read with these credentials",
                301: f"is not in {region}: set backend.region",
            }.get(status, f"can't be reached: {one_line(error)}")
            raise StateError(
                f'{self._settings.stack_name}: backend.bucket = "{backend.bucket}", which {why}.'
            ) from error

    @cached_property
    def _session(self) -> Any:
        import boto3  # late: a synth with nothing deployed does without its 0.2 s

        return boto3.Session()

    def _client(self, session: Any, service: str, region: str) -> Any:
        from botocore.config import Config

        endpoint = endpoint_of(service, self._variables)
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_ANSWER_SECONDS,
            retries={"mode": "standard", "max_attempts": 3},
        )
        return session.client(
            service, region_name=region, endpoint_url=endpoint.url if endpoint else None, config=config
        )


def one_line(error: object) -> str:
    """An error's text on one line, without a full stop at its end."""
    return " ".join(str(error).split()).rstrip(".")
