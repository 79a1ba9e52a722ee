"""A plan or a state as `terraform show -json` tells it.

What a plan doesn't know yet is not in it; where its configuration says which resource an argument refers to, that
reference is followed. https://developer.hashicorp.com/terraform/internals/json-format.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tap.declared.resources import (
    EXAMPLE,
    Document,
    Resource,
    attributes_of,
    in_region,
    is_unresolved,
    place_named_in,
    place_of,
)
from tap.place import Place

#: What stands for a value that the plan doesn't know and no reference leads to.
UNKNOWN: Final = "${known after apply}"
#: A plan names what an expression refers to, and not what it does with it.
_FOLLOWED: Final = "what the plan doesn't know yet is the attribute that its expression refers to, unchanged"
_ARN: Final = r"arn:([a-z-]+):(?!iam)[a-z]+:([a-z0-9-]+):(\d{12}):"
_MODULES: Final = re.compile(r"module\.[\w-]+(?:\[[^\]]*\])?\.")


def is_plan(document: Mapping[str, Any]) -> bool:
    """Whether that is a plan's or a state's JSON."""
    by = ("values", "format_version")  # an empty state has no values, and an old one no version of its format
    return "planned_values" in document or ("terraform_version" in document and any(one in document for one in by))


def read(document: Mapping[str, Any]) -> Document:
    """The resources as they will be after the plan, or as they are in the state."""
    root = document.get("planned_values") or document.get("values") or {}
    listed = [one for one in _resources(root.get("root_module", {})) if one.get("mode") == "managed"]
    configuration = document.get("configuration", {}).get("root_module", {})
    blocks = dict(_blocks(configuration))
    place = _place(document, listed, blocks)
    unknown = {one["address"]: _unknown(one) for one in document.get("resource_changes", [])}
    made = {one["address"]: _attributes(one, blocks, place) for one in listed}
    references = _References(configuration, made)
    resources, has_followed = [], False
    for one in listed:
        address, values = one["address"], dict(_given(one))
        block = blocks.get(_without_index(address))
        for argument, is_unknown in unknown.get(address, {}).items():
            if is_unknown is not True:
                values[argument] = _marked(values.get(argument), is_unknown)
            elif block is None:
                values[argument] = UNKNOWN
            elif expression := block.get("expressions", {}).get(argument):  # without one AWS has a default
                values[argument] = _followed(address, argument, expression, references)
                has_followed = has_followed or not is_unresolved(values[argument])
        resources.append(Resource(address, one["type"], values | _whereabouts(one, block or {}), made[address]))
    return Document(place, tuple(resources), assumed=(_FOLLOWED,) if has_followed else ())


def _unknown(change: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments that a change doesn't know yet."""
    found: Mapping[str, Any] = (change.get("change") or {}).get("after_unknown") or {}
    return found


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _given(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in resource.get("values", {}).items() if value is not None}


def _attributes(
    resource: Mapping[str, Any], blocks: Mapping[str, Mapping[str, Any]], place: Place
) -> Mapping[str, str]:
    given = _given(resource)
    alias = _provider_alias(blocks.get(_without_index(resource["address"]), {}))
    own = place_of({**given, "provider": alias}, place)
    return attributes_of(resource["type"], resource["address"], given, own) | _texts(given)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str) and value}


def _place(
    document: Mapping[str, Any], listed: list[Mapping[str, Any]], blocks: Mapping[str, Mapping[str, Any]]
) -> Place:
    """The account and region that most known ARNs have; the caller's account and the provider's region come first.

    Alarms come before all others: what they watch and notify must be in their region.
    """
    alarms = [one for one in listed if one["type"] == "aws_cloudwatch_metric_alarm"]
    every = [*listed, *_resources(document.get("prior_state", {}).get("values", {}).get("root_module", {}))]
    places = _places(alarms) or _places(every)
    named = place_named_in(document.get("planned_values"), EXAMPLE, "aws_caller_identity", "aws_region")
    place = Place(*places.most_common(1)[0][0]) if places else named
    asked = {
        type_: [
            one
            for one in every
            if one["type"] == type_
            and "values" in one
            and not _provider_alias(blocks.get(_without_index(one["address"]), {}))
        ]
        for type_ in ("aws_caller_identity", "aws_region")
    }
    callers = {str(account) for one in asked["aws_caller_identity"] if (account := one["values"].get("account_id"))}
    if len(callers) == 1:
        place = replace(place, account=callers.pop())
    region = (
        _region(document)
        or _commonest(one.get("values", {}).get("region") for one in alarms)
        or _commonest(one["values"].get("region") or one["values"].get("name") for one in asked["aws_region"])
    )
    return in_region(place, region) if region else place


def _commonest(texts: Iterable[Any]) -> str:
    found = Counter(str(one) for one in texts if one)
    return found.most_common(1)[0][0] if found else ""


