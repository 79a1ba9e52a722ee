"""The dashboard an on-call engineer opens first: what is wrong, then how much, then how slow.

The body's form: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tap.infra.alarms import NAMESPACE, AlarmDefinition, Series, by_index, by_operation

#: What tap.store writes and reads single prompts by, and how it imports.
_LATENCY_OPERATIONS = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Scan", "BatchWriteItem")


def dashboard_body(
    *,
    title: str,
    region: str,
    table: str,
    definitions: Sequence[AlarmDefinition],
    alarm_arns: Sequence[str],
    alarm_period: int,
    index: str | None = None,
) -> dict[str, Any]:
    """The body as plain data: a grid 24 wide; every string but `title` may be a Terraform expression."""
    thresholds = {series.metric: alarm.threshold for alarm in definitions for series in alarm.series}
    reads, writes = thresholds["ReadThrottleEvents"], thresholds["WriteThrottleEvents"]
    latency_of = (*_LATENCY_OPERATIONS, *(["Query"] if index else []))

    def graph(x: int, y: int, heading: str, unit: str, metrics: list[Any], **more: Any) -> dict[str, Any]:
        properties = {
            "title": heading,
            "view": "timeSeries",
            "region": region,
            "period": 60,
            "stat": "Sum",
            "metrics": metrics,
            "yAxis": {"left": {"label": unit, "showUnits": False, "min": 0}},
            **more,
        }
        return {"type": "metric", "x": x, "y": y, "width": 12, "height": 6, "properties": properties}

    return {
        # Or CloudWatch takes hours for periods when somebody looks at a week, and the alarms' lines mean nothing.
        "periodOverride": "inherit",
        "widgets": [
            {
                "type": "text",
                "x": 0,
                "y": 0,
                "width": 24,
                "height": 2,
                "properties": {
                    "markdown": f"# {title}\nTable `{table}`. Red alarm below? Its description says where to look."
                },
            },
            {
                "type": "alarm",
                "x": 0,
                "y": 2,
                "width": 24,
                "height": 3,
                "properties": {"title": "Alarms", "alarms": list(alarm_arns)},
            },
            graph(
                0,
                5,
                "Errors: DynamoDB's (by operation) and callers' (whole account)",
                f"Requests in {_minutes(alarm_period)}",
                [*_lines(by_operation("SystemErrors", table)), *_lines([Series("UserErrors", {})])],
                period=alarm_period,
                annotations=_lines_at({"UserErrors": thresholds["UserErrors"]}),
            ),
            graph(
                12,
                5,
                "Throttled reads and writes",
                f"Events in {_minutes(alarm_period)}",
                _lines([*by_index("ReadThrottleEvents", table, index), *by_index("WriteThrottleEvents", table, index)]),
                period=alarm_period,
                annotations=_lines_at(
                    {"Read or write throttles": reads} if reads == writes else {"Reads": reads, "Writes": writes}
                ),
            ),
            graph(
                0,
                11,
                "Consumed capacity",
                "Capacity units per second",
                _per_second(
                    {
                        "read": by_index("ConsumedReadCapacityUnits", table, index),
                        "write": by_index("ConsumedWriteCapacityUnits", table, index),
                    }
                ),
            ),
            graph(
                12,
                11,
                "Throttled requests, by operation",
                "Requests per minute",
                _lines(by_operation("ThrottledRequests", table)),
            ),
            *(
                graph(
                    x,
                    17,
                    f"Latency, {word}",
                    "Milliseconds",
                    _lines(
                        series
                        for series in by_operation("SuccessfulRequestLatency", table)
                        if series.dimensions["Operation"] in latency_of
                    ),
                    stat=statistic,
                )
                # The two that AWS names valid for a latency besides Minimum and SampleCount.
                for x, word, statistic in ((0, "average", "Average"), (12, "slowest request", "Maximum"))
            ),
        ],
    }


def _line(series: Series, **options: Any) -> list[Any]:
    """One metric in the dashboard's notation: namespace, metric, dimension, value, …, options."""
    flat = [text for pair in series.dimensions.items() for text in pair]
    return [NAMESPACE, series.metric, *flat, *([options] if options else [])]


def _lines(many: Iterable[Series]) -> list[Any]:
    return [_line(one, label=one.dimensions.get("Operation", one.metric) + _of_index(one)) for one in many]


def _per_second(named: Mapping[str, Sequence[Series]]) -> list[Any]:
    """Each series divided by its period, under its name: an expression that is seen, and a line that isn't."""
    expressions, hidden = [], []
    for name, many in named.items():
        for one in many:
            id_ = f"{name}_index" if _of_index(one) else name
            label = name.capitalize() + _of_index(one)
            plural = id_.replace(name, f"{name}s", 1)
            expressions.append([{"expression": f"{id_}/PERIOD({id_})", "label": label, "id": plural}])
            hidden.append(_line(one, id=id_, visible=False))
    return [*expressions, *hidden]


def _minutes(seconds: int) -> str:
    words = {1: "one minute", 5: "five minutes", 10: "ten minutes"}
    return words.get(seconds // 60, f"{seconds // 60} minutes")


def _of_index(series: Series) -> str:
    return ", index" if "GlobalSecondaryIndexName" in series.dimensions else ""


def _lines_at(thresholds: Mapping[str, int]) -> dict[str, Any]:
    """A red line where each alarm fires."""
    lines = [(f"{label}: alarm from here", value) for label, value in thresholds.items()]
    return {"horizontal": [{"label": label, "value": value, "color": "#d13212"} for label, value in lines]}
