"""`make prove`: record a stack's whole life cycle on an embedded AWS, and evaluate the shipped policies on it.

What was asked is in recorded.jsonl, which `make test` evaluates as well; `--keep` renews it.
"""

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.permissions import lives, proof

RECORDED = Path(__file__).with_name("recorded.jsonl")
_OUT = Console(highlight=False, width=None if sys.stdout.isatty() else 180)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        recording = lives.record(Path(folder))
    differences = _differences(recording)
    if differences and "--keep" in sys.argv:
        RECORDED.write_text(recording.as_json())
        differences = []
    rows, drops, denied = proof.table(recording), proof.dropped(recording), proof.outside(recording)
    _print(
        "What is asked for, and allowed",
        ("role", "action", "resource", "by", ""),
        [
            (
                row.role,
                row.asked.action,
                _short(row.asked.resource, recording),
                ", ".join(row.commands),
                _said(row.decision.allowed, row.decision.error),
            )
            for row in rows
        ],
    )
    _print(
        "Each action dropped in turn",
        ("role", "statement", "action", "requests denied"),
        [
            (one.role, one.statement, one.action, str(one.denied) if one.denied else "[red]0: useless[/]")
            for one in drops
        ],
    )
    _print(
        "What must be denied",
        ("role", "what", "action", "resource", ""),
        [
            (
                one.role,
                one.what,
                one.asked.action,
                _short(one.asked.resource, recording),
                _said(not one.decision.allowed, one.decision.error, "denied", "ALLOWED"),
            )
            for one in denied
        ],
    )
    not_allowed = sum(not row.decision.allowed for row in rows)
    useless = sum(not one.denied for one in drops)
    not_denied = sum(one.decision.allowed or bool(one.decision.error) for one in denied)
    _OUT.print(
        f"{len(rows)} requests that must be allowed, {not_allowed} are not; {len(drops)} actions, {useless} useless."
    )
    _OUT.print(f"{len(denied)} requests that must be denied, {not_denied} are not.")
    for one in differences:
        _OUT.print(f"[red]Not as in {RECORDED.name}:[/] {one}", soft_wrap=True)
    if differences:
        _OUT.print("If that is what you wanted: `python -m tests.permissions --keep`, and commit it with your change.")
    return 1 if not_allowed or useless or not_denied or differences else 0


def _differences(recording: lives.Recording) -> list[str]:
    """The questions that are new, and those that nobody asked this time."""
    kept = set(RECORDED.read_text().splitlines()) if RECORDED.exists() else set()
    now = set(recording.as_json().splitlines())
    return [f"new: {one}" for one in sorted(now - kept)] + [f"gone: {one}" for one in sorted(kept - now)]


def _print(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for column in table.columns:
        column.overflow = "fold"
    before = ""
    for role, *rest in rows:
        table.add_row("" if role == before else role, *rest)
        before = role
    _OUT.print(table)


def _said(fine: bool, error: str, yes: str = "allowed", no: str = "DENIED") -> str:
    return f"[red]{error[:200]}[/]" if error else f"[green]{yes}[/]" if fine else f"[red]{no}[/]"


def _short(resource: str, recording: lives.Recording) -> str:
    place = recording.target.place
    return resource.replace(f":{place.account}", "").replace(f"arn:{place.partition}:", "").replace(place.region, "")


if __name__ == "__main__":
    sys.exit(main())
