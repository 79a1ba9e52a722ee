"""What CloudWatch itself knows: the last day's data points, and the alarms' states."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from tap.dashboard.notation import MetricRow
from tap.metrics.expressions import Points

_DAY: Final = 24 * 60 * 60
#: AWS's limits for one call.
_QUERIES: Final = 500
_ALARMS: Final = 100


class CloudWatch(Protocol):
    """The part of boto3's CloudWatch client that is used. Its own region is asked, whatever a widget names."""

    def get_metric_data(self, **request: Any) -> Any: ...
    def describe_alarms(self, **request: Any) -> Any: ...


@dataclass(frozen=True)
class Span:
    """The time that is shown, as Unix times in seconds."""

    start: int
    end: int

    def times(self, period: int) -> range:
        """Where the periods in it begin."""
        return range(self.start - self.start % period, self.end, period)


def last_day(now: datetime, periods: Sequence[int]) -> Span:
    """The 24 hours before `now`, from where the longest of these periods begins, to an hour after `now` at most."""
    whole = max(periods, default=60)
    step = min(whole, 3600)
    end = -(-int(now.timestamp()) // step) * step
    start = int(now.timestamp() - _DAY) // whole * whole
    return Span(start, end)


def points_of(client: CloudWatch, rows: Sequence[MetricRow], span: Span) -> list[Points]:
    """Each row's data points, in the rows' order; those of a metric that has none are empty."""
    found: list[dict[int, float]] = [{} for _ in rows]
    for first in range(0, len(rows), _QUERIES):
        queries = [_query(f"q{first + place}", row) for place, row in enumerate(rows[first : first + _QUERIES])]
        request = {
            "MetricDataQueries": queries,
            "StartTime": datetime.fromtimestamp(span.start, UTC),
            "EndTime": datetime.fromtimestamp(span.end, UTC),
        }
        for page in _pages(client.get_metric_data, request):
            for result in page["MetricDataResults"]:
                times = (int(time.timestamp()) for time in result["Timestamps"])
                found[int(result["Id"][1:])].update(zip(times, result["Values"], strict=True))
    return list(found)


def states_of(client: CloudWatch, names: Sequence[str]) -> dict[str, str]:
    """The alarms' states by name; what is not deployed has none."""
    found: dict[str, str] = {}
    for first in range(0, len(names), _ALARMS):
        request = {
            "AlarmNames": list(names[first : first + _ALARMS]),
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "MaxRecords": _ALARMS,
        }
        for page in _pages(client.describe_alarms, request):
            for alarm in itertools.chain(page.get("MetricAlarms", []), page.get("CompositeAlarms", [])):
                found[alarm["AlarmName"]] = alarm["StateValue"]
    return found


def _query(id_: str, row: MetricRow) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in row.dimensions.items()]
    metric = {"Namespace": row.namespace, "MetricName": row.metric, "Dimensions": dimensions}
    return {"Id": id_, "MetricStat": {"Metric": metric, "Period": row.period, "Stat": row.stat}}


def _pages(call: Any, request: Mapping[str, Any]) -> Iterator[Any]:
    token: dict[str, str] = {}
    while True:
        page = call(**request, **token)
        yield page
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
