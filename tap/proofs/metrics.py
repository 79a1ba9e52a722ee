"""Whether AWS emits what an alarm watches, in the way that it watches it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tap.declared.alarms import Alarm, Query
from tap.declared.resources import Document, is_unresolved
from tap.metrics import catalogue
from tap.proofs.findings import Finding, fault, proved, unknown

EXISTS: Final = "AWS emits the metric"
FITS: Final = "statistic, period and unit fit"
ACCEPTED: Final = "CloudWatch accepts it"
_LONGEST_NAME: Final = 255
_MISSING: Final = ("breaching", "notBreaching", "ignore", "missing")
_COMPARISONS: Final = (
    *("GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"),
    *("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"),
)
#: Arguments of which an alarm has one or the other.
_EITHER: Final = (
    ("statistic", "extended_statistic"),
    ("metric_name", "metric_query"),
    ("threshold", "threshold_metric_id"),
)
_SEARCHES: Final = r"\s*SELECT\b|.*\bSEARCH\("
_MOST_METRICS: Final = 10
_MOST_ACTIONS: Final = 5
_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY


def findings(alarm: Alarm, document: Document) -> Iterator[Finding]:
    """The two questions, each answered for all metrics together, or once for each that is at fault."""
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
    needs = () if "dynamic" in values else _needs_of(query.metric)
    for need in needs:
        if (holds := need.holds(values)) is None:
            return unknown(EXISTS, f"whether the table {name} {need.said} can't be determined from the document")
        if not holds and not any(document.of_type(need.by_a_resource)):
            return fault(EXISTS, f"the table {name} {need.lacked}, so {query.metric} has no data")
    return None


def _indexes(table: Mapping[str, Any]) -> list[str]:
    listed = table.get("global_secondary_index") or table.get("global_secondary_indexes") or []
    blocks = [listed] if isinstance(listed, Mapping) else listed
    return [str(one.get("name") or one.get("index_name")) for one in blocks if isinstance(one, Mapping)]


@dataclass(frozen=True)
class _Need:
    """What a table must have, or be, for a metric; `holds` is None where the document doesn't say it."""

    holds: Callable[[Mapping[str, Any]], bool | None]
    said: str
    lacked: str
    by_a_resource: str = ""


def _has(*arguments: str, by_default: bool = True) -> Callable[[Mapping[str, Any]], bool | None]:
    """Whether it has any of these arguments (Terraform's, CloudFormation's), and doesn't switch it off.

    `by_default` says whether a block that doesn't say `enabled` is on.
    """

    def holds(table: Mapping[str, Any]) -> bool | None:
        given = [table[one] for one in arguments if table.get(one)]
        return None if is_unresolved(given) else any(_is_on(one, by_default=by_default) for one in given)

    return holds


def _is_on(value: Any, *, by_default: bool) -> bool:
    block = value[0] if isinstance(value, list) and value else value
    is_on = block.get("enabled", by_default) if isinstance(block, Mapping) else block
    return str(is_on).lower() not in ("false", "")


def _bills_as(mode: str) -> Callable[[Mapping[str, Any]], bool | None]:
    def holds(table: Mapping[str, Any]) -> bool | None:
        billing = table.get("billing_mode") or "PROVISIONED"  # the default of both
        return None if is_unresolved(billing) else billing == mode

    return holds


_REPLICA: Final = _Need(_has("replica", "replicas"), "has a replica", "has no replica", "aws_dynamodb_table_replica")
_STREAM: Final = _Need(_has("stream_enabled", "stream_specification"), "has a stream", "has no stream")
_TTL: Final = _Need(_has("ttl", "time_to_live_specification", by_default=False), "has TTL", "has no TTL")
_PROVISIONED: Final = _Need(_bills_as("PROVISIONED"), "is PROVISIONED", "is PAY_PER_REQUEST")
_ON_DEMAND: Final = _Need(_bills_as("PAY_PER_REQUEST"), "is PAY_PER_REQUEST", "is PROVISIONED")
_MAXIMUM: Final = _Need(
    # Those of a global table's replicas and of an index have a place of their own.
    _has("on_demand_throughput", "write_on_demand_throughput_settings", "replicas", "global_secondary_index"),
    "has an on-demand maximum",
    "has no on-demand maximum",
)


def _needs_of(metric: str) -> tuple[_Need, ...]:
    """For throttles by their reason: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html."""
    if metric in ("PendingReplicationCount", "ReplicationLatency"):
        return (_REPLICA,)
    if metric in ("ReturnedBytes", "ReturnedRecordsCount"):
        return (_STREAM,)
    if metric == "TimeToLiveDeletedItemCount":
        return (_TTL,)
    if metric.startswith("OnDemandMax") or "MaxOnDemand" in metric:
        return (_ON_DEMAND, _MAXIMUM)
    if "AccountLimit" in metric:
        return (_ON_DEMAND,)
    return (_PROVISIONED,) if metric.startswith("Provisioned") or "ProvisionedThroughput" in metric else ()


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
    if len(alarm.alarm_actions) > _MOST_ACTIONS or len(alarm.ok_actions) > _MOST_ACTIONS:
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