def _places(resources: list[Mapping[str, Any]]) -> Counter[tuple[str, ...]]:
    """How often each partition, region and account is in the ARNs that are known."""
    arns = (re.match(_ARN, str(one.get("values", {}).get("arn"))) for one in resources)
    return Counter(found.groups() for found in arns if found)


def _provider_alias(block: Mapping[str, Any]) -> str:
    """The provider of a block, if it is one with an alias."""
    provider = str(block.get("provider_config_key", "")).rpartition(":")[2]
    return provider if "." in provider else ""


def _region(document: Mapping[str, Any]) -> str:
    """The region of the provider that has no alias: as it is written, or by its variable."""
    provider = document.get("configuration", {}).get("provider_config", {}).get("aws", {})
    expression = provider.get("expressions", {}).get("region", {})
    for reference in expression.get("references", []):
        if value := document.get("variables", {}).get(reference.removeprefix("var."), {}).get("value"):
            return str(value)
    return str(expression.get("constant_value") or "")


def _whereabouts(resource: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, str]:
    """The region and account that a resource's ARN names, and the provider where that is one with an alias."""
    found: dict[str, str] = {}
    arn = str(resource.get("values", {}).get("arn")).split(":")
    if arn[0] == "arn" and len(arn) > 4 and arn[3]:
        found |= {"region": arn[3], "account": arn[4]}
    return found | ({"provider": provider} if (provider := _provider_alias(block)) else {})


def _blocks(module: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The resource blocks of a configuration and of all its modules, by addresses without indexes."""
    for one in module.get("resources", []):
        yield f"{prefix}{one['address']}", one
    for name, call in module.get("module_calls", {}).items():
        yield from _blocks(call.get("module", {}), f"{prefix}module.{name}.")


def _followed(address: str, argument: str, expression: Any, references: _References) -> Any:
    """What the argument's references lead to: the attribute of one resource, or of several where it is a list."""
    found = references.of(expression, "".join(_MODULES.findall(address)))
    if argument.endswith("_actions"):
        return sorted(found) or [UNKNOWN]
    # Of several nobody knows which is taken, and of a map nobody knows the names.
    return found.pop() if len(found) == 1 and argument != "dimensions" else UNKNOWN


class _References:
    """What the expressions of a configuration refer to, through its modules' variables and outputs as well."""

    def __init__(self, root: Mapping[str, Any], made: Mapping[str, Mapping[str, str]]) -> None:
        self._root = root
        self._made = made

    def of(self, expression: Any, module: str) -> set[str]:
        """The attributes that an expression in a module (`module.x.`, empty for the root) may mean; none if unsure."""
        references = expression.get("references", []) if isinstance(expression, Mapping) else []
        # Terraform lists `x.arn` and then `x` as well.
        whole = [one for one in references if not any(other.startswith((f"{one}.", f"{one}[")) for other in references)]
        meant = [self._meant(one, module) for one in whole]
        return set().union(*meant) if all(meant) else set()

    def _meant(self, reference: str, module: str) -> set[str]:
        if reference.startswith("var."):
            *outer, call = _MODULES.findall(module) or [""]
            calls = self._module(outer).get("module_calls", {})
            given = calls.get(_name(call), {}).get("expressions", {})
            return self.of(given.get(reference.removeprefix("var.")), "".join(outer))
        if found := re.match(_MODULES, reference):
            inner = f"{module}{found[0]}"
            outputs = self._module(_MODULES.findall(inner)).get("outputs", {})
            return self.of(outputs.get(reference.removeprefix(found[0]), {}).get("expression"), inner)
        address, _, attribute = f"{module}{reference}".rpartition(".")
        return {
            attributes[attribute]
            for candidate, attributes in self._made.items()
            # With an index it is that very instance.
            if address in (candidate, _without_index(candidate)) and attribute in attributes
        }

    def _module(self, path: list[str]) -> Mapping[str, Any]:
        found = self._root
        for one in path:
            found = found.get("module_calls", {}).get(_name(one), {}).get("module", {})
        return found


def _name(module: str) -> str:
    """`shop` of `module.shop["eu"].`."""
    return _without_index(module).removeprefix("module.").removesuffix(".")


def _marked(value: Any, unknown: Any) -> Any:
    """A nested value with a mark in the place of each part that isn't known."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, Mapping):
        known = value if isinstance(value, Mapping) else {}
        parts = {name: _marked(known.get(name), part) for name, part in unknown.items() if part}
        return {**known, **parts} or value
    if isinstance(unknown, list):
        known_list = value if isinstance(value, list) else []
        return [_marked(one, unknown[n] if n < len(unknown) else False) for n, one in enumerate(known_list)] or value
    return value


def _without_index(address: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", address)
