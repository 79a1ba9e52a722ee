"""What the tests of the alarm proof share: changes of a document, and what a proof says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tap.declared import terraform
from tap.proofs.alarms import Proof, prove

Change = Callable[[dict[str, Any]], None]
ALARM = "aws_cloudwatch_metric_alarm"
READS = "DynamoDBReadThrottleAlarm"


def proofs_of(document: dict[str, Any]) -> dict[str, Proof]:
    """The proofs of a document in Terraform JSON, by the alarms' names in it."""
    return {one.address.rpartition(".")[2]: one for one in prove(terraform.read(document))}


def said(proof: Proof, status: str) -> str:
    """The findings with that status."""
    return "\n".join(f"{one.question}: {one.sentence}" for one in proof.findings if one.status == status)


def both(*edits: Change) -> Change:
    """One change after the other."""

    def apply(document: dict[str, Any]) -> None:
        for one in edits:
            one(document)

    return apply


def change(alarm: str, **values: Any) -> Change:
    """Arguments of an alarm."""

    def apply(document: dict[str, Any]) -> None:
        document["resource"][ALARM][alarm].update(values)

    return apply
