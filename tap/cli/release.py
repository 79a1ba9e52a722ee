"""`tap release`: the end of a CloudFormation stack whose resources are Terraform's now."""

import os
from typing import Annotated

import typer

from tap.cli.console import fail, out
from tap.deployed.cloudformation import Stack
from tap.errors import TapError
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

    try:
        file = project_folder() / "environments.toml"
        stack = _found(name, settings.load(file, os.environ))
        suffix = environment or stack.parameters.get("EnvironmentSuffix", settings.DEFAULT_SUFFIX)
        root = synthesized(suffix, os.environ)
        count = adoption.release(root, Session(root.settings, os.environ), stack)
    except TapError as error:
        fail(error)
    out.print(
        f"The stack {stack.name} is deleted; its {count} resources are {root.settings.stack_name}'s now,"
        " and the plan is empty.",
        markup=False,
        soft_wrap=True,
    )


def _found(name: str, environments: list[Settings]) -> Stack:
    """The stack of that name in one of the environments' regions, or of that ARN."""
    from tap.deployed import DeployedError, cloudformation
    from tap.state.session import Session

    if name.startswith("arn:"):
        environments = [environments[0].model_copy(update={"region": name.split(":")[3]})]
    by_region = {one.region: one for one in environments}
    for number, ours in enumerate(by_region.values(), start=1):
        try:
            return cloudformation.find(name, Session(ours, os.environ))
        except DeployedError:
            if number == len(by_region):
                raise
    raise AssertionError
