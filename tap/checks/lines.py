"""Promises and what was found, a line for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tap.declared.resources import Document, Resource
from tap.state.session import Session

NOT_THERE: Final = "not there"
#: What AWS says of each, or None where it isn't there.
Described = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Line:
    """One promise about one resource, and what AWS says of it."""

    address: str
    what: str
    promised: Any
    found: Any

    @property
    def holds(self) -> bool:
        """Whether it is as promised."""
        return bool(self.promised == self.found)


@dataclass(frozen=True)
class Deployed:
    """What is asked: with which credentials, and about which stack."""

    session: Session
    document: Document
    #: The key that is the stack's, as DescribeKey tells it; None if there is none.
    key: Mapping[str, Any] | None
    default_tags: Mapping[str, str]
    #: The tables by name and the topics by ARN: more than one line is about each.
    tables: Described
    topics: Described

    @property
    def key_arn(self) -> str:
        """The key's ARN."""
        return self.key["Arn"] if self.key else "this stack's key"


def tags(resource: Resource, deployed: Deployed, found: Mapping[str, str]) -> Iterator[Line]:
    """That each promised tag is there; additional tags are fine."""
    promised = {**deployed.default_tags, **resource.values.get("tags", {})}
    kept = {name: found[name] for name in promised if name in found}
    yield Line(resource.address, "tags", promised, kept)


def policy(resource: Resource, what: str, promised: str, found: str | None) -> Iterator[Line]:
    """That a policy means what the code says, however AWS writes it; if not, which statements differ."""
    if found is None:
        yield Line(resource.address, what, "as in the code", NOT_THERE)
        return
    ours, theirs = _statements(promised), _statements(found)
    lacking, more = _without(ours, theirs), _without(theirs, ours)
    differing = {sid for sid, _ in lacking} & {sid for sid, _ in more}
    told = [f"lacks {sid}" for sid, _ in lacking if sid not in differing]
    told += [f"{sid} differs: {_short(one)}" if sid in differing else f"also has {sid}" for sid, one in more]
    yield Line(resource.address, what, "as in the code", "; ".join(told) or "as in the code")


def _statements(text: str) -> list[tuple[str, Any]]:
    """Each statement, without what AWS writes as it likes, and what to call it."""
    listed = json.loads(text).get("Statement", [])
    numbered = enumerate(listed if isinstance(listed, list) else [listed], start=1)
    return [(str(one.get("Sid") or f"statement {number}"), _canonical(one)) for number, one in numbered]


def _without(some: list[tuple[str, Any]], others: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Those of some that the others don't have, each counted."""
    left = [one for _, one in others]
    found = []
    for sid, one in some:
        if one in left:
            left.remove(one)
        else:
            found.append((sid, one))
    return found


def _canonical(value: Any) -> Any:
    """AWS writes a list of one as the one, and lists in any order."""
    if isinstance(value, Mapping):
        return {name: _canonical(one) for name, one in value.items() if name != "Sid"}
    if isinstance(value, list):
        parts = [_canonical(one) for one in value]
        return parts[0] if len(parts) == 1 else sorted(parts, key=str)
    return value


def _short(statement: Any) -> str:
    text = json.dumps(statement)
    return text if len(text) <= 200 else f"{text[:199]}…"
