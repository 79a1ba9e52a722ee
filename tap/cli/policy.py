"""`tap policy`: the IAM policy that a role needs, and nothing more."""

import json
import os
import re
import sys
from typing import Annotated, Literal

import typer

from tap.cli.console import note_unknown, telling_errors
from tap.policies.roles import ROLES

Role = Literal["reader", "writer", "worker", "importer", "stream-consumer", "planner", "deployer"]


def policy(
    role: Annotated[Role, typer.Argument(help="The role that the policy is for.")],
    environment: Annotated[str, typer.Argument(help="The environment's name in environments.toml.")],
    account: Annotated[
        str, typer.Option(help="The 12-digit account ID; with it, AWS is not asked anything.", metavar="ACCOUNT_ID")
    ] = "",
) -> None:
    """Write the IAM policy of a role: a program's, the planner's or the deployer's. docs/security.md has the roles.

    A program's policy names the key by its ARN if it exists; with --account, or before the first deploy, it names the
    key by the stack's tags.
    """
    from tap.deployed.access import target
    from tap.deployed.root import environment as environment_of
    from tap.deployed.root import project_folder
    from tap.state.session import Session

    if account and not re.fullmatch("[0-9]{12}", account):
        raise typer.BadParameter(f"{account!r} is not a 12-digit account ID", param_hint="--account")
    with telling_errors():
        settings, variables, is_known = environment_of(environment, os.environ, project_folder())
        name = role.replace("-", "_")
        made = ROLES[name](target(settings, name, Session(settings, variables), account))
    note_unknown(environment, is_known)
    sys.stdout.write(json.dumps(made, indent=2) + "\n")
