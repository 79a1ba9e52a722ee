"""Whether an alarm's message reaches its topics: what the topic's policy and its key's policy say.

https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tap.declared.alarms import Alarm
from tap.declared.resources import MADE_UP, Document, Resource, is_unresolved
from tap.proofs.access import KEPT_OUT, Access, Question, question_of
from tap.proofs.findings import Finding, fault, proved, unknown

NOTIFIES: Final = "it notifies a topic when it fires"
PUBLISHES: Final = "CloudWatch may publish for this alarm"
ENCRYPTS: Final = "CloudWatch may use the topic's key for this alarm"
#: Its policy is AWS's and can't be changed; CloudWatch is not in it.
_AWS_MANAGED: Final = "alias/aws/sns"
#: References to these have been resolved, or can't be.
_OUR_TYPES: Final = ("aws_cloudwatch_metric_alarm", "aws_kms_alias", "aws_kms_key", "aws_sns_topic")
#: What publishing to an encrypted topic takes.
_KEY_ACTIONS: Final = ("kms:GenerateDataKey", "kms:Decrypt")


def questions(alarm: Alarm, document: Document) -> Iterator[Finding | Question]:
    """What can be told at once, and what policies must be asked for."""
    topics = [one for one in alarm.alarm_actions if _may_be_a_topic(one, document)]
    if problem := document.missing(document.at(alarm.address)):
        yield unknown(NOTIFIES, problem)
        return
    if alarm.actions_enabled is None:
        yield unknown(NOTIFIES, "the document doesn't say whether its actions are on")
        return
    if not alarm.actions_enabled:
        yield fault(NOTIFIES, "its actions are switched off (actions_enabled)")
        return
    if refused := [one for one in alarm.actions if not one.startswith("arn:") and not is_unresolved(one)]:
        yield fault(NOTIFIES, f"CloudWatch refuses the action {refused[0]}, which is not an ARN")
    elif not topics:
        yield _without_topic(alarm, document)
    for arn in topics:
        topic = document.named("aws_sns_topic", arn=arn)
        if is_unresolved(arn):
            yield unknown(NOTIFIES, "which topic it notifies can't be determined from the document")
        elif topic is None:
            yield unknown(NOTIFIES, f"the topic {arn} is not in the document")
        elif problem := document.missing(topic) or _fifo(topic):
            yield unknown(NOTIFIES, problem)
        else:
            yield proved(NOTIFIES, topic.address)
            yield from _of_topic(alarm, topic, document)
            yield from _of_key(alarm, topic, document)


def _may_be_a_topic(action: str, document: Document) -> bool:
    if is_unresolved(action):
        meant = document.referred_to(action)
        return meant is None or meant.type == "aws_sns_topic"
    return ":sns:" in action


def _without_topic(alarm: Alarm, document: Document) -> Finding:
    if alarm.alarm_actions:
        return unknown(
            NOTIFIES, f"it notifies no topic, and the action {alarm.alarm_actions[0]} is not covered by this proof"
        )
    if composite := _looked_at_by(alarm, document):
        return unknown(NOTIFIES, f"it notifies no topic itself; {composite} uses it, which this proof does not cover")
    return fault(NOTIFIES, "it has no topic in alarm_actions: it notifies nobody")


def _looked_at_by(alarm: Alarm, document: Document) -> str:
    """The composite alarm whose rule names this alarm, if there is one."""
    names = (alarm.name, alarm.arn, document.at(alarm.address).values.get("alarm_name"))
    for one in document.of_type("aws_cloudwatch_composite_alarm"):
        if any(name and str(name) in str(one.values.get("alarm_rule")) for name in names):
            return one.address
    return ""


def _fifo(topic: Resource) -> str:
    """That a topic is a FIFO topic: AWS's pages on alarms don't say whether CloudWatch publishes to one."""
    is_one = str(topic.attributes["arn"]).endswith(".fifo")
    return f"{topic.address} is a FIFO topic, which this proof does not cover" if is_one else ""


def _of_topic(alarm: Alarm, topic: Resource, document: Document) -> Iterator[Finding | Question]:
    # AWS's default policy lets the account that owns the topic do everything, by its alarms too.
    default = [proved(one, "by the default policy of a topic") for one in (PUBLISHES, KEPT_OUT)]
    policy, problem = _policy_of(topic, document, "aws_sns_topic_policy", "arn")
    yield from _by_policy(Access(topic, ("sns:Publish",), PUBLISHES), policy, problem, default, alarm, document)


def _of_key(alarm: Alarm, topic: Resource, document: Document) -> Iterator[Finding | Question]:
    name = str(topic.values.get("kms_master_key_id") or "")
    if not name:
        yield proved(ENCRYPTS, f"{topic.address} is not encrypted by a key of its own")
        return
    if name.rpartition(":")[2] == _AWS_MANAGED:
        why = f"{topic.address} is encrypted by {_AWS_MANAGED}, whose policy does not let CloudWatch in"
        yield fault(ENCRYPTS, f"{why} and can't be changed: the message is dropped silently")
        return
    key = _key(name, document)
    if key is None:
        what = "can't be determined from the document" if is_unresolved(name) else f"({name}) is not in the document"
        yield unknown(ENCRYPTS, f"the key of {topic.address} {what}")
        return
    if problem := document.missing(key):
        yield unknown(ENCRYPTS, problem)
        return
    if argument := next((one for one in _USABLE if is_unresolved(key.values.get(one))), None):
        yield unknown(ENCRYPTS, f"{argument} of {key.address} can't be determined from the document")
        return
    if problem := _unusable(key):
        yield fault(ENCRYPTS, problem)
        return
    why = f"{key.address} has the default policy, which does not let CloudWatch in: the message is dropped silently"
    policy, problem = _policy_of(key, document, "aws_kms_key_policy", "key_id")
    access = Access(key, _KEY_ACTIONS, ENCRYPTS)
    yield from _by_policy(access, policy, problem, [fault(ENCRYPTS, why)], alarm, document)


def _by_policy(
    access: Access, policy: Any, problem: str, default: list[Finding], alarm: Alarm, document: Document
) -> Iterator[Finding | Question]:
    """What a policy says; what AWS's `default` does where there is none."""
    if problem:
        yield unknown(access.question, problem)
    elif policy is None:
        yield from default
    elif (parsed := _parsed(policy, document)) is None:
        doubt = f"the policy of {access.resource.address} can't be determined from the document"
        yield unknown(access.question, doubt)
    else:
        yield question_of(access, parsed, alarm, document)


