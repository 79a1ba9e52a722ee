"""One place that synthesizes: a synth costs a second, so tests share them."""

import json
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from tap.settings import Settings
from tests.support import the_stack


@cache
def _folder() -> Path:
    # Removed when the interpreter ends, with the object that stands for it.
    folder = tempfile.TemporaryDirectory(prefix="tap-synth-")
    _keep.append(folder)
    return Path(folder.name)


_keep: list[tempfile.TemporaryDirectory[str]] = []


def synthesize(environments: Iterable[Settings], out: Path) -> None:
    """What main.py does, for these environments, into that folder."""
    from tap.infra.stack import TapStack  # isort: skip
    from cdktf import App

    app = App(outdir=str(out))
    for settings in environments:
        TapStack(app, settings)
    app.synth()


def stack_file(out: Path, settings: Settings) -> Path:
    """Where CDKTF puts a stack's Terraform JSON."""
    return out / "stacks" / settings.stack_name / "cdk.tf.json"


@cache
def _text(settings_json: str) -> str:
    settings = Settings.model_validate_json(settings_json)
    out = Path(tempfile.mkdtemp(dir=_folder()))
    synthesize([settings], out)
    return stack_file(out, settings).read_text()


def stack_json(settings: Settings) -> dict[str, Any]:
    """The Terraform JSON of one environment's stack; each call has a copy of its own."""
    document: dict[str, Any] = json.loads(_text(settings.model_dump_json()))
    return document


#: The two stacks that most tests look at.
DEFAULTS = Settings()
EVERYTHING_ON = Settings(
    environment_suffix="prod",
    project_name="tap",
    alert_email="ops@example.com",
    deletion_protection_enabled=True,
    point_in_time_recovery_enabled=True,
    claim_index_enabled=True,
    tags={"CostCenter": "1234"},
)
#: Everything on, and an IAM policy for each role.
WITH_POLICIES = EVERYTHING_ON.model_copy(update={"iam_policies_enabled": True})
#: What exists already, under names of its own.
ADOPTED = Settings(names=the_stack.names("old-{}"))
