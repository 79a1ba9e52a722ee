"""`tap check`: whether what is deployed is what the code promises."""

import json
import os
import sys
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from tap.checks.lines import Line
from tap.cli.console import note_unknown, out, telling_errors
from tap.cli.plans import shown

RED = 2


def check(
    environment: Annotated[str, typer.Argument(help="The environment's name in environments.toml.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.", metavar="")] = False,
) -> None:
    """Compare a deployed stack with what the code promises. It asks AWS, needs no Terraform and changes nothing.

    Exit status: 0 everything is as promised; 2 something is not; 1 the command failed.
    """
    from tap.checks import check as checked
    from tap.deployed.root import synthesized
    from tap.state.session import Session

    with telling_errors(as_json=as_json):
        root = synthesized(environment, os.environ, is_adopting=True)
        lines = checked(root.document, root.given_variables, Session(root.settings, os.environ))
    note_unknown(environment, root.is_known)
    stack, red = root.settings.stack_name, [one for one in lines if not one.holds]
    if as_json:
        report = {"environment": environment, "stack": stack, "status": "red" if red else "green"}
        sys.stdout.write(json.dumps(report | {"lines": [_as_json(one) for one in lines]}, indent=2) + "\n")
    else:
        _show(stack, lines)
        what = f"{len(red)} of {len(lines)} promises do not hold" if red else f"all {len(lines)} promises hold"
        out.print(f"{stack}: {what}.", markup=False)
    raise typer.Exit(RED if red else 0)


def _show(stack: str, lines: list[Line]) -> None:
    table = Table("resource", "", "promise", "promised", "found", title=f"Check of {stack}", title_justify="left")
    for column in table.columns:
        column.overflow = "fold"
    before = ""
    for line in lines:
        mark = "[green]✓[/]" if line.holds else "[red]✗[/]"
        found = "" if line.holds else f"[red]{escape(_said(line.found))}[/]"
        address = "" if line.address == before else escape(line.address)
        table.add_row(address, mark, escape(line.what), escape(_said(line.promised)), found)
        before = line.address
    out.print(table)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return shown("; ".join(map(str, value)) or "none")
    if isinstance(value, dict):
        return shown(", ".join(f"{name}={one}" for name, one in value.items()) or "none")
    return shown(value)


def _as_json(line: Line) -> dict[str, Any]:
    return {
        "address": line.address,
        "what": line.what,
        "status": "green" if line.holds else "red",
        "promised": line.promised,
        "found": line.found,
    }
