"""Whether AWS emits what an alarm watches, in the way that it watches it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from tap.declared.alarms import Alarm, Query
from tap.declared.resources import Document, Resource, is_unresolved
from tap.metrics import catalogue
from tap.proofs import tables
from tap.proofs.findings import Finding, fault, proved, unknown
from tap.proofs.series import COMPARISONS

EXISTS: Final = "AWS emits the metric"
FITS: Final = "statistic, period and unit fit"
ACCEPTED: Final = "CloudWatch accepts it"
_LONGEST_NAME: Final = 255
_MISSING: Final = ("breaching", "notBreaching", "ignore", "missing")
#: Those of anomalies as well, which this proof does not evaluate.
_COMPARISONS: Final = (
    *COMPARISONS,
    *("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"),
)
#: Arguments of which an alarm has one or the other.
_OF_ONE_METRIC: Final = ("metric_name", "namespace", "dimensions", "period", "statistic", "extended_statistic", "unit")
_EITHER: Final = (
    *((one, "metric_query") for one in _OF_ONE_METRIC),
    ("statistic", "extended_statistic"),
    ("threshold", "threshold_metric_id"),
)
_SEARCHES: Final = r"\s*SELECT\b|.*\bSEARCH\("
_MOST_METRICS: Final = 10
_MOST_ACTIONS: Final = 5
_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY


def findings(alarm: Alarm, document: Document) -> Iterator[Finding]:
    """Whether CloudWatch accepts the alarm, AWS emits its metrics, and the alarm asks for them in a way that fits.

    Each is answered for all metrics together, or once for each that is at fault.
    """
    if refused := list(_refused(alarm)):
        yield from refused
        return
    if not alarm.metrics or any(re.match(_SEARCHES, one.expression, re.IGNORECASE) for one in alarm.queries):
        yield unknown(EXISTS, "metrics that an expression finds (SEARCH, SELECT) are not covered by this proof")
        return
    if others := sorted({one.namespace for one in alarm.metrics} - set(catalogue.NAMESPACES)):
        known = ", ".join(catalogue.NAMESPACES)
        yield unknown(EXISTS, f"the namespace {', '.join(others)} is not covered by this proof, only {known} is")
        return
    problems = [problem for one in alarm.metrics if (problem := _never_emitted(one) or _elsewhere(one, document))]
    yield from problems or [proved(EXISTS, _watched(alarm))]
    if not problems:
        yield from list(_misfits(alarm)) or [proved(FITS, _measured(alarm))]


def _never_emitted(query: Query) -> Finding | None:
    reason = catalogue.never_emitted(query.namespace, query.metric, dict(query.dimensions))
    return fault(EXISTS, f"{reason}: there will never be data, and the alarm never fires") if reason else None


def _elsewhere(query: Query, document: Document) -> Finding | None:
    """What may have data, but not of what the document declares."""
    if query.account and query.account != document.place.account:
        return unknown(EXISTS, f"{query.metric} is of the account {query.account}, which is not the document's")
    name = dict(query.dimensions).get("TableName")
    if not name:
        return None
    table = document.named("aws_dynamodb_table", name=name)
    if table is None:
        is_hidden = any(is_unresolved(one.values.get("name")) for one in document.of_type("aws_dynamodb_table"))
        hidden = " (the name of another table can't be determined)" if is_hidden else ""
        return unknown(EXISTS, f"{query.metric} is of the table {name}, which the document doesn't declare{hidden}")
    if problem := document.missing(table):
        return unknown(EXISTS, problem)
    return _of_table(query, table, document)


def _of_table(query: Query, table: Resource, document: Document) -> Finding | None:
    """What the table doesn't have, or may not have, and so no data of the metric."""
    if index := dict(query.dimensions).get("GlobalSecondaryIndexName"):
        has_it = tables.has_index(table, index)
        if has_it is None:
            return unknown(EXISTS, f"whether the table has the index {index} can't be determined from the document")
        if not has_it:
            return unknown(EXISTS, f"{query.metric} is of the index {index}, which the document's table doesn't have")
    name = table.attributes["name"]
    for has_it, what in tables.needs(query, table, document):
        if has_it is None:
            return unknown(EXISTS, f"whether the table {name} has {what} can't be determined from the document")
        if not has_it:
            return fault(EXISTS, f"the table {name} doesn't have {what}, so {query.metric} has no data")
    return None


