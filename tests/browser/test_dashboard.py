"""The dashboard's page in a real browser: Debian's chromium, without a window and without a network."""

import itertools
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, sync_playwright

from tap.dashboard import build
from tests.support.servers import embedded_aws
from tests.unit.test_dashboard import DEFINITIONS, body
from tests.unit.test_dashboard_page import NOW

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
BODY = body(index="claims")
WIDGETS: list[dict[str, Any]] = BODY["widgets"]
REAL = "Consumed capacity"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if BROWSER is None:
        why = "there is no chromium and no google-chrome on PATH: NOBODY HAS LOOKED AT THE DASHBOARD'S PAGE"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        # In a container Chromium's sandbox often can't be made; all it gets to see is our own file.
        launched = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def cloudwatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server's client. It has the consumed capacity of an hour ago, and the first alarm, which fires."""
    with embedded_aws(tmp_path_factory.mktemp("aws")) as server:
        session = boto3.Session("test", "test", region_name="eu-west-1")
        client: Any = session.client("cloudwatch", endpoint_url=server.url)
        (graph,) = [one["properties"] for one in WIDGETS if one["properties"].get("title") == REAL]
        (read,) = [one for one in graph["metrics"] if one[-1].get("id") == "read"]
        namespace, metric, dimension, table, _ = read
        data = {"MetricName": metric, "Dimensions": [{"Name": dimension, "Value": table}], "Unit": "Count"}
        for minutes, value in ((60, 6000.0), (58, 12000.0)):
            at = datetime.now(UTC) - timedelta(minutes=minutes)
            client.put_metric_data(Namespace=namespace, MetricData=[{**data, "Timestamp": at, "Value": value}])
        alarm = {"AlarmName": DEFINITIONS[0].name, "Namespace": namespace, "MetricName": metric, "Period": 60}
        alarm |= {"EvaluationPeriods": 1, "Threshold": 1.0, "Statistic": "Sum"}
        client.put_metric_alarm(**alarm, ComparisonOperator="GreaterThanThreshold")
        client.set_alarm_state(AlarmName=DEFINITIONS[0].name, StateValue="ALARM", StateReason="the test says so")
        yield client


