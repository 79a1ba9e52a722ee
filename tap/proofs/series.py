"""Whether a synthetic series takes an alarm to ALARM and back to OK, and whether silence leaves it alone.

How CloudWatch evaluates: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

from tap.declared.alarms import Alarm, Query
from tap.metrics import catalogue
from tap.metrics.expressions import ExpressionError, Points, evaluate, ids_in
from tap.proofs.findings import Finding, fault, proved, unknown

FIRES: Final = "it fires"
RECOVERS: Final = "it goes back to OK"
SILENT: Final = "silence doesn't fire it"
State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
#: What a metric may be emitted with in each of its periods; None is silence.
Level = float | None
#: A day of minutes is 1,440 periods: many combinations of many metrics would take minutes.
_MOST_STEPS: Final = 400_000
_HIGHEST: Final = 1e15
COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def findings(alarm: Alarm) -> Iterator[Finding]:
    """The three questions. The alarm's metrics must be ones that AWS emits."""
    if alarm.comparison not in COMPARISONS:
        yield unknown(FIRES, f"the comparison {alarm.comparison or 'that is not given'} can't be evaluated here")
        return
    if alarm.threshold is None or not abs(alarm.threshold) < _HIGHEST:
        yield unknown(FIRES, f"the threshold must be a fixed number below {_HIGHEST:.0e} to be evaluated here")
        return
    if len({one.period for one in alarm.metrics}) > 1:
        yield unknown(FIRES, "its metrics have different periods, which this proof does not cover")
        return
    try:
        yield from _answers(alarm)
    except ExpressionError as error:
        yield unknown(FIRES, str(error))


def _answers(alarm: Alarm) -> Iterator[Finding]:
    silence: dict[str, Level] = dict.fromkeys((one.id for one in alarm.metrics), None)
    quiet = states(alarm, [(silence, alarm.evaluation_periods + 2)])
    if "ALARM" in quiet:
        why = f"without any data it goes to ALARM (treat_missing_data is {alarm.treat_missing_data})"
        yield fault(SILENT, why)
    else:
        yield proved(SILENT, f"without data it is {quiet[-1]}")
    firing = [_first_firing(alarm, alone) for alone in _alone(alarm)]
    if None in firing:
        yield _not_firing(alarm, firing)
        return
    if calmed := [alone for alone in _alone(alarm) if all(map(_is_event, alone)) and not _fires_at_many(alarm, alone)]:
        yield fault(FIRES, f"a few {_said(calmed[0])} take it to ALARM, and many don't")
        return
    yield proved(FIRES, f"{alarm.comparison} {alarm.threshold:.15g}: {_series_said(alarm)}")
    breaches = [one for one in firing if one is not None]
    stuck = [one for one in breaches if not _recovers(alarm, one)]
    if stuck:
        why = f"after a breach it stays {states(alarm, _story(alarm, stuck[0], silence))[-1]} when the trouble is over"
        yield fault(RECOVERS, f"{why} (treat_missing_data is {alarm.treat_missing_data})")
    else:
        yield proved(RECOVERS, "when the trouble is over it is OK")


def _not_firing(alarm: Alarm, firing: Sequence[dict[str, Level] | None]) -> Finding:
    if _is_cut_short(alarm):
        return unknown(FIRES, "it has too many metrics and periods to try all values")
    silent = [_said(alone) for alone, one in zip(_alone(alarm), firing, strict=True) if one is None]
    if len({one.metric for one in alarm.metrics}) == 1 or _first_firing(alarm, alarm.metrics) is None:
        return fault(FIRES, f"no values of {', '.join(silent)} take it to ALARM")
    others = "while the others have no data: if they should, use FILL"
    return unknown(FIRES, f"no values of {', '.join(silent)} take it to ALARM {others}")


def _alone(alarm: Alarm) -> list[tuple[Query, ...]]:
    """What must be able to fire it: each kind of event without the others, beside what is emitted while all is well."""
    others = tuple(one for one in alarm.metrics if not _is_event(one))
    events: dict[tuple[object, ...], list[Query]] = {}
    for one in alarm.metrics:
        if _is_event(one):
            events.setdefault((one.namespace, one.metric, one.dimensions), []).append(one)
    return [(*queries, *others) for queries in events.values()] or [others]


def _is_event(query: Query) -> bool:
    metric = _known(query)
    return metric.sparse and not metric.of_traffic


def _fires_at_many(alarm: Alarm, events: tuple[Query, ...]) -> bool:
    many = dict.fromkeys((one.id for one in alarm.metrics), None) | dict.fromkeys((one.id for one in events), 1e6)
    return states(alarm, [(many, alarm.evaluation_periods + 1)])[-1] == "ALARM"


def _first_firing(alarm: Alarm, among: tuple[Query, ...]) -> dict[str, Level] | None:
    others: dict[str, Level] = {one.id: None for one in alarm.metrics}
    for levels in itertools.chain(_combinations(alarm, among), _all_high(among)):
        candidate = {**others, **levels}
        told = states(alarm, [(others, alarm.evaluation_periods + 1), (candidate, alarm.evaluation_periods + 1)])
        if told[-1] == "ALARM":
            return candidate
    return None


def _recovers(alarm: Alarm, breach: Mapping[str, Level]) -> bool:
    """Whether there is a calm that ends it; of what is only emitted when something happens, silence."""
    calm = [_calm(alarm, one) for one in alarm.metrics]
    return any(
        states(alarm, _story(alarm, breach, dict(zip((one.id for one in alarm.metrics), levels, strict=True))))[-1]
        == "OK"
        for levels in itertools.islice(itertools.product(*calm), _most(alarm))
    )


