"""Whose credentials these are, asked before Terraform would take one account's state for another's."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tap.settings import Settings
from tap.state import StateError, workspace
from tap.state.session import Session


def require_same(environments: Iterable[Settings], folder: Path, process_environment: Mapping[str, str]) -> None:
    """Return unless a stack's local state is about another account than the credentials' one.

    Asks nothing where nothing is deployed. Credentials that are missing or don't work are left to Terraform to report.

    :raises StateError: for another account: Terraform would make the stack anew there, and overwrite the state, which
        is all that knows the first account's resources.
    """
    environments = list(environments)
    places = workspace.deployed(environments, folder, process_environment)
    for settings in environments:
        if not (place := places.get(settings.stack_name)):
            continue
        try:
            in_its_region = settings.model_copy(update={"region": place.region})
            account = Session(in_its_region, process_environment, is_hurried=True).account
        except StateError:
            continue
        if account != place.account:
            raise StateError(
                f"{settings.stack_name} is deployed in the account {place.account}, and the credentials are of"
                f" {account}: Terraform would forget what is there. Use the credentials of that account, or another"
                " suffix."
            )
