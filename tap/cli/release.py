"""`tap release`: the end of a CloudFormation stack whose resources are Terraform's now."""

import contextlib
import os
from collections.abc import Mapping
from typing import Annotated

import typer

from tap.cli.console import out, telling_errors
from tap.deployed.cloudformation import Stack
from tap.settings import Settings


def release(
    name: Annotated[str, typer.Argument(metavar="STACK", help="The CloudFormation stack's name or ARN.")],
    environment: Annotated[
        str | None,
        typer.Option(
            help="The environment that it was adopted into; by default its EnvironmentSuffix.", metavar="NAME"
        ),
    ] = None,
) -> None:
    """Delete a CloudFormation stack, and nothing that it made, after `tap adopt … --from-cloudformation`.

    Only when each of its resources is in Terraform's state and set to Retain, and the plan is empty.
    """
    from tap import settings
    from tap.deployed import adoption
    from tap.deployed.root import project_folder, synthesized
    from tap.state.session import Session

    with telling_errors():
        environments = settings.load(project_folder() / "environments.toml", _about(environment))
        stack = _found(name, environments)
        suffix = environment or stack.parameters.get("EnvironmentSuffix", settings.DEFAULT_SUFFIX)
        root = synthesized(suffix, os.environ)
        count = adoption.release(root, Session(root.settings, os.environ), stack)
    out.print(
        f"The stack {stack.name} is deleted; its {count} resources are {root.settings.stack_name}'s now,"
        " and the plan is empty.",
        markup=False,
        soft_wrap=True,
    )


def _about(environment: str | None) -> Mapping[str, str]:
    return {**os.environ, "TAP_ENVIRONMENT_SUFFIX": environment} if environment else os.environ


def _found(name: str, environments: list[Settings]) -> Stack:
    """The stack of that name or ARN, by the region and the credentials of the first environment that finds it."""
    from tap.deployed import DeployedError, cloudformation
    from tap.state.session import Session

    *others, last = [cloudformation.where(name, one) for one in environments]
    for ours in others:
        with contextlib.suppress(DeployedError):
            return cloudformation.find(name, Session(ours, os.environ))
    return cloudformation.find(name, Session(last, os.environ))
