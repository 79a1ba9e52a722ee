"""A CloudFormation template with its parameters' defaults, in Terraform's names.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html; what is not evaluated
stays as a text `${…}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tap.declared import UNREADABLE, MalformedError
from tap.declared.resources import (
    EXAMPLE,
    MADE_UP,
    Document,
    Resource,
    accounts_named_in,
    attributes_of,
    is_unresolved,
    place_named_in,
    with_conditions,
)
from tap.place import Place

#: CloudFormation types under Terraform's names; any other type keeps its own.
TYPES: Final[Mapping[str, str]] = {
    "AWS::CloudWatch::Alarm": "aws_cloudwatch_metric_alarm",
    "AWS::CloudWatch::CompositeAlarm": "aws_cloudwatch_composite_alarm",
    "AWS::DynamoDB::GlobalTable": "aws_dynamodb_table",
    "AWS::DynamoDB::Table": "aws_dynamodb_table",
    "AWS::KMS::Alias": "aws_kms_alias",
    "AWS::KMS::Key": "aws_kms_key",
    "AWS::SNS::Topic": "aws_sns_topic",
    "AWS::SNS::TopicInlinePolicy": "aws_sns_topic_policy",
    "AWS::SNS::TopicPolicy": "aws_sns_topic_policy",
}
#: Properties whose Terraform name is not simply the snake-case form.
_ARGUMENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "aws_kms_alias": {"AliasName": "name"},
    "aws_kms_key": {"KeyPolicy": "policy"},
    "aws_sns_topic": {"TopicName": "name"},
    "aws_sns_topic_policy": {"PolicyDocument": "policy"},
    "aws_dynamodb_table": {"TableName": "name"},
    "aws_cloudwatch_metric_alarm": {"Metrics": "metric_query"},
}
#: Nobody knows the name that the stack will have.
_STACK: Final = f"stack-{MADE_UP}"
#: What CloudFormation fetches from Systems Manager or Secrets Manager when it deploys.
_DYNAMIC: Final = re.compile(r"\{\{(resolve:[^}]*)\}\}")
#: Types that declare more in a template of its own.
_NESTED: Final = ("AWS::CloudFormation::Stack", "AWS::Serverless::Application")
#: Properties that hold documents of their own, whose names stay.
_VERBATIM: Final = ("KeyPolicy", "PolicyDocument")
_ATTRIBUTES: Final[Mapping[str, str]] = {"Arn": "arn", "KeyId": "key_id", "TopicArn": "arn", "TopicName": "name"}
#: What `Ref` gives, by type; of all others their id.
_REFERRED: Final[Mapping[str, str]] = {"aws_kms_key": "key_id", "aws_sns_topic": "arn"}


def is_template(document: Mapping[str, Any]) -> bool:
    """Whether that is a CloudFormation template."""
    resources = document.get("Resources")
    return isinstance(resources, Mapping) and all(
        name.startswith("Fn::") or (isinstance(one, Mapping) and "Type" in one) for name, one in resources.items()
    )


def read(template: Mapping[str, Any]) -> Document:
    """The resources that a template declares, conditional ones too, since some deployment may meet the condition."""
    place = place_named_in(template, EXAMPLE, "AWS::AccountId", "AWS::Region")
    accounts = accounts_named_in(template, "AWS::AccountId")
    resources = tuple(_Reader(template, place).resources())
    document = Document(place, resources, tuple(_not_read(template)), accounts=accounts)
    return with_conditions(document, lambda condition: _Reader(template, place, condition).resources())


def _not_read(template: Mapping[str, Any]) -> Iterator[str]:
    for name, body in template["Resources"].items():
        if name.startswith("Fn::") or body["Type"] in _NESTED or str(body["Type"]).endswith("::MODULE"):
            yield name


class _Reader:
    """`met` is a condition that is taken to be met: its parameters have values by which it is, if such are seen."""

    def __init__(self, template: Mapping[str, Any], place: Place, met: str = "") -> None:
        self._met: set[str] = set()
        self._place = place
        self._template = template
        self._bodies = {name: one for name, one in template["Resources"].items() if not name.startswith("Fn::")}
        self._parameters = dict(template.get("Parameters", {}))
        self._being_resolved: set[str] = set()
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": lambda value: _joined(value[0], self.resolved(value[1])),
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Select": lambda value: _item(self.resolved(value[1]), self.resolved(value[0])),
            "Fn::Split": lambda value: _split(value[0], self.resolved(value[1])),
        }
        if met:
            self._meet({"Condition": met})

    def resources(self) -> Iterator[Resource]:
        for logical_id, body in self._bodies.items():
            type_ = TYPES.get(body["Type"], body["Type"])
            condition = str(body.get("Condition") or "")
            try:
                values = self._values(logical_id)
                attributes = self._attributes_of(logical_id, values)
                exists = not condition or self._holds({"Condition": condition})
            except UNREADABLE as error:
                raise MalformedError(logical_id) from error
            for one in _one_for_each_topic(values) if type_ == "aws_sns_topic_policy" else [values]:
                yield Resource(logical_id, type_, one, attributes, condition, exists)

    def _attributes_of(self, logical_id: str, values: Mapping[str, Any]) -> Mapping[str, str]:
        # Names that CloudFormation makes begin with the stack's.
        type_ = self._bodies[logical_id]["Type"]
        return attributes_of(TYPES.get(type_, type_), f"{_STACK}-{logical_id}", values, self._place)

    def _values(self, logical_id: str) -> dict[str, Any]:
        body = self._bodies[logical_id]
        if body["Type"] not in TYPES:  # nobody asks for it, and it may hold anything
            return {}
        names = _ARGUMENTS.get(TYPES[body["Type"]], {})
        values = {}
        for name, value in (body.get("Properties") or {}).items():
            resolved = self.resolved(value)
            if resolved is not None:
                kept = json.dumps(resolved) if name in _VERBATIM else renamed(resolved)
                if name == "Metrics" and isinstance(kept, list):
                    kept = [{"return_data": True, **one} if isinstance(one, Mapping) else one for one in kept]
                values[names.get(name, _snake_case(name))] = _pairs(kept) if name == "Dimensions" else kept
        return values

    def resolved(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((name, argument),) = value.items()
                if name in self._functions:
                    return self._functions[name](argument)
                if name.startswith("Fn::"):
                    return f"${{{name}}}"
            return {name: kept for name, one in value.items() if (kept := self.resolved(one)) is not None}
        if isinstance(value, list):
            return [kept for one in value if (kept := self.resolved(one)) is not None]
        return _DYNAMIC.sub(r"${\1}", value) if isinstance(value, str) else value

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": self._place.account,
            "AWS::Partition": self._place.partition,
            "AWS::Region": self._place.region,
            "AWS::StackName": _STACK,
            "AWS::URLSuffix": "amazonaws.com.cn" if self._place.partition == "aws-cn" else "amazonaws.com",
        }
        if name == "AWS::NoValue":
            return None
        if name in pseudo:
            return pseudo[name]
        if name in self._parameters:
            return _default(name, self._parameters[name])
        return self._attribute(name, None)

    def _get_att(self, value: Any) -> Any:
        logical_id, attribute = value.split(".", 1) if isinstance(value, str) else value
        return self._attribute(logical_id, attribute) if isinstance(attribute, str) else f"${{{logical_id}}}"

    def _attribute(self, logical_id: str, attribute: str | None) -> Any:
        body = self._bodies.get(logical_id)
        if body is None or logical_id in self._being_resolved:
            return f"${{{logical_id}}}"
        self._being_resolved.add(logical_id)
        try:
            type_ = TYPES.get(body["Type"], body["Type"])
            attributes = self._attributes_of(logical_id, self._values(logical_id))
            name = (
                _REFERRED.get(type_, "id") if attribute is None else _ATTRIBUTES.get(attribute, _snake_case(attribute))
            )
            return attributes.get(name, f"${{{logical_id}.{attribute or 'Ref'}}}")
        finally:
            self._being_resolved.discard(logical_id)

    def _sub(self, value: Any) -> str:
        text, own = (value, {}) if isinstance(value, str) else value

        def filled(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return _as_text(self.resolved(own[name]))
            return _as_text(self._get_att(name) if "." in name else self._ref(name))

        return _DYNAMIC.sub(r"${\1}", re.sub(r"\$\{([^}]*)\}", filled, text))

    def _find_in_map(self, value: Any) -> Any:
        name, first, second, *options = (self.resolved(one) for one in value)
        found = self._template.get("Mappings", {}).get(name, {}).get(first, {})
        default = options[0].get("DefaultValue") if options else None
        return found.get(second, f"${{{name}}}" if default is None or is_unresolved([first, second]) else default)

    def _if(self, value: Any) -> Any:
        held = self._holds({"Condition": value[0]})
        then, otherwise = (self.resolved(one) for one in value[1:3])
        if held is None:
            return then if then == otherwise else "${Fn::If}"
        return then if held else otherwise

    def _meet(self, condition: Any) -> None:
        """Give parameters the values by which a condition is met; one that no parameter decides is met all the same."""
        if not isinstance(condition, Mapping):
            return
        ((name, argument),) = condition.items()
        if name == "Condition" and argument not in self._met:
            self._met.add(argument)
            self._meet(self._template.get("Conditions", {}).get(argument))
        elif name in ("Fn::And", "Fn::Or"):
            for one in argument if name == "Fn::And" else argument[:1]:
                self._meet(one)
        elif name == "Fn::Equals":
            for one, other in (argument, argument[::-1]):
                if isinstance(one, Mapping) and one.get("Ref") in self._parameters and not isinstance(other, Mapping):
                    self._parameters[one["Ref"]] = {"Default": other}
        elif name == "Fn::Not":
            for parameter in set(re.findall(r'"Ref": "([^"]*)"', json.dumps(argument))) & self._parameters.keys():
                self._parameters[parameter] = {}  # any other value

    def _holds(self, condition: Any) -> bool | None:
        """Whether a condition is met with the parameters' defaults; None when that can't be told."""
        if not isinstance(condition, Mapping):
            return bool(condition)
        ((name, argument),) = condition.items()
        if name == "Condition":
            if argument in self._met:
                return True
            conditions = self._template.get("Conditions", {})
            return self._holds(conditions[argument]) if argument in conditions else None
        if name == "Fn::Equals":
            sides = [self.resolved(one) for one in argument]
            # How CloudFormation writes a number with a fraction as text is not documented.
            if is_unresolved(sides) or any(isinstance(one, float) for one in sides):
                return None
            return _as_text(sides[0]) == _as_text(sides[1])
        held = [self._holds(one) for one in argument]
        if name == "Fn::Not":
            return None if held[0] is None else not held[0]
        # One that is met decides an Or, and one that is not met decides an And, whatever the others are.
        decisive = {"Fn::And": False, "Fn::Or": True}.get(name)
        if decisive is None or (None in held and decisive not in held):
            return None
        return decisive if decisive in held else not decisive


def _default(name: str, parameter: Mapping[str, Any]) -> Any:
    """A parameter's default value, as `Ref` gives it; of one that is kept in Systems Manager it is only the path."""
    type_ = str(parameter.get("Type", "String"))
    if "Default" not in parameter or type_.startswith("AWS::SSM::Parameter::Value"):
        return f"${{{name}}}"
    default = parameter["Default"]
    is_list = type_ == "CommaDelimitedList" or type_.startswith("List<")
    if isinstance(default, bool):
        return _as_text(default)
    return [one.strip() for one in str(default).split(",")] if is_list else default


