"""A metric widget's lines with their data points: CloudWatch's, or the synthetic day's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tap.dashboard import synthetic
from tap.dashboard.chart import Axis, Drawn, Threshold
from tap.dashboard.data import CloudWatch, Span, points_of
from tap.dashboard.notation import ExpressionRow, MetricRow, NotationError, color, rows
from tap.metrics.catalogue import NAMESPACES, never_emitted
from tap.metrics.expressions import ExpressionError, Points, evaluate, ids_in

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass
class Graph:
    """A metric widget: what is drawn, and what is not as on AWS (`notes`)."""

    properties: Mapping[str, Any]
    rows: Sequence[MetricRow | ExpressionRow] = ()
    notes: list[str] = field(default_factory=list)
    lines: Sequence[Drawn] = ()
    is_synthetic: bool = False

    @property
    def metrics(self) -> list[MetricRow]:
        return [row for row in self.rows if isinstance(row, MetricRow)]

    @property
    def thresholds(self) -> list[Threshold]:
        """The horizontal annotations; a band is its two edges."""
        flat: list[Mapping[str, Any]] = []
        for one in self.properties.get("annotations", {}).get("horizontal", []):
            flat += one if isinstance(one, list) else [one]
        return [
            Threshold(str(one.get("label", "")), float(one["value"]), color(one.get("color")))
            for one in flat
            if one.get("visible", True)
        ]

    @property
    def axis(self) -> Axis:
        left = self.properties.get("yAxis", {}).get("left", {})
        return Axis(str(left.get("label", "")), left.get("min"), left.get("max"))

    @property
    def counted(self) -> str:
        """Statistic and period, where all visible lines have the same: `Sum, 5 min`."""
        rows_shown = [row for row in self.metrics if row.is_visible] or self.metrics
        told = {f"{row.stat}, {_short(row.period)}" for row in rows_shown}
        return told.pop() if len(told) == 1 else ""


def read(properties: Mapping[str, Any]) -> Graph:
    """A widget without data points yet. What can't be read is a note, and the rest is shown."""
    graph = Graph(properties)
    try:
        graph.rows = rows(properties)
    except NotationError as error:
        graph.notes.append(f"Not drawn: {error}.")
    if properties.get("stacked"):
        graph.notes.append("CloudWatch stacks these lines.")
    if any(row.is_right for row in graph.rows):
        graph.notes.append("In CloudWatch some of these lines use the right-hand axis.")
    if properties.get("annotations", {}).get("vertical"):
        graph.notes.append("CloudWatch shows vertical annotations too.")
    for row in graph.metrics:
        if row.namespace in NAMESPACES and (why := never_emitted(row.namespace, row.metric, row.dimensions)):
            graph.notes.append(f"{row.label} never has data: {why}.")
    return graph


def fill(graphs: Sequence[Graph], client: CloudWatch | None, span: Span) -> None:
    """Give each graph its lines; without a client, or where CloudWatch has nothing for a graph, synthetic ones."""
    asked = [row for graph in graphs for row in graph.metrics]
    answers = iter(points_of(client, asked, span) if client else [{}] * len(asked))
    for graph in graphs:
        points = {row.id: next(answers) for row in graph.metrics}
        graph.is_synthetic = not any(points.values())
        if graph.is_synthetic:
            threshold = max((one.value for one in graph.thresholds), default=None)
            points = {row.id: _made_up(row, span, threshold) for row in graph.metrics}
        points |= _computed(graph, points, span)
        graph.lines = [Drawn(row.label, points.get(row.id, {}), row.color) for row in graph.rows if row.is_visible]


def _made_up(row: MetricRow, span: Span, threshold: float | None) -> Points:
    never = row.namespace in NAMESPACES and never_emitted(row.namespace, row.metric, row.dimensions)
    return {} if never else synthetic.day(row, span, threshold)


def _computed(graph: Graph, metrics: Mapping[str, Points], span: Span) -> dict[str, Points]:
    """The expressions' points: one after another, since an expression may use others."""
    waiting = [row for row in graph.rows if isinstance(row, ExpressionRow)]
    found: dict[str, Points] = {}
    while waiting:
        ids = {row.id for row in waiting}
        # In a circle nobody is ready: then the first is refused for an id that is not there, which is the truth.
        row = next((one for one in waiting if not ids_in(one.expression) & ids), waiting[0])
        waiting.remove(row)
        # METRICS() is all metrics, and no expression but those that are named.
        series = {**metrics, **{id_: found[id_] for id_ in ids_in(row.expression) & found.keys()}}
        try:
            found[row.id] = evaluate(row.expression, series, span.times(row.period), row.period)
        except ExpressionError as error:
            graph.notes.append(f"Not drawn: {error}.")
    return found


def _short(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds // size} {unit}"
