"""The dashboard as a page: what the body says is on it, at its place and height, and text stays text."""

import copy
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tap.dashboard import build, synthetic
from tap.dashboard.chart import COLORS, Axis, nice_ticks, number
from tap.dashboard.data import last_day
from tap.dashboard.notation import ExpressionRow, MetricRow, NotationError, color, rows
from tests.unit.test_dashboard import DEFINITIONS
from tests.unit.test_dashboard import body as body_of_the_stack

NOW = datetime(2026, 3, 12, 16, 30, tzinfo=UTC)
BODY = body_of_the_stack(index="claims")
NAMESPACE = "AWS/DynamoDB"
CAPACITY = [NAMESPACE, "ConsumedReadCapacityUnits", "TableName", "prompts"]
HOSTILE = """<script>alert("1")</script>&'"""


def graph(*metrics: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "metric",
        "width": 12,
        "height": 6,
        "properties": {"title": "Graph", "metrics": list(metrics), "stat": "Sum", "period": 300, **properties},
    }


def page(*widgets: Mapping[str, Any], cloudwatch: Any = None, name: str = "the-dashboard") -> str:
    return build(name, {"widgets": list(widgets)}, cloudwatch=cloudwatch, now=NOW)


class CloudWatch:
    """Answers as CloudWatch does, for the metrics that it has, in pages of so many results."""

    def __init__(self, points: Mapping[str, Mapping[datetime, float]] | None = None, per_page: int = 1000) -> None:
        self.points = points or {}
        self.per_page = per_page
        self.states: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []

    def get_metric_data(self, **request: Any) -> Any:
        self.asked.append(request)
        queries = request["MetricDataQueries"]
        assert 1 <= len(queries) <= 500
        assert len({query["Id"] for query in queries}) == len(queries)
        first = int(request.get("NextToken", "0"))
        results = []
        for query in queries[first : first + self.per_page]:
            assert re.fullmatch("[a-z][A-Za-z0-9_]*", query["Id"])
            points = self.points.get(query["MetricStat"]["Metric"]["MetricName"], {})
            results.append({"Id": query["Id"], "Timestamps": list(points), "Values": list(points.values())})
        more = {"NextToken": str(first + self.per_page)} if first + self.per_page < len(queries) else {}
        return {"MetricDataResults": results, **more}

    def describe_alarms(self, **request: Any) -> Any:
        names = request["AlarmNames"]
        assert 1 <= len(names) <= 100
        first = int(request.get("NextToken", "0"))
        known = [{"AlarmName": name, "StateValue": self.states[name]} for name in names if name in self.states]
        more = {"NextToken": str(first + self.per_page)} if first + self.per_page < len(known) else {}
        return {"MetricAlarms": known[first : first + self.per_page], **more}


class Failing(CloudWatch):
    """Refuses all calls."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get_metric_data(self, **_: Any) -> Any:
        raise self.error

    def describe_alarms(self, **_: Any) -> Any:
        raise self.error


class Read(HTMLParser):
    """The page's tags, and its text without the tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of all tags of a class."""
        return [one for _, one in self.tags if name in (one.get("class") or "").split()]


def labels(html: str) -> list[str]:
    return re.findall(r"</g></svg>([^<]*)</li>", html)


def heights(html: str) -> list[float]:
    """Where the points of all lines are, of 400 from the top."""
    drawn = [d for one in Read(html.partition("<main>")[2]).of("line") if (d := one["d"]) and d != "M1 4H21"]
    return [float(y) for d in drawn for y in re.findall(r"[ML][\d.]+ ([\d.-]+)", d)]


def metric_rows(*metrics: Any, **properties: Any) -> list[MetricRow]:
    return [row for row in rows({"metrics": list(metrics), **properties}) if isinstance(row, MetricRow)]


def names(row: MetricRow) -> list[str]:
    return [row.namespace, row.metric, *(text for pair in row.dimensions.items() for text in pair)]


