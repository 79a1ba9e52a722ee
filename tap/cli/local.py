"""`tap local …`: the embedded AWS on this machine."""

import os
import shlex
from typing import Annotated

import typer

from tap.cli.console import err, fail, out
from tap.cli.values import whole_number
from tap.local import OUTPUTS, ROOT, LocalError

app = typer.Typer(
    no_args_is_help=True,
    help="The embedded AWS: a whole AWS endpoint on this machine, without Docker and without an account.",
)


@app.command()
def up(
    port: Annotated[
        int,
        typer.Option(parser=whole_number(0, 65535), metavar="PORT", help="Port on 127.0.0.1; 0 for a free one."),
    ] = 0,
) -> None:
    """Start it, and say where it is."""
    from tap.local import embedded

    try:
        server = embedded.up(port)
    except LocalError as error:
        fail(error)
    out.print(f"The embedded AWS is at {server.url} (pid {server.pid}, log .tap/{embedded.LOG.name}).")
    err.print('Use it in this shell:  eval "$(tap local env)"')


@app.command()
def down() -> None:
    """Stop it, with all it holds and the Terraform state of that."""
    from tap.local import embedded

    try:
        server = embedded.down()
    except LocalError as error:
        fail(error)
    out.print(f"Stopped the embedded AWS at {server.url}." if server else "The embedded AWS was not running.")


@app.command()
def status() -> None:
    """Say whether it runs and where; exit status 1 when it does not."""
    from tap.local import embedded

    try:
        server = embedded.running()
    except LocalError as error:
        fail(error)
    if not server:
        out.print("The embedded AWS is not running; `tap local up` starts it.")
        raise typer.Exit(1)
    out.print(f"The embedded AWS is at {server.url} (pid {server.pid}, log .tap/{embedded.LOG.name}).")


@app.command()
def env() -> None:
    """Print the variables that make cdktf, terraform, aws and boto3 use it.

    eval "$(tap local env)"
    """
    try:
        lines = shell_lines(*environment())
    except SystemExit:
        # The shell goes on after a failed `eval`, and its next command would reach a real account.
        out.print("export AWS_ENDPOINT_URL=http://127.0.0.1:1; false", soft_wrap=True)
        raise
    for line in lines:
        out.print(line, soft_wrap=True, markup=False)


def environment() -> tuple[dict[str, str], list[str]]:
    """The variables to set and those to unset; exits with a sentence when there is no server."""
    from tap import settings
    from tap.local import embedded, home, terraform

    try:
        server = embedded.running()
        if not server:
            fail("The embedded AWS is not running; `tap local up` starts it.")
        region = settings.load(ROOT / "environments.toml", os.environ)[0].region
        ours = (
            home.environment(os.environ)
            | embedded.client_environment(server, region, os.environ)
            | terraform.environment(os.environ)
        )
        ours["TAP_OUTPUTS"] = str(OUTPUTS)
    except (LocalError, settings.SettingsError) as error:
        fail(error)
    return ours, embedded.variables_in_the_way(os.environ)


def shell_lines(variables: dict[str, str], unset: list[str]) -> list[str]:
    """The same for a POSIX shell."""
    return [f"unset {' '.join(unset)}", *(f"export {name}={shlex.quote(value)}" for name, value in variables.items())]
