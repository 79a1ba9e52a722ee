"""The root of the command line: one sub-command for each thing people do with the stack."""

import typer

from tap.cli import demo, local, outputs, prompts

app = typer.Typer(
    name="tap",
    help="Live with the TAP stack: a local AWS to try it on, its outputs, its prompts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(local.app, name="local")
app.add_typer(prompts.app, name="prompts")
app.command()(outputs.outputs)
app.command()(demo.demo)