class TestNotation:
    def test_the_bodys_own_rows_are_read(self) -> None:
        for widget in BODY["widgets"]:
            if widget["type"] == "metric":
                assert len(rows(widget["properties"])) == len(widget["properties"]["metrics"])

    def test_options_win_over_the_widgets(self) -> None:
        options = {"id": "m", "label": "Reads", "stat": "p99", "period": 60, "visible": False, "color": "#123abc"}
        (row,) = metric_rows([*CAPACITY, options], stat="Sum", period=300)
        assert (row.id, row.label, row.stat, row.period) == ("m", "Reads", "p99", 60)
        assert (row.is_visible, row.color) == (False, "#123abc")
        assert names(row) == CAPACITY

    def test_what_nobody_says_is_as_cloudwatch_has_it(self) -> None:
        (row,) = metric_rows(CAPACITY)
        assert (row.stat, row.period, row.is_visible, row.color) == ("Average", 300, True, None)
        assert row.label == "ConsumedReadCapacityUnits prompts"

    @pytest.mark.parametrize(
        ("short", "full"),
        [
            ([".", "ConsumedWriteCapacityUnits", ".", "."], [NAMESPACE, "ConsumedWriteCapacityUnits", *CAPACITY[2:]]),
            (["...", "others"], [*CAPACITY[:3], "others"]),
            (["...", "TableName", "others"], [*CAPACITY[:2], "TableName", "others"]),
            ([".", "UserErrors"], [NAMESPACE, "UserErrors"]),
            (["..."], CAPACITY),
        ],
        ids=lambda names: " ".join(names),
    )
    def test_short_forms_repeat_the_row_above(self, short: list[str], full: list[str]) -> None:
        expression = [{"expression": "1", "id": "e"}]
        first, second, third = metric_rows(CAPACITY, expression, [*short, {"stat": "Sum"}], ["..."])
        assert names(first) == CAPACITY
        assert names(second) == names(third) == full
        assert (second.stat, third.stat) == ("Sum", "Average"), "options are not repeated"

    def test_an_expression_is_a_row_of_its_own(self) -> None:
        (row,) = rows({"metrics": [[{"expression": "m/2", "id": "half"}]]})
        assert isinstance(row, ExpressionRow)
        assert (row.expression, row.id, row.label) == ("m/2", "half", "half")

    @pytest.mark.parametrize("metrics", [[[]], ["text"], [[NAMESPACE]], [[*CAPACITY, "Operation"]], [["."]]], ids=str)
    def test_what_cannot_be_read_is_said_on_the_widget(self, metrics: list[Any]) -> None:
        with pytest.raises(NotationError):
            rows({"metrics": metrics})
        assert "Not drawn: " in page(graph(*metrics))

    @pytest.mark.parametrize("given", ["red", "#12;", '#123"', "url(x)", 5, None])
    def test_a_colour_is_nothing_but_a_colour(self, given: object) -> None:
        assert color(given) is None


CAPACITY_POINTS = {NOW - timedelta(hours=hours): 300.0 * hours for hours in (1, 2, 4)}


class TestExpressions:
    def test_are_computed_from_hidden_lines(self) -> None:
        client = CloudWatch({"ConsumedReadCapacityUnits": CAPACITY_POINTS})
        expression = {"expression": "read/PERIOD(read)", "label": "Read", "id": "reads"}
        html = page(graph([expression], [*CAPACITY, {"id": "read", "visible": False}]), cloudwatch=client)
        assert labels(html) == ["Read"]
        assert "Read: lowest 1, highest 4, last 1<" in html

    def test_may_use_each_other_in_any_order(self) -> None:
        client = CloudWatch({"ConsumedReadCapacityUnits": CAPACITY_POINTS})
        chained = [
            [{"expression": "half*10", "id": "five"}],
            [{"expression": "read/2", "id": "half"}],
            [*CAPACITY, {"id": "read"}],
        ]
        html = page(graph(*chained), cloudwatch=client)
        assert "five: lowest 1.5k, highest 6k" in html

    def test_all_metrics_are_metrics_and_no_expressions(self) -> None:
        client = CloudWatch({"ConsumedReadCapacityUnits": CAPACITY_POINTS})
        chained = [[{"expression": "read*100", "id": "e"}], [{"expression": "SUM(METRICS())", "id": "all"}]]
        html = page(graph(*chained, [*CAPACITY, {"id": "read"}], CAPACITY), cloudwatch=client)
        assert "all: lowest 600, highest 2.4k" in html

    @pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum')", "nobody*2", "e+1", "1 +", "<b>(1)"])
    def test_what_is_not_known_is_said(self, expression: str) -> None:
        html = page(graph([{"expression": expression, "id": "e", "label": "E"}], CAPACITY))
        assert "Not drawn: the expression" in html
        assert "ConsumedReadCapacityUnits prompts: lowest" in html
        assert "<b>(1)" not in html


