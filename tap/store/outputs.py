"""A stack's outputs, from whichever file holds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final

from tap.store.encodings import decoded
from tap.store.errors import StoreMisconfigured

TABLE_NAME: Final = "TurnAroundPromptTableName"
TABLE_ARN: Final = "TurnAroundPromptTableArn"


def read_outputs(path: str | PathLike[str], stack: str | None = None) -> dict[str, str]:
    """Return one stack's outputs, name to text.

    Takes what `cdktf deploy --outputs-file` writes (of several stacks, `stack` names one), what
    `terraform output -json` prints, also as PowerShell saves it (UTF-16), and a Terraform state file.
    Raises StoreMisconfigured, with what to do, when the file is missing, isn't one of these, or holds
    several stacks and none is named.
    """
    try:
        content = json.loads(decoded(Path(path).read_bytes()))
    except FileNotFoundError as error:
        raise StoreMisconfigured(
            f"There is no {path}: deploy the stack with `--outputs-file {path}`,"
            " or name the table (--table, TAP_TABLE)."
        ) from error
    except (OSError, ValueError) as error:
        raise StoreMisconfigured(f"{path} can't be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise StoreMisconfigured(f"{path} holds no outputs: its JSON is no object.")
    if "terraform_version" in content and isinstance(content.get("outputs"), dict):
        content = content["outputs"]  # a state file
    elif content and all(_is_stack(value) for value in content.values()):
        content = _choose(content, path, stack)
    outputs = {name: _text(value) for name, value in content.items()}
    if stack is not None and outputs.get("StackName", stack) != stack:
        raise StoreMisconfigured(f"{path} holds the outputs of {outputs['StackName']}, not of {stack}.")
    return outputs


def table_of(outputs: Mapping[str, str], path: str | PathLike[str]) -> tuple[str, str | None]:
    """Return the prompt table's name and its region (None if the outputs don't say)."""
    if not outputs.get(TABLE_NAME):
        found = ", ".join(sorted(outputs)) or "nothing"
        raise StoreMisconfigured(f"{path} has no output {TABLE_NAME} (it has {found}).")
    arn = outputs.get(TABLE_ARN, "").split(":")
    return outputs[TABLE_NAME], (arn[3] or None) if len(arn) > 5 else None


def _is_stack(value: object) -> bool:
    """A stack's outputs, and not one output as Terraform prints it ({"value": …, "sensitive": …})."""
    return isinstance(value, dict) and not {"value", "sensitive"} <= value.keys()


def _choose(stacks: dict[str, Any], path: str | PathLike[str], stack: str | None) -> dict[str, Any]:
    names = ", ".join(sorted(stacks))
    if stack is None and len(stacks) > 1:
        raise StoreMisconfigured(f"{path} holds several stacks ({names}): say which one.")
    if stack is not None and stack not in stacks:
        raise StoreMisconfigured(f"{path} has no stack {stack} (it has {names}).")
    chosen: dict[str, Any] = stacks[stack or next(iter(stacks))]
    return chosen


def _text(value: Any) -> str:
    if isinstance(value, dict) and "value" in value:
        value = value["value"]
    return value if isinstance(value, str) else json.dumps(value)
