"""The alarm proof: each alarm of a document, from the metric that it watches to the topic that it tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tap.declared import UNREADABLE
from tap.declared.alarms import TYPE, Alarm, of_resource
from tap.declared.resources import MADE_UP, Document
from tap.proofs import delivery, metrics, series
from tap.proofs.access import Question
from tap.proofs.engine import decide
from tap.proofs.findings import Finding, Status, fault, unknown

_WHAT: Final = "its declaration"
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
    alarms: list[Alarm] = []
    asked: list[tuple[Alarm, Finding | Question]] = []
    broken = []
    for resource in document.of_type(TYPE):
        # An alarm that is only there on a condition is proved for where that is met.
        own = document if resource.exists else document.when.get(resource.condition, document)
        try:
            alarm = of_resource(own.at(resource.address))
            asked += [(alarm, one) for one in _findings_and_questions(alarm, own)]
            alarms.append(alarm)
        except UNREADABLE:
            broken.append(Proof(resource.address, resource.address, (unknown(_WHAT, "it can't be read here"),)))
    requests = [request for _, one in asked if isinstance(one, Question) for request in one.requests]
    decisions = iter(decide(requests))
    found: dict[str, list[Finding]] = {alarm.address: [] for alarm in alarms}
    for alarm, one in asked:
        if isinstance(one, Finding):
            found[alarm.address].append(one)
        else:
            found[alarm.address] += one.answer([next(decisions) for _ in one.requests])
    for address, why in _namesakes(alarms, document):
        found[address].append(fault(_WHAT, f"{why}: one overwrites the other"))
    proofs = [Proof(alarm.address, alarm.name, tuple(found[alarm.address])) for alarm in alarms]
    uncovered = [
        Proof(one.address, one.address, (unknown(_WHAT, f"the type {one.type} is not covered by this proof"),))
        for one in document.of_type(*_UNCOVERED)
    ]
    return [*proofs, *broken, *uncovered]


def _namesakes(alarms: list[Alarm], document: Document) -> Iterator[tuple[str, str]]:
    """The addresses of alarms that are deployed together under one name, and what is wrong with each."""
    together = {one.address: one for one in document.of_type(TYPE) if not document.missing(one)}
    by_name: dict[str, list[str]] = defaultdict(list)
    for alarm in alarms:
        if alarm.address in together and MADE_UP not in alarm.name:
            by_name[alarm.name].append(alarm.address)
    for first, *more in by_name.values():
        if together[first].number > 1:
            yield first, f"there are {together[first].number} of it with the same name"
        if more:
            yield first, f"{more[0]} has the same name"
            yield from ((one, f"{first} has the same name") for one in more)


def _findings_and_questions(alarm: Alarm, document: Document) -> Iterator[Finding | Question]:
    if alarm.undetermined:
        yield unknown(_WHAT, f"its {' and '.join(alarm.undetermined)} can't be determined from the document")
    else:
        of_metrics = list(metrics.findings(alarm, document))
        yield from of_metrics
        if all(one.status == "proved" for one in of_metrics):
            yield from series.findings(alarm)
    yield from delivery.questions(alarm, document)
