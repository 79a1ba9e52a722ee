"""A day that never was: plausible data points for each metric, and always the same ones.

Traffic follows office hours, latencies are a few milliseconds, errors are rare. Writes are throttled once, above the
alarm's threshold, so that one sees what the threshold is for.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from statistics import fmean
from typing import Final

from tap.dashboard.data import Span
from tap.dashboard.notation import MetricRow
from tap.metrics.catalogue import NAMESPACES
from tap.metrics.expressions import Points

_MINUTE: Final = 60
_DAY: Final = 24 * 60 * _MINUTE
#: Milliseconds on average.
_LATENCY: Final = {"GetItem": 2.2, "PutItem": 3.9, "UpdateItem": 4.8, "DeleteItem": 3.4, "Query": 4.3}
_SLOW: Final = {"Scan": 9.5, "BatchWriteItem": 7.2, "BatchGetItem": 6.0}
_LATENCY_OF_OTHERS: Final = 5.5
#: Capacity units a minute at noon.
_CAPACITY: Final = {"ConsumedReadCapacityUnits": 840.0, "ConsumedWriteCapacityUnits": 330.0}
_RARE: Final = ("Error", "Throttle", "Failed", "Conflict")
#: When writes are throttled, by the minute: every window of 24 hours has it once.
_BURST_AT: Final = (13 * 60 + 31) * _MINUTE
_BURST: Final = (1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 8, 7, 7, 6, 5, 4, 4, 3, 3, 2, 2, 1, 1)
#: The burst's peak, as a multiple of the threshold.
_OVER: Final = 1.8
_AGGREGATED: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": math.fsum,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
}


def day(row: MetricRow, span: Span, threshold: float | None) -> Points:
    """A metric's data points in that span; `threshold` is where the widget's alarm fires, if it shows one."""
    if _is_throttled(row):
        return _burst(row, span, threshold)
    minute = _minute_of(row)
    combine = _AGGREGATED.get(row.stat, fmean)
    found = {}
    for start in span.times(row.period):
        minutes = range(start, min(start + row.period, span.end), _MINUTE)
        values = [value for time in minutes if (value := minute(time)) is not None]
        if values:
            found[start] = round(float(combine(values)), 3)
    return found


def _minute_of(row: MetricRow) -> Callable[[int], float | None]:
    """What the metric is at a minute."""
    known = NAMESPACES.get(row.namespace, {}).get(row.metric)
    key = "|".join([row.metric, *row.dimensions.values()])
    if known and known.unit == "Milliseconds":
        return _latency(key, row)
    if any(word in row.metric for word in _RARE):
        return _events(key, 0.012 if row.metric == "UserErrors" else 0.0006)
    if known and known.unit == "Percent":
        return lambda time: 60 * _daily(time) * _wave(key, time)
    if known and not known.sparse:
        return lambda _: 40_000.0  # a quota or a setting
    share = 0.3 if "GlobalSecondaryIndexName" in row.dimensions else 1.0
    at_noon = _CAPACITY.get(row.metric, 60.0) * share
    return lambda time: at_noon * _daily(time) * _wave(key, time) * (0.94 + 0.12 * _chance(key, time))


def _latency(key: str, row: MetricRow) -> Callable[[int], float | None]:
    operation = row.dimensions.get("Operation", "")
    base = (_LATENCY | _SLOW).get(operation, _LATENCY_OF_OTHERS)
    tail = 2.4 if row.stat == "Maximum" or row.stat.startswith("p") else 1.0

    def minute(time: int) -> float | None:
        if operation in _SLOW and _chance(f"{key}|called", time) > 0.25:
            return None  # jobs call it now and then
        usual = base * (0.85 + 0.25 * _daily(time)) * _wave(key, time) * (0.96 + 0.08 * _chance(key, time))
        if tail == 1.0:
            return usual
        outlier = 2.5 if _chance(f"{key}|outlier", time) > 0.997 else 1.0
        return usual * tail * (0.9 + 0.25 * _chance(f"{key}|tail", time)) * outlier

    return minute


def _events(key: str, likelihood: float) -> Callable[[int], float | None]:
    def minute(time: int) -> float | None:
        return 1.0 + int(3 * _chance(f"{key}|many", time)) if _chance(key, time) < likelihood else None

    return minute


def _is_throttled(row: MetricRow) -> bool:
    of_table = row.metric == "WriteThrottleEvents" and "GlobalSecondaryIndexName" not in row.dimensions
    of_puts = row.metric == "ThrottledRequests" and row.dimensions.get("Operation") == "PutItem"
    return of_table or of_puts


def _burst(row: MetricRow, span: Span, threshold: float | None) -> Points:
    totals = {
        start: sum(_burst_at(time) for time in range(start, min(start + row.period, span.end), _MINUTE))
        for start in span.times(row.period)
    }
    scale = _OVER * threshold / (max(totals.values()) or 1) if threshold else 0.4
    return {start: float(math.ceil(total * scale)) for start, total in totals.items() if total}


def _burst_at(time: int) -> int:
    minute = (time % _DAY - _BURST_AT) // _MINUTE
    return _BURST[minute] if 0 <= minute < len(_BURST) else 0


def _daily(time: int) -> float:
    """From 0.3 at night to 1 at one o'clock."""
    hour = time % _DAY / 3600
    return 0.3 + 0.7 * math.exp(-(((hour - 13) / 4.2) ** 2))


def _wave(key: str, time: int) -> float:
    """Around 1, another value every quarter of an hour, and smooth between them."""
    place = time / (15 * _MINUTE)
    before = int(place)
    part = (1 - math.cos(math.pi * (place - before))) / 2
    mixed = _chance(f"{key}|wave", before) * (1 - part) + _chance(f"{key}|wave", before + 1) * part
    return 0.9 + 0.2 * mixed


def _chance(key: str, number: int) -> float:
    """At least 0 and less than 1, as if by chance, and the same for the same arguments on every machine."""
    return int.from_bytes(blake2b(f"{key}|{number}".encode(), digest_size=6).digest()) / 2**48