class TestPage:
    def test_has_each_widget_at_its_place(self) -> None:
        html = build("the-dashboard", BODY, now=NOW)
        found = [(one["data-widget"], one["style"]) for one in Read(html).of("widget")]
        places = [
            f"grid-column:{one['x'] + 1}/span {one['width']};grid-row:{one['y'] + 1}/span {one['height']}"
            for one in BODY["widgets"]
        ]
        assert found == list(zip((one["type"] for one in BODY["widgets"]), places, strict=True))

    def test_is_the_same_for_the_same_arguments(self) -> None:
        before = copy.deepcopy(BODY)
        assert build("the-dashboard", BODY, now=NOW) == build("the-dashboard", BODY, now=NOW)
        assert before == BODY

    def test_says_what_it_shows(self) -> None:
        text = Read(build("the-dashboard", BODY, now=NOW)).text
        for said in ("the-dashboard", "eu-west-1", "2026-03-11 16:30 to 2026-03-12 16:30 UTC", "all data synthetic"):
            assert said in text.partition("TAP, dev")[0]
        for widget in BODY["widgets"]:
            assert widget["properties"].get("title", "") in text

    def test_fetches_and_runs_nothing(self) -> None:
        markdown = {"markdown": "![picture](https://example.com/a.png) <img src=https://example.com/b.png>"}
        html = page(*BODY["widgets"], {"type": "text", "properties": markdown})
        parts = Read(html)
        assert {"script", "link", "img", "iframe", "object", "use"}.isdisjoint(tag for tag, _ in parts.tags)
        assert not [one for _, one in parts.tags if {"src", "xlink:href", "onload"} & one.keys()]
        assert not re.search(r"url\(|@import", html)
        (policy,) = [one["content"] for _, one in parts.tags if one.get("http-equiv") == "Content-Security-Policy"]
        assert policy == "default-src 'none'; style-src 'unsafe-inline'"

    @pytest.mark.parametrize(
        "widget",
        [
            {"type": "text", "properties": {"markdown": HOSTILE}},
            {"type": "alarm", "properties": {"title": HOSTILE, "alarms": [f"arn:aws:c:r:1:alarm:{HOSTILE}"]}},
            {"type": HOSTILE, "properties": {"title": HOSTILE, "view": HOSTILE}},
            graph([*CAPACITY[:3], HOSTILE], title=HOSTILE, region=HOSTILE),
            graph([*CAPACITY, {"label": HOSTILE, "color": HOSTILE, "stat": HOSTILE}]),
            graph(CAPACITY, yAxis={"left": {"label": HOSTILE}}),
            graph(CAPACITY, annotations={"horizontal": [{"label": HOSTILE, "value": 5, "color": HOSTILE}]}),
            graph([{"expression": HOSTILE, "id": HOSTILE}]),
            graph([HOSTILE, HOSTILE, HOSTILE, HOSTILE]),
        ],
        ids=["text", "alarm", "type", "title", "label", "axis", "threshold", "expression", "metric"],
    )
    def test_nothing_gets_out_of_its_text(self, widget: dict[str, Any]) -> None:
        html = page(widget, name=HOSTILE)
        parts, usual = Read(html), Read(page(graph(CAPACITY)))
        assert "<script" not in html
        known = {name for _, one in usual.tags for name in one} | {"title", "aria-hidden"}
        assert {name for _, one in parts.tags for name in one} <= known
        assert HOSTILE in parts.text

    def test_text_is_markdown(self) -> None:
        html = page({"type": "text", "properties": {"markdown": "# Title\nTable `a<b`. [Go](https://example.com)"}})
        assert "<h1>Title</h1>" in html
        assert '<code>a&lt;b</code>. <a href="https://example.com">Go</a>' in html

    @pytest.mark.parametrize(
        ("widget", "told"),
        [
            ({"type": "log", "properties": {"title": "Logs", "query": "fields @message"}}, "of type log."),
            (
                {"type": "metric", "properties": {"view": "singleValue", "metrics": []}},
                "of type metric, view singleValue.",
            ),
            ({"type": "metric", "properties": {"annotations": {"alarms": ["arn"]}}}, "of type metric."),
            ({"type": "explorer"}, "of type explorer."),
            ({}, "of type None."),
        ],
        ids=["log", "view", "alarm-graph", "explorer", "nothing"],
    )
    def test_what_it_can_not_draw_has_its_box(self, widget: dict[str, Any], told: str) -> None:
        html = page(widget)
        (box,) = Read(html).of("widget")
        assert box["data-widget"] == widget.get("type", "")
        assert f"Not drawn here: a widget {told}" in html

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            ({"stacked": True}, "CloudWatch stacks these lines."),
            ({"annotations": {"vertical": [{"value": "2026-03-12T00:00:00Z"}]}}, "vertical annotations"),
        ],
        ids=["stacked", "vertical"],
    )
    def test_says_what_is_another_on_aws(self, more: dict[str, Any], told: str) -> None:
        assert told in page(graph(CAPACITY, **more))
        assert 'class="note"' not in page(graph(CAPACITY))

    def test_a_line_at_the_right_is_said(self) -> None:
        assert "use the right-hand axis" in page(graph([*CAPACITY, {"yAxis": "right"}]))

    def test_a_metric_that_never_has_data_is_said(self) -> None:
        html = page(graph([NAMESPACE, "ReturnedItemCount", "TableName", "prompts", {"label": "Items"}]))
        assert "Items never has data: ReturnedItemCount is emitted per Operation and TableName, never per" in html
        assert not heights(html)

    def test_an_empty_body_is_a_page(self) -> None:
        assert "the-dashboard" in build("the-dashboard", {}, now=NOW)


