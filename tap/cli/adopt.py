"""`tap adopt`: what exists under an environment's names comes into its state."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from tap.cli.console import err, fail, out
from tap.deployed.adoption import Proposal
from tap.deployed.plan import Change
from tap.deployed.root import IMPORTS, Root
from tap.errors import TapError

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
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.", metavar="")] = False,
) -> None:
    """Take what exists under an environment's names into its state: after a killed deploy, or from another tool.

    Exit status: 0 nothing to do, or done; 2 there is something to apply; 1 refused, or failed.
    """
    from tap.deployed import adoption
    from tap.deployed.root import synthesized
    from tap.state.session import Session

    try:
        root = synthesized(environment, os.environ)
        session = Session(root.settings, os.environ)
        proposal = adoption.propose(root, session)
        status = _status(proposal, apply=apply, accept=accept)
        if status == "to apply" and apply:
            if not as_json:
                _show(root, proposal)
            adoption.apply(root, session, proposal)
            status = "applied"
        else:
            root.forget_plan()
            if not as_json:
                _show(root, proposal)
    except TapError as error:
        fail(error)
    if as_json:
        sys.stdout.write(json.dumps(_report(root, proposal, status), indent=2) + "\n")
    else:
        _conclude(root, proposal, status)
    raise typer.Exit({"refused": 1, "to accept": 1 if apply else SOMETHING_TO_APPLY, "to apply": 2}.get(status, 0))


def _status(proposal: Proposal, *, apply: bool, accept: bool) -> str:
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
    show_changes(
        f"What would become of {root.settings.stack_name}", proposal.plan.changes, proposal.imports, ("now", "then")
    )


def _conclude(root: Root, proposal: Proposal, status: str) -> None:
    stack = root.settings.stack_name
    for sentence in proposal.verdict.refused:
        err.print(f"[red]Refused:[/red] {escape(sentence)}", soft_wrap=True)
    if status != "applied":
        for sentence in proposal.verdict.asked:
            err.print(f"[yellow]To accept:[/yellow] {escape(sentence)}", soft_wrap=True)
    told = {
        "nothing to do": f"{stack}: nothing to do. All that exists is in the state, and the plan is empty.",
        "applied": f"{stack}: done. The table is the one that it was, and the next plan is empty.",
        "to apply": f"{stack}: `tap adopt {root.settings.environment_suffix} --apply` does it.",
        "to accept": f"{stack}: if that is meant, `tap adopt {root.settings.environment_suffix} --apply --accept`.",
        "refused": f"{stack}: nothing has been changed.",
    }[status]
    out.print(told, markup=False, soft_wrap=True)
    if status in ("to apply", "to accept") and proposal.imports:
        file = Path("cdktf.out/stacks") / stack / IMPORTS
        out.print(f"(The import blocks are in {file}; a deploy heeds them.)", markup=False, soft_wrap=True)


def show_changes(
    title: str, changes: tuple[Change, ...], imports: dict[str, str] | Any, columns: tuple[str, str]
) -> None:
    """The changes of a plan, a line for each attribute."""
    if not changes:
        return
    table = Table("resource", "action", "attribute", *columns, title=title, title_justify="left")
    for column in table.columns:
        column.overflow = "fold"
    for change in changes:
        action = change.action if not change.imported or change.action == "import" else f"import, {change.action}"
        rows = change.differences
        first = ("id", "", imports.get(change.address, "")) if change.imported else None
        lines = [*([first] if first else []), *((row.path, shown(row.old), shown(row.new)) for row in rows)]
        for number, line in enumerate(lines or [("", "", "")]):
            head = (change.address, action) if number == 0 else ("", "")
            table.add_row(*(escape(cell) for cell in (*head, *line)))
    out.print(table)


def shown(value: Any) -> str:
    """A value for a table's cell: short, and on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "" if value is None else " ".join(text.split())
    return text if len(text) <= 200 else f"{text[:199]}…"


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
    }


def changes_as_json(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
    """The same as data."""
    return [
        {
            "address": change.address,
            "action": change.action,
            "attributes": {one.path: {"old": one.old, "new": one.new} for one in change.differences},
        }
        for change in changes
    ]