def _calm(alarm: Alarm, query: Query) -> Sequence[Level]:
    """What the metric may be when all is well."""
    metric = _known(query)
    emitted = [one for one in _levels(alarm, query) if one is not None]
    return [None, *emitted] if metric.of_traffic else [None] if metric.sparse else emitted


def _story(
    alarm: Alarm, breach: Mapping[str, Level], calm: Mapping[str, Level]
) -> list[tuple[Mapping[str, Level], int]]:
    return [(breach, alarm.evaluation_periods + 1), (calm, alarm.evaluation_periods + 1)]


def _combinations(alarm: Alarm, among: tuple[Query, ...]) -> Iterator[dict[str, Level]]:
    levels = [_levels(alarm, one) for one in among]
    for combination in itertools.islice(itertools.product(*levels), _most(alarm)):
        yield dict(zip((one.id for one in among), combination, strict=True))


def _all_high(among: tuple[Query, ...]) -> Iterator[Mapping[str, Level]]:
    """Levels far from the threshold, of all or of one, for expressions that divide: by seconds, or by a capacity."""
    free = [one for one in among if _known(one).unit != "Percent"]
    for power in range(2, 13) if free else ():
        if len(free) == len(among):
            yield dict.fromkeys((one.id for one in among), 10.0**power)
        for high in free if len(among) > 1 else ():
            yield dict.fromkeys((one.id for one in among), 1.0) | {high.id: 10.0**power}


def _most(alarm: Alarm) -> int:
    return max(20, _MOST_STEPS // ((alarm.evaluation_periods + 1) * len(alarm.queries)))


def _is_cut_short(alarm: Alarm) -> bool:
    return any(math.prod(len(_levels(alarm, one)) for one in among) > _most(alarm) for among in _alone(alarm))


def _levels(alarm: Alarm, query: Query) -> list[Level]:
    """Values around the threshold, and far from it on both sides: whole numbers of events, no percentage over 100."""
    threshold = alarm.threshold or 0.0
    # What comes once a minute is summed over the period.
    share = query.period / _known(query).period if query.statistic in ("Sum", "SampleCount") else 1.0
    wanted = (2 * abs(threshold) + 1, threshold, threshold / 2, 0.0, 1.0, 10 * abs(threshold) + 100)
    unit = _known(query).unit
    each = [max(one / share, 0.0) for one in wanted]
    if unit == "Percent":
        each = [min(one, 100.0) for one in each]
    if unit == "Count":
        each = [float(math.ceil(one)) for one in each]
    return [*dict.fromkeys(each), None]


def _known(query: Query) -> catalogue.Metric:
    return catalogue.NAMESPACES[query.namespace][query.metric]


def states(alarm: Alarm, story: Sequence[tuple[Mapping[str, Level], int]]) -> list[State]:
    """The alarm's state after each period of a story: levels of the metrics, and for how many periods each."""
    levels = [one for one, periods in story for _ in range(periods)]
    times = [number * alarm.period for number in range(len(levels))]
    points = _points(alarm, times, levels)
    threshold, breaches = alarm.threshold or 0.0, COMPARISONS[alarm.comparison]
    missing = {"breaching": True, "notBreaching": False}.get(alarm.treat_missing_data)
    window: deque[bool | None] = deque([missing] * alarm.evaluation_periods, alarm.evaluation_periods)
    counted = Counter(window)
    told: list[State] = []
    state: State = "INSUFFICIENT_DATA"
    for time in times:
        value = points.get(time)
        counted[window[0]] -= 1
        window.append(missing if value is None else breaches(value, threshold))
        counted[window[-1]] += 1
        state = _state(alarm, counted, state)
        told.append(state)
    return told


def _points(alarm: Alarm, times: Sequence[int], levels: Sequence[Mapping[str, Level]]) -> Points:
    """The data points of the query that the alarm compares."""
    data: dict[str, Points] = {}
    for query in alarm.metrics:
        data[query.id] = {
            time: value
            for time, level in zip(times, levels, strict=True)
            if (value := _statistic(query, level[query.id])) is not None
        }
    expressions = {one.id: one.expression for one in alarm.queries if one.expression}
    while expressions:  # one may use another
        ready = [id_ for id_, expression in expressions.items() if not ids_in(expression) & expressions.keys()]
        if not ready:
            raise ExpressionError(f"the expressions {', '.join(expressions)} use each other")
        for id_ in ready:
            data[id_] = evaluate(expressions.pop(id_), data, times, alarm.period)
    compared = [one.id for one in alarm.queries if one.returns_data]
    if len(compared) != 1:
        raise ExpressionError(f"an alarm compares one series, and {len(compared)} return data here")
    return data[compared[0]]


def _statistic(query: Query, level: Level) -> float | None:
    metric = _known(query)
    if level is None or (metric.sparse and level == 0):
        return None
    each = query.period / metric.period
    return {"Sum": level * each, "SampleCount": level * each}.get(query.statistic, level)


def _state(alarm: Alarm, counted: Mapping[bool | None, int], before: State) -> State:
    """The state by how many of the last periods breach, don't, and say nothing."""
    if counted[True] >= alarm.datapoints_to_alarm:
        return "ALARM"
    if counted[None] == alarm.evaluation_periods:
        return before if alarm.treat_missing_data == "ignore" else "INSUFFICIENT_DATA"
    return "OK"


def _said(queries: Sequence[Query]) -> str:
    return " and ".join(
        f"{one.metric}{f' of {operation}' if (operation := dict(one.dimensions).get('Operation')) else ''}"
        for one in queries
    )


def _series_said(alarm: Alarm) -> str:
    count = len(alarm.metrics)
    if count == 1:
        return "the metric alone fires it"
    is_each = len(_alone(alarm)) == count
    return f"each of the {count} metrics alone fires it" if is_each else f"the {count} metrics together fire it"
