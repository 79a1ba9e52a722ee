"""What the alarms watch: only what DynamoDB emits, or they would stay green for ever."""

import pytest

from tap.infra.metrics import ALARM_PERIOD, NAMESPACE, AlarmDefinition, alarm_definitions
from tap.settings import Names
from tests.unit.dynamodb_metrics import CALLS, PARTIQL, never_emitted

TABLE = "prompts"
#: Each name says its own setting, so that a swapped one shows.
NAMES = Names(
    table=TABLE,
    key_alias="alias/the-key",
    topic="the-topic",
    dashboard="the-dashboard",
    throttle_alarm="the-throttle-alarm",
    system_error_alarm="the-system-error-alarm",
    read_throttle_alarm="the-read-throttle-alarm",
    write_throttle_alarm="the-write-throttle-alarm",
)
ALARMS = {definition.construct_id: definition for definition in alarm_definitions(NAMES, TABLE)}
each_alarm = pytest.mark.parametrize("alarm", ALARMS.values(), ids=ALARMS)

#: The seed's four alarms: what each is on, and the setting that names it.
SEED = {
    "DynamoDBThrottleAlarm": ("UserErrors", "the-throttle-alarm"),
    "DynamoDBSystemErrorAlarm": ("SystemErrors", "the-system-error-alarm"),
    "DynamoDBReadThrottleAlarm": ("ReadThrottleEvents", "the-read-throttle-alarm"),
    "DynamoDBWriteThrottleAlarm": ("WriteThrottleEvents", "the-write-throttle-alarm"),
}


def test_the_alarms_are_the_seeds() -> None:
    assert {one.construct_id: ({series.metric for series in one.series}, one.name) for one in ALARMS.values()} == {
        alarm: ({metric}, name) for alarm, (metric, name) in SEED.items()
    }


@each_alarm
def test_aws_emits_what_the_alarm_watches(alarm: AlarmDefinition) -> None:
    problems = [never_emitted(NAMESPACE, series.metric, series.dimensions) for series in alarm.series]
    assert problems == [None] * len(problems)
    assert problems


@each_alarm
def test_the_alarm_watches_our_table(alarm: AlarmDefinition) -> None:
    tables = {series.dimensions.get("TableName") for series in alarm.series}
    assert tables == ({None} if alarm.construct_id == "DynamoDBThrottleAlarm" else {TABLE})


@each_alarm
def test_cloudwatch_takes_the_alarm(alarm: AlarmDefinition) -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert 1 <= len(alarm.series) <= 10
    assert len({(one.metric, *sorted(one.dimensions.items())) for one in alarm.series}) == len(alarm.series)
    assert len(alarm.description) <= 1024
    assert ALARM_PERIOD in (10, 20, 30) or ALARM_PERIOD % 60 == 0


@each_alarm
def test_one_lost_request_wakes_nobody_and_an_outage_does(alarm: AlarmDefinition) -> None:
    assert 1 < alarm.threshold <= 100
    assert 60 <= ALARM_PERIOD <= 600


@each_alarm
def test_the_description_says_which_metric(alarm: AlarmDefinition) -> None:
    assert f"({alarm.series[0].metric})" in alarm.description


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
