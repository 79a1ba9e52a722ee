"""`tap alarms`: whether a deployed stack's alarms reach somebody."""

import json
import os
import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tap.checks.trial import Trial
from tap.cli.console import note_unknown, out, telling_errors

NOBODY = 2

app = typer.Typer(no_args_is_help=True, help="Try a deployed stack's alarms.")


@app.callback()
def root() -> None:
    """Options of every command: none yet."""


@app.command("test")
def try_(
    environment: Annotated[str, typer.Argument(help="The environment's name in environments.toml.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.", metavar="")] = False,
) -> None:
    """Set each alarm to ALARM and back, which sends its messages, and say who is subscribed and who hasn't confirmed.

    An alarm that is in ALARM is left alone. Exit status: 0 every alarm reaches a confirmed subscriber; 2 at least one
    doesn't; 1 the command failed.
    """
    from tap.checks.trial import run
    from tap.deployed.root import synthesized
    from tap.state.session import Session

    with telling_errors(as_json=as_json):
        synth = synthesized(environment, os.environ, is_adopting=True)
        done = run(synth.document, Session(synth.settings, os.environ))
    note_unknown(environment, synth.is_known)
    stack = synth.settings.stack_name
    if as_json:
        subscribers = [{"protocol": one, "endpoint": to, "status": state} for one, to, state in done.subscribers]
        report = {"environment": environment, "stack": stack, "alarms": dict(done.alarms), "subscribers": subscribers}
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        _show(stack, done)
    raise typer.Exit(0 if done.reached_somebody else NOBODY)


def _show(stack: str, done: Trial) -> None:
    table = Table("alarm", "", title=f"Alarms of {stack}", title_justify="left")
    for name, outcome in done.alarms.items():
        colour = "green" if outcome == "tested" else "yellow" if outcome.startswith("left alone") else "red"
        table.add_row(escape(name), f"[{colour}]{outcome}[/]")
    out.print(table)
    if not done.subscribers:
        out.print("Nobody is subscribed to the topic: set alert_email, or subscribe to it.", markup=False)
    for protocol, endpoint, state in done.subscribers:
        out.print(f"{protocol} {endpoint}: {state}.", markup=False, soft_wrap=True)