TWO_POINTS = {NOW - timedelta(hours=12): 20.0, NOW - timedelta(hours=6): 10.0}


class TestChart:
    def drawn(self, points: Mapping[datetime, float] = TWO_POINTS, **properties: Any) -> str:
        axis = {"yAxis": {"left": {"min": 0, "max": 40, "label": "Units"}}}
        client = CloudWatch({"ConsumedReadCapacityUnits": points})
        return page(graph(CAPACITY, **(axis | properties)), cloudwatch=client)

    def test_points_are_at_their_height_and_time(self) -> None:
        (line,) = [d for one in Read(self.drawn()).of("line") if (d := one["d"]) and "L" in d]
        assert line == "M720.0 200.0L1080.0 300.0", "of 1440 by 400: the half and three quarters, 20 and 10 of 40"

    @pytest.mark.parametrize(("value", "y"), [(0, "400.0"), (10, "300.0"), (30, "100.0")])
    def test_thresholds_are_at_their_height(self, value: int, y: str) -> None:
        html = self.drawn(annotations={"horizontal": [{"label": "alarm from here", "value": value}]})
        (line,) = Read(html).of("threshold")
        assert line["d"] == f"M0 {y}H1440"
        assert line["style"] == "--at:#d13212"
        (name,) = Read(html.partition("<svg")[2]).of("left")
        assert name["style"] == f"top:{float(y) / 4:.2f}%;--at:#d13212"
        assert "alarm from here" in html

    def test_thresholds_of_the_stack_are_below_the_burst(self) -> None:
        """Or nobody would see what the red line is for."""
        for widget in BODY["widgets"]:
            if widget["properties"].get("title") == "Throttled reads and writes":
                html = page(widget)
                (line,) = Read(html).of("threshold")
                (red,) = re.findall(r"M0 ([\d.]+)H", line["d"] or "")
                over = [y for y in heights(html) if y < float(red)]
                assert 1 <= len(over) < 12
                return
        raise AssertionError

    def test_a_threshold_may_be_hidden_or_a_band(self) -> None:
        band = [{"value": 10, "label": "from"}, {"value": 20, "label": "to"}]
        html = self.drawn(annotations={"horizontal": [band, {"value": 30, "visible": False}]})
        assert [one["d"] for one in Read(html).of("threshold")] == ["M0 300.0H1440", "M0 200.0H1440"]

    def test_a_threshold_is_within_the_axis_whatever_the_data(self) -> None:
        html = self.drawn(annotations={"horizontal": [{"label": "high", "value": 1000}]}, yAxis={})
        (line,) = Read(html).of("threshold")
        (y,) = re.findall(r"M0 ([\d.]+)H", line["d"] or "")
        assert 20 < float(y) < 200, "with room for its name above it"

    def test_axes_have_ticks_and_names(self) -> None:
        html = self.drawn()
        values = re.findall(r'<span style="top:([\d.]+)%">([^<]+)</span>', html)
        assert values == [("100.00", "0"), ("75.00", "10"), ("50.00", "20"), ("25.00", "30"), ("0.00", "40")]
        times = re.findall(r'<span style="left:([\d.]+)%">(.+?)</span>', html)
        assert ("56.25", "06:00") in times
        assert ("31.25", "<b>12 Mar</b>") in times
        assert '<div class="unit"><span>Units</span>' in html

    def test_a_point_alone_is_a_dot_and_gaps_are_joined(self) -> None:
        (one,) = Read(self.drawn({NOW - timedelta(hours=12): 20.0})).of("dots")
        assert one["d"] == "M720.0 200.0h0"
        close = {NOW - timedelta(minutes=5 * count): 20.0 for count in range(1, 9)}
        (one,) = Read(self.drawn(close | {NOW - timedelta(hours=12): 20.0})).of("dots")
        assert one["d"] == "M720.0 200.0h0"
        assert len(Read(self.drawn()).of("line")) == 2, "one path for the line, over its gap, and one in the legend"

    def test_more_lines_than_colours_have_dashes(self) -> None:
        many = [[*CAPACITY[:3], f"table-{count}"] for count in range(COLORS * 3)]
        looks = re.findall(r'<svg viewBox="0 0 22 8"><g class="([^"]+)"', page(graph(*many)))
        assert len(set(looks)) == len(many)

    def test_a_line_may_have_a_colour_of_its_own(self) -> None:
        assert 'style="--line:#123456"' in page(graph([*CAPACITY, {"color": "#123456"}]))

    @pytest.mark.parametrize(
        ("values", "axis", "texts"),
        [
            ([0, 9.2], Axis(low=0), ["0", "2", "4", "6", "8", "10"]),
            ([0, 2600], Axis(low=0), ["0", "1k", "2k", "3k"]),
            ([1200, 1900], Axis(), ["1.2k", "1.4k", "1.6k", "1.8k", "2k"]),
            ([0.011, 0.043], Axis(low=0), ["0", "0.01", "0.02", "0.03", "0.04", "0.05"]),
            ([], Axis(low=0), ["0", "0.5", "1", "1.5"]),
            ([5], Axis(), ["5", "5.5", "6", "6.5"]),
            ([-3, 3], Axis(), ["-4", "-2", "0", "2", "4"]),
            ([1, 90], Axis(low=0, high=50), ["0", "10", "20", "30", "40", "50"]),
        ],
        ids=str,
    )
    def test_ticks_are_nice(self, values: Sequence[float], axis: Axis, texts: list[str]) -> None:
        ticks = nice_ticks(values, axis)
        assert list(ticks.texts) == texts
        assert axis.high or all(ticks.low <= value <= ticks.high for value in values)

    @pytest.mark.parametrize(
        ("value", "text"), [(0, "0"), (999, "999"), (1500, "1.5k"), (40_000, "40k"), (2e6, "2M"), (3e9, "3G")]
    )
    def test_numbers_are_short(self, value: float, text: str) -> None:
        assert number(value) == text


