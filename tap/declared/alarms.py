"""Alarms on metrics as a document declares them, whichever kind of document it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tap.declared.cloudformation import renamed
from tap.declared.resources import Document, Resource, is_repeated, is_unresolved

TYPE: Final = "aws_cloudwatch_metric_alarm"


@dataclass(frozen=True)
class Query:
    """One metric of an alarm, or one expression on the others; the alarm compares the one that `returns_data`."""

    id: str
    namespace: str = ""
    metric: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    statistic: str = ""
    period: int = 0
    unit: str = ""
    account: str = ""
    expression: str = ""
    returns_data: bool = True


@dataclass(frozen=True)
class Alarm:
    """An alarm: ALARM while its data compare so with the threshold in enough of the last periods."""

    address: str
    name: str
    arn: str
    queries: tuple[Query, ...]
    comparison: str
    threshold: float | None
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str
    #: None when it can't be told.
    actions_enabled: bool | None
    alarm_actions: tuple[str, ...]
    ok_actions: tuple[str, ...]
    insufficient_data_actions: tuple[str, ...]
    #: The arguments that are given.
    given: frozenset[str]
    #: The arguments that decide when it fires and can't be told.
    undetermined: tuple[str, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions of all three states."""
        return (*self.alarm_actions, *self.ok_actions, *self.insufficient_data_actions)

    @property
    def metrics(self) -> tuple[Query, ...]:
        """Its metrics, without its expressions."""
        return tuple(one for one in self.queries if not one.expression)

    @property
    def period(self) -> int:
        """The seconds of one period."""
        return max((one.period for one in self.queries), default=0)


def alarms(document: Document) -> Iterator[Alarm]:
    """The alarms on metrics in a document."""
    return (of_resource(one) for one in document.of_type(TYPE))


def of_resource(resource: Resource) -> Alarm:
    """A declared alarm."""
    return _alarm(resource.address, resource.attributes["alarm_name"], resource.attributes["arn"], resource.values)


def of_described(described: Mapping[str, Any]) -> Alarm:
    """A deployed one, as DescribeAlarms tells it."""
    name, arn = described["AlarmName"], described["AlarmArn"]
    return _alarm(name, name, arn, renamed({**described, "MetricQuery": described.get("Metrics", [])}))


#: What a state has for arguments that are not set; a threshold of 0 is one.
_NOT_GIVEN: Final[Mapping[str, tuple[Any, ...]]] = {"period": (None, 0, "0", "")}
#: The arguments that decide when an alarm fires.
_DECISIVE: Final = (
    *("comparison_operator", "datapoints_to_alarm", "dimensions", "evaluation_periods", "extended_statistic"),
    *("metric_name", "metric_query", "namespace", "period", "statistic", "threshold"),
    *("threshold_metric_id", "treat_missing_data", "unit"),
)


def _alarm(address: str, name: str, arn: str, values: Mapping[str, Any]) -> Alarm:
    values = {**values, "metric_query": _without_labels(values.get("metric_query"))}
    undetermined = tuple(one for one in _DECISIVE if is_unresolved(values.get(one)) or is_repeated(values, one))
    values = {one: value for one, value in values.items() if one not in undetermined}
    given = values.get("evaluation_periods")
    periods = 1 if given is None else int(given)
    return Alarm(
        address=address,
        name=name,
        arn=arn,
        queries=tuple(_queries(values)),
        comparison=str(values.get("comparison_operator", "")),
        threshold=float(values["threshold"]) if values.get("threshold") is not None else None,
        evaluation_periods=periods,
        datapoints_to_alarm=int(values.get("datapoints_to_alarm") or periods),
        treat_missing_data=str(values.get("treat_missing_data") or "missing"),
        actions_enabled=None if is_unresolved(values.get("actions_enabled")) else _on(values.get("actions_enabled")),
        alarm_actions=_texts(values.get("alarm_actions")),
        ok_actions=_texts(values.get("ok_actions")),
        insufficient_data_actions=_texts(values.get("insufficient_data_actions")),
        given=frozenset(one for one, value in values.items() if value not in _NOT_GIVEN.get(one, (None, "", [], {}))),
        undetermined=undetermined,
    )


def _without_labels(queries: Any) -> Any:
    """Labels may have CloudWatch's own `${…}` in them, and decide nothing."""
    if not isinstance(queries, list):
        return queries
    return [{k: v for k, v in one.items() if k != "label"} if isinstance(one, Mapping) else one for one in queries]


def _queries(values: Mapping[str, Any]) -> Iterator[Query]:
    listed = values.get("metric_query") or []
    for one in listed if isinstance(listed, list) else [listed]:
        # CloudFormation's Metrics have a MetricStat with a Metric in it; Terraform has both in one block.
        block = one.get("metric") or one.get("metric_stat") or {}
        stat = block[0] if isinstance(block, list) else block
        metric = stat.get("metric") or stat
        yield Query(
            id=str(one.get("id", "")),
            namespace=str(metric.get("namespace", "")),
            metric=str(metric.get("metric_name", "")),
            dimensions=_dimensions(metric.get("dimensions")),
            statistic=str(stat.get("stat", "")),
            period=int(stat.get("period") or one.get("period") or 0),
            unit=str(stat.get("unit") or ""),
            account=str(one.get("account_id") or ""),
            expression=str(one.get("expression") or ""),
            returns_data=str(one.get("return_data")).lower() == "true",
        )
    if not listed:
        yield Query(
            id="m1",
            namespace=str(values.get("namespace", "")),
            metric=str(values.get("metric_name", "")),
            dimensions=_dimensions(values.get("dimensions")),
            statistic=str(values.get("statistic") or values.get("extended_statistic") or ""),
            period=int(values.get("period") or 0),
            unit=str(values.get("unit") or ""),
        )


def _dimensions(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), "" if one is None else str(one)) for name, one in (value or {}).items())


def _texts(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value] if value else []
    return tuple(map(str, listed))


def _on(value: Any) -> bool:
    return value is None or str(value).lower() == "true"
