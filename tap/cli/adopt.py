"""`tap adopt`: what exists under an environment's names comes into its state."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from tap.cli.console import err, out, telling_errors
from tap.cli.plans import changes_as_json, show_changes
from tap.deployed.adoption import Proposal
from tap.deployed.cloudformation import Stack
from tap.deployed.root import IMPORTS, Root

#: There is something to apply, as `terraform plan -detailed-exitcode` says it.
SOMETHING_TO_APPLY = 2


def adopt(
    environment: Annotated[str, typer.Argument(help="The environment's name in environments.toml.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do what is shown.", metavar="")] = False,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept",
            help="Accept changes of stream, indexes, TTL, backups, protection, encryption and key policy.",
            metavar="",
        ),
    ] = False,
    from_cloudformation: Annotated[
        str | None,
        typer.Option(help="Take names and parameters from this stack, and keep its resources.", metavar="STACK"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.", metavar="")] = False,
) -> None:
    """Take what exists under an environment's names into its state: after a killed deploy, or from another tool.

    Exit status: 0 nothing to do, or done; 2 there is something to apply; 1 refused, or failed.
    """
    from tap.deployed import adoption
    from tap.deployed.root import synthesized
    from tap.state.session import Session

    with telling_errors(as_json=as_json), _restored_unless_planned() as file:
        stack = _written_down(environment, from_cloudformation) if from_cloudformation else None
        root = synthesized(environment, os.environ, is_adopting=True)
        session = Session(root.settings, os.environ)
        proposal = adoption.propose(root, session, stack, is_meant=apply)
        status = _status(proposal, accept=accept)
        file.is_right = status != "refused"
        if status == "to apply" and apply:
            if not as_json:
                _show(root, proposal)
            adoption.apply(root, session, proposal)
            status = "applied"
        else:
            root.forget_plan()
            if not as_json:
                _show(root, proposal)
    if as_json:
        sys.stdout.write(json.dumps(_report(root, proposal, status), indent=2) + "\n")
    else:
        _conclude(root, proposal, status)
    raise typer.Exit({"refused": 1, "to accept": 1 if apply else SOMETHING_TO_APPLY, "to apply": 2}.get(status, 0))


@dataclass
class _File:
    """environments.toml, and whether what has been written into it can stay."""

    is_right: bool = False


@contextmanager
def _restored_unless_planned() -> Iterator[_File]:
    """Leave environments.toml as it was unless the plan with it is one that can be applied."""
    from tap.deployed.root import project_folder

    path = project_folder() / "environments.toml"
    before = path.read_bytes() if path.exists() else None
    file = _File()
    try:
        yield file
    finally:
        if not file.is_right and before is not None and path.read_bytes() != before:
            path.write_bytes(before)
            err.print(f"{path.name} is as it was.", markup=False)


def _written_down(environment: str, name: str) -> Stack:
    """The stack of that name or ARN, once its names and parameters are in environments.toml."""
    from tap import settings
    from tap.deployed import DeployedError, cloudformation
    from tap.deployed.root import project_folder
    from tap.state.session import Session

    file = project_folder() / "environments.toml"
    (ours,) = settings.load(file, {**os.environ, "TAP_ENVIRONMENT_SUFFIX": environment})
    stack = cloudformation.find(name, Session(cloudformation.where(name, ours), os.environ))
    suffix = stack.parameters.get("EnvironmentSuffix", environment)
    if suffix != environment and re.fullmatch("[a-z0-9-]{1,20}", suffix):
        raise DeployedError(f"The stack {stack.name} is of the environment {suffix}: `tap adopt {suffix} …`.")
    if diff := settings.write(file, environment, cloudformation.settings_of(stack)):
        err.print(f"Written into {file.name}, to be committed:", markup=False)
        err.print(diff, markup=False, soft_wrap=True)
    return stack


def _status(proposal: Proposal, *, accept: bool) -> str:
    if proposal.verdict.refused:
        return "refused"
    if proposal.is_empty:
        return "nothing to do"
    if proposal.verdict.asked and not accept:
        return "to accept"
    return "to apply"


def _show(root: Root, proposal: Proposal) -> None:
    for note in proposal.existing.notes:
        err.print(f"[yellow]Note:[/yellow] {escape(note)}", soft_wrap=True)
    for address in proposal.half_made:
        err.print(
            f"[yellow]Note:[/yellow] The state takes {address} for half made, and a deploy would destroy it and make it"
            " anew. `--apply` keeps it and finishes it.",
            soft_wrap=True,
        )
    title = f"What becomes of {root.settings.stack_name}"
    show_changes(title, proposal.plan.changes, ("now", "then"), proposal.imports)
    if proposal.stack and proposal.to_retain:
        kept = ", ".join(proposal.to_retain)
        out.print(
            f"CloudFormation's {proposal.stack.name} gets DeletionPolicy: Retain on {kept}.",
            markup=False,
            soft_wrap=True,
        )


def _kept(proposal: Proposal) -> str:
    return "The table is the one that it was, with its items. " if proposal.existing.table else ""


def _conclude(root: Root, proposal: Proposal, status: str) -> None:
    stack = root.settings.stack_name
    for sentence in proposal.verdict.refused:
        err.print(f"[red]Refused:[/red] {escape(sentence)}", soft_wrap=True)
    if status != "applied":
        for sentence in proposal.verdict.asked:
            err.print(f"[yellow]To accept:[/yellow] {escape(sentence)}", soft_wrap=True)
    again = f"tap adopt {root.settings.environment_suffix}"
    again += f" --from-cloudformation {proposal.stack.name}" if proposal.stack else ""
    told = {
        "nothing to do": f"{stack}: nothing to do. All that exists is in the state, and the plan is empty.",
        "applied": f"{stack}: done. {_kept(proposal)}The next plan is empty.",
        "to apply": f"{stack}: `{again} --apply` does it.",
        "to accept": f"{stack}: if that is meant, `{again} --apply --accept`.",
        "refused": f"{stack}: nothing has been changed.",
    }[status]
    out.print(told, markup=False, soft_wrap=True)
    if status in ("to apply", "to accept") and proposal.imports:
        file = Path("cdktf.out/stacks") / stack / IMPORTS
        out.print(f"(The import blocks are in {file}; a deploy heeds them.)", markup=False, soft_wrap=True)


def _report(root: Root, proposal: Proposal, status: str) -> dict[str, Any]:
    return {
        "environment": root.settings.environment_suffix,
        "stack": root.settings.stack_name,
        "status": status,
        "imports": dict(proposal.imports),
        "changes": changes_as_json(proposal.plan.changes),
        "outputs": list(proposal.plan.outputs),
        "to_accept": list(proposal.verdict.asked),
        "refused": list(proposal.verdict.refused),
        "notes": list(proposal.existing.notes),
        "half_made": list(proposal.half_made),
        "to_retain": list(proposal.to_retain),
    }
