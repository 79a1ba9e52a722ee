"""Whose credentials these are, asked before Terraform would take one account's state for another's."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tap.settings import Settings
from tap.state import StateError, workspace
from tap.state.configured import Endpoint, endpoint_of

#: Seconds for the connection and for the answer: a synth must not wait for an endpoint that is not there.
_CONNECT_SECONDS = 2
_ANSWER_SECONDS = 5


def require_same(environments: Iterable[Settings], folder: Path, process_environment: Mapping[str, str]) -> None:
    """Return unless a stack's local state is about another account than the credentials' one.

    Asks nothing where nothing is deployed. Credentials that are missing or don't work are left to Terraform to report.

    :raises StateError: for another account: Terraform would make the stack anew there, and overwrite the state, which
        is all that knows the first account's resources.
    """
    places = workspace.deployed(environments, folder, process_environment)
    if not places:
        return
    for stack, place in places.items():
        account = _of_credentials(place.region, endpoint_of("sts", process_environment))
        if account and account != place.account:
            raise StateError(
                f"{stack} is deployed in the account {place.account}, and the credentials are of {account}: Terraform"
                " would forget what is there. Use the credentials of that account, or another suffix."
            )


def _of_credentials(region: str, endpoint: Endpoint | None) -> str | None:
    """The account of the process's credentials, at the endpoint that they are for; None if that can't be found out."""
    import boto3  # late: a synth with nothing deployed does without its 0.2 s
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_ANSWER_SECONDS, retries={"total_max_attempts": 1})
    try:
        client = boto3.client("sts", region_name=region, endpoint_url=endpoint.url if endpoint else None, config=config)
        account: str = client.get_caller_identity()["Account"]
    except (BotoCoreError, ClientError, ValueError):
        return None
    return account
