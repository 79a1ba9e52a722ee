"""`python -m tap.infra.module`: the same parts as a plain Terraform module, in Terraform JSON on standard output.

The settings become variables. The parts are put together twice, without and with the claim index, and what differs
hangs on a variable: so there is no second definition of anything.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider

from tap import provider, settings
from tap.hcl import schema
from tap.hcl.text import expression
from tap.infra import parts
from tap.infra.stack import conditions
from tap.policies.roles import policy_names
from tap.settings.model import Names, Thresholds

#: What the parts need as a number stands there as one that means nothing else, until it becomes a reference.
_PERIOD: Final = 60 * 7919
_THRESHOLDS: Final = {name: 990_000_000 + number for number, name in enumerate(Thresholds.model_fields)}
_TAGS: Final = {"tap": "tags"}
_INDEX: Final = "var.claim_index_enabled"
_POLICIES: Final = "var.iam_policies_enabled"
#: Versions of the provider that the module admits: tests/validation asks the newest one's schema.
_PROVIDERS: Final = {"aws": {"source": provider.SOURCE, "version": f">= {provider.VERSION}, < 7.0.0"}}
_SUFFIX: Final = "[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?"
_PROJECT: Final = "[a-z]([a-z0-9-]{0,38}[a-z0-9])?"


def document() -> dict[str, Any]:
    """The module's Terraform JSON."""
    without, with_index = _whole(claim_index=False), _whole(claim_index=True)
    merged = {
        kind: {
            name: _merged(without["resource"][kind][name], with_index["resource"][kind][name], schema.blocks(kind))
            for name in resources
        }
        for kind, resources in without["resource"].items()
    }
    outputs = without["output"]
    for name, policy in merged["aws_iam_policy"].items():
        policy["count"] = f"${{{_POLICIES} ? 1 : 0}}"
        outputs[f"{name}Arn"]["value"] = f"${{one(aws_iam_policy.{name}[*].arn)}}"
    made: dict[str, Any] = _referring(
        {
            "terraform": {"required_providers": _PROVIDERS},
            "variable": _variables() | without["variable"],
            "locals": _locals(),
            "data": {**without["data"], "aws_region": {"current": {}}},
            "resource": merged,
            "output": outputs,
        }
    )
    return made


def _whole(*, claim_index: bool) -> dict[str, Any]:
    """The parts; the dashboard draws one line for both throttles where they have one threshold."""
    made = _built(_THRESHOLDS, claim_index=claim_index)
    reads, writes = "read_throttle_alarm", "write_throttle_alarm"
    alike = _built(_THRESHOLDS | {writes: _THRESHOLDS[reads]}, claim_index=claim_index)
    (board,), (other,) = (one["resource"]["aws_cloudwatch_dashboard"].values() for one in (made, alike))
    condition = f"var.thresholds.{reads} == var.thresholds.{writes}"
    board["dashboard_body"] = _json_on(condition, other["dashboard_body"], board["dashboard_body"])
    return made


def _built(thresholds: Mapping[str, int], *, claim_index: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder)
        stack = TerraformStack(app, "module")
        AwsProvider(stack, "aws")  # cdktf wants one; a module has its caller's
        parts.build(
            stack,
            stack_name="TapStack${var.environment_suffix}",
            environment_suffix="${var.environment_suffix}",
            region="${local.region}",
            names={name: f"${{local.names.{name}}}" for name in Names.model_fields},
            tags=dict(_TAGS),
            conditions=conditions(stack, settings.Settings()),
            claim_index=claim_index,
            thresholds=thresholds,
            alarm_period=_PERIOD,
            prevent_destroy=False,
            policies=policy_names("${var.project_name}", "${var.environment_suffix}", "${local.region}"),
        )
        app.synth()
        made: dict[str, Any] = json.loads((Path(folder) / "stacks/module/cdk.tf.json").read_bytes())
        cleaned: dict[str, Any] = _without_metadata(made)
        return cleaned


def _without_metadata(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_metadata(one) for name, one in value.items() if name != "//"}
    return [_without_metadata(one) for one in value] if isinstance(value, list) else value


def _merged(without: Mapping[str, Any], with_index: Mapping[str, Any], blocks: schema.Blocks) -> dict[str, Any]:
    """One resource's arguments: what both have as it is, the rest on the condition that there is an index."""
    made: dict[str, Any] = {}
    dynamic: dict[str, list[Any]] = {}
    for name in {**without, **with_index}:
        one, other = without.get(name), with_index.get(name)
        if one == other:
            made[name] = one
        elif name in blocks:
            ours, theirs = _listed(one), _listed(other)
            made[name] = [block for block in ours if block in theirs]
            dynamic[name] = [
                *({"for_each": f"${{{_INDEX} ? [] : [1]}}", "content": block} for block in ours if block not in theirs),
                *({"for_each": f"${{{_INDEX} ? [1] : []}}", "content": block} for block in theirs if block not in ours),
            ]
        elif isinstance(one, str) and isinstance(other, str) and one.startswith("{"):
            made[name] = _json_on(_INDEX, other, one)
        else:
            made[name] = f"${{{_INDEX} ? {expression(other)} : {expression(one)}}}"
    return made | ({"dynamic": dynamic} if dynamic else {})


