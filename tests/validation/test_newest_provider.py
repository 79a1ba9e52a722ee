"""The stack against the newest hashicorp/aws, whose binary nobody has here: by the schema in newest_provider.json.

That proves names, nesting, kinds and what is required. It proves nothing of what the provider does.
tools/newest_provider.py renews the file.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import Document, strings
from tests.support.synthesis import ADOPTED, DEFAULTS, EVERYTHING_ON, stack_json

NEWEST: dict[str, Any] = json.loads(Path(__file__).with_name("newest_provider.json").read_text())
_REFERENCE = re.compile(r"((?:data\.)?\baws_\w+)\.(\w+)\.(\w+)")
META = {"//", "count", "depends_on", "for_each", "lifecycle", "provider"}
INDEX = "aws_dynamodb_table.TurnAroundPromptTable: global_secondary_index"
#: What is deprecated and stays: 5.100.0, which the stack runs on, has no `key_schema`.
KNOWN = {
    f"{INDEX}.{key} is deprecated: {key} is deprecated. Use key_schema instead." for key in ("hash_key", "range_key")
}


def findings(document: Document) -> Iterator[str]:
    """What the newest provider would not take, or warns of."""
    for kind, resources in document["resource"].items():
        for name, arguments in resources.items():
            if kind not in NEWEST["types"]:
                yield f"{kind}.{name}: an unknown type"
                continue
            schema = NEWEST["types"][kind]
            own = {argument: value for argument, value in arguments.items() if argument not in META}
            yield from (
                f"{kind}.{name}: {one}" for one in _of_block(own, schema["arguments"], schema["deprecated"], "")
            )
    for kind, name, attribute in sorted({found for text in strings(document) for found in _REFERENCE.findall(text)}):
        schema = NEWEST["types"].get(kind)
        if schema and attribute not in schema["attributes"]:
            yield f"{kind}.{name} has no attribute {attribute}"
        elif schema and attribute in schema["deprecated"]:
            yield f"{kind}.{name}.{attribute} is deprecated: {schema['deprecated'][attribute]}"


def _of_block(
    given: Mapping[str, Any], schema: Mapping[str, Any], deprecated: Mapping[str, str], path: str
) -> Iterator[str]:
    for name, value in given.items():
        where = f"{path}{name}"
        if name not in schema:
            yield f"{where} is no argument"
            continue
        if where in deprecated:
            yield f"{where} is deprecated: {deprecated[where]}"
        if "block" in schema[name]:
            for one in value if isinstance(value, list) else [value]:
                yield from _of_block(one, schema[name]["block"], deprecated, f"{where}.")
        elif not _is_expression(value) and not isinstance(
            value, {"map": dict, "list": list}.get(schema[name]["kind"], (str, int, float, bool))
        ):
            yield f"{where} is no {schema[name]['kind']}"
    yield from (f"{path}{name} is missing" for name, one in schema.items() if one["required"] and name not in given)


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("${")


def test_the_schema_is_of_a_newer_provider_and_of_all_types_in_use() -> None:
    assert NEWEST["version"].split(".")[0] == "6"
    assert set(stack_json(EVERYTHING_ON)["resource"]) <= set(NEWEST["types"])


@pytest.mark.parametrize("name", ["defaults", "everything-on", "adopted"])
def test_the_newest_provider_would_take_it(name: str) -> None:
    settings = {"defaults": DEFAULTS, "everything-on": EVERYTHING_ON, "adopted": ADOPTED}[name]
    assert set(findings(stack_json(settings))) == (KNOWN if settings.claim_index_enabled else set())


def planted(change: str) -> Document:
    """The stack with one mistake in it."""
    document = stack_json(DEFAULTS)
    resources = document["resource"]
    (table,) = resources["aws_dynamodb_table"].values()
    (key,) = resources["aws_kms_key"].values()
    if change == "typo":
        key["enable_key_rotatoin"] = key.pop("enable_key_rotation")
    elif change == "typo in a block":
        table["ttl"]["atribute_name"] = "ttl"
    elif change == "missing":
        del resources["aws_sns_topic_policy"]["SNSTopicPolicy"]["arn"]
    elif change == "missing in a block":
        del table["attribute"][0]["type"]
    elif change == "another kind":
        table["tags"] = ["a"]
    elif change == "gone attribute":
        document["output"]["KMSKeyId"]["value"] = "${aws_kms_key.KMSKey.key_number}"
    elif change == "deprecated attribute":
        document["output"]["KMSKeyId"]["value"] = "${data.aws_region.current.id}"
    elif change == "unknown type":
        resources["aws_kms_kye"] = resources.pop("aws_kms_key")
    return document


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("typo", r"KMSKey: enable_key_rotatoin is no argument"),
        ("typo in a block", r"ttl\.atribute_name is no argument"),
        ("missing", r"SNSTopicPolicy: arn is missing"),
        ("missing in a block", r"attribute\.type is missing"),
        ("another kind", r"tags is no map"),
        ("gone attribute", r"aws_kms_key.KMSKey has no attribute key_number"),
        ("deprecated attribute", r"data\.aws_region\.current\.id is deprecated"),
        ("unknown type", r"aws_kms_kye\.KMSKey: an unknown type"),
    ],
)
def test_a_mistake_is_found(change: str, says: str) -> None:
    found = list(findings(planted(change)))
    assert [one for one in found if re.search(says, one)], found
