"""Looking into a stack's Terraform JSON."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """What an expression names: `aws_sns_topic.SNSTopic` and `arn`; `var.alert_email` has no attribute."""

    address: str
    attribute: str


def resources(document: Document) -> dict[str, dict[str, Any]]:
    """Each resource by its address, without cdktf's metadata."""
    return {
        f"{kind}.{name}": {key: value for key, value in arguments.items() if key != "//"}
        for kind, named in document["resource"].items()
        for name, arguments in named.items()
    }


def of_kind(document: Document, kind: str) -> dict[str, dict[str, Any]]:
    """The resources of one kind by their names; a KeyError when there are none."""
    assert document["resource"][kind]
    return {name: resources(document)[f"{kind}.{name}"] for name in document["resource"][kind]}


def the_only(document: Document, kind: str) -> dict[str, Any]:
    (one,) = of_kind(document, kind).values()
    return one


def policies(document: Document) -> dict[str, dict[str, Any]]:
    """The policy documents by the address of what they are on."""
    found = {address: json.loads(one["policy"]) for address, one in resources(document).items() if "policy" in one}
    assert found
    return found


def strings(value: Any, *, keys: bool = False) -> Iterator[str]:
    """Every string, however deep, without cdktf's metadata."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from strings(one, keys=keys)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key != "//":
                if keys:
                    yield key
                yield from strings(one, keys=keys)


def expressions(text: str) -> Iterator[str]:
    """What stands in each `${…}` of a string; braces may nest."""
    start = text.find("${")
    while start >= 0:
        depth, end = 1, start + 2
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield text[start + 2 : end - 1]
        start = text.find("${", end)


def references(value: Any) -> set[Reference]:
    """What all the expressions in there name. One that names something of another kind is a ValueError."""
    found = set()
    for expression in (one for text in strings(value) for one in expressions(text)):
        without_texts = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
        for name in re.findall(r"[A-Za-z_][\w.]*", without_texts):
            parts = name.split(".")
            if parts[0] == "var" and len(parts) == 2:
                found.add(Reference(name, ""))
            elif parts[0] == "data" and len(parts) == 4:
                found.add(Reference(".".join(parts[:3]), parts[3]))
            elif parts[0].startswith("aws_") and len(parts) == 3:
                found.add(Reference(".".join(parts[:2]), parts[2]))
            elif name not in ("lookup", "can", "regex"):
                raise ValueError(f"{name} in ${{{expression}}}")
    return found


def listed(value: Any) -> list[str]:
    """IAM's "a string or a list of strings"."""
    return [value] if isinstance(value, str) else list(value)
