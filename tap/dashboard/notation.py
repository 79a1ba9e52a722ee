"""The notation of a metric widget's `metrics`: rows of names, with short forms, and expressions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tap.errors import TapError

#: CloudWatch's own, where a widget says nothing.
_PERIOD: Final = 300
_STATISTIC: Final = "Average"


class NotationError(TapError):
    """A row of `metrics` that CloudWatch would not take either."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What all rows have. A row without an id gets one that no expression can name."""

    id: str
    label: str
    period: int
    is_visible: bool
    is_right: bool
    color: str | None


@dataclass(frozen=True, kw_only=True)
class MetricRow(Row):
    """One metric and the statistic of it that is shown."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    stat: str


@dataclass(frozen=True, kw_only=True)
class ExpressionRow(Row):
    """Metric math over the other rows."""

    expression: str


def rows(properties: Mapping[str, Any]) -> tuple[MetricRow | ExpressionRow, ...]:
    """A metric widget's rows, in order, with the short forms written out.

    :raises NotationError: for a row that can't be read.
    """
    found: list[MetricRow | ExpressionRow] = []
    before: Sequence[str] = ()
    for number, entry in enumerate(properties.get("metrics", [])):
        if not isinstance(entry, list) or not entry:
            raise NotationError(f"row {number + 1} of its metrics is not a list of names")
        options = entry[-1] if isinstance(entry[-1], dict) else {}
        names = entry[:-1] if options or entry[-1] == {} else entry
        common = {
            "id": options.get("id", f"#{number}"),
            "period": int(options.get("period", properties.get("period", _PERIOD))),
            "is_visible": options.get("visible", True),
            "is_right": options.get("yAxis") == "right",
            "color": color(options.get("color")),
        }
        if "expression" in options:
            expression = options["expression"]
            label = str(options.get("label") or options.get("id") or expression)
            found.append(ExpressionRow(**common, label=label, expression=expression))
            continue
        before = _written_out(names, before)
        if len(before) < 2 or len(before) % 2:
            raise NotationError(f"row {number + 1} of its metrics is not namespace, metric, and pairs of dimensions")
        namespace, metric, *flat = before
        found.append(
            MetricRow(
                **common,
                label=str(options.get("label") or " ".join([metric, *flat[-1:]])),
                namespace=namespace,
                metric=metric,
                dimensions=dict(zip(flat[::2], flat[1::2], strict=True)),
                stat=options.get("stat", properties.get("stat", _STATISTIC)),
            )
        )
    return tuple(found)


def color(given: object) -> str | None:
    """A colour as CloudWatch takes it, or None: the page's own then. Nothing else may get into a style."""
    return given if isinstance(given, str) and re.fullmatch("#[0-9a-fA-F]{3,6}", given) else None


def _written_out(names: Sequence[Any], before: Sequence[str]) -> list[str]:
    """`...` stands for all names of the row above that the others leave over, `.` for the one in its place."""
    full = list(names)
    if "..." in full:
        at = full.index("...")
        rest = full[at + 1 :]
        full[at:] = [*before[at : len(before) - len(rest)], *rest]
    for place, name in enumerate(full):
        if name == ".":
            if place >= len(before):
                raise NotationError('a "." in its metrics has no row above to repeat')
            full[place] = before[place]
    return [str(name) for name in full]
