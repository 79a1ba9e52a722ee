"""Whether a topic's or a key's policy lets CloudWatch in for an alarm, and keeps the alarms of other accounts out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tap.declared.alarms import Alarm
from tap.declared.resources import ANOTHER_ACCOUNT, MADE_UP, Document, Resource
from tap.proofs.engine import Decision, Request
from tap.proofs.findings import Finding, fault, proved, unknown

KEPT_OUT: Final = "alarms of other accounts are kept out"
_CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
#: Keys that a request of an AWS service doesn't have, since the service is in no organization.
_OF_NO_SERVICE: Final = frozenset({"aws:principalorgid", "aws:principalorgpaths"})


@dataclass(frozen=True)
class Access:
    """What CloudWatch must be allowed to do, with what, and the question that this answers."""

    resource: Resource
    actions: tuple[str, ...]
    question: str


@dataclass(frozen=True)
class Question:
    """Requests to be decided, and what their decisions mean."""

    requests: tuple[Request, ...]
    answer: Callable[[list[Decision]], Iterator[Finding]]


def question_of(access: Access, policy: Mapping[str, Any], alarm: Alarm, document: Document) -> Question:
    """The requests for this alarm, and for alarms of other accounts; and what their decisions mean.

    Each with the policy as it is, and with unknown conditions at their best or worst.
    """
    question, actions = access.question, access.actions
    resource, source = access.resource.attributes["arn"], f"the policy of {access.resource.address}"
    account = document.place.account
    context = _context(alarm.arn, account)
    known_keys = {name.lower() for name in context} | _OF_NO_SERVICE
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
        let_in = {owner for (owner, _), allowed in zip(namesakes, strangers[::2], strict=True) if any(allowed)}
        if denied and let_in and let_in <= document.accounts:
            doubt = "whether one of them is the document's own can't be determined"
            for one in (question, KEPT_OUT):
                yield unknown(one, f"{source} lets alarms of {', '.join(sorted(let_in))} in: {doubt}")
            return
        if all(at_best) and not (all(own) and all(at_worst)):
            yield unknown(question, depends)
        elif denied and MADE_UP in alarm.name and _alarms_named_in(policy) - {"*"}:
            yield unknown(question, f"{source} names alarms, and which name this one gets is not known here")
        elif denied:
            dropped = "the message is dropped silently"
            yield fault(question, f"{source} does not allow {_CLOUDWATCH} to call {' and '.join(denied)}: {dropped}")
        else:
            yield proved(question, f"by {source}")
        yield _kept_out(let_in, source, depends if any(map(any, strangers[1::2])) else "")

    return Question(tuple(request for some in asked for request in some), answer)


def _kept_out(let_in: set[str], source: str, doubt: str) -> Finding:
    if ANOTHER_ACCOUNT in let_in:
        return fault(KEPT_OUT, f"{source} also lets alarms of other accounts in: add a condition on aws:SourceAccount")
    if let_in:
        owners = ", ".join(sorted(let_in))
        return fault(KEPT_OUT, f"{source} also lets alarms of other accounts in: of {owners}, for example")
    return unknown(KEPT_OUT, doubt) if doubt else proved(KEPT_OUT, f"by {source}")


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
