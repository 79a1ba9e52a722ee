"""The one place that makes the boto3 client."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from zlib import crc32

from tap.store.errors import BROKEN_REPLY, Calling, StoreMisconfigured

if TYPE_CHECKING:
    pass

# botocore's standard mode retries this code; it stands for a reply that arrived but can't be trusted.
_RETRIED_CODE = "RequestTimeout"


@dataclass(frozen=True)
class ClientSettings:
    """How the store talks to DynamoDB: seconds, tries per request (the first one included), connections.

    `region` falls back to AWS_REGION, AWS_DEFAULT_REGION and the profile; `endpoint_url` to
    AWS_ENDPOINT_URL. Retries are botocore's `standard` mode: exponential, with jitter.
    """

    region: str | None = None
    endpoint_url: str | None = None
    connect_timeout: float = 5
    read_timeout: float = 10
    attempts: int = 5
    connections: int = 32


def make_client(settings: ClientSettings, table: str, service: str = "dynamodb") -> Any:
    """Return a client; StoreMisconfigured without a region, AccessDenied without credentials."""
    # Here and not at the top: `import tap.store` and the command line's --help do without boto3's 0.15 s.
    import boto3
    import botocore
    from botocore.config import Config
    from botocore.exceptions import NoCredentialsError

    with Calling(table):
        session = boto3.Session(region_name=settings.region or os.environ.get("AWS_REGION") or None)
        if session.get_credentials() is None:
            raise NoCredentialsError
        config = Config(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            retries={"mode": "standard", "total_max_attempts": settings.attempts},
            max_pool_connections=settings.connections,
            # botocore otherwise assembles its own, twice per request: a tenth of all CPU.
            user_agent=f"tap-store Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
            # The store builds every request itself from checked input.
            parameter_validation=False,
        )
        try:
            client: Any = session.client(service, endpoint_url=settings.endpoint_url, config=config)  # type: ignore[call-overload]
        except ValueError as error:  # how botocore says "Invalid endpoint"
            raise StoreMisconfigured(f"{error}.", table=table) from error
    name = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-parse.{name}", _mark_broken_reply)
    client.meta.events.register(f"after-call.{name}", _refuse_broken_reply)
    where = f"asked at {client.meta.endpoint_url} in region {client.meta.region_name}, with this account's credentials"
    client.meta.events.register(f"after-call.{name}", partial(_say_where, where))
    return client


def _say_where(where: str, parsed: dict[str, Any], **_: object) -> None:
    """Where a missing table was looked for: most of them are in another region or account."""
    error = parsed.get("Error")
    if error is not None and error.get("Code") == "ResourceNotFoundException":
        error["Message"] = f"{error.get('Message') or 'not found'} ({where})"


def _mark_broken_reply(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Make botocore retry a reply whose body is damaged; by itself it reads one as an empty answer.

    For GetItem that would be "no such item", for BatchWriteItem "all written", and a refused condition
    would not be recognised as one. Server errors are retried anyway, whatever they say.
    """
    if response_dict["status_code"] >= 500:
        return
    body = response_dict["body"]
    checksum = response_dict["headers"].get("x-amz-crc32")
    if checksum is not None:
        sound = str(crc32(body)) == checksum
    else:
        try:
            sound = isinstance(json.loads(body), dict)
        except ValueError:
            sound = False
    if not sound:
        customized_response_dict["Error"] = {"Code": _RETRIED_CODE, "Message": "the reply is damaged"}


def _refuse_broken_reply(parsed: dict[str, Any], model: Any, **_: object) -> None:
    error = parsed.get("Error")
    if error is not None and error["Code"] == _RETRIED_CODE:
        from botocore.exceptions import ClientError

        parsed["Error"] = {**error, "Code": BROKEN_REPLY}
        raise ClientError(parsed, model.name)  # type: ignore[arg-type]