class Opened:
    """A page in the browser, with all that it asked for and complained about."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.goto(file.as_uri(), wait_until="load")

    @property
    def widgets(self) -> list[Locator]:
        return self.page.locator(".widget").all()

    def graph(self, title: str) -> Locator:
        return self.page.locator('.widget[data-widget="metric"]').filter(has_text=title)


@pytest.fixture(scope="module", params=["synthetic", "from-a-server"])
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def opened(
    source: str, browser: Browser, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    is_real = source == "from-a-server"
    client = request.getfixturevalue("cloudwatch") if is_real else None
    html = build("the-dashboard", BODY, cloudwatch=client, now=datetime.now(UTC) if is_real else NOW)
    file = tmp_path_factory.mktemp("page") / "dashboard.html"
    file.write_text(html, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    yield Opened(page, file)
    page.close()


def box(locator: Locator) -> FloatRect:
    found = locator.bounding_box()
    assert found, "it is not visible"
    return found


def overlap(one: FloatRect, other: FloatRect) -> bool:
    return (
        one["x"] < other["x"] + other["width"]
        and other["x"] < one["x"] + one["width"]
        and one["y"] < other["y"] + other["height"]
        and other["y"] < one["y"] + one["height"]
    )


def inside(inner: FloatRect, outer: FloatRect) -> bool:
    return (
        outer["x"] <= inner["x"]
        and outer["y"] <= inner["y"]
        and inner["x"] + inner["width"] <= outer["x"] + outer["width"]
        and inner["y"] + inner["height"] <= outer["y"] + outer["height"]
    )


def test_all_widgets_are_there_to_be_seen(opened: Opened) -> None:
    assert [one.get_attribute("data-widget") for one in opened.widgets] == [one["type"] for one in WIDGETS]
    for widget in opened.widgets:
        assert widget.is_visible()
        assert box(widget)["width"] > 100
        assert box(widget)["height"] > 50


def test_none_overlaps_another(opened: Opened) -> None:
    for one, other in itertools.combinations(opened.widgets, 2):
        assert not overlap(box(one), box(other)), (one.inner_text(), other.inner_text())


@pytest.mark.parametrize("width", [900, 1400, 2400])
def test_they_stand_as_on_cloudwatch_whatever_the_window(opened: Opened, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 900})
    boxes = [box(widget) for widget in opened.widgets]
    column = max(one["x"] + one["width"] for one in boxes) / 24
    for widget, found in zip(WIDGETS, boxes, strict=True):
        assert found["x"] / column == pytest.approx(widget["x"], abs=1)
        assert found["width"] / column == pytest.approx(widget["width"], abs=1)
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it must not scroll sideways"
    opened.page.set_viewport_size({"width": 1400, "height": 900})


def test_titles_are_there(opened: Opened) -> None:
    for shown, widget in zip(opened.widgets, WIDGETS, strict=True):
        assert widget["properties"].get("title", "TAP, dev") in shown.inner_text()


def test_nothing_is_cut_off(opened: Opened) -> None:
    for widget in opened.widgets:
        for part in widget.locator("h1, h2, .chart, .legend, .legend li, .alarms li, .text").all():
            assert inside(box(part), box(widget)), f"{part.inner_text()!r} is outside of its widget"
        assert widget.evaluate("it => it.scrollHeight <= it.clientHeight + 1")
        for part in widget.locator(".text, .alarms").all():
            assert part.evaluate("it => it.scrollHeight <= it.clientHeight + 1"), "it has to be scrolled"


def test_graphs_have_axes_lines_and_a_legend(opened: Opened) -> None:
    graphs = [
        (shown, one["properties"])
        for shown, one in zip(opened.widgets, WIDGETS, strict=True)
        if "view" in one["properties"]
    ]
    assert len(graphs) == 6
    for shown, properties in graphs:
        assert shown.locator(".unit").inner_text() == properties["yAxis"]["left"]["label"]
        assert shown.locator(".values span").count() >= 3
        assert shown.locator(".times span").count() >= 7
        assert shown.locator(".plot .line").count() >= 1
        for line in shown.locator(".plot .line, .plot .dots").all():
            assert inside(box(line), box(shown))
        drawn = box(shown.locator(".plot"))
        assert drawn["width"] > 500
        assert drawn["height"] > 100
        assert box(shown.locator(".plot svg")) == pytest.approx(drawn, abs=1)
        labels = [one[-1]["label"] for one in properties["metrics"] if one[-1].get("visible", True)]
        assert shown.locator(".legend li").all_inner_texts() == labels


def test_red_lines_are_drawn_with_their_names(opened: Opened) -> None:
    for title, name in (("Errors", "UserErrors"), ("Throttled reads", "Read or write throttles")):
        graph = opened.graph(title)
        assert inside(box(graph.locator(".plot .name")), box(graph.locator(".plot")))
        assert graph.locator(".plot .name").inner_text() == f"{name}: alarm from here"
        stroke = graph.locator(".threshold").evaluate(
            "it => [getComputedStyle(it).stroke, getComputedStyle(it).strokeDasharray]"
        )
        assert stroke == ["rgb(209, 50, 18)", "7px, 4px"]


def test_alarms_have_tiles(opened: Opened, source: str) -> None:
    tiles = [text.split("\n") for text in opened.page.locator(".alarms li").all_inner_texts()]
    assert [name for _, name in tiles] == [one.name for one in DEFINITIONS]
    states = [state[1:].strip() for state, _ in tiles]
    others = ["Not deployed"] * (len(DEFINITIONS) - 1)
    assert states == (["In alarm", *others] if source == "from-a-server" else ["Not deployed", *others])


def test_says_where_the_data_are_from(opened: Opened, source: str) -> None:
    header, pills = opened.page.locator("header").inner_text(), opened.page.locator(".widget .synthetic")
    if source == "synthetic":
        assert "all data synthetic" in header
        assert pills.count() == 6
        return
    assert "data from CloudWatch" in header
    assert "5 of 6 graphs synthetic" in header
    assert pills.count() == 5
    graph = opened.graph(REAL)
    assert graph.locator(".synthetic").count() == 0
    told = graph.locator(".plot g title").all_text_contents()
    assert told == ["Read: lowest 100, highest 200, last 200"], "6,000 and 12,000 in a minute, per second"


def test_asks_for_nothing_and_complains_of_nothing(opened: Opened) -> None:
    assert len(opened.requests) == 1
    assert opened.requests[0].startswith("file:///")
    assert opened.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_can_be_read_by_day_and_by_night(opened: Opened, scheme: str) -> None:
    opened.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for selector in (
        "h1",
        ".head h2",
        ".counted",
        ".values",
        ".legend li",
        ".state",
        ".widget .synthetic, .plot .name",
    ):
        ink = opened.page.locator(selector).first.evaluate("it => getComputedStyle(it).color")
        card = opened.page.locator(".widget").first.evaluate("it => getComputedStyle(it).backgroundColor")
        assert contrast(ink, card) >= 4.5, f"{selector}: {ink} on {card}"
    for line in opened.page.locator(".legend .line").all():
        stroke = line.evaluate("it => getComputedStyle(it).stroke")
        assert contrast(stroke, card) >= 2.2, stroke
    opened.page.emulate_media(color_scheme="light")


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours as the browser computes them."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [float(part) for part in color.partition("(")[2].strip(")").replace("srgb", "").replace(",", " ").split()]
    scaled = parts if color.startswith("color(") else [part / 255 for part in parts]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in scaled[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
