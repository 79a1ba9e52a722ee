"""`tap dashboard`: the dashboard as one HTML file, before it is deployed or after."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tap.cli.console import err, note_unknown, out, telling_errors


def dashboard(
    environment: Annotated[str, typer.Argument(help="The environment's name in environments.toml.")],
    file: Annotated[
        Path | None, typer.Argument(help="The file to write; <name of the dashboard>.html by default.", metavar="FILE")
    ] = None,
) -> None:
    """Write the stack's dashboard as one HTML file that needs no network, in CloudWatch's layout.

    With credentials it shows the last day's data and the alarms' states; where there are none, a made-up day.
    """
    from tap.dashboard import build
    from tap.declared import terraform
    from tap.deployed.root import synthesized
    from tap.state import StateError
    from tap.state.session import Session

    with telling_errors():
        root = synthesized(environment, os.environ, is_adopting=True)
        session, place, client = Session(root.settings, os.environ), None, None
        try:
            session.require_allowed()
            place, client = session.place, session.client("cloudwatch")
        except StateError as error:
            err.print(f"Note: all data is made up: {error}", markup=False, soft_wrap=True)
        declared = terraform.read(root.document, place, variables=root.given_variables)
        (board,) = declared.of_type("aws_cloudwatch_dashboard")
        name, body = board.values["dashboard_name"], json.loads(board.values["dashboard_body"])
        page = build(name, body, cloudwatch=client, now=datetime.now(UTC), on_error=_told)
        path = file or Path(f"{name}.html")
        path.write_text(page, encoding="utf-8")
    note_unknown(environment, root.is_known)
    out.print(f"The dashboard {name} is in {path}: open it in a browser.", markup=False, soft_wrap=True)


def _told(error: Exception) -> None:
    err.print(f"Note: CloudWatch can't be asked: {' '.join(str(error).split())}", markup=False, soft_wrap=True)
