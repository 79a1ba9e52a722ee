"""Clients of AWS's services, with an environment's credentials and at the endpoints that are configured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from tap.place import Place
from tap.settings import AssumeRole, S3Backend, Settings
from tap.settings.kinds import partition_of
from tap.state import StateError
from tap.state.configured import endpoint_of, with_profile

#: Seconds for the connection and for the answer, and how often to ask.
_PATIENT = (5, 30, 3)
#: A synth must not wait for an endpoint that is not there.
_HURRIED = (2, 5, 1)


class Session:
    """One environment's credentials: the process's, or those of the environment's profile and role."""

    def __init__(self, settings: Settings, process_environment: Mapping[str, str], *, is_hurried: bool = False) -> None:
        self._settings = settings
        self._process_environment = process_environment
        self._variables = with_profile(process_environment, settings.profile)
        self._limits = _HURRIED if is_hurried else _PATIENT
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A boto3 client of that service in the environment's region; making one takes 20 ms and more."""
        if service not in self._clients:
            self._clients[service] = self._client(self._session, service, self._settings.region, self._variables)
        return self._clients[service]

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
        return partition_of(self._settings.region)

    @property
    def place(self) -> Place:
        """Where the environment is, or would be, deployed.

        :raises StateError: for credentials that don't work: they tell the account.
        """
        return Place(self.partition, self._settings.region, self.account)

    def require_usable(self) -> None:
        """Return if the credentials work, are of an allowed account, and reach the bucket that the state is in.

        :raises StateError: when not; Terraform would find out later, and some of it after half a minute.
        """
        self.require_allowed()
        if isinstance(self._settings.backend, S3Backend):
            self._require_bucket(self._settings.backend)

    def require_allowed(self) -> None:
        """Return if the credentials work and are of an account that the environment may be in.

        :raises StateError: when not.
        """
        account, allowed = self.account, self._settings.allowed_account_ids
        if allowed and account not in allowed:
            raise StateError(
                f"{self._settings.stack_name}: the credentials are of the account {account}, and"
                f" allowed_account_ids has only {', '.join(allowed)}: use that account's credentials."
            )

    def bucket_client(self, backend: S3Backend) -> Any:
        """A client for the backend's bucket, by the backend's own credentials: the provider's are not for it."""
        region = backend.region or self._settings.region
        variables = with_profile(self._process_environment, backend.profile)
        session = self._made(backend.profile, backend.assume_role, region, variables)
        address = backend.endpoints.s3 if backend.endpoints else None
        return self._client(session, "s3", region, variables, address)

    def _require_bucket(self, backend: S3Backend) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        region = backend.region or self._settings.region
        try:
            self.bucket_client(backend).head_bucket(Bucket=backend.bucket)
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
        return self._made(self._settings.profile, self._settings.assume_role, self._settings.region, self._variables)

    def _made(self, profile: str | None, role: AssumeRole | None, region: str, variables: Mapping[str, str]) -> Any:
        import boto3  # late: a synth with nothing deployed does without its 0.2 s

        session = boto3.Session(profile_name=profile or None)
        if role is None:
            return session
        answer = self._client(session, "sts", region, variables).assume_role(
            RoleArn=role.role_arn,
            RoleSessionName=role.session_name or "tap",
            **({"ExternalId": role.external_id} if role.external_id else {}),
        )
        credentials = answer["Credentials"]
        return boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])

    def _client(
        self, session: Any, service: str, region: str, variables: Mapping[str, str], address: str | None = None
    ) -> Any:
        from botocore.config import Config

        endpoint = endpoint_of(service, variables)
        connect, answer, attempts = self._limits
        config = Config(
            connect_timeout=connect, read_timeout=answer, retries={"mode": "standard", "total_max_attempts": attempts}
        )
        url = address or (endpoint.url if endpoint else None)
        return session.client(service, region_name=region, endpoint_url=url, config=config)


def one_line(error: object) -> str:
    """An error's text on one line, without a full stop at its end."""
    return " ".join(str(error).split()).rstrip(".")
