"""Lines over time, drawn as SVG that takes whatever width its widget has.

The drawing is stretched to its box, strokes are not (vector-effect), and all text is HTML beside it: so it is as sharp
and as large in a narrow window and on paper. A plotting library would weigh megabytes for this.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

from tap.dashboard.data import Span
from tap.metrics.expressions import Points

#: The drawing's own units; the box stretches them.
_WIDTH: Final = 1440
_HEIGHT: Final = 400
_HOUR: Final = 3600
#: How many colours page.css has for lines; further lines get them again, with dashes.
COLORS: Final = 7
#: A point further than 1/60 of the time shown from both neighbours is drawn as a dot.
_NEAR: Final = 60
_RED: Final = "#d13212"


@dataclass(frozen=True)
class Drawn:
    """A line: its place in the legend decides how it looks, unless the body gives it a colour."""

    label: str
    points: Points
    color: str | None = None


@dataclass(frozen=True)
class Threshold:
    """A horizontal line."""

    label: str
    value: float
    color: str | None = None


@dataclass(frozen=True)
class Axis:
    """The left axis, as far as the body says anything about it."""

    label: str = ""
    low: float | None = None
    high: float | None = None


def chart(
    title: str, lines: Sequence[Drawn], thresholds: Sequence[Threshold], axis: Axis, span: Span, columns: int
) -> str:
    """The chart of a widget that is so many of the grid's columns wide."""
    values = [value for line in lines for value in line.points.values()] + [one.value for one in thresholds]
    ticks = nice_ticks(values, axis)
    low, high = ticks.low, ticks.high

    def across(time: float) -> float:
        return (time - span.start) / (span.end - span.start)

    def down(value: float) -> float:
        return 1 - (value - low) / (high - low)

    hours = _hours(span, columns)
    grid = "".join(f"M0 {_HEIGHT * down(value):.1f}H{_WIDTH}" for value in ticks.values)
    grid += "".join(f"M{_WIDTH * across(hour):.1f} 0V{_HEIGHT}" for hour in hours)
    paths = []
    for place, line in enumerate(lines):
        if line.points:
            times = sorted(line.points)
            where = [f"{_WIDTH * across(time):.1f} {_HEIGHT * down(line.points[time]):.1f}" for time in times]
            path = "M" + "L".join(where)
            # Over a gap the line does not show that there is nothing; a stroke of no length is a round dot.
            dots = "".join(f"M{where[at]}h0" for at in _alone(times, (span.end - span.start) / _NEAR))
            paths.append(
                f'<g{_look(place, line)}><title>{escape(_summary(line))}</title><path class="line" d="{path}"/>'
                + (f'<path class="dots" d="{dots}"/>' if dots else "")
                + "</g>"
            )
    red, names = [], []
    for place, threshold in enumerate(thresholds):
        y, color = down(threshold.value), threshold.color or _RED
        label = escape(threshold.label)
        red.append(
            f'<path class="threshold" style="--at:{color}" d="M0 {_HEIGHT * y:.1f}H{_WIDTH}">'
            f"<title>{label} ({escape(number(threshold.value))})</title></path>"
        )
        side = "right" if place % 2 else "left"  # so that two lines close to each other can be read
        names.append(f'<span class="name {side}" style="top:{100 * y:.2f}%;--at:{color}">{label}</span>')
    left = "".join(
        f'<span style="top:{100 * down(value):.2f}%">{text}</span>'
        for value, text in zip(ticks.values, ticks.texts, strict=True)
    )
    below = "".join(f'<span style="left:{100 * across(hour):.2f}%">{_clock(hour)}</span>' for hour in hours)
    return (
        f'<div class="chart"><div class="unit"><span>{escape(axis.label)}</span></div>'
        f'<div class="values" style="width:{max(map(len, ticks.texts))}ch">{left}</div>'
        f'<div class="plot"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(title)}"><path class="grid" d="{grid}"/>{"".join(paths)}{"".join(red)}</svg>'
        f'{"".join(names)}</div><div class="times">{below}</div></div>{_legend(lines)}'
    )


@dataclass(frozen=True)
class Ticks:
    """Where the axis has its numbers, and from where to where it goes."""

    low: float
    high: float
    values: Sequence[float]
    texts: Sequence[str]


def nice_ticks(values: Sequence[float], axis: Axis, count: int = 5) -> Ticks:
    """Some `count` ticks at steps of 1, 2 or 5 times a power of ten, and all values between the first and the last.

    Where the body does not fix the top there is room for a threshold's name over the highest value.
    """
    low = axis.low if axis.low is not None else min(values, default=0.0)
    high = axis.high if axis.high is not None else max(values, default=1.0)
    if high <= low:
        high = low + 1
    if axis.high is None:
        high += (high - low) / 20
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough * 0.999)
    first, last = math.ceil(low / step), math.floor(high / step)
    if axis.low is None:
        first = math.floor(low / step)
        low = first * step
    if axis.high is None:
        last = math.ceil(high / step)
        high = last * step
    marks = [round(place * step, 10) for place in range(first, last + 1)]
    return Ticks(low, high, marks, [number(mark) for mark in marks])


def number(value: float) -> str:
    """A number as short as it can be told: 1.5k, 2M, 0.25."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def _alone(times: Sequence[int], near: float) -> list[int]:
    """Which of the points are further than that from both neighbours."""
    gaps = [math.inf, *(later - time for time, later in itertools.pairwise(times)), math.inf]
    return [place for place in range(len(times)) if min(gaps[place], gaps[place + 1]) > near]


def _hours(span: Span, columns: int) -> range:
    """Full hours, so far apart that their texts have room."""
    step = (3 if columns >= 9 else 6 if columns >= 5 else 12) * _HOUR
    step *= max(1, round((span.end - span.start) / (24 * _HOUR)))
    return range(-(-span.start // step) * step, span.end, step)


def _clock(time: int) -> str:
    at = datetime.fromtimestamp(time, UTC)
    return f"{at:%H:%M}" if time % (24 * _HOUR) else f"<b>{at.day} {at:%b}</b>"


def _look(place: int, line: Drawn) -> str:
    style = f' style="--line:{line.color}"' if line.color else ""
    return f' class="of-{place % COLORS} dash-{place // COLORS % 3}"{style}'


def _legend(lines: Sequence[Drawn]) -> str:
    entries = "".join(
        f"<li class='{'full' if line.points else 'empty'}'>"
        f'<svg viewBox="0 0 22 8"><g{_look(place, line)}><path class="line" d="M1 4H21"/></g></svg>'
        f"{escape(line.label)}</li>"
        for place, line in enumerate(lines)
    )
    return f'<ul class="legend">{entries}</ul>'


def _summary(line: Drawn) -> str:
    values, last = line.points.values(), line.points[max(line.points)]
    return f"{line.label}: lowest {number(min(values))}, highest {number(max(values))}, last {number(last)}"
