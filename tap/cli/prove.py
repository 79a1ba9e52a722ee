"""`tap prove alarms`: that each alarm of a stack or another document fires, and that its message gets to its topic."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tap.cli.console import out, telling_errors
from tap.declared.resources import Document
from tap.proofs.alarms import Proof

NOT_PROVED = 2

app = typer.Typer(no_args_is_help=True, help="Prove things about a stack from its code, before it is deployed.")


@app.callback()
def root() -> None:
    """Options of every proof: none yet."""


@app.command()
def alarms(
    what: Annotated[
        str,
        typer.Argument(
            help="An environment's name, or a file: Terraform JSON (cdk.tf.json), a plan or state as `terraform show"
            " -json` writes it, or a CloudFormation template.",
            metavar="ENVIRONMENT|FILE",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.", metavar="")] = False,
) -> None:
    """Prove that each alarm watches what AWS emits, fires and recovers, and that its message gets through.

    Nothing is asked of AWS. Exit status: 0 all proved; 2 an alarm is at fault, or can't be proved; 1 failed.
    """
    from tap.proofs.alarms import prove

    with telling_errors(as_json=as_json):
        document = _document(what)
        proofs = prove(document)
    if as_json:
        sys.stdout.write(json.dumps(_as_json(what, proofs, document), indent=2) + "\n")
    else:
        _show(what, proofs)
        _show_assumptions(document, what)
    raise typer.Exit(0 if proofs and all(one.status == "proved" for one in proofs) else NOT_PROVED)


def _document(what: str) -> Document:
    from tap.declared import DeclaredError, files, terraform
    from tap.deployed.root import environment, project_folder, synthesized

    if _is_file(what):
        return files.read(Path(what))
    _, _, is_known = environment(what, os.environ, project_folder())
    if not is_known:  # a file that isn't there must not pass as an environment with the defaults
        raise DeclaredError(
            f"There is no file {what}, and environments.toml has no [{what}]. For a throw-away environment set"
            f" TAP_ENVIRONMENT_SUFFIX={what}."
        )
    return terraform.read(synthesized(what, os.environ, is_adopting=True).document)


def _is_file(what: str) -> bool:
    """Whether a file is meant and not an environment, which may have a folder of its name beside it."""
    try:
        is_there = Path(what).exists() and not Path(what).is_dir()
    except OSError:  # too long a name, or a folder that may not be looked into
        return True
    return is_there or "/" in what or what.endswith((".json", ".yaml", ".yml", ".template", ".tf"))


def _show(what: str, proofs: list[Proof]) -> None:
    colours = {"proved": "green", "fault": "red", "unknown": "yellow"}
    table = Table("alarm", "", "question", "answer", title=f"Alarms of {escape(what)}", title_justify="left")
    table.columns[3].overflow = "fold"
    for proof in proofs:
        for number, finding in enumerate(proof.findings):
            status = f"[{colours[finding.status]}]{finding.status}[/]"
            address = escape(proof.address) if number == 0 else ""
            table.add_row(address, status, escape(finding.question), escape(finding.sentence))
    if proofs:
        out.print(table)
    bad = [one for one in proofs if one.status != "proved"]
    if not proofs:
        out.print(f"{what}: declares no alarm, so nothing is proved.", markup=False, soft_wrap=True)
    elif bad:
        names = ", ".join(one.address for one in bad)
        out.print(f"{what}: {len(bad)} of {len(proofs)} alarms not proved: {names}.", markup=False, soft_wrap=True)
    else:
        count = "its one alarm is" if len(proofs) == 1 else f"all {len(proofs)} alarms are"
        out.print(f"{what}: {count} proved.", markup=False, soft_wrap=True)


def _show_assumptions(document: Document, what: str) -> None:
    """What somebody should know who takes the answer for the whole truth."""
    if document.not_read:
        names = ", ".join(document.not_read)
        out.print(f"Not checked, because the document only refers to them: {names}.", markup=False, soft_wrap=True)
    if _is_file(what):
        place = f"account {document.place.account}, region {document.place.region}"
        defaults = "parameters and variables without a value in the document have their defaults"
        assumed = "; ".join((place, defaults, *document.assumed))
        out.print(f"Assumed: {assumed}.", markup=False, soft_wrap=True)


def _as_json(what: str, proofs: list[Proof], document: Document) -> dict[str, object]:
    return {
        "document": what,
        "account": document.place.account,
        "region": document.place.region,
        "not_read": list(document.not_read),
        "assumed": list(document.assumed),
        "alarms": [
            {
                "address": proof.address,
                "name": proof.name,
                "status": proof.status,
                "findings": [
                    {"question": one.question, "status": one.status, "sentence": one.sentence} for one in proof.findings
                ],
            }
            for proof in proofs
        ],
    }
