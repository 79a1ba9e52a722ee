"""The file: the grid of widgets, and nothing that a browser would have to fetch or run."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Final, TypeVar

from markdown_it import MarkdownIt

from tap.dashboard import widgets
from tap.dashboard.chart import chart
from tap.dashboard.data import CloudWatch, Span, last_day, states_of

_T = TypeVar("_T")
_STYLE: Final = Path(__file__).with_name("page.css")
#: The states' words and signs: colour alone is not for everybody.
_STATES: Final = {
    "OK": ("ok", "✓", "OK"),
    "ALARM": ("alarm", "▲", "In alarm"),
    "INSUFFICIENT_DATA": ("insufficient", "?", "Insufficient data"),
}
_NOT_DEPLOYED: Final = ("absent", "○", "Not deployed")
_SYNTHETIC: Final = '<span class="synthetic" title="Made-up data: CloudWatch has none for this widget">synthetic</span>'


def build(
    name: str,
    body: Mapping[str, Any],
    *,
    cloudwatch: CloudWatch | None = None,
    now: datetime,
    on_error: Callable[[Exception], None] | None = None,
) -> str:
    """The dashboard `name` as one HTML page: with the data of the 24 hours before `now`, or with a synthetic day.

    `body` is a dashboard body as plain data. Without `cloudwatch`, and for each widget that CloudWatch has no data for,
    the lines are made up, always the same ones, and the page says so. When CloudWatch can't be asked the page says
    that too, and `on_error` gets botocore's exception: raise it there to have no page.
    """
    errors: list[str] = []

    def tell(error: Exception) -> None:
        if on_error:
            on_error(error)
        errors.append(" ".join(str(error).split()))

    all_widgets = body.get("widgets", [])
    graphs = {
        place: widgets.read(widget.get("properties", {}))
        for place, widget in enumerate(all_widgets)
        if _is_graph(widget)
    }
    span = last_day(now, [row.period for graph in graphs.values() for row in graph.rows])
    _asked(partial(widgets.fill, list(graphs.values()), span=span), cloudwatch, tell)
    arns = [arn for widget in all_widgets for arn in _arns(widget)]
    states = _asked(partial(_states, arns), cloudwatch, tell)
    cells = "\n".join(
        _cell(widget, _graph(graphs[place], widget, span) if place in graphs else _other(widget, states))
        for place, widget in enumerate(all_widgets)
    )
    regions = sorted({str(graph.properties["region"]) for graph in graphs.values() if "region" in graph.properties})
    facts = [escape(fact) for fact in (*regions, _time(span, now))]
    facts += _sources([graph.is_synthetic for graph in graphs.values()])
    facts += [f'<b class="note">CloudWatch could not be asked: {escape(error)}</b>' for error in dict.fromkeys(errors)]
    return _PAGE.format(
        name=escape(name),
        style=_STYLE.read_text(encoding="utf-8"),
        facts="".join(f"<li>{fact}</li>" for fact in facts),
        cells=cells,
    )


_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name}</title>
<style>
{style}</style>
</head>
<body>
<header><h1>{name}</h1><ul>{facts}</ul></header>
<main>
{cells}
</main>
</body>
</html>
"""


def _asked(ask: Callable[[CloudWatch | None], _T], client: CloudWatch | None, tell: Callable[[Exception], None]) -> _T:
    """What `ask` finds with the client, or without it when CloudWatch does not answer."""
    if client is None:
        return ask(None)
    from botocore.exceptions import BotoCoreError, ClientError  # late: without a client nothing of it is needed

    try:
        return ask(client)
    except (BotoCoreError, ClientError) as error:
        tell(error)
        return ask(None)


def _is_graph(widget: Mapping[str, Any]) -> bool:
    properties = widget.get("properties", {})
    return (
        widget.get("type") == "metric"
        and properties.get("view", "timeSeries") == "timeSeries"
        and "metrics" in properties  # or it shows the graph of an alarm, which only CloudWatch knows
    )


def _cell(widget: Mapping[str, Any], content: str) -> str:
    x, y = widget.get("x"), widget.get("y")
    width, height = int(widget.get("width", 6)), int(widget.get("height", 6))
    column = f"span {width}" if x is None else f"{int(x) + 1}/span {width}"
    row = f"span {height}" if y is None else f"{int(y) + 1}/span {height}"
    kind = escape(str(widget.get("type", "")))
    return (
        f'<section class="widget" data-widget="{kind}" style="grid-column:{column};grid-row:{row}">{content}</section>'
    )


def _graph(graph: widgets.Graph, widget: Mapping[str, Any], span: Span) -> str:
    title = str(graph.properties.get("title", ""))
    head = f'<h2>{escape(title)}</h2><span class="counted">{escape(graph.counted)}</span>'
    head += _SYNTHETIC if graph.is_synthetic else ""
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in graph.notes)
    drawing = chart(title, graph.lines, graph.thresholds, graph.axis, span, int(widget.get("width", 6)))
    return f'<div class="head">{head}</div>{drawing}{notes}'


def _other(widget: Mapping[str, Any], states: Mapping[str, str]) -> str:
    properties = widget.get("properties", {})
    kind = widget.get("type")
    if kind == "text":
        # No pictures: they would be fetched.
        markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
        return f'<div class="text">{markdown.render(str(properties.get("markdown", "")))}</div>'
    head = f'<div class="head"><h2>{escape(str(properties.get("title", "")))}</h2></div>'
    if kind == "alarm":
        tiles = "".join(_tile(_name(arn), states) for arn in _arns(widget))
        return f'{head}<ul class="alarms">{tiles}</ul>'
    view = f", view {properties['view']}" if "view" in properties else ""
    return f'{head}<p class="undrawn">Not drawn here: a widget of type {escape(f"{kind}{view}")}.</p>'


def _tile(name: str, states: Mapping[str, str]) -> str:
    kind, sign, word = _STATES.get(states.get(name, ""), _NOT_DEPLOYED)
    return (
        f'<li class="{kind}"><span class="state"><i aria-hidden="true">{sign}</i>{word}</span>'
        f'<span class="name">{escape(name)}</span></li>'
    )


def _arns(widget: Mapping[str, Any]) -> Sequence[str]:
    return widget.get("properties", {}).get("alarms", []) if widget.get("type") == "alarm" else []


def _name(arn: str) -> str:
    return arn.split(":", 6)[-1]


def _states(arns: Sequence[str], client: CloudWatch | None) -> dict[str, str]:
    return states_of(client, list(dict.fromkeys(map(_name, arns)))) if client else {}


def _time(span: Span, now: datetime) -> str:
    return f"{datetime.fromtimestamp(span.start, UTC):%Y-%m-%d %H:%M} to {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _sources(synthetic: Sequence[bool]) -> list[str]:
    real = ["data from CloudWatch"] if not all(synthetic) else []
    if not any(synthetic):
        return real
    which = f"{sum(synthetic)} of {len(synthetic)} graphs" if real else "all data"
    return [*real, f'<span class="synthetic">{which} synthetic</span>']
