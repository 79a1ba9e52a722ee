"""Whether an alarm's message reaches its topics: what the topic's policy and its key's policy say.

https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tap.declared.alarms import Alarm
from tap.declared.resources import ANOTHER_ACCOUNT, Document, Resource, is_unresolved
from tap.proofs.engine import Decision, Request
from tap.proofs.findings import Finding, fault, proved, unknown

NOTIFIES: Final = "it notifies a topic when it fires"
PUBLISHES: Final = "CloudWatch may publish for this alarm"
ENCRYPTS: Final = "CloudWatch may use the topic's key for this alarm"
KEPT_OUT: Final = "alarms of other accounts are kept out"
_CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
#: Its policy is AWS's and can't be changed; CloudWatch is not in it.
_AWS_MANAGED: Final = "alias/aws/sns"
#: What publishing to an encrypted topic takes.
_KEY_ACTIONS: Final = ("kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True)
class Question:
    """Requests to be decided, and what their decisions mean."""

    requests: tuple[Request, ...]
    answer: Callable[[list[Decision]], Iterator[Finding]]


def questions(alarm: Alarm, document: Document) -> Iterator[Finding | Question]:
    """What can be told at once, and what policies must be asked for."""
    topics = [one for one in alarm.alarm_actions if ":sns:" in one or is_unresolved(one)]
    own = _declared(alarm, document)
    if elsewhere := document.elsewhere(own):
        yield unknown(NOTIFIES, elsewhere)
        return
    if alarm.actions_enabled is None:
        yield unknown(NOTIFIES, "the document doesn't say whether its actions are on")
        return
    if not alarm.actions_enabled:
        yield fault(NOTIFIES, "its actions are switched off (actions_enabled)")
        return
    if nowhere := [one for one in alarm.alarm_actions if not one.startswith("arn:") and not is_unresolved(one)]:
        yield fault(NOTIFIES, f"the action {nowhere[0]} is not an ARN")
    elif not topics:
        yield _without_topic(alarm, document)
    for arn in topics:
        topic = next((one for one in document.of_type("aws_sns_topic") if one.attributes.get("arn") == arn), None)
        if is_unresolved(arn):
            yield unknown(NOTIFIES, "which topic it notifies can't be determined from the document")
        elif topic is None:
            yield unknown(NOTIFIES, f"the topic {arn} is not in the document")
        elif problem := document.elsewhere(topic) or _fifo(topic):
            yield unknown(NOTIFIES, problem)
        else:
            yield proved(NOTIFIES, topic.address)
            yield from _of_topic(alarm, topic, document)
            yield from _of_key(alarm, topic, document)


def _declared(alarm: Alarm, document: Document) -> Resource:
    return next(one for one in document.resources if one.address == alarm.address)


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
    for one in document.of_type("aws_cloudwatch_composite_alarm"):
        if alarm.name in str(one.values.get("alarm_rule")) or alarm.arn in str(one.values.get("alarm_rule")):
            return one.address
    return ""


def _fifo(topic: Resource) -> str:
    """That a topic is a FIFO topic: AWS's pages on alarms don't say whether CloudWatch publishes to one."""
    is_one = str(topic.attributes["arn"]).endswith(".fifo")
    return f"{topic.address} is a FIFO topic, which this proof does not cover" if is_one else ""


def _of_topic(alarm: Alarm, topic: Resource, document: Document) -> Iterator[Finding | Question]:
    arn = topic.attributes["arn"]
    there = (_declared(alarm, document), topic)
    policy, problem = _policy_of(document, "aws_sns_topic_policy", "arn", {arn}, there)
    if problem:
        yield unknown(PUBLISHES, problem)
        return
    policy = policy or topic.values.get("policy")
    if policy is None:
        # AWS's default one lets the account that owns the topic do everything, by its alarms too.
        yield proved(PUBLISHES, "by the default policy of a topic")
        yield proved(KEPT_OUT, "by the default policy of a topic")
        return
    parsed = _parsed(policy)
    if parsed is None:
        yield unknown(PUBLISHES, f"the policy of {topic.address} can't be determined from the document")
        return
    yield _question(alarm, document, parsed, ("sns:Publish",), arn, PUBLISHES, f"the policy of {topic.address}")


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
    if problem := document.elsewhere(key):
        yield unknown(ENCRYPTS, problem)
        return
    if argument := next((one for one in _USABLE if is_unresolved(key.values.get(one))), None):
        yield unknown(ENCRYPTS, f"{argument} of {key.address} can't be determined from the document")
        return
    if problem := _unusable(key):
        yield fault(ENCRYPTS, problem)
        return
    names = {key.attributes["arn"], key.attributes["key_id"]}
    there = (_declared(alarm, document), topic, key)
    policy, problem = _policy_of(document, "aws_kms_key_policy", "key_id", names, there)
    if problem:
        yield unknown(ENCRYPTS, problem)
        return
    policy = policy or key.values.get("policy")
    if policy is None:
        why = f"{key.address} has the default policy, which does not let CloudWatch in"
        yield fault(ENCRYPTS, f"{why}: the message is dropped silently")
        return
    parsed = _parsed(policy)
    if parsed is None:
        yield unknown(ENCRYPTS, f"the policy of {key.address} can't be determined from the document")
        return
    arn = key.attributes["arn"]
    yield _question(alarm, document, parsed, _KEY_ACTIONS, arn, ENCRYPTS, f"the policy of {key.address}")


def _question(
    alarm: Alarm,
    document: Document,
    policy: Mapping[str, Any],
    actions: tuple[str, ...],
    resource: str,
    question: str,
    source: str,
) -> Question:
    """The requests, in this order, and what their decisions mean.

    For this alarm; for this alarm, if unknown conditions are as bad as can be; for its namesakes in other accounts.
    """
    account = document.place.account

    def requests(arn: str, owner: str, of: Mapping[str, Any]) -> list[Request]:
        context = _context(arn, owner)
        return [Request(_CLOUDWATCH, one, resource, account, context, resource_policy=of) for one in actions]

    own = requests(alarm.arn, account, policy)
    known_keys = {name.lower() for name in own[0].context}
    others_keys = _condition_keys(policy) - known_keys
    at_worst = requests(alarm.arn, account, _at_worst(policy, known_keys))
    namesakes = {one: alarm.arn.replace(f":{account}:", f":{one}:") for one in _strangers(policy, account)}
    others = [request for owner, arn in namesakes.items() for request in requests(arn, owner, policy)]

    def answer(decisions: list[Decision]) -> Iterator[Finding]:
        if errors := [one.error for one in decisions if one.error]:
            yield fault(question, f"{source} is not valid: {errors[0][:200]}")
            return
        denied = [one.action for one, decided in zip(own, decisions, strict=False) if not decided.allowed]
        is_denied_at_worst = not all(one.allowed for one in decisions[len(own) : 2 * len(own)])
        if others_keys and (denied or is_denied_at_worst):
            keys = ", ".join(sorted(others_keys))
            yield unknown(question, f"{source} depends on {keys}, whose values are not known here")
        elif denied:
            dropped = "the message is dropped silently"
            yield fault(question, f"{source} does not allow {_CLOUDWATCH} to call {' and '.join(denied)}: {dropped}")
        else:
            yield proved(question, f"by {source}")
        let_in = {
            request.context["aws:SourceAccount"]
            for request, one in zip(others, decisions[2 * len(own) :], strict=True)
            if one.allowed
        }
        if let_in and ANOTHER_ACCOUNT not in let_in:
            yield fault(
                KEPT_OUT, f"{source} also lets alarms of other accounts in: of {', '.join(sorted(let_in))}, for example"
            )
        elif let_in:
            yield fault(
                KEPT_OUT, f"{source} also lets alarms of other accounts in: add a condition on aws:SourceAccount"
            )
        else:
            yield proved(KEPT_OUT, f"by {source}")

    return Question((*own, *at_worst, *others), answer)


def _context(alarm_arn: str, owner: str) -> dict[str, str]:
    """The context of a request that CloudWatch makes for an alarm."""
    return {
        "aws:SourceAccount": owner,
        "aws:SourceArn": alarm_arn,
        "aws:SecureTransport": "true",
        # The owner of the alarm, as SNS calls it in the policies that it writes itself.
        "aws:SourceOwner": owner,
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": _CLOUDWATCH,
    }


def _strangers(policy: Mapping[str, Any], account: str) -> list[str]:
    """Another account, each that the policy names, and one per first digit, so that a wildcard like 9* is found."""
    named = re.findall(r"\b\d{12}\b", json.dumps(policy))
    return sorted({ANOTHER_ACCOUNT, *named, *(digit * 12 for digit in "0123456789")} - {account})


def _key(name: str, document: Document) -> Resource | None:
    for alias in document.of_type("aws_kms_alias"):
        if name in (alias.attributes.get("id"), alias.attributes.get("arn"), alias.values.get("name")):
            name = str(alias.values.get("target_key_id", name))
    for key in document.of_type("aws_kms_key"):
        if name in (key.attributes.get("arn"), key.attributes.get("key_id")):
            return key
    return None


def _policy_of(
    document: Document, type_: str, argument: str, names: set[str], there: tuple[Resource, ...]
) -> tuple[Any, str]:
    """The policy that a resource of its own has for one of these names; or why that can't be told.

    The alarm, its topic and its key are `there`.
    """
    listed = list(document.of_type(type_))
    if unresolved := [
        one for one in listed if not isinstance(one.values.get(argument), str) or is_unresolved(one.values[argument])
    ]:
        return None, f"which resource {unresolved[0].address} applies to can't be determined from the document"
    meant = [one for one in listed if one.values[argument] in names]
    if doubtful := [one for one in meant if one.is_there_with(*there) is None]:
        return None, f"whether {doubtful[0].address} is there can't be determined from the document"
    meant = [one for one in meant if one.is_there_with(*there)]
    if len(meant) > 1:
        return (
            None,
            f"{' and '.join(one.address for one in meant)} apply to the same resource: one overwrites the other",
        )
    return (meant[0].values.get("policy") if meant else None), ""


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


def _statements(policy: Mapping[str, Any]) -> list[Any]:
    statements = policy.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _conditions(statement: Any) -> dict[str, Mapping[str, Any]]:
    """The keys that a statement asks for, and their values, by the test; what isn't in that form is left out."""
    condition = statement.get("Condition") if isinstance(statement, Mapping) else None
    tests = condition.items() if isinstance(condition, Mapping) else ()
    return {test: keys for test, keys in tests if isinstance(keys, Mapping)}


def _at_worst(policy: Mapping[str, Any], known: set[str]) -> Mapping[str, Any]:
    """The policy if the conditions of which nothing is known are met where it denies, and not where it allows."""
    return {**policy, "Statement": [worst for one in _statements(policy) for worst in _statement_at_worst(one, known)]}


def _statement_at_worst(statement: Any, known: set[str]) -> Iterator[Any]:
    tests = _conditions(statement)
    if all(name.lower() in known for keys in tests.values() for name in keys):
        yield statement
    elif statement.get("Effect") == "Deny":
        kept = {test: {n: v for n, v in keys.items() if n.lower() in known} for test, keys in tests.items()}
        rest = {name: value for name, value in statement.items() if name != "Condition"}
        asked = {test: keys for test, keys in kept.items() if keys}
        yield rest | ({"Condition": asked} if asked else {})


def _condition_keys(policy: Mapping[str, Any]) -> set[str]:
    """The keys that its conditions ask for."""
    return {name.lower() for one in _statements(policy) for keys in _conditions(one).values() for name in keys}


def _parsed(policy: Any) -> Mapping[str, Any] | None:
    if is_unresolved(policy):
        return None
    try:
        parsed = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return None
    return parsed if isinstance(parsed, Mapping) else None
