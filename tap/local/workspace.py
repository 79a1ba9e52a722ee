"""The Terraform workspace that `TF_WORKSPACE` names, made before Terraform asks for it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tap.settings import LocalBackend, Settings


def prepare(environments: Iterable[Settings], out: Path, process_environment: Mapping[str, str]) -> None:
    """Make the workspace's folder for each stack whose state is a local file.

    Where another workspace exists and this one does not, `terraform init` asks which one to take and waits for ever,
    also with TF_INPUT=0; an empty folder is a workspace without a state.
    """
    name = process_environment.get("TF_WORKSPACE", "default")
    if name == "default":
        return
    for settings in environments:
        if isinstance(settings.backend, LocalBackend):
            (out.parent / f"terraform.{settings.stack_name}.tfstate.d" / name).mkdir(parents=True, exist_ok=True)
