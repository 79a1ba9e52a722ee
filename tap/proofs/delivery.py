"""Whether an alarm's message reaches its topics: what the topic's policy and its key's policy say.

https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tap.declared.alarms import Alarm
from tap.declared.resources import ANOTHER_ACCOUNT, MADE_UP, Document, Resource, is_unresolved
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
    # AWS's default policy lets the account that owns the topic do everything, by its alarms too.
    default = [proved(one, "by the default policy of a topic") for one in (PUBLISHES, KEPT_OUT)]
    policy, problem = _policy_of(topic, document, "aws_sns_topic_policy", "arn")
    yield from _by_policy(_Access(topic, ("sns:Publish",), PUBLISHES), policy, problem, default, alarm, document)


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
    access = _Access(key, _KEY_ACTIONS, ENCRYPTS)
    yield from _by_policy(access, policy, problem, [fault(ENCRYPTS, why)], alarm, document)


@dataclass(frozen=True)
class _Access:
    """What CloudWatch must be allowed to do, with what, and the question that this answers."""

    resource: Resource
    actions: tuple[str, ...]
    question: str


def _by_policy(
    access: _Access, policy: Any, problem: str, default: list[Finding], alarm: Alarm, document: Document
) -> Iterator[Finding | Question]:
    """What a policy says; what AWS's `default` does where there is none."""
    if problem:
        yield unknown(access.question, problem)
    elif policy is None:
        yield from default
    elif (parsed := _parsed(policy)) is None:
        doubt = f"the policy of {access.resource.address} can't be determined from the document"
        yield unknown(access.question, doubt)
    else:
        yield _question(access, parsed, alarm, document)


def _question(access: _Access, policy: Mapping[str, Any], alarm: Alarm, document: Document) -> Question:
    """The requests for this alarm, and for alarms of other accounts; and what their decisions mean.

    Each with the policy as it is, and with unknown conditions at their best or worst.
    """
    question, actions = access.question, access.actions
    resource, source = access.resource.attributes["arn"], f"the policy of {access.resource.address}"
    account = document.place.account
    context = _context(alarm.arn, account)
    known_keys = {name.lower() for name in context}
    others_keys = _condition_keys(policy) - known_keys
    policy = _effective(policy)
    best, worst = (_if_unknown(policy, known_keys, helps=helps) for helps in (True, False))

    def requests(alarm_arn: str, owner: str, of: Mapping[str, Any]) -> list[Request]:
        return [
            Request(_CLOUDWATCH, one, resource, account, _context(alarm_arn, owner), resource_policy=of)
            for one in actions
        ]

    namesakes = _namesakes(alarm, policy, document)
    asked = [
        *(requests(alarm.arn, account, of) for of in (policy, best, worst)),
        *(requests(arn, owner, of) for owner, arn in namesakes for of in (policy, best)),
    ]

    def answer(decisions: list[Decision]) -> Iterator[Finding]:
        if errors := [one.error for one in decisions if one.error]:
            yield fault(question, f"{source} is not valid: {errors[0][:200]}")
            return
        each = iter(decisions)
        own, at_best, at_worst, *strangers = [[next(each).allowed for _ in some] for some in asked]
        depends = f"{source} depends on {', '.join(sorted(others_keys))}, whose values are not known here"
        denied = [action for action, allowed in zip(actions, own, strict=True) if not allowed]
        if all(at_best) and not (all(own) and all(at_worst)):
            yield unknown(question, depends)
        elif denied and MADE_UP in alarm.name and _alarms_named_in(policy) - {"*"}:
            yield unknown(question, f"{source} names alarms, and which name this one gets is not known here")
        elif denied:
            dropped = "the message is dropped silently"
            yield fault(question, f"{source} does not allow {_CLOUDWATCH} to call {' and '.join(denied)}: {dropped}")
        else:
            yield proved(question, f"by {source}")
        let_in = {owner for (owner, _), allowed in zip(namesakes, strangers[::2], strict=True) if any(allowed)}
        if let_in:
            yield fault(KEPT_OUT, f"{source} also lets alarms of other accounts in{_way_to_keep_out(let_in)}")
        elif any(any(allowed) for allowed in strangers[1::2]):
            yield unknown(KEPT_OUT, depends)
        else:
            yield proved(KEPT_OUT, f"by {source}")

    return Question(tuple(request for some in asked for request in some), answer)


def _way_to_keep_out(let_in: set[str]) -> str:
    if ANOTHER_ACCOUNT in let_in:
        return ": add a condition on aws:SourceAccount"
    return f": of {', '.join(sorted(let_in))}, for example"


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


def _namesakes(alarm: Alarm, policy: Mapping[str, Any], document: Document) -> list[tuple[str, str]]:
    """Alarms of other accounts that the policy might let in: each account, and the alarm's ARN there.

    The accounts are another one, each that the policy names or begins, and one per first digit, so that a wildcard is
    found. The alarms have this one's name, or one that a pattern in the policy asks for.
    """
    place, text = document.place, json.dumps(policy)
    named = re.findall(r"\b\d{12}\b", text)
    begun = [one.ljust(12, "0") for one in re.findall(r'"(\d{1,11})[*?]+"', text)]
    owners = {ANOTHER_ACCOUNT, *named, *begun, *(digit * 12 for digit in "0123456789")} - {place.account}
    names = {alarm.name, *(one.replace("*", "x") for one in _alarms_named_in(policy))}
    return [
        (owner, replace(place, account=owner).arn("cloudwatch", f"alarm:{name}"))
        for owner in sorted(owners)
        for name in sorted(names)
    ]


def _alarms_named_in(policy: Mapping[str, Any]) -> set[str]:
    """The names of alarms, or patterns of them, in the ARNs of a policy."""
    return set(re.findall(r'"arn:[^"]*:alarm:([^"]*)"', json.dumps(policy)))


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


def _statements(policy: Mapping[str, Any]) -> list[Any]:
    statements = policy.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _conditions(statement: Any) -> dict[str, Mapping[str, Any]]:
    """The keys that a statement asks for, and their values, by the test; what isn't in that form is left out."""
    condition = statement.get("Condition") if isinstance(statement, Mapping) else None
    tests = condition.items() if isinstance(condition, Mapping) else ()
    return {test: keys for test, keys in tests if isinstance(keys, Mapping)}


def _effective(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    """The policy without statements that name no resource, which have no effect.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html#KMS-CreateKey-request-Policy
    """
    kept = [
        one
        for one in _statements(policy)
        if not (isinstance(one, Mapping) and one) or "Resource" in one or "NotResource" in one
    ]
    return {**policy, "Statement": kept}


def _if_unknown(policy: Mapping[str, Any], known: set[str], *, helps: bool) -> Mapping[str, Any]:
    """The policy if each condition on an unknown key is as good as can be for the request, or as bad.

    It is met in a permission and not in a denial, or the other way round.
    """
    statements: list[Any] = []
    for one in _statements(policy):
        tests = _conditions(one)
        if all(name.lower() in known for keys in tests.values() for name in keys):
            statements.append(one)
        elif (one.get("Effect") == "Allow") == helps:
            kept = {test: {n: v for n, v in keys.items() if n.lower() in known} for test, keys in tests.items()}
            statements.append({**one, "Condition": {test: keys for test, keys in kept.items() if keys}})
    return {**policy, "Statement": statements}


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
