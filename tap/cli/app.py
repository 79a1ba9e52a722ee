"""The root of the command line: one sub-command for each thing people do with the stack."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tap import __version__
from tap.cli import adopt, alarms, check, dashboard, demo, drift, hcl, local, outputs, policy, prompts, prove, release

app = typer.Typer(
    name="tap",
    help="Work with the TAP stack: a local AWS to try it on, its outputs, its prompts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # A shell completes a command's name, which `python -m tap` has not.
    add_completion=Path(sys.argv[0]).name == "tap",
)
app.add_typer(local.app, name="local")
app.add_typer(prompts.app, name="prompts")
app.add_typer(prove.app, name="prove")
app.command()(outputs.outputs)
app.command()(policy.policy)
app.command()(adopt.adopt)
app.command()(release.release)
app.command()(drift.drift)
app.command()(check.check)
app.add_typer(alarms.app, name="alarms")
app.command()(dashboard.dashboard)
app.command()(hcl.hcl)
app.command()(hcl.module)
app.command()(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tap {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, metavar="", help="Print the version and exit."),
    ] = False,
) -> None:
    """Options of every command."""
