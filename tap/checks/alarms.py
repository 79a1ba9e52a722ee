"""The alarms: what they watch, when they fire, and whom they tell."""

from __future__ import annotations

from collections.abc import Iterator

from tap.checks.lines import NOT_THERE, Deployed, Line, tags
from tap.declared.alarms import Alarm, Query, of_described, of_resource
from tap.declared.resources import Resource
from tap.deployed import lookups
from tap.deployed.lookups import asked


def alarm(resource: Resource, deployed: Deployed) -> Iterator[Line]:
    """The lines of an alarm."""
    promised = of_resource(resource)
    client = deployed.session.client("cloudwatch")
    described = lookups.alarm(client, promised.name)
    if described is None:
        yield Line(resource.address, "exists", promised.name, NOT_THERE)
        return
    found = of_described(described)
    yield Line(resource.address, "watches", _watched(promised), _watched(found))
    yield Line(
        resource.address, "description", resource.values.get("alarm_description"), described.get("AlarmDescription")
    )
    yield Line(resource.address, "fires", _condition(promised), _condition(found))
    yield Line(resource.address, "missing data", promised.treat_missing_data, found.treat_missing_data)
    yield Line(
        resource.address, "actions enabled", _switched(promised.actions_enabled), _switched(found.actions_enabled)
    )
    yield Line(resource.address, "ALARM actions", sorted(promised.alarm_actions), sorted(found.alarm_actions))
    yield Line(resource.address, "OK actions", sorted(promised.ok_actions), sorted(found.ok_actions))
    without_data = resource.values.get("insufficient_data_actions") or []
    told = sorted(described.get("InsufficientDataActions", []))
    yield Line(resource.address, "INSUFFICIENT_DATA actions", sorted(without_data), told)
    listed = asked(client, "list_tags_for_resource", ResourceARN=described["AlarmArn"])["Tags"]
    yield from tags(resource, deployed, {tag["Key"]: tag["Value"] for tag in listed})


def _watched(alarm: Alarm) -> list[str]:
    return sorted(_query(one) for one in alarm.queries)


def _query(query: Query) -> str:
    if query.expression:
        return f"{query.expression}{'' if query.returns_data else ', not compared'}"
    dimensions = ", ".join(f"{name}={value}" for name, value in sorted(query.dimensions))
    told = f"{query.statistic} of {query.namespace} {query.metric}{{{dimensions}}} per {query.period} s"
    more = [f" in {query.unit}"] if query.unit else []
    return "".join([told, *more, f" of {query.account}" if query.account else ""])


def _condition(alarm: Alarm) -> str:
    times = f"{alarm.datapoints_to_alarm} of {alarm.evaluation_periods} periods"
    return f"{alarm.comparison} {_number(alarm.threshold)}, {times}"


def _number(threshold: float | None) -> str:
    if threshold is None:
        return "an anomaly band"
    return str(int(threshold)) if threshold.is_integer() else str(threshold)


def _switched(on: bool | None) -> str:
    return "on" if on else "off"