def _as_text(value: Any) -> str:
    """A value as CloudFormation compares it and puts it into texts."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _one_for_each_topic(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    topics = values.get("topics", values.get("topic_arn", []))
    for topic in topics if isinstance(topics, list) else [topics]:
        yield {"arn": topic, "policy": values.get("policy", "{}")}


def _snake_case(name: str) -> str:
    """`OKActions` is `ok_actions`, `KmsMasterKeyId` is `kms_master_key_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def renamed(value: Any) -> Any:
    """AWS's names as Terraform writes them, however deep; CloudFormation's are those of the interfaces."""
    if isinstance(value, Mapping):
        return {
            _snake_case(name): _pairs(renamed(one)) if name == "Dimensions" else renamed(one)
            for name, one in value.items()
        }
    return [renamed(one) for one in value] if isinstance(value, list) else value


def _pairs(dimensions: Any) -> Any:
    """CloudFormation's list of names and values as an object."""
    if isinstance(dimensions, list) and all(isinstance(one, Mapping) and "name" in one for one in dimensions):
        return {one["name"]: one.get("value") for one in dimensions}
    return dimensions


def _joined(separator: str, values: Any) -> str:
    return separator.join(map(_as_text, values)) if isinstance(values, list) else f"${{{values}}}"


def _item(values: Any, index: Any) -> Any:
    try:
        return values[int(index)] if isinstance(values, list) else "${Fn::Select}"
    except (IndexError, TypeError, ValueError):
        return "${Fn::Select}"


def _split(separator: str, text: Any) -> Any:
    return text.split(separator) if isinstance(text, str) and not is_unresolved(text) else "${Fn::Split}"
