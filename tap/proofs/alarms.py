"""The alarm proof: each alarm of a document, from the metric that it watches to the topic that it tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tap.declared.alarms import TYPE, Alarm, of_resource
from tap.declared.resources import Document, is_unresolved
from tap.proofs import delivery, metrics, series
from tap.proofs.engine import decide
from tap.proofs.findings import Finding, Status, fault, unknown

_WHAT: Final = "its declaration"
#: What a broken document can raise while an alarm is read.
_UNREADABLE: Final = (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError)
#: Related types that this proof does not cover.
_UNCOVERED: Final = ("aws_cloudwatch_composite_alarm", "AWS::CloudWatch::AnomalyDetector")


@dataclass(frozen=True)
class Proof:
    """What was found of one alarm."""

    address: str
    name: str
    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """The worst of its findings."""
        told = {one.status for one in self.findings}
        return "fault" if "fault" in told else "unknown" if "unknown" in told else "proved"


def prove(document: Document) -> list[Proof]:
    """Prove each alarm that a document declares.

    :raises ProofError: when policies can't be evaluated on this machine.
    """
    listed, broken = [], []
    for resource in document.of_type(TYPE):
        try:
            listed.append(of_resource(resource))
        except _UNREADABLE:
            broken.append(Proof(resource.address, resource.address, (unknown(_WHAT, "it can't be read here"),)))
    asked = [(alarm, one) for alarm in listed for one in _findings_and_questions(alarm, document)]
    requests = [request for _, one in asked if isinstance(one, delivery.Question) for request in one.requests]
    decisions = iter(decide(requests))
    found: dict[str, list[Finding]] = {alarm.address: [] for alarm in listed}
    for alarm, one in asked:
        if isinstance(one, Finding):
            found[alarm.address].append(one)
        else:
            found[alarm.address] += one.answer([next(decisions) for _ in one.requests])
    for address, another in _namesakes(listed, document):
        found[address].append(fault(_WHAT, f"{another} has the same name: one overwrites the other"))
    proofs = [Proof(alarm.address, alarm.name, tuple(found[alarm.address])) for alarm in listed]
    uncovered = [
        Proof(one.address, one.address, (unknown(_WHAT, f"the type {one.type} is not covered by this proof"),))
        for one in document.of_type(*_UNCOVERED)
    ]
    return [*proofs, *broken, *uncovered]


def _namesakes(listed: list[Alarm], document: Document) -> Iterator[tuple[str, str]]:
    """Each alarm with another of its name that is deployed together with it, by their addresses."""
    together = {one.address for one in document.of_type(TYPE) if one.in_force and not document.elsewhere(one)}
    by_name: dict[str, list[str]] = defaultdict(list)
    for alarm in listed:
        if alarm.address in together and not is_unresolved(alarm.name):
            by_name[alarm.name].append(alarm.address)
    for first, second, *more in (one for one in by_name.values() if len(one) > 1):
        yield first, second
        yield from ((one, first) for one in (second, *more))


def _findings_and_questions(alarm: Alarm, document: Document) -> Iterator[Finding | delivery.Question]:
    of_metrics = list(metrics.findings(alarm, document))
    yield from of_metrics
    if all(one.status == "proved" for one in of_metrics):
        yield from series.findings(alarm)
    yield from delivery.questions(alarm, document)