class TestCloudWatch:
    def test_is_asked_for_a_day_with_each_widgets_period_and_statistic(self) -> None:
        client = CloudWatch()
        page(
            graph([*CAPACITY, {"visible": False, "id": "read"}], period=60, stat="Maximum"),
            graph([*CAPACITY[:3], "others", {"period": 600, "stat": "p90"}]),
            cloudwatch=client,
        )
        (request,) = client.asked
        assert request["StartTime"] == datetime(2026, 3, 11, 16, 30, tzinfo=UTC)
        assert request["EndTime"] == NOW
        first, second = (query["MetricStat"] for query in request["MetricDataQueries"])
        assert (first["Period"], first["Stat"]) == (60, "Maximum")
        assert (second["Period"], second["Stat"]) == (600, "p90")
        assert second["Metric"] == {
            "Namespace": NAMESPACE,
            "MetricName": "ConsumedReadCapacityUnits",
            "Dimensions": [{"Name": "TableName", "Value": "others"}],
        }

    def test_the_day_is_of_whole_periods(self) -> None:
        span = last_day(datetime(2026, 3, 12, 16, 32, 7, tzinfo=UTC), [60, 300])
        assert (span.start, span.end) == (
            datetime(2026, 3, 11, 16, 30, tzinfo=UTC).timestamp(),
            datetime(2026, 3, 12, 16, 35, tzinfo=UTC).timestamp(),
        )

    def test_a_day_of_days_ends_today(self) -> None:
        span = last_day(datetime(2026, 3, 12, 16, 32, 7, tzinfo=UTC), [60, 86_400])
        assert (span.start, span.end) == (
            datetime(2026, 3, 11, tzinfo=UTC).timestamp(),
            datetime(2026, 3, 12, 17, tzinfo=UTC).timestamp(),
        )
        assert len(span.times(86_400)) == 2

    def test_many_lines_are_asked_for_in_batches_and_pages(self) -> None:
        client = CloudWatch({"ConsumedReadCapacityUnits": {NOW - timedelta(hours=1): 7.0}}, per_page=200)
        many = [[*CAPACITY[:3], f"table-{count}"] for count in range(501)]
        html = page(graph(*many), cloudwatch=client)
        assert [len(request["MetricDataQueries"]) for request in client.asked] == [500, 500, 500, 1]
        assert [request.get("NextToken") for request in client.asked] == [None, "200", "400", None]
        assert html.count("highest 7, last 7") == 501

    def test_where_it_has_nothing_the_day_is_synthetic(self) -> None:
        client = CloudWatch({"ConsumedReadCapacityUnits": {NOW - timedelta(hours=1): 7.0}})
        html = page(graph(CAPACITY, title="Real"), graph([NAMESPACE, "UserErrors"], title="Made up"), cloudwatch=client)
        header, real, made_up = re.split('<section class="widget"', html)
        assert "data from CloudWatch" in header
        assert "1 of 2 graphs synthetic" in header
        assert "synthetic" not in real
        assert ">synthetic</span>" in made_up
        assert "UserErrors: lowest" in made_up

    def test_one_line_with_data_is_enough_for_a_widget(self) -> None:
        client = CloudWatch({"ConsumedReadCapacityUnits": {NOW - timedelta(hours=1): 7.0}})
        html = page(graph(CAPACITY, [NAMESPACE, "UserErrors", {"label": "Errors"}]), cloudwatch=client)
        assert "synthetic" not in html.partition("<main>")[2]
        assert "Errors: lowest" not in html
        assert "<li class='empty'>" in html

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (EndpointConnectionError(endpoint_url="https://<x>"), "https://&lt;x&gt;"),
            (ClientError({"Error": {"Code": "AccessDenied", "Message": "no\nentry"}}, "GetMetricData"), "no entry"),
        ],
        ids=["no-connection", "refused"],
    )
    def test_when_it_fails_there_is_a_page_that_says_so(self, error: Exception, told: str) -> None:
        heard: list[Exception] = []
        html = build("the-dashboard", BODY, cloudwatch=Failing(error), now=NOW, on_error=heard.append)
        header = html.partition("<main>")[0]
        assert "CloudWatch could not be asked: " in header
        assert told in header
        assert "all data synthetic" in header
        assert header.count("could not be asked") == 1
        assert heard == [error, error], "the data points and the alarms"

    def test_whoever_calls_may_have_no_page_then(self) -> None:
        def refuse(error: Exception) -> None:
            raise error

        error = EndpointConnectionError(endpoint_url="https://example.com")
        with pytest.raises(EndpointConnectionError):
            build("the-dashboard", BODY, cloudwatch=Failing(error), now=NOW, on_error=refuse)

    def test_a_fault_of_ours_is_not_taken_for_one_of_its(self) -> None:
        with pytest.raises(ZeroDivisionError):
            build("the-dashboard", BODY, cloudwatch=Failing(ZeroDivisionError()), now=NOW)


