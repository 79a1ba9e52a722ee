"""CloudFormation templates in YAML."""

from __future__ import annotations

from typing import Any


def parsed(text: str) -> dict[str, Any]:
    """A template in YAML or JSON as data, YAML's short forms written out."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    # `Version: 2012-10-17` is text to CloudFormation.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_multi_constructor("!", _written_out)
    document: dict[str, Any] = yaml.load(text, Loader)  # noqa: S506 -- a SafeLoader
    return document


def _written_out(loader: Any, name: str, node: Any) -> dict[str, Any]:
    if node.id == "scalar":
        value: Any = loader.construct_scalar(node)
    elif node.id == "sequence":
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}
