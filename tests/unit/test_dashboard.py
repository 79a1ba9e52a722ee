"""The dashboard's body: CloudWatch takes it, it shows what exists, and its lines stand where the alarms fire.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import dataclasses
import itertools
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from tap.infra.alarms import AlarmDefinition, alarm_definitions
from tap.infra.dashboard import dashboard_body
from tests.support.dynamodb_metrics import EMITTED, never_emitted
from tests.support.the_stack import ALARM_PERIOD, THRESHOLDS
from tests.unit.test_alarm_definitions import NAMES, TABLE

DEFINITIONS = alarm_definitions(NAMES, THRESHOLDS)
ARNS = [f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{one.name}" for one in DEFINITIONS]


def body(
    definitions: Sequence[AlarmDefinition] = DEFINITIONS, index: str | None = None, period: int = ALARM_PERIOD
) -> dict[str, Any]:
    options: dict[str, Any] = {"definitions": definitions, "alarm_arns": ARNS, "alarm_period": period, "index": index}
    return dashboard_body(title="TAP, dev", region="eu-west-1", table=TABLE, **options)


def graphs(widgets: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {widget["properties"]["title"]: widget["properties"] for widget in widgets if widget["type"] == "metric"}


WIDGETS: list[dict[str, Any]] = body()["widgets"]
GRAPHS = graphs(WIDGETS)
WITH_INDEX = graphs(body(index="claims")["widgets"])
each_graph = pytest.mark.parametrize(
    "graph", [*GRAPHS.values(), *WITH_INDEX.values()], ids=[*GRAPHS, *(f"{name}-with-index" for name in WITH_INDEX)]
)


@dataclasses.dataclass(frozen=True)
class Line:
    """One entry of a graph's `metrics`, read by CloudWatch's rules."""

    namespace: str
    metric: str
    dimensions: dict[str, str]
    options: dict[str, Any]


def lines(graph: dict[str, Any]) -> list[Line]:
    """A graph's metrics, without its expressions. The short forms `.` and `...` are not read, so they fail."""
    found = []
    for entry in graph["metrics"]:
        texts = [part for part in entry if isinstance(part, str)]
        options = entry[-1] if isinstance(entry[-1], dict) else {}
        if "expression" in options:
            continue
        namespace, metric, *dimensions = texts
        found.append(Line(namespace, metric, dict(zip(dimensions[::2], dimensions[1::2], strict=True)), options))
    return found


def expressions(graph: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry[0] for entry in graph["metrics"] if isinstance(entry[0], dict)]


def red_lines(graph: dict[str, Any]) -> list[int]:
    return [line["value"] for line in graph.get("annotations", {}).get("horizontal", [])]


class TestGrid:
    def test_every_widget_is_on_it(self) -> None:
        for widget in WIDGETS:
            assert 0 <= widget["x"] < widget["x"] + widget["width"] <= 24
            assert widget["y"] >= 0
            assert 1 <= widget["height"] <= 1000

    def test_no_two_overlap(self) -> None:
        def cells(widget: dict[str, Any]) -> set[tuple[int, int]]:
            across = range(widget["x"], widget["x"] + widget["width"])
            return set(itertools.product(across, range(widget["y"], widget["y"] + widget["height"])))

        for one, other in itertools.combinations(WIDGETS, 2):
            assert not cells(one) & cells(other), (one["properties"], other["properties"])

    def test_what_is_wrong_comes_first(self) -> None:
        from_the_top = sorted(WIDGETS, key=lambda widget: (widget["y"], widget["x"]))
        assert [widget["type"] for widget in from_the_top[:3]] == ["text", "alarm", "metric"]
        assert "rror" in from_the_top[2]["properties"]["title"]


class TestText:
    def test_says_which_environment_and_table(self) -> None:
        (text,) = [widget["properties"]["markdown"] for widget in WIDGETS if widget["type"] == "text"]
        assert "TAP, dev" in text
        assert TABLE in text


