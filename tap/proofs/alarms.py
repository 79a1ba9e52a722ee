"""The alarm proof: each alarm of a document, from the metric that it watches to the topic that it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tap.declared.alarms import TYPE, Alarm, of_resource
from tap.declared.resources import Document, is_unresolved
from tap.proofs import delivery, metrics, series
from tap.proofs.engine import decide
from tap.proofs.findings import Finding, Status, fault, unknown

#: Alarms of other kinds, of which nothing is proved.
_WHAT = "what it is"
_UNREADABLE = (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError)
_OTHERS = ("aws_cloudwatch_composite_alarm", "AWS::CloudWatch::AnomalyDetector")


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
    asked = [(alarm, one) for alarm in listed for one in _asked(alarm, document)]
    requests = [request for _, one in asked if isinstance(one, delivery.Question) for request in one.requests]
    decisions = iter(decide(requests))
    found: dict[str, list[Finding]] = {alarm.address: [] for alarm in listed}
    for alarm, one in asked:
        if isinstance(one, Finding):
            found[alarm.address].append(one)
        else:
            found[alarm.address] += one.answer([next(decisions) for _ in one.requests])
    there = {one.address: one for one in document.of_type(TYPE) if one.in_force and not document.elsewhere(one)}
    for alarm in listed:
        others = [one.address for one in listed if one.name == alarm.name and one.address != alarm.address]
        clashing = [one for one in others if {one, alarm.address} <= there.keys()]
        if clashing and not is_unresolved(alarm.name):
            found[alarm.address].append(fault(_WHAT, f"{clashing[0]} has the same name: one overwrites the other"))
    proofs = [Proof(alarm.address, alarm.name, tuple(found[alarm.address])) for alarm in listed]
    others_ = [
        Proof(one.address, one.address, (unknown(_WHAT, f"nothing is known here of the type {one.type}"),))
        for one in document.of_type(*_OTHERS)
    ]
    return [*proofs, *broken, *others_]


def _asked(alarm: Alarm, document: Document) -> Iterator[Finding | delivery.Question]:
    of_metrics = list(metrics.findings(alarm, document))
    yield from of_metrics
    if all(one.status == "proved" for one in of_metrics):
        yield from series.findings(alarm)
    yield from delivery.questions(alarm, document)