ARNS = [f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}" for name in ("one", "two", "of:three", "four")]


class TestAlarms:
    def tiles(self, html: str) -> list[tuple[str, str]]:
        return re.findall(r'</i>([^<]+)</span><span class="name">([^<]+)</span>', html)

    def test_have_a_tile_with_name_and_state(self) -> None:
        client = CloudWatch()
        client.states = {"one": "OK", "two": "ALARM", "of:three": "INSUFFICIENT_DATA"}
        assert self.tiles(page({"type": "alarm", "properties": {"alarms": ARNS}}, cloudwatch=client)) == [
            ("OK", "one"),
            ("In alarm", "two"),
            ("Insufficient data", "of:three"),
            ("Not deployed", "four"),
        ]

    def test_are_not_deployed_without_a_client(self) -> None:
        (widget,) = [one for one in BODY["widgets"] if one["type"] == "alarm"]
        assert self.tiles(page(widget)) == [("Not deployed", one.name) for one in DEFINITIONS]

    def test_many_are_asked_for_in_batches_and_pages(self) -> None:
        arns = [f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:number-{count}" for count in range(150)]
        client = CloudWatch(per_page=30)
        client.states = {f"number-{count}": "OK" for count in range(150)}
        html = page({"type": "alarm", "properties": {"alarms": arns}}, cloudwatch=client)
        assert [state for state, _ in self.tiles(html)] == ["OK"] * 150


class TestSyntheticDay:
    def points(
        self, metric: str, line: float | None = None, now: datetime = NOW, **options: Any
    ) -> Mapping[int, float]:
        operation = ["Operation", options.pop("operation")] if "operation" in options else []
        (row,) = metric_rows([NAMESPACE, metric, "TableName", "prompts", *operation, options], stat="Sum", period=300)
        return synthetic.day(row, last_day(now, [300]), line)

    def test_latencies_are_milliseconds(self) -> None:
        for statistic in ("Average", "Maximum"):
            points = self.points("SuccessfulRequestLatency", operation="GetItem", stat=statistic)
            assert len(points) == 288
            assert all(1 < value < 60 for value in points.values())

    def test_capacity_follows_the_day(self) -> None:
        at = {datetime.fromtimestamp(time, UTC).strftime("%H:%M"): v for time, v in self.points(CAPACITY[1]).items()}
        assert at["13:00"] > 2 * at["02:00"]

    def test_statistics_fit_each_other(self) -> None:
        low, mean, high = (self.points(CAPACITY[1], stat=one) for one in ("Minimum", "Average", "Maximum"))
        total = self.points(CAPACITY[1])
        for time in total:
            assert low[time] <= mean[time] <= high[time]
            assert total[time] == pytest.approx(5 * mean[time], rel=0.001)
        assert set(self.points(CAPACITY[1], stat="SampleCount").values()) == {5}

    def test_errors_are_sparse_and_whole(self) -> None:
        points = self.points("UserErrors")
        assert 1 <= len(points) < 60
        assert all(value == int(value) > 0 for value in points.values())

    @pytest.mark.parametrize("line", [3, 10, 5000])
    @pytest.mark.parametrize("period", [60, 300, 1200, 3600])
    def test_writes_are_throttled_once_over_the_line(self, line: int, period: int) -> None:
        points = self.points("WriteThrottleEvents", line, period=period)
        over = [time for time, value in points.items() if value >= line]
        assert over
        assert over == list(range(over[0], over[-1] + 1, period))
        assert max(points.values()) <= 2 * line
        assert len(points) * period <= 2 * 3600

    def test_the_burst_is_in_every_day(self) -> None:
        for hour in range(24):
            points = self.points("WriteThrottleEvents", 10, now=NOW + timedelta(hours=hour))
            assert max(points.values()) > 10

    def test_a_point_is_the_same_whenever_one_looks(self) -> None:
        earlier, later = self.points(CAPACITY[1]), self.points(CAPACITY[1], now=NOW + timedelta(hours=3))
        both = earlier.keys() & later.keys()
        assert len(both) == 288 - 36
        assert all(earlier[time] == later[time] for time in both)

    def test_no_two_lines_are_the_same(self) -> None:
        read, write = self.points(CAPACITY[1]), self.points("ConsumedWriteCapacityUnits")
        assert len({round(read[time] / write[time], 3) for time in read}) > 10

    @pytest.mark.parametrize(
        ("metric", "least", "most"),
        [("AccountProvisionedReadCapacityUtilization", 5, 100), ("AccountMaxReads", 40_000, 40_000), ("Other", 1, 100)],
    )
    def test_other_metrics_have_something_plausible(self, metric: str, least: float, most: float) -> None:
        values = self.points(metric, stat="Average").values()
        assert least <= min(values) <= max(values) <= most