class TestAlarms:
    def test_all_are_shown(self) -> None:
        (widget,) = [widget["properties"] for widget in WIDGETS if widget["type"] == "alarm"]
        assert widget["alarms"] == ARNS
        assert widget["title"]


class TestGraphs:
    def test_show_what_the_seed_promises(self) -> None:
        assert {line.metric for graph in GRAPHS.values() for line in lines(graph)} == {
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "SystemErrors",
            "UserErrors",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
            "ThrottledRequests",
            "SuccessfulRequestLatency",
        }

    def test_have_titles_of_their_own(self) -> None:
        assert len(GRAPHS) == sum(widget["type"] == "metric" for widget in WIDGETS)
        assert all(GRAPHS)

    @each_graph
    def test_show_only_what_aws_emits(self, graph: dict[str, Any]) -> None:
        problems = [never_emitted(line.namespace, line.metric, line.dimensions) for line in lines(graph)]
        assert problems == [None] * len(problems)
        assert problems

    @each_graph
    def test_show_our_table(self, graph: dict[str, Any]) -> None:
        assert {line.dimensions["TableName"] for line in lines(graph) if line.dimensions} == {TABLE}

    @each_graph
    def test_are_of_the_region(self, graph: dict[str, Any]) -> None:
        assert graph["region"] == "eu-west-1"

    @each_graph
    def test_say_the_unit_and_begin_at_nought(self, graph: dict[str, Any]) -> None:
        left = graph["yAxis"]["left"]
        assert left["label"].strip()
        assert left["min"] == 0

    def test_name_the_period_that_they_count_over(self) -> None:
        # Otherwise CloudWatch takes an hour for a period when somebody looks at a week.
        assert body()["periodOverride"] == "inherit"
        words = {60: "per minute", 300: "in five minutes"}
        counts = [graph for graph in GRAPHS.values() if graph["stat"] == "Sum" and not expressions(graph)]
        assert len(counts) == 3
        for graph in counts:
            assert graph["yAxis"]["left"]["label"].endswith(words[graph["period"]])

    @each_graph
    def test_label_each_line_that_is_seen(self, graph: dict[str, Any]) -> None:
        seen = [line.options for line in lines(graph) if line.options.get("visible", True)] + expressions(graph)
        labels = [options.get("label") for options in seen]
        assert all(labels)
        assert len(set(labels)) == len(labels)

    @each_graph
    def test_draw_a_statistic_that_fits(self, graph: dict[str, Any]) -> None:
        latency = {line.metric for line in lines(graph)} == {"SuccessfulRequestLatency"}
        assert graph["stat"] in ({"Average", "Maximum"} if latency else {"Sum"})
        assert (graph["yAxis"]["left"]["label"] == "Milliseconds") == latency

    @each_graph
    def test_expressions_use_the_graphs_own_lines(self, graph: dict[str, Any]) -> None:
        ids = [
            options["id"] for options in [line.options for line in lines(graph)] + expressions(graph) if "id" in options
        ]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch("[a-z][A-Za-z0-9_]*", one) for one in ids)
        for expression in expressions(graph):
            used = set(re.findall(r"\b[a-z][A-Za-z0-9_]*\b", expression["expression"]))
            assert used
            assert used <= set(ids)

    def test_show_the_index_as_well_where_it_is_on(self) -> None:
        """Whatever AWS counts per index is a line of its own, and the calls that workers then make are timed."""
        of_index = [line for graph in WITH_INDEX.values() for line in lines(graph) if "claims" in str(line.dimensions)]
        per_index = {
            metric for metric, emitted in EMITTED.items() if any("GlobalSecondaryIndexName" in one for one in emitted)
        }
        assert {line.metric for line in of_index} == per_index
        added = {
            graph["stat"]: {line.dimensions.get("Operation") for line in lines(graph)} for graph in WITH_INDEX.values()
        }
        assert "Query" in added["Average"] & added["Maximum"]
        (capacity,) = [graph for graph in WITH_INDEX.values() if expressions(graph)]
        assert {options["label"] for options in expressions(capacity)} == {
            "Read",
            "Write",
            "Read, index",
            "Write, index",
        }

    def test_both_latencies_are_of_the_same_calls(self) -> None:
        average, slowest = [graph for graph in GRAPHS.values() if graph["stat"] != "Sum"]
        assert [line.dimensions for line in lines(average)] == [line.dimensions for line in lines(slowest)]
        assert (average["stat"], slowest["stat"]) == ("Average", "Maximum")

    def test_capacity_is_per_second(self) -> None:
        (graph,) = [graph for graph in GRAPHS.values() if expressions(graph)]
        by_id = {line.options["id"]: line.metric for line in lines(graph)}
        drawn = {}
        for options in expressions(graph):
            found = re.fullmatch(r"(\w+)/PERIOD\(\1\)", options["expression"])
            assert found, options
            drawn[options["label"]] = by_id[found[1]]
        assert drawn == {"Read": "ConsumedReadCapacityUnits", "Write": "ConsumedWriteCapacityUnits"}
        assert "per second" in graph["yAxis"]["left"]["label"]