def _json_on(condition: str, yes: str, no: str) -> str:
    """JSON that is the one text or the other; only where they differ does it hang on the condition."""
    return json.dumps(_on(condition, json.loads(yes), json.loads(no)))


def _on(condition: str, yes: Any, no: Any) -> Any:
    if yes == no:
        return yes
    if isinstance(yes, dict) and isinstance(no, dict) and yes.keys() == no.keys():
        return {name: _on(condition, yes[name], no[name]) for name in yes}
    if isinstance(yes, list) and isinstance(no, list) and len(yes) == len(no):
        return [_on(condition, one, other) for one, other in zip(yes, no, strict=True)]
    # Both ways of a condition must be of one type, which two lists of different things are not, and two texts are.
    return f"${{jsondecode({condition} ? jsonencode({expression(yes)}) : jsonencode({expression(no)}))}}"


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _referring(value: Any) -> Any:
    """The same with references in place of the numbers and the tags that stood for them."""
    if value == _TAGS:
        return "${local.tags}"
    if isinstance(value, dict):
        return {name: _referring(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_referring(one) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _NUMBERS.get(int(value), value)
    if isinstance(value, str):
        if value.startswith("{"):  # JSON: its numbers are the numbers themselves
            return json.dumps(_referring(json.loads(value)))
        value = value.replace(f"{_PERIOD // 60} minutes", "${local.minutes}")
        return re.sub("|".join(map(str, _NUMBERS)), lambda found: _NUMBERS[int(found[0])][2:-1], value)
    return value


_NUMBERS: Final = {_PERIOD: "${var.alarm_period}"} | {
    number: f"${{var.thresholds.{name}}}" for name, number in _THRESHOLDS.items()
}


def _locals() -> dict[str, Any]:
    names = settings.default_names("${var.project_name}", "${var.environment_suffix}")
    return {
        "region": '${data.aws_region.current[contains(keys(data.aws_region.current), "region") ? "region" : "id"]}',
        "names": {name: f'${{coalesce(var.names.{name}, "{text}")}}' for name, text in names.items()},
        "tags": "${merge(var.tags, { Environment = var.environment_suffix, Project = var.project_name,"
        " ManagedBy = var.managed_by })}",
        "minutes": '${lookup({ "60" = "one minute", "300" = "five minutes", "600" = "ten minutes" },'
        ' tostring(var.alarm_period), "${var.alarm_period / 60} minutes")}',
    }


def _variables() -> dict[str, Any]:
    """Those of the settings that the parts don't have as variables themselves."""
    thresholds = Thresholds().model_dump()
    optional = ", ".join(f"{name} = optional(number, {value})" for name, value in thresholds.items())
    names = ", ".join(f"{name} = optional(string)" for name in Names.model_fields)
    return {
        "environment_suffix": _variable(
            "string",
            "The environment's name; with project_name it begins each name.",
            None,
            f'can(regex("^{_SUFFIX}$", var.environment_suffix))',
            "environment_suffix must be 1 to 20 lower-case letters, digits and hyphens, with no hyphen at either end.",
        ),
        "project_name": _variable(
            "string",
            "The first part of each name. Changing it replaces everything, the table and its items included.",
            "tap",
            f'can(regex("^{_PROJECT}$", var.project_name))',
            "project_name must be 1 to 40 lower-case letters, digits and hyphens, beginning with a letter.",
        ),
        "claim_index_enabled": _variable("bool", "Whether workers find prompts by an index.", False),
        "iam_policies_enabled": _variable("bool", "Whether there is an IAM policy for each role of programs.", False),
        "alarm_period": _variable(
            "number",
            "The seconds over which the alarms sum: whole minutes.",
            300,
            "var.alarm_period % 60 == 0 && var.alarm_period >= 60 && var.alarm_period <= 86400",
            "alarm_period must be whole minutes in seconds, from 60 to 86400.",
        ),
        "thresholds": _variable(
            f"object({{ {optional} }})",
            "From how many on within alarm_period each alarm fires.",
            {},
            "alltrue([for value in values(var.thresholds) : value >= 1 && floor(value) == value])",
            "thresholds must be whole numbers from 1.",
        ),
        "names": _variable(
            f"object({{ {names} }})",
            "Physical names of what exists under another name. A changed table name replaces the table.",
            {},
            'var.names.key_alias == null || can(regex("^alias/[A-Za-z0-9/_-]+$", var.names.key_alias))',
            "names.key_alias must begin with alias/.",
        ),
        "tags": _variable("map(string)", "Tags beside Environment, Project and ManagedBy.", {}),
        "managed_by": _variable("string", "The tag ManagedBy; `cdktf` for a stack that came from there.", "terraform"),
    }


def _variable(type_: str, description: str, default: Any, condition: str = "", message: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"type": type_, "description": description, "nullable": False}
    if default is not None:
        made["default"] = default
    if condition:
        made["validation"] = [{"condition": f"${{{condition}}}", "error_message": message}]
    return made


if __name__ == "__main__":
    json.dump(document(), sys.stdout)
