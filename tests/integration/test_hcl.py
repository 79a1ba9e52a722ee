"""The plan of a stack's JSON and that of its HCL, by the genuine Terraform and provider: they are equal."""

import json
from pathlib import Path
from typing import Any

import pytest

from tap.hcl.root import files
from tap.settings import Settings
from tests.support.endpoints import Endpoint
from tests.support.stacks import Stack
from tests.support.synthesis import ADOPTED, DEFAULTS, EVERYTHING_ON, stack_json
from tests.validation.test_terraform import LONGEST

STACKS = {"defaults": DEFAULTS, "everything-on": EVERYTHING_ON, "adopted": ADOPTED, "longest": LONGEST}


@pytest.mark.parametrize("name", STACKS)
def test_both_plan_the_same(name: str, endpoint: Endpoint, tmp_path: Path) -> None:
    # Without the backend: nothing is applied.
    settings = STACKS[name].model_copy(update={"backend": DEFAULTS.backend})
    document = stack_json(settings)
    del document["terraform"]["backend"]
    of_json = _plan({"cdk.tf.json": json.dumps(document)}, settings, endpoint, tmp_path / "json")
    of_hcl = _plan(files(document), settings, endpoint, tmp_path / "hcl")
    assert of_hcl == of_json
    assert len(of_json["planned_values"]["root_module"]["resources"]) >= 10


def _plan(texts: dict[str, str], settings: Settings, endpoint: Endpoint, folder: Path) -> dict[str, Any]:
    """What the plan says of values and of what is only known later; JSON in strings as what it holds."""
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
    stack = Stack(settings, folder, endpoint)
    stack.init()
    stack.terraform("plan", "-input=false", "-out=plan")
    shown: dict[str, Any] = json.loads(stack.terraform("show", "-json", "plan").stdout)
    changes = [{"address": one["address"], "change": one["change"]} for one in shown["resource_changes"]]
    kept = {"planned_values": shown["planned_values"], "changes": changes, "outputs": shown["output_changes"]}
    made: dict[str, Any] = _unfolded(kept)
    return made


def _unfolded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unfolded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_unfolded(one) for one in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return value