class TestRedLines:
    """A horizontal line for each alarm on one metric. The sum over operations has none: no line shows that sum."""

    @pytest.mark.parametrize("metric", ["UserErrors", "ReadThrottleEvents", "WriteThrottleEvents"])
    @pytest.mark.parametrize("more", [0, 7], ids=["as-it-is", "threshold-moved"])
    def test_stand_where_the_alarm_fires(self, metric: str, more: int) -> None:
        moved = [dataclasses.replace(one, threshold=one.threshold + more) for one in DEFINITIONS]
        (graph,) = [
            widget["properties"]
            for widget in body(moved)["widgets"]
            if widget["type"] == "metric" and metric in {line.metric for line in lines(widget["properties"])}
        ]
        alarms = [one for one in moved if len(one.series) == 1]
        shown = {line.metric for line in lines(graph)}
        assert set(red_lines(graph)) == {one.threshold for one in alarms if one.series[0].metric in shown}
        assert (graph["period"], graph["stat"]) == (ALARM_PERIOD, "Sum")

    def test_reads_and_writes_may_have_different_ones(self) -> None:
        own = alarm_definitions(NAMES, THRESHOLDS | {"read_throttle_alarm": 20, "write_throttle_alarm": 30})
        graph = graphs(body(own)["widgets"])["Throttled reads and writes"]
        shown = {line["label"].split(":")[0]: line["value"] for line in graph["annotations"]["horizontal"]}
        assert shown == {"Reads": 20, "Writes": 30}

    def test_the_period_is_the_alarms(self) -> None:
        for seconds, words in ((60, "one minute"), (600, "ten minutes"), (1200, "20 minutes")):
            shown = graphs(body(period=seconds)["widgets"])["Throttled reads and writes"]
            assert (shown["period"], shown["yAxis"]["left"]["label"]) == (seconds, f"Events in {words}")

    def test_are_nowhere_else(self) -> None:
        watched = {one.series[0].metric for one in DEFINITIONS if len(one.series) == 1}
        with_lines = [graph for graph in GRAPHS.values() if red_lines(graph)]
        assert len(with_lines) == 2
        assert all(watched & {line.metric for line in lines(graph)} for graph in with_lines)


def test_cloudwatch_takes_it_as_json() -> None:
    # AWS: at most 500 widgets, 500 metrics in one of them, 2,500 in all.
    assert json.loads(json.dumps(body())) == body()
    assert max(len(graph["metrics"]) for graph in GRAPHS.values()) <= 500
    assert all(set(widget) == {"type", "x", "y", "width", "height", "properties"} for widget in WIDGETS)
