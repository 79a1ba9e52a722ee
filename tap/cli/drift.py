"""`tap drift`: what somebody changed past Terraform."""

import json
import os
import sys
from typing import Annotated

import typer

from tap.cli.console import err, out, telling_errors
from tap.cli.plans import changes_as_json, show_changes

SOME = 2


def drift(
    environment: Annotated[str, typer.Argument(help="The environment's name in environments.toml.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.", metavar="")] = False,
) -> None:
    """Show what is not as the last deploy left it, and what the next one would set back.

    Nothing is changed, and the state is not locked. Exit status: 0 no drift; 2 some; 1 failed.
    """
    from tap.deployed.drift import look
    from tap.deployed.root import synthesized
    from tap.state.session import Session

    with telling_errors(as_json=as_json):
        root = synthesized(environment, os.environ)
        found = look(root, Session(root.settings, os.environ))
    stack = root.settings.stack_name
    if as_json:
        report = {
            "environment": environment,
            "stack": stack,
            "drift": changes_as_json(found.changed),
            "undeployed": changes_as_json(found.undeployed),
            "half_made": list(found.half_made),
        }
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        show_changes(f"Drift of {stack}", found.changed, ("deployed", "now"))
        if not found.changed:
            out.print(f"{stack}: no drift.", markup=False)
        if found.undeployed:
            addresses = ", ".join(change.address for change in found.undeployed)
            out.print(f"A deploy would also change, and not for drift of its own: {addresses}.", soft_wrap=True)
    for address in found.half_made:
        err.print(
            f"[yellow]Note:[/yellow] The state takes {address} for half made, and a deploy would destroy it and make it"
            f" anew: `tap adopt {environment} --apply` keeps it.",
            soft_wrap=True,
        )
    raise typer.Exit(SOME if found.changed else 0)
