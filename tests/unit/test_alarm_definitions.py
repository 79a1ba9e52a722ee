"""What the alarms watch: only what DynamoDB emits, or they would stay green for ever."""

import pytest

from tap.infra.alarms import NAMESPACE, AlarmDefinition, alarm_definitions
from tap.settings import Settings
from tests.support import the_stack
from tests.support.dynamodb_metrics import CALLS, PARTIQL, never_emitted
from tests.support.the_stack import THRESHOLDS

NAMES = the_stack.names().model_dump()
TABLE = NAMES["table"]
ALARMS = {definition.construct_id: definition for definition in alarm_definitions(NAMES, THRESHOLDS)}
WITH_INDEX = {definition.construct_id: definition for definition in alarm_definitions(NAMES, THRESHOLDS, "claims")}
each_alarm = pytest.mark.parametrize(
    "alarm", [*ALARMS.values(), *WITH_INDEX.values()], ids=[*ALARMS, *(f"{name}-with-index" for name in WITH_INDEX)]
)

EXPECTED = {alarm.logical_id: alarm for alarm in the_stack.ALARMS}


def test_the_alarms_are_those_that_the_tests_know() -> None:
    told = {one.construct_id: ({series.metric for series in one.series}, one.name) for one in ALARMS.values()}
    expected = {one.logical_id: ({one.metric}, NAMES[one.setting]) for one in the_stack.ALARMS}
    assert told == expected, "A new alarm needs its line in tests/support/the_stack.py."


@each_alarm
def test_aws_emits_what_the_alarm_watches(alarm: AlarmDefinition) -> None:
    problems = [never_emitted(NAMESPACE, series.metric, series.dimensions) for series in alarm.series]
    assert problems == [None] * len(problems)
    assert problems


@each_alarm
def test_the_alarm_watches_our_table(alarm: AlarmDefinition) -> None:
    tables = {series.dimensions.get("TableName") for series in alarm.series}
    assert tables == ({None} if EXPECTED[alarm.construct_id].per == "account" else {TABLE})


@each_alarm
def test_cloudwatch_takes_the_alarm(alarm: AlarmDefinition) -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert 1 <= len(alarm.series) <= 10
    assert len({(one.metric, *sorted(one.dimensions.items())) for one in alarm.series}) == len(alarm.series)
    assert len(alarm.description) <= 1024


@each_alarm
def test_one_lost_request_wakes_nobody(alarm: AlarmDefinition) -> None:
    assert alarm.threshold == EXPECTED[alarm.construct_id].threshold > 1


def test_the_defaults_are_those_that_the_tests_know() -> None:
    assert Settings().thresholds.model_dump() == THRESHOLDS, "A new alarm needs its line in tests/support/the_stack.py."
    assert Settings().alarm_period == the_stack.ALARM_PERIOD


def test_each_threshold_is_its_own_alarms() -> None:
    own = {setting: number for number, setting in enumerate(THRESHOLDS, 100)}
    told = {one.construct_id: one.threshold for one in alarm_definitions(NAMES, own)}
    assert told == {one.logical_id: own[one.setting] for one in the_stack.ALARMS}


@each_alarm
def test_the_description_says_which_metric(alarm: AlarmDefinition) -> None:
    assert f"({alarm.series[0].metric})" in alarm.description


def test_throttles_of_the_index_count_where_it_is_on() -> None:
    """AWS counts them under dimensions of their own, so that an alarm on the table alone would never see them."""
    for name, alarm in WITH_INDEX.items():
        added = [one.dimensions for one in alarm.series if one not in ALARMS[name].series]
        per_index = {"TableName": TABLE, "GlobalSecondaryIndexName": "claims"}
        assert added == ([per_index] if EXPECTED[name].per == "table" else [])
        assert alarm.series[: len(ALARMS[name].series)] == ALARMS[name].series


def test_system_errors_are_summed_over_every_call() -> None:
    # PartiQL's are left out: an alarm takes ten metrics, and the prompt store makes no such calls.
    watched = [series.dimensions["Operation"] for series in ALARMS["DynamoDBSystemErrorAlarm"].series]
    assert set(watched) == CALLS
    assert not set(watched) & PARTIQL


@pytest.mark.parametrize(
    ("metric", "dimensions", "why"),
    [
        ("UserErrors", {"TableName": TABLE}, "never under ['TableName']"),
        ("SystemErrors", {"TableName": TABLE}, "never under ['TableName']"),
        ("ReadThrottleEvents", {}, "never under []"),
        ("ReadThrottleEvents", {"TableName": TABLE, "Operation": "GetItem"}, "never under ['Operation', 'TableName']"),
        ("SystemErrors", {"TableName": TABLE, "Operation": "DescribeTable"}, "no operation DescribeTable"),
        ("ThrottleEvents", {"TableName": TABLE}, "no metric ThrottleEvents"),
    ],
)
def test_the_commonest_faults_are_told(metric: str, dimensions: dict[str, str], why: str) -> None:
    assert why in (never_emitted(NAMESPACE, metric, dimensions) or "nothing")
