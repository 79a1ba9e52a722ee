"""Each alarm set to ALARM and back, so that whoever is subscribed gets a message and knows that it gets through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from tap.checks.topic import CONFIRMED, subscriptions
from tap.declared import terraform
from tap.declared.alarms import Alarm, alarms
from tap.deployed import DeployedError, lookups
from tap.state.session import Session, one_line

_REASON: Final = "A test by `tap alarms test`: nothing is wrong."
Outcome = Literal[
    "tested",
    "left alone: it is in ALARM",
    "notifies nobody: its actions are off",
    "notifies nobody: the topic is not among its ALARM actions",
    "not there",
]


@dataclass(frozen=True)
class Trial:
    """What became of each alarm, and who is subscribed: protocol, endpoint, and whether it is confirmed."""

    alarms: Mapping[str, Outcome]
    subscribers: tuple[tuple[str, str, str], ...]

    @property
    def reached_somebody(self) -> bool:
        """Whether each alarm was tested, or fires anyway, and somebody was there to hear it."""
        is_heard = any(state == CONFIRMED for _, _, state in self.subscribers)
        return is_heard and all(one in ("tested", "left alone: it is in ALARM") for one in self.alarms.values())


def run(json_: Mapping[str, Any], session: Session) -> Trial:
    """Set each alarm of a stack to ALARM and then back to what it was; one that is in ALARM is left alone.

    :raises StateError: for credentials that don't work; :raises DeployedError: when AWS refuses.
    """
    session.require_allowed()
    declared = terraform.read(json_, session.place)
    client = session.client("cloudwatch")
    outcomes = {alarm.name: _tested(client, alarm) for alarm in alarms(declared)}
    topics = [one.attributes["arn"] for one in declared.of_type("aws_sns_topic")]
    return Trial(outcomes, tuple(_subscribers(topics, session)))


def _subscribers(topics: list[str], session: Session) -> Iterator[tuple[str, str, str]]:
    for arn in topics:
        yield from subscriptions(session.client("sns"), arn)


def _tested(client: Any, alarm: Alarm) -> Outcome:
    name = alarm.name
    found = lookups.alarm(client, name)
    if found is None:
        return "not there"
    if not found["ActionsEnabled"]:
        return "notifies nobody: its actions are off"
    if not set(alarm.alarm_actions) <= set(found["AlarmActions"]):
        return "notifies nobody: the topic is not among its ALARM actions"
    before = found["StateValue"]
    if before == "ALARM":
        return "left alone: it is in ALARM"
    try:
        _set(client, name, "ALARM")
    finally:  # also after Ctrl-C, so that nobody takes the test for a real alarm
        _set(client, name, before)
    return "tested"


def _set(client: Any, name: str, state: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=_REASON)
    except (BotoCoreError, ClientError) as error:
        raise DeployedError(f"The alarm {name} can't be set to {state}: {one_line(error)}.") from error
