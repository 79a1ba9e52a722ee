"""`tap outputs`: what a deployed stack tells the programs that use it."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tap.cli.console import fail, out


def outputs(
    file: Annotated[
        Path,
        typer.Option("--outputs", envvar="TAP_OUTPUTS", help="From `cdktf deploy --outputs-file`, or a state file."),
    ] = Path("outputs.json"),
    stack: Annotated[str | None, typer.Option(help="The stack, if the file holds several.", metavar="NAME")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, also on a terminal.", metavar="")] = False,
) -> None:
    """Show the stack's outputs: a table on a terminal, JSON with --json or in a pipe."""
    from tap.store import StoreError, read_outputs

    try:
        values = read_outputs(file, stack)
    except StoreError as error:
        fail(error, status=2)
    if as_json or not sys.stdout.isatty():
        out.print(json.dumps(values, indent=2), soft_wrap=True, markup=False)
    else:
        show(values)


def show(values: dict[str, str]) -> None:
    """The outputs as a table, a row each."""
    table = Table("Output", "Value", title=f"Outputs of {values.get('StackName', 'the stack')}", title_justify="left")
    table.columns[1].overflow = "fold"
    for name, value in values.items():
        table.add_row(name, value)
    out.print(table)
