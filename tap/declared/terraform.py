"""Terraform JSON, such as cdk.tf.json, read without Terraform: references, variables, locals and data sources.

Only references and `lookup` are evaluated; any other expression stays as the text that it is. The language:
https://developer.hashicorp.com/terraform/language/syntax/json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tap.declared import UNREADABLE, MalformedError
from tap.declared.resources import (
    DEFAULT_PROVIDER,
    EXAMPLE,
    Document,
    Resource,
    accounts_named_in,
    attributes_of,
    in_region,
    is_unresolved,
    place_named_in,
    place_of,
    with_conditions,
)
from tap.hcl.text import parts
from tap.place import Place

_NAME: Final = r"[A-Za-z_][\w-]*"
_REFERENCE: Final = re.compile(rf"(?:data\.)?{_NAME}(?:\.{_NAME}|\[(?:\d+|\"[^\"]*\"|\*)\])+")
_LOOKUP: Final = re.compile(rf"lookup\((\{{.*\}}), *({_NAME}(?:\.{_NAME})+), *(\"[^\"]*\")\)", re.DOTALL)


def read(
    document: Mapping[str, Any],
    place: Place | None = None,
    *,
    variables: Mapping[str, Any] | None = None,
    known: Mapping[str, Mapping[str, str]] | None = None,
) -> Document:
    """The resources that Terraform JSON declares.

    :param place: the account and partition; examples' where nothing is known. The region is the provider's.
    :param variables: the variables' values, where they are not the defaults.
    :param known: attributes by address, of what is deployed: they win over made-up ones.
    """
    resolver = _Resolver(document, place, variables or {}, known or {})
    modules = tuple(f"module.{name}" for one in _listed(document.get("module")) for name in one)
    accounts = accounts_named_in(document, "aws_caller_identity") if place is None else frozenset()
    made = Document(resolver.place, tuple(resolver.resources()), modules, accounts=accounts)
    return with_conditions(made, lambda condition: _where(condition, made))


def _where(condition: str, document: Document) -> Iterator[Resource]:
    """The resources where a condition is met."""
    return (replace(one, exists=True) if one.condition == condition else one for one in document.resources)


class _Resolver:
    def __init__(
        self,
        document: Mapping[str, Any],
        place: Place | None,
        variables: Mapping[str, Any],
        known: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._resources = {f"{type_}.{name}": body for type_, name, body in _blocks(document.get("resource", {}))}
        self._data = {f"data.{type_}.{name}": body for type_, name, body in _blocks(document.get("data", {}))}
        defaults = {
            name: value.get("default")
            for one in _listed(document.get("variable", {}))
            for name, body in one.items()
            for value in _listed(body)[:1]
        }
        locals_ = {name: value for one in _listed(document.get("locals", {})) for name, value in one.items()}
        #: What `var.` and `local.` refer to.
        self._given: Mapping[str, Any] = {"var": {**defaults, **variables}, "local": locals_}
        self._known = known
        self._being_resolved: set[str] = set()
        self.place = place or place_named_in(document, EXAMPLE, "aws_caller_identity", "aws_region")
        provider = self._provider(document)
        if region := provider.get("region"):
            self.place = in_region(self.place, str(region))
        allowed = provider.get("allowed_account_ids") or []
        if place is None and len(allowed) == 1:
            self.place = replace(self.place, account=str(allowed[0]))

    def resources(self) -> Iterator[Resource]:
        for address, body in self._resources.items():
            try:
                values = self.resolved({name: value for name, value in body.items() if name != "//"})
                number = _number(values)
                attributes = self._attributes(address)
            except UNREADABLE as error:
                raise MalformedError(address) from error
            if number != 0:
                condition = str(body.get("for_each") or body.get("count")) if number is None else ""
                exists = None if number is None else True
                yield Resource(address, address.partition(".")[0], values, attributes, condition, exists, number or 1)

    def resolved(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.resolved(one) for one in value]
        if isinstance(value, Mapping):
            return {self._text(name): self.resolved(one) for name, one in value.items()}
        return value

    def _provider(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is known of the arguments of the provider that has no alias."""
        for one in _listed(document.get("provider")):
            for provider in _listed(one.get("aws")):
                if not provider.get("alias"):
                    resolved = {name: self.resolved(provider.get(name)) for name in ("region", "allowed_account_ids")}
                    return {name: value for name, value in resolved.items() if not is_unresolved(value)}
        return {}

    def _text(self, text: str) -> Any:
        if "${" not in text:
            return text
        made = [self._expression(part) if is_code else part for is_code, part in parts(text)]
        return made[0] if len(made) == 1 else "".join(one if isinstance(one, str) else json.dumps(one) for one in made)

    def _expression(self, expression: str) -> Any:
        expression = expression.strip()
        if _REFERENCE.fullmatch(expression):
            value = self._reference(re.sub(r"\[[^\]]*\]", "", expression))
            if isinstance(value, str | int | float) or (value is not None and "[" not in expression):
                return value
        if found := _LOOKUP.fullmatch(expression):
            table, key = dict(re.findall(r'"([^"]*)" *[=:] *"([^"]*)"', found[1])), self._expression(found[2])
            return table.get(key, json.loads(found[3]))
        return f"${{{expression}}}"

    def _reference(self, name: str) -> Any:
        kind, _, rest = name.partition(".")
        if name in self._being_resolved:
            return None
        self._being_resolved.add(name)
        try:
            if kind in self._given:
                value: Any = self._given[kind]
                for one in rest.split("."):
                    value = value.get(one) if isinstance(value, Mapping) else None
                return self.resolved(value)
            address, _, attribute = name.rpartition(".")
            if address in self._data:
                return self._of_data(address, attribute)
            return self._attributes(address).get(attribute) if address in self._resources else None
        finally:
            self._being_resolved.discard(name)

    def _attributes(self, address: str) -> Mapping[str, Any]:
        body = self._resources[address]
        values = {name: self.resolved(value) for name, value in body.items() if isinstance(value, str | int | bool)}
        made = attributes_of(address.partition(".")[0], address, values, place_of(values, self.place))
        return {**made, **self._known.get(address, {})}

    def _of_data(self, address: str, attribute: str) -> Any:
        type_ = address.split(".")[1]
        if type_ != "aws_iam_policy_document" and _is_elsewhere(self._data[address]):
            return None
        if type_ == "aws_iam_policy_document":
            data = self._data[address]
            is_json = attribute in ("json", "minified_json")
            is_whole = is_json and not _MERGED.search(json.dumps(data)) and not _has_a_condition_twice(data)
            return json.dumps(policy_document(self.resolved(data))) if is_whole else None
        known = {
            "aws_caller_identity": {"account_id": self.place.account, "id": self.place.account},
            "aws_partition": {"partition": self.place.partition, "id": self.place.partition},
            "aws_region": {"name": self.place.region, "region": self.place.region, "id": self.place.region},
        }
        return known.get(type_, {}).get(attribute)


