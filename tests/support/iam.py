"""Just enough of IAM to ask a resource's policy whether a request is allowed: deny wins, silence denies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

#: What a condition's operator makes of the request's value and one of the policy's. An unknown one is a KeyError.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "ArnLike": lambda value, wanted: (
        len(value.split(":", 5)) == 6
        and all(fnmatchcase(*pair) for pair in zip(value.split(":", 5), wanted.split(":", 5), strict=True))
    ),
    "Bool": lambda value, wanted: value == wanted,
}


@dataclass(frozen=True)
class Request:
    """Who wants to do what, under which circumstances."""

    action: str
    resource: str
    principal: tuple[str, str]
    context: Mapping[str, str] = field(default_factory=dict)


def allows(policy: Mapping[str, Any], request: Request) -> bool:
    """Whether the policy by itself lets the request through."""
    effects = {statement["Effect"] for statement in policy["Statement"] if _applies(statement, request)}
    return effects == {"Allow"}


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    kind, who = request.principal
    principal = statement["Principal"]
    named = principal == "*" or any(one in (who, "*") for one in listed(principal.get(kind, [])))
    # {"AWS": "*"} is everybody, services included.
    everybody = principal != "*" and "*" in listed(principal.get("AWS", []))
    return (
        (named or everybody)
        and any(fnmatchcase(request.action.lower(), one.lower()) for one in listed(statement["Action"]))
        and any(fnmatchcase(request.resource, one) for one in listed(statement["Resource"]))
        and all(
            any(_OPERATORS[operator](request.context.get(key, ""), one) for one in listed(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def listed(value: Any) -> list[str]:
    """IAM's "a string or a list of strings"."""
    return [value] if isinstance(value, str) else list(value)
