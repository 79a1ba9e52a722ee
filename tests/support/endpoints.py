"""The endpoint that the integration tests run on, and what it can't do."""

import json
import os
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tap.local import embedded
from tests.support.environment import terraform_environment
from tests.support.provider import VARIABLE, start

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

REGION = "us-east-1"


@dataclass(frozen=True)
class Endpoint:
    """An AWS endpoint: `name` is what the summary calls it."""

    url: str
    name: str

    @property
    def evaluates_alarms(self) -> bool:
        """LocalStack does, every ten seconds; moto keeps alarms and never looks at them."""
        return self.name == "LocalStack"

    @property
    def accounts_by_key(self) -> bool:
        """LocalStack takes 12 digits as an access key for the account's number."""
        return self.name == "LocalStack"

    @cached_property
    def environment(self) -> dict[str, str]:
        """The process environment for `terraform` and `cdktf`, with nothing of the developer's own AWS."""
        server = embedded.Server(pid=0, port=0, instance="")
        ours = embedded.client_environment(server, REGION, os.environ)
        return (
            terraform_environment()
            | ours
            | {
                "AWS_ENDPOINT_URL": self.url,
                "TF_WORKSPACE": "default",
                "TF_INPUT": "0",
                "TF_IN_AUTOMATION": "1",
                "CI": "1",
            }
        )

    @cached_property
    def attached(self) -> dict[str, str]:
        """The environment with a provider that all runs share."""
        return self.environment | {VARIABLE: start(self.environment)}

    def _options(self) -> dict[str, object]:
        return {
            "endpoint_url": self.url,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(retries={"mode": "standard", "max_attempts": 3}, s3={"addressing_style": "path"}),
        }

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return boto3.client("dynamodb", **self._options())  # type: ignore[call-overload, no-any-return]

    @cached_property
    def streams(self) -> "DynamoDBStreamsClient":
        return boto3.client("dynamodbstreams", **self._options())  # type: ignore[call-overload, no-any-return]

    @cached_property
    def kms(self) -> "KMSClient":
        return boto3.client("kms", **self._options())  # type: ignore[call-overload, no-any-return]

    @cached_property
    def sns(self) -> "SNSClient":
        return boto3.client("sns", **self._options())  # type: ignore[call-overload, no-any-return]

    @cached_property
    def sqs(self) -> "SQSClient":
        return boto3.client("sqs", **self._options())  # type: ignore[call-overload, no-any-return]

    @cached_property
    def s3(self) -> "S3Client":
        return boto3.client("s3", **self._options())  # type: ignore[call-overload, no-any-return]

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        return boto3.client("cloudformation", **self._options())  # type: ignore[call-overload, no-any-return]

    @cached_property
    def iam(self) -> Any:
        return boto3.client("iam", **self._options())  # type: ignore[call-overload]

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        return boto3.client("cloudwatch", **self._options())  # type: ignore[call-overload, no-any-return]


def recognised(url: str) -> Endpoint:
    """The endpoint at that address: LocalStack says so itself, anything else goes by its address."""
    try:
        with urllib.request.urlopen(f"{url}/_localstack/health", timeout=10) as reply:  # noqa: S310
            json.load(reply)
            return Endpoint(url, "LocalStack")
    except (OSError, ValueError):
        return Endpoint(url, url)