def _number(values: Mapping[str, Any]) -> int | None:
    """How many there are of a resource, by its `count` or `for_each`; None if that can't be told."""
    each = values.get("for_each")
    if isinstance(each, Mapping | list):
        return len(each)
    count = values.get("count")
    if each is None and count is None:
        return 1
    return int(str(count)) if each is None and str(count).isdecimal() else None


def _is_elsewhere(data: Mapping[str, Any]) -> bool:
    """Whether a data source is, or may be, asked in another account or region than the document's."""
    return data.get("provider", "aws") not in DEFAULT_PROVIDER or data.get("region") is not None


def policy_document(data: Mapping[str, Any]) -> dict[str, Any]:
    """The policy that a data source aws_iam_policy_document writes."""
    statements = []
    for block in _listed(data.get("statement", [])):
        statement: dict[str, Any] = {"Effect": block.get("effect") or "Allow"}
        if block.get("sid"):
            statement["Sid"] = block["sid"]
        for argument, element in _ELEMENTS.items():
            if block.get(argument):
                statement[element] = block[argument]
        for argument, element in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
            if principals := _listed(block.get(argument, [])):
                statement[element] = _principals(principals)
        for condition in _listed(block.get("condition", [])):
            tests = statement.setdefault("Condition", {}).setdefault(condition["test"], {})
            tests[condition["variable"]] = condition["values"]
        statements.append(statement)
    return {"Version": data.get("version") or "2012-10-17", "Statement": statements}


def _has_a_condition_twice(data: Mapping[str, Any]) -> bool:
    """Whether a statement asks twice for one variable by one test: what becomes of that is not known here."""
    for block in _listed(data.get("statement")):
        asked = [(one.get("test"), one.get("variable")) for one in _listed(block.get("condition"))]
        if len(set(asked)) != len(asked):
            return True
    return False


#: Other documents that are put together with it, and statements that hang on something: not evaluated here.
_MERGED: Final = re.compile(
    r'"(dynamic|for_each|override_json|override_policy_documents|source_json|source_policy_documents)": (?!\[\])'
)
_ELEMENTS: Final = {
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}


def _principals(blocks: list[Any]) -> Any:
    by_kind: dict[str, list[str]] = {}
    for block in blocks:
        by_kind.setdefault(block["type"], []).extend(block["identifiers"])
    return "*" if by_kind == {"*": ["*"]} else by_kind


def _blocks(of_kind: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each block of a kind; JSON may have an object, or a list of objects, at each level."""
    for by_type in _listed(of_kind):
        for type_, by_name in by_type.items():
            for one in _listed(by_name):
                for name, body in one.items():
                    for block in _listed(body)[:1]:
                        yield type_, name, block


def _listed(value: Any) -> list[Any]:
    """A block, or a list of blocks; an empty block is one."""
    return value if isinstance(value, list) else [] if value is None else [value]