def _misfits(alarm: Alarm) -> Iterator[Finding]:
    for query in alarm.metrics:
        metric = catalogue.NAMESPACES[query.namespace][query.metric]
        if query.statistic not in metric.statistics:
            is_percentile = re.fullmatch(r"(p|tm|tc|ts|wm|pr|iqm)\(?[\d.:%]*\)?", query.statistic, re.IGNORECASE)
            says = unknown if is_percentile else fault
            wrong = f"{query.statistic} is not a statistic that AWS documents for {query.metric}"
            problem = wrong if query.statistic else f"no statistic of {query.metric} is given"
            yield says(FITS, f"{problem}: use {_or(metric.statistics)}")
        if query.unit and query.unit != metric.unit:
            yield fault(
                FITS, f"{query.metric} is emitted in {metric.unit}, so with the unit {query.unit} there is no data"
            )
        if query.period < metric.period or query.period % 60:
            least = f"at least {metric.period}, since {query.metric} is emitted that often"
            yield fault(FITS, f"the period is {query.period} seconds; it must be a multiple of 60, and {least}")


def _refused(alarm: Alarm) -> Iterator[Finding]:
    """What CloudWatch would refuse.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    for problem in (*_refused_arguments(alarm), *_refused_queries(alarm), *_refused_periods(alarm)):
        yield fault(ACCEPTED, problem)


def _refused_arguments(alarm: Alarm) -> Iterator[str]:
    if len(alarm.name) > _LONGEST_NAME:
        yield f"its name has {len(alarm.name)} characters: {_LONGEST_NAME} are the most"
    for argument, value, allowed in (
        ("comparison_operator", alarm.comparison, _COMPARISONS),
        ("treat_missing_data", alarm.treat_missing_data, _MISSING),
    ):
        if value not in allowed:
            yield f"{argument} is {value or 'not given'}: it must be {_or(allowed)}"
    if "threshold" not in alarm.given and "threshold_metric_id" not in alarm.given:
        yield "it has no threshold"
    for one, other in _EITHER:
        if {one, other} <= alarm.given:
            yield f"it has both {one} and {other}: only one of them is allowed"
    if max(map(len, (alarm.alarm_actions, alarm.ok_actions, alarm.insufficient_data_actions))) > _MOST_ACTIONS:
        yield f"it has more than {_MOST_ACTIONS} actions for a state"


def _refused_queries(alarm: Alarm) -> Iterator[str]:
    ids = [one.id for one in alarm.queries]
    if len(set(ids)) != len(ids) or not all(re.fullmatch(r"[a-z]\w*", one, re.ASCII) for one in ids):
        yield f"the ids {', '.join(ids)} must be unique and start with a lowercase letter"
    if "threshold_metric_id" not in alarm.given and (count := sum(one.returns_data for one in alarm.queries)) != 1:
        yield f"{count or 'no'} queries return data (return_data = true): exactly one must"
    for query in alarm.metrics:
        if missing := [name for name in ("namespace", "metric") if not getattr(query, name)]:
            yield f"the query {query.id} has no {' and no '.join(missing)}"
    if len(alarm.metrics) > _MOST_METRICS:
        yield f"it has {len(alarm.metrics)} metrics: {_MOST_METRICS} are the most"


def _refused_periods(alarm: Alarm) -> Iterator[str]:
    if "evaluation_periods" not in alarm.given:
        yield "it has no evaluation_periods"
    if alarm.evaluation_periods < 1 or alarm.datapoints_to_alarm < 1:
        yield "evaluation_periods and datapoints_to_alarm must be at least 1"
    longest = _WEEK if alarm.period >= 3600 else _DAY
    if alarm.period * alarm.evaluation_periods > longest:
        most, periods = "day" if longest == _DAY else "week", f"{alarm.evaluation_periods} periods"
        yield f"{periods} of {alarm.period} seconds are more than the {most} that CloudWatch evaluates at most"
    if alarm.datapoints_to_alarm > alarm.evaluation_periods:
        needed = f"datapoints_to_alarm ({alarm.datapoints_to_alarm})"
        yield f"{needed} is more than evaluation_periods ({alarm.evaluation_periods})"


def _or(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _watched(alarm: Alarm) -> str:
    names = sorted({one.metric for one in alarm.metrics})
    dimensions = sorted({" and ".join(sorted(dict(one.dimensions))) for one in alarm.metrics})
    per = ", and ".join(f"per {one}" if one else "without dimensions" for one in dimensions)
    return f"{', '.join(names)} {per}"


def _measured(alarm: Alarm) -> str:
    statistics = sorted({one.statistic for one in alarm.metrics})
    return f"{', '.join(statistics)} over {alarm.period} seconds"
