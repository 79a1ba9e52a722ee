"""What is asked before Terraform starts: credentials, account and bucket, each in one sentence and at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tap.settings import AssumeRole, S3Backend, Settings
from tap.settings.backends import Endpoints
from tap.state import StateError
from tap.state.session import Session
from tests.support.endpoints import Endpoint

ROLE = AssumeRole(role_arn="arn:aws:iam::123456789012:role/deploy", external_id="x-1")


@contextmanager
def process(**variables: str) -> Iterator[dict[str, str]]:
    """boto3 takes credentials from the process's own environment."""
    before = dict(os.environ)
    os.environ.update({"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nowhere", **variables})
    try:
        yield dict(os.environ)
    finally:
        os.environ.clear()
        os.environ.update(before)


def usable(endpoint: Endpoint, settings: Settings, **variables: str) -> Session:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": endpoint.url}
    with process(**keys | variables) as environment:
        session = Session(settings, environment)
        session.require_usable()
        return session


def test_what_works(endpoint: Endpoint, project: str) -> None:
    endpoint.s3.create_bucket(Bucket=f"{project}-there")
    backend = S3Backend(type="s3", bucket=f"{project}-there", assume_role=ROLE)
    session = usable(endpoint, Settings(backend=backend, assume_role=ROLE))
    assert session.account == "123456789012"  # the role's


def test_another_account(endpoint: Endpoint) -> None:
    with pytest.raises(
        StateError, match=r"the credentials are of the account \d{12}, and allowed_account_ids has only"
    ):
        usable(endpoint, Settings(allowed_account_ids=["111122223333"]))


def test_a_bucket_that_does_not_exist(endpoint: Endpoint) -> None:
    backend = S3Backend(type="s3", bucket="nobodys-bucket")
    with pytest.raises(StateError, match=r'backend.bucket = "nobodys-bucket", which does not exist: make it'):
        usable(endpoint, Settings(backend=backend))


def test_a_bucket_elsewhere(endpoint: Endpoint) -> None:
    backend = S3Backend(type="s3", bucket="states", endpoints=Endpoints(s3="http://127.0.0.1:1"))
    with pytest.raises(StateError, match=r'backend.bucket = "states", which can\'t be reached: .*127\.0\.0\.1:1'):
        usable(endpoint, Settings(backend=backend))


def test_no_credentials(endpoint: Endpoint, tmp_path: Path) -> None:
    nothing = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}
    with pytest.raises(
        StateError, match=r"the AWS credentials do not work: Unable to locate credentials\. Set AWS_PROF"
    ):
        usable(endpoint, Settings(), **nothing)


def test_a_profile_that_does_not_exist(endpoint: Endpoint) -> None:
    with pytest.raises(StateError, match=r"the AWS credentials do not work: The config profile \(nobodys\) could not"):
        usable(endpoint, Settings(profile="nobodys"))
