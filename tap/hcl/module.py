"""What a Terraform module comes with besides its code: a README, and a root that takes a CDKTF stack's state over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tap.hcl.root import files
from tap.settings import Settings

_README: Final = """# The TAP stack as a Terraform module

An encrypted DynamoDB table of prompts (stream, TTL, backups), an encrypted SNS topic, four CloudWatch alarms that can
really fire, and a dashboard. `tap module` writes it from the same code as the CDKTF stack: change that, not this.

```hcl
module "tap" {{
  source             = "./modules/tap"
  environment_suffix = "prod"
  alert_email        = "ops@example.com"
}}
```

The provider is the caller's: hashicorp/aws from 5.100.0 on, below 7. Leave the module's tags (Environment, Project,
ManagedBy and `tags`) out of its `default_tags`. `prevent_destroy` can't hang on a variable, so nothing but
`deletion_protection_enabled` keeps the table from being destroyed: AWS refuses to delete it.

## Inputs

| name | type | default | what it is |
|---|---|---|---|
{inputs}

## Outputs

| name | what it is |
|---|---|
{outputs}
"""


def module_files(document: Mapping[str, Any]) -> dict[str, str]:
    """The module's files by their names."""
    inputs = "\n".join(_input(name, one) for name, one in document["variable"].items())
    outputs = "\n".join(f"| `{name}` | {one['description']} |" for name, one in document["output"].items())
    return files(document) | {"README.md": _README.format(inputs=inputs, outputs=outputs)}


def _input(name: str, variable: Mapping[str, Any]) -> str:
    defaults = {True: "`true`", False: "`false`"}
    given = variable.get("default")
    default = defaults[given] if isinstance(given, bool) else f'`"{given}"`' if isinstance(given, str) else f"`{given}`"
    kind = variable["type"].partition("(")[0]
    return f"| `{name}` | {kind} | {default if 'default' in variable else 'required'} | {variable['description']} |"


def root_files(settings: Settings, document: Mapping[str, Any], source: str) -> dict[str, str]:
    """A root that has the environment's state, calls the module, and moves each resource into it.

    `document` is the environment's JSON as CDKTF deployed it, `source` the path of the module from the root.
    """
    called = {
        "source": source,
        "environment_suffix": settings.environment_suffix,
        "project_name": settings.project_name,
        "alert_email": settings.alert_email,
        "deletion_protection_enabled": settings.deletion_protection_enabled,
        "point_in_time_recovery_enabled": settings.point_in_time_recovery_enabled,
        "claim_index_enabled": settings.claim_index_enabled,
        "iam_policies_enabled": settings.iam_policies_enabled,
        "alarm_period": settings.alarm_period,
        "thresholds": settings.thresholds.model_dump(),
        "names": settings.names.model_dump(),
        "tags": dict(settings.tags),
        "managed_by": "cdktf",
    }
    moved = [
        # In the module the policies are there on a condition.
        {"from": f"{kind}.{name}", "to": f"module.tap.{kind}.{name}{'[0]' if kind == 'aws_iam_policy' else ''}"}
        for kind, resources in document["resource"].items()
        for name in resources
    ]
    outputs = {
        name: {"description": one["description"], "value": f"${{module.tap.{name}}}"}
        for name, one in document["output"].items()
    }
    return files(
        {
            "terraform": document["terraform"],
            "provider": document["provider"],
            "module": {"tap": called},
            "moved": moved,
            "output": outputs,
        }
    )
