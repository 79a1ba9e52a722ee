"""A stack's Terraform JSON laid out in the files that a person would make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tap.hcl import schema
from tap.hcl.text import Expression, body

#: Reasons, by type and argument; the code has the same ones where it sets them.
REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "aws_cloudwatch_metric_alarm": {
        "treat_missing_data": "DynamoDB emits an error metric only when there was an error: silence is good news.",
    },
    "aws_dynamodb_table": {
        "server_side_encryption": "Written even when it is off: a block that is left out plans as no change where the"
        " real\ntable differs (hashicorp/terraform-provider-aws#29811). So is point_in_time_recovery.",
        "depends_on": "The last to be made is the first to be destroyed: while the table is protected a destroy stops"
        " there,\nand leaves it with its alarms. So they have its name, and not a reference to it.",
    },
    "aws_kms_key": {
        "deletion_window_in_days": "The shortest window AWS allows: an environment stays deletable, a mistake can be"
        " undone for a week.",
        "policy": "Without the second statement CloudWatch drops every alarm message silently:\n"
        "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
    },
    "locals": {
        "region": "`region` is new in hashicorp/aws 6.x, where `id` and `name` are deprecated.",
    },
    "aws_sns_topic_policy": {"policy": "This account's alarms may publish, and nobody without TLS."},
}
_TAGS: Final = Expression("local.tags")


def files(document: Mapping[str, Any]) -> dict[str, str]:
    """The texts of the files by their names; `terraform fmt` still has to do the spacing.

    `document` is a stack's JSON as a synth writes it. Tags that all resources share become a local value.
    """
    tags = _shared_tags(document)
    made = {
        "versions.tf": _joined(_versions(document)),
        "variables.tf": _joined(_variables(document)),
        "main.tf": _joined(_main(document, tags)),
        "outputs.tf": _joined(_outputs(document)),
    }
    return {name: text for name, text in made.items() if text.strip()}


def _joined(blocks: Iterator[list[str]]) -> str:
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _block(
    labels: str, arguments: Mapping[str, Any], blocks: schema.Blocks, comments: Mapping[str, str] | None = None
) -> list[str]:
    lines = list(body(arguments, blocks, comments or {}))
    return [f"{labels} {{", *lines, "}"] if lines else [f"{labels} {{}}"]


def _versions(document: Mapping[str, Any]) -> Iterator[list[str]]:
    terraform = document["terraform"]
    lines = ["terraform {", 'required_version = ">= 1.11"', ""]
    lines += _block("required_providers", terraform["required_providers"], {})
    for kind, arguments in terraform.get("backend", {}).items():
        lines += ["", *_block(f'backend "{kind}"', arguments, {})]
    if cloud := terraform.get("cloud"):
        lines += ["", *_block("cloud", cloud, {"workspaces": {}})]
    yield [*lines, "}"]
    for arguments in document.get("provider", {}).get("aws", []):
        yield _block('provider "aws"', arguments, schema.blocks("provider"))


def _variables(document: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, variable in document.get("variable", {}).items():
        arguments = {**variable, "type": Expression(variable["type"])}
        yield _block(f'variable "{name}"', arguments, schema.VARIABLE)


def _main(document: Mapping[str, Any], tags: Mapping[str, str] | None) -> Iterator[list[str]]:
    if tags:
        yield _block("locals", {"tags": tags}, {})
    if values := document.get("locals"):
        yield _block("locals", values, {}, REASONS["locals"])
    for name, arguments in document.get("module", {}).items():
        yield _block(f'module "{name}"', arguments, {})
    for arguments in document.get("moved", []):
        yield _block("moved", {end: Expression(address) for end, address in arguments.items()}, {})
    for kind, sources in document.get("data", {}).items():
        for name, arguments in sources.items():
            yield _block(f'data "{kind}" "{name}"', arguments, {})
    for kind, resources in document.get("resource", {}).items():
        for name, arguments in resources.items():
            shared = {"tags": _TAGS} if tags and arguments.get("tags") == tags else {}
            reasons = REASONS.get(kind, {})
            yield _block(f'resource "{kind}" "{name}"', {**arguments, **shared}, schema.blocks(kind), reasons)


def _outputs(document: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, output in document.get("output", {}).items():
        yield _block(f'output "{name}"', output, {})


def _shared_tags(document: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The tags of every resource that has some, if they are the same ones."""
    found = [
        arguments["tags"]
        for resources in document.get("resource", {}).values()
        for arguments in resources.values()
        if isinstance(arguments.get("tags"), dict)
    ]
    return found[0] if found and all(one == found[0] for one in found) else None
