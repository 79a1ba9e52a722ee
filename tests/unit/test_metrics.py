"""CloudWatch's arithmetic, and the catalogue of what DynamoDB emits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.metrics.catalogue import DYNAMODB, OPERATIONS, never_emitted
from tap.metrics.expressions import ExpressionError, Points, evaluate, ids_in
from tests.support.dynamodb_metrics import CALLS, EMITTED, PARTIQL

TIMES = range(0, 300, 60)
SERIES: dict[str, Points] = {"m1": {0: 2.0, 60: 0.0, 120: 4.0}, "m2": {60: 1.0, 120: 2.0, 180: 8.0}, "none": {}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1", SERIES["m1"]),
        ("m1 + m2", {60: 1.0, 120: 6.0}),
        ("m1 - m2", {60: -1.0, 120: 2.0}),
        ("m2 * 2 ^ 1", {60: 2.0, 120: 4.0, 180: 16.0}),
        ("100 * m1 / m2", {60: 0.0, 120: 200.0}),
        ("m2 / m1", {120: 0.5}),  # where m1 is nought there is no point
        ("-m1", {0: -2.0, 60: 0.0, 120: -4.0}),
        ("FILL(m1, 0) + FILL(m2, 0)", {0: 2.0, 60: 1.0, 120: 6.0, 180: 8.0, 240: 0.0}),
        ("FILL(none, 7)", dict.fromkeys(TIMES, 7.0)),
        ("FILL(m2, REPEAT)", {60: 1.0, 120: 2.0, 180: 8.0, 240: 8.0}),
        ("m1/PERIOD(m1)", {0: 2 / 60, 60: 0.0, 120: 4 / 60}),
        ("SUM([m1, m2])", {0: 2.0, 60: 1.0, 120: 6.0, 180: 8.0}),
        ("MAX([m1, m2])", {0: 2.0, 60: 1.0, 120: 4.0, 180: 8.0}),
        ("AVG([m1, m2])", {0: 2.0, 60: 0.5, 120: 3.0, 180: 8.0}),
        ("SUM(METRICS())", {0: 2.0, 60: 1.0, 120: 6.0, 180: 8.0}),
        ("m1 - MIN(m1)", {0: 2.0, 60: 0.0, 120: 4.0}),
        ("IF(m1 > 1, m2, 0)", {60: 0, 120: 2.0}),
        ("IF(m1 >= 2, 1, 0)", {0: 1, 60: 0, 120: 1}),
        ("m1 > 1 AND m1 < 3 || m1 == 0", {0: 1, 60: 1, 120: 0}),
        ("m1 OR m2 && m2 > 1", {60: 0, 120: 1}),
        ("CEIL(m1 / 3)", {0: 1.0, 60: 0.0, 120: 2.0}),
        ("5", dict.fromkeys(TIMES, 5.0)),
    ],
)
def test_what_is_known_is_computed(expression: str, expected: Points) -> None:
    assert evaluate(expression, SERIES, TIMES, 60) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("m9 + 1", "uses m9"),
        ("m1 and m2", "can't be read"),
        ("RATE(m1)", "RATE()"),
        ("m1 + ", "can't be read"),
        ("[m1, m2]", "gives several series"),
        ("__import__('os')", "__IMPORT__()"),
        ("m1.real", "m1.real"),
        ("1 / 0", "can't be computed"),
        ("FILL(m1, LINEAR)", "LINEAR"),
        ("'a'", "'a'"),
    ],
)
def test_what_is_not_known_is_refused(expression: str, why: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate(expression, SERIES, TIMES, 60)
    assert why in str(raised.value)


points = st.dictionaries(st.sampled_from(list(TIMES)), st.integers(0, 10**6).map(float))


@given(series=st.lists(points, min_size=1, max_size=10))
def test_a_filled_sum_loses_nothing(series: list[dict[int, float]]) -> None:
    named = {f"m{number}": one for number, one in enumerate(series)}
    total = evaluate(" + ".join(f"FILL({id_}, 0)" for id_ in named), named, TIMES, 60)
    assert set(total) == set(TIMES)
    assert sum(total.values()) == pytest.approx(sum(sum(one.values()) for one in series))


def test_ids_are_found() -> None:
    assert ids_in('IF(FILL(m1, 0) > 0, 100 * errors/m2, "m3")') == {"m1", "errors", "m2"}


class TestCatalogue:
    """Written twice, once for the product and once for the tests, both from AWS's documentation."""

    @pytest.mark.parametrize("metric", EMITTED)
    def test_the_dimensions_are_those_of_the_documentation(self, metric: str) -> None:
        stream = frozenset({"TableName", "Operation", "StreamLabel"})  # of reading a stream, which the tests leave out
        assert set(DYNAMODB[metric].dimensions) - {stream} == EMITTED[metric]

    def test_the_operations_are_those_of_the_documentation(self) -> None:
        assert OPERATIONS - {"GetRecords"} == CALLS | PARTIQL

    @pytest.mark.parametrize("metric", DYNAMODB.values(), ids=list(DYNAMODB))
    def test_each_has_what_an_alarm_is_judged_by(self, metric: object) -> None:
        from tap.metrics.catalogue import Metric

        assert isinstance(metric, Metric)
        assert metric.dimensions
        assert set(metric.statistics) <= {"Minimum", "Maximum", "Average", "SampleCount", "Sum"}
        assert metric.period in (60, 300)
        assert metric.unit in ("Count", "Milliseconds", "Percent", "Bytes")

    def test_what_is_never_emitted_is_told(self) -> None:
        assert never_emitted("AWS/DynamoDB", "UserErrors", {}) is None
        assert "never per TableName" in (never_emitted("AWS/DynamoDB", "UserErrors", {"TableName": "t"}) or "")
        assert "no metric Foo" in (never_emitted("AWS/DynamoDB", "Foo", {}) or "")
        per = {"TableName": "t", "Operation": "Foo"}
        assert "for the operation Foo" in (never_emitted("AWS/DynamoDB", "SystemErrors", per) or "")