def _key(name: str, document: Document) -> Resource | None:
    for attribute in ("id", "arn"):
        if alias := document.named("aws_kms_alias", **{attribute: name}):
            name = str(alias.values.get("target_key_id", name))
    return document.named("aws_kms_key", arn=name) or document.named("aws_kms_key", key_id=name)


def _policy_of(owner: Resource, document: Document, type_: str, argument: str) -> tuple[Any, str]:
    """The policy of a topic or a key, its own or by a resource of that type; or why it can't be told."""
    listed = list(document.of_type(type_))
    if unresolved := [one for one in listed if is_unresolved(one.values.get(argument, "${}"))]:
        return None, f"which resource {unresolved[0].address} applies to can't be determined from the document"
    names = (owner.attributes.get("arn"), owner.attributes.get("key_id"))
    meant = [one for one in listed if one.values[argument] in names]
    if doubtful := [one for one in meant if one.exists is None]:
        return None, document.missing(doubtful[0])
    meant = [one for one in meant if one.exists]
    if len(meant) > 1:
        addresses = " and ".join(one.address for one in meant)
        return None, f"{addresses} apply to the same resource: one overwrites the other"
    return (meant[0] if meant else owner).values.get("policy") or None, ""


#: The arguments by which a key can or can't encrypt a topic.
_USABLE: Final = ("is_enabled", "enabled", "key_usage", "key_spec", "customer_master_key_spec")


def _unusable(key: Resource) -> str:
    """Why a key can't encrypt a topic, whatever its policy says."""
    values = key.values
    for argument in ("is_enabled", "enabled"):
        if str(values.get(argument)).lower() == "false":
            return f"{key.address} is disabled"
    spec = values.get("customer_master_key_spec") or values.get("key_spec") or "SYMMETRIC_DEFAULT"
    if (values.get("key_usage") or "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT" or spec != "SYMMETRIC_DEFAULT":
        return f"{key.address} is not a symmetric key for encryption"
    return ""


def _parsed(policy: Any, document: Document) -> Mapping[str, Any] | None:
    try:
        parsed = json.loads(policy) if isinstance(policy, str) else policy
        json.dumps(parsed, allow_nan=False)
    except ValueError:
        return None
    known = _with_strangers(parsed, document)
    return known if isinstance(known, Mapping) and not is_unresolved(known) else None


def _with_strangers(value: Any, document: Document) -> Any:
    """A policy with an ARN in place of each reference to a resource of another kind, which is no alarm."""
    if isinstance(value, Mapping):
        return {name: _with_strangers(one, document) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_strangers(one, document) for one in value]
    if not isinstance(value, str) or not is_unresolved(value):
        return value

    def stranger(found: re.Match[str]) -> str:
        meant = document.referred_to(found[0])
        return MADE_UP if meant and meant.type not in _OUR_TYPES else found[0]

    changed = re.sub(r"\$\{[^}]*\}", stranger, value)
    return document.place.arn("iam", f"role/{MADE_UP}", region="") if changed == MADE_UP else changed
