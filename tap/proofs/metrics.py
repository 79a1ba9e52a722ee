"""Whether AWS emits what an alarm watches, in the way that it watches it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tap.declared.alarms import Alarm, Query
from tap.declared.resources import Document, is_unresolved
from tap.metrics import catalogue
from tap.proofs.findings import Finding, fault, proved, unknown

EXISTS: Final = "AWS emits the metric"
FITS: Final = "statistic, period and unit fit"
_MOST_METRICS: Final = 10
_MOST_ACTIONS: Final = 5
_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY


def findings(alarm: Alarm, document: Document) -> Iterator[Finding]:
    """The two questions, each answered for all metrics together, or once for each that is at fault."""
    if not alarm.metrics:
        yield unknown(EXISTS, "which metric it watches can't be determined from the document")
        return
    if others := sorted({one.namespace for one in alarm.metrics} - set(catalogue.NAMESPACES)):
        named = f"the namespace {', '.join(filter(None, others))}" if any(others) else "a metric without a namespace"
        yield unknown(EXISTS, f"{named} is not covered by this proof, only {', '.join(catalogue.NAMESPACES)} is")
        return
    problems = [problem for one in alarm.metrics if (problem := _never_emitted(one) or _elsewhere(one, document))]
    yield from problems or [proved(EXISTS, _watched(alarm))]
    if not problems:
        yield from list(_misfits(alarm)) or [proved(FITS, _measured(alarm))]


def _never_emitted(query: Query) -> Finding | None:
    if is_unresolved([query.metric, *(text for pair in query.dimensions for text in pair)]):
        return unknown(
            EXISTS, f"{query.metric or 'the metric'} and its dimensions can't be determined from the document"
        )
    reason = catalogue.never_emitted(query.namespace, query.metric, dict(query.dimensions))
    return fault(EXISTS, f"{reason}: there will never be data, and the alarm never fires") if reason else None


def _elsewhere(query: Query, document: Document) -> Finding | None:
    """What may have data, but not of what the document declares."""
    if query.account and query.account != document.place.account:
        return unknown(EXISTS, f"{query.metric} is of the account {query.account}, which is not the document's")
    tables = {one.attributes.get("name"): one for one in document.of_type("aws_dynamodb_table")}
    dimensions = dict(query.dimensions)
    name, index = dimensions.get("TableName"), dimensions.get("GlobalSecondaryIndexName")
    if not name:
        return None
    if name not in tables:
        hidden = " (the name of another table can't be determined)" if is_unresolved(list(filter(None, tables))) else ""
        return unknown(EXISTS, f"{query.metric} is of the table {name}, which the document doesn't declare{hidden}")
    if problem := document.elsewhere(tables[name]):
        return unknown(EXISTS, problem)
    values = tables[name].values
    if index and index not in (names := _indexes(values)):
        if "dynamic" in values or is_unresolved(names):
            return unknown(EXISTS, f"whether the table has the index {index} can't be determined from the document")
        return unknown(EXISTS, f"{query.metric} is of the index {index}, which the document's table doesn't have")
    has_replicas_apart = any(document.of_type("aws_dynamodb_table_replica"))
    lacking = "" if "dynamic" in values else _lacking(query, values, has_replicas_apart)
    return fault(EXISTS, f"the table {name} {lacking}, so {query.metric} has no data") if lacking else None


def _indexes(table: Mapping[str, Any]) -> list[str]:
    listed = table.get("global_secondary_index") or table.get("global_secondary_indexes") or []
    blocks = [listed] if isinstance(listed, Mapping) else listed
    return [str(one.get("name") or one.get("index_name")) for one in blocks if isinstance(one, Mapping)]


#: What a table needs for a metric: any of these arguments (Terraform's, CloudFormation's); and what it lacks without.
_NEEDED: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "PendingReplicationCount": (("replica", "replicas"), "has no replica"),
    "ReplicationLatency": (("replica", "replicas"), "has no replica"),
    "ReturnedBytes": (("stream_enabled", "stream_view_type", "stream_specification"), "has no stream"),
    "ReturnedRecordsCount": (("stream_enabled", "stream_view_type", "stream_specification"), "has no stream"),
    "TimeToLiveDeletedItemCount": (("ttl", "time_to_live_specification"), "has no TTL"),
}


def _lacking(query: Query, table: Mapping[str, Any], has_replicas_apart: bool) -> str:
    """Why the table never has that metric, as far as the document says it."""
    if query.metric.startswith("Provisioned") and table.get("billing_mode") == "PAY_PER_REQUEST":
        return "is PAY_PER_REQUEST"
    arguments, said = _NEEDED.get(query.metric, ((), ""))
    if not arguments or any(table.get(one) for one in arguments) or (has_replicas_apart and "replica" in arguments):
        return ""
    return said


def _misfits(alarm: Alarm) -> Iterator[Finding]:
    yield from _refused(alarm)
    for query in alarm.metrics:
        metric = catalogue.NAMESPACES[query.namespace][query.metric]
        if query.statistic not in metric.statistics:
            is_percentile = re.fullmatch(r"(p|tm|tc|ts|wm|pr|iqm)\(?[\d.:%]*\)?", query.statistic, re.IGNORECASE)
            says = unknown if is_percentile else fault
            wrong = f"{query.statistic} is not a statistic that AWS documents for {query.metric}"
            problem = wrong if query.statistic else f"no statistic of {query.metric} is given"
            yield says(FITS, f"{problem}: use {' or '.join(metric.statistics)}")
        if query.unit and query.unit != metric.unit:
            yield fault(
                FITS, f"{query.metric} is emitted in {metric.unit}, so with the unit {query.unit} there is no data"
            )
        if query.period < metric.period or query.period % 60:
            least = f"at least {metric.period}, since {query.metric} is emitted that often"
            yield fault(FITS, f"the period is {query.period} seconds; it must be a multiple of 60, and {least}")


def _refused(alarm: Alarm) -> Iterator[Finding]:
    """What CloudWatch wouldn't take."""
    ids = [one.id for one in alarm.queries]
    if len(set(ids)) != len(ids) or not all(re.fullmatch(r"[a-z]\w*", one, re.ASCII) for one in ids):
        yield fault(FITS, f"the ids {', '.join(ids)} must be unique and start with a lowercase letter")
    if alarm.evaluation_periods < 1 or alarm.datapoints_to_alarm < 1:
        yield fault(FITS, "evaluation_periods and datapoints_to_alarm must be at least 1")
    if len(alarm.alarm_actions) > _MOST_ACTIONS or len(alarm.ok_actions) > _MOST_ACTIONS:
        yield fault(FITS, f"an alarm takes at most {_MOST_ACTIONS} actions per state")
    if len(alarm.metrics) > _MOST_METRICS:
        yield fault(FITS, f"an alarm takes at most {_MOST_METRICS} metrics, and this one has {len(alarm.metrics)}")
    longest = _WEEK if alarm.period >= 3600 else _DAY
    if alarm.period * alarm.evaluation_periods > longest:
        most, periods = "day" if longest == _DAY else "week", f"{alarm.evaluation_periods} periods"
        yield fault(
            FITS, f"{periods} of {alarm.period} seconds are more than the {most} that CloudWatch evaluates at most"
        )
    if alarm.datapoints_to_alarm > alarm.evaluation_periods:
        needed = f"datapoints_to_alarm ({alarm.datapoints_to_alarm})"
        yield fault(FITS, f"{needed} is more than evaluation_periods ({alarm.evaluation_periods})")


def _watched(alarm: Alarm) -> str:
    names = sorted({one.metric for one in alarm.metrics})
    dimensions = sorted({" and ".join(sorted(dict(one.dimensions))) for one in alarm.metrics})
    per = ", and ".join(f"per {one}" if one else "without dimensions" for one in dimensions)
    return f"{', '.join(names)} {per}"


def _measured(alarm: Alarm) -> str:
    statistics = sorted({one.statistic for one in alarm.metrics})
    return f"{', '.join(statistics)} over {alarm.period} seconds"
