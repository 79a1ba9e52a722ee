"""A plan as `terraform show -json` tells it: https://developer.hashicorp.com/terraform/internals/json-format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal

#: What stands in for a value that only AWS knows.
UNKNOWN: Final = "(known after apply)"
SENSITIVE: Final = "(sensitive)"

#: `changed` and `gone` are what others did; the rest is what the plan does.
Action = Literal["import", "create", "update", "replace", "delete", "forget", "changed", "gone"]


@dataclass(frozen=True)
class Difference:
    """One attribute that changes; a part of a nested one has its path, such as `ttl.0.enabled`."""

    path: str
    old: Any
    new: Any

    @property
    def attribute(self) -> str:
        """The attribute of the resource itself."""
        return self.path.partition(".")[0]


@dataclass(frozen=True)
class Change:
    """What a plan does to one resource. An import may come with an update."""

    address: str
    action: Action
    imported: bool
    differences: tuple[Difference, ...]
    #: The attributes that can't be changed in place.
    forcing: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The resource's type, such as `aws_kms_key`."""
        return self.address.partition(".")[0]

    @property
    def by_attribute(self) -> dict[str, list[Difference]]:
        """The differences by the attribute of the resource that they are in."""
        found: dict[str, list[Difference]] = {}
        for one in self.differences:
            found.setdefault(one.attribute, []).append(one)
        return found


@dataclass(frozen=True)
class Plan:
    """A plan's JSON."""

    document: Mapping[str, Any]

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """The resources that the plan does something to."""
        return tuple(_changes(self.document.get("resource_changes", [])))

    @cached_property
    def drifted(self) -> tuple[Change, ...]:
        """The resources that are not as the state has them: `old` is the state's value, `new` what AWS says."""
        listed = _changes(self.document.get("resource_drift", []))
        return tuple(replace(one, action="gone" if one.action == "delete" else "changed") for one in listed)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that change."""
        changes = self.document.get("output_changes", {})
        return tuple(name for name, change in changes.items() if change["actions"] != ["no-op"])

    @property
    def is_empty(self) -> bool:
        """Whether it would change nothing, not even the state."""
        return not self.changes and not self.outputs


_ACTIONS: Final[Mapping[tuple[str, ...], Action]] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("forget",): "forget",
}


def _changes(listed: list[Mapping[str, Any]]) -> Iterator[Change]:
    for one in listed:
        change = one["change"]
        actions = tuple(change["actions"])
        imported = "importing" in change
        if one["mode"] != "managed" or (actions == ("no-op",) and not imported):
            continue
        # Several actions are a replacement, also (create, forget), which leaves the old object behind.
        action = "import" if actions == ("no-op",) else _ACTIONS.get(actions, "replace")
        forcing = tuple(".".join(map(str, path)) for path in change.get("replace_paths", []))
        compared = tuple(_differences(change)) if action in ("update", "replace") else ()
        kept = tuple(one for one in compared if not forcing or one.path in forcing)
        yield Change(one["address"], action, imported, kept, forcing)


def _differences(change: Mapping[str, Any]) -> Iterator[Difference]:
    hidden = (change.get("before_sensitive"), change.get("after_sensitive"))
    yield from _compared("", change["before"], change["after"], change.get("after_unknown", {}), hidden)


def _compared(path: str, old: Any, new: Any, unknown: Any, hidden: tuple[Any, Any]) -> Iterator[Difference]:
    if unknown is True:
        yield Difference(path, old, UNKNOWN)
    elif hidden[0] is True or hidden[1] is True:
        if old != new:
            yield Difference(path, SENSITIVE, SENSITIVE)
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys() | (unknown.keys() if isinstance(unknown, dict) else set())):
            yield from _compared(
                f"{path}.{name}" if path else name,
                old.get(name),
                new.get(name),
                unknown.get(name) if isinstance(unknown, dict) else None,
                (_part(hidden[0], name), _part(hidden[1], name)),
            )
    elif isinstance(old, list) and isinstance(new, list) and _are_objects([*old, *new]):
        yield from _listed(path, old, new, unknown)
    elif (one := _said(old)) != (other := _said(new)):
        is_text = isinstance(old, str) and isinstance(new, str)
        if is_text and isinstance(one, dict | list) and type(one) is type(other):  # a policy: tell where it differs
            yield from _compared(path, one, other, None, (None, None))
        else:
            yield Difference(path, old, new)


def _listed(path: str, old: list[Any], new: list[Any], unknown: Any) -> Iterator[Difference]:
    """Two lists of objects: by place where they are equally long, or else what only one of them has."""
    if len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            inner = unknown[index] if isinstance(unknown, list) and index < len(unknown) else None
            yield from _compared(f"{path}.{index}", one, other, inner, (None, None))
        return
    yield from (Difference(f"{path}.{index}", one, None) for index, one in enumerate(old) if one not in new)
    yield from (Difference(f"{path}.{index}", None, one) for index, one in enumerate(new) if one not in old)


def _part(of: Any, name: str) -> Any:
    return of.get(name) if isinstance(of, dict) else None


def _are_objects(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _said(value: Any) -> Any:
    """What a value says: JSON in a string is what it holds; nothing set is nothing, whatever it is called."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return None if value in ("", [], {}) else value
