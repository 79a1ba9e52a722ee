"""The Terraform workspace that `TF_WORKSPACE` names: whose state is in it, and whether Terraform finds it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tap.settings import LocalBackend, Settings
from tap.state import StateError
from tap.state.configured import endpoint_of, endpoints, is_elsewhere


def require_own(environments: Iterable[Settings], process_environment: Mapping[str, str]) -> None:
    """Return unless an endpoint that is not AWS's own would get the state of a stack on AWS.

    :raises StateError: for a state in the default workspace that is a local file or in a bucket on AWS: deployed to
        that endpoint, it would forget what is on AWS, and the next deploy there would make a second key and fail on the
        table.
    """
    other = next(filter(is_elsewhere, endpoints(process_environment)), None)
    if other is None or _name(process_environment) != "default":
        return
    bucket_is_elsewhere = is_elsewhere(endpoint_of("s3", process_environment))
    for settings in environments:
        if isinstance(settings.backend, LocalBackend) or not bucket_is_elsewhere:
            raise StateError(
                f"{other.source} is {other.url}, which is not AWS's own, and TF_WORKSPACE is not set, so the state of"
                f" {settings.stack_name} on AWS would be overwritten: set TF_WORKSPACE=localstack (or another name)."
            )


def require_followed(environments: Iterable[Settings], folder: Path, process_environment: Mapping[str, str]) -> None:
    """Return unless a local state in this folder would be left behind, and with it all that it knows.

    :raises StateError: when the backend is S3 now and Terraform has no record that it was another one, or the state
        is of another region: Terraform would make everything anew, and nothing would tell.
    """
    for settings in environments:
        file = _state_file(settings, folder, _name(process_environment))
        state = _read(file)
        if not state.get("resources"):
            continue
        if not isinstance(settings.backend, LocalBackend):
            # What `terraform init` compares the backend with; a synth of other environments removes it.
            record = folder / "cdktf.out/stacks" / settings.stack_name / ".terraform/terraform.tfstate"
            if not record.exists():
                raise StateError(
                    f"The state of {settings.stack_name} is in {file.relative_to(folder)} and its backend is S3 now:"
                    f" take the backend out, run `npx cdktf diff {settings.stack_name}`, put it in again and deploy"
                    " with `--migrate-state`; or, if what it holds is in S3 or gone, remove the file."
                )
        elif (place := _place(state)) and place.region != settings.region:
            raise StateError(
                f"{settings.stack_name} is deployed in {place.region} and its region is {settings.region} now:"
                f' Terraform would forget what is there. Destroy it first, with region = "{place.region}", or use'
                " another suffix."
            )


def deployed(
    environments: Iterable[Settings], folder: Path, process_environment: Mapping[str, str]
) -> dict[str, "Place"]:
    """Where each stack is deployed that has a local state with something in it, by the stack's name."""
    states = {
        settings.stack_name: _read(_state_file(settings, folder, _name(process_environment)))
        for settings in environments
        if isinstance(settings.backend, LocalBackend)
    }
    return {stack: place for stack, state in states.items() if state.get("resources") and (place := _place(state))}


def require_no_errored_state(folder: Path) -> None:
    """Return unless an interrupted deploy left a state that Terraform could not put where it belongs.

    :raises StateError: when there is one: a synth of another environment would delete it, and a deploy of the same one
        would make everything anew.
    """
    for errored in sorted(folder.glob("cdktf.out/stacks/*/errored.tfstate")):
        stack = errored.parent.relative_to(folder)
        raise StateError(
            f"{stack}/errored.tfstate is the only record of what an interrupted deploy made: run"
            f" `terraform -chdir={stack} state push errored.tfstate`, then delete the file."
        )


def _state_file(settings: Settings, folder: Path, name: str) -> Path:
    file = folder / f"terraform.{settings.stack_name}.tfstate"
    return file if name == "default" else file.with_name(f"{file.name}.d") / name / "terraform.tfstate"


def _read(file: Path) -> dict[str, Any]:
    try:
        state = json.loads(file.read_bytes())
    except (OSError, ValueError):  # none, or not one: Terraform will say so
        return {}
    return state if isinstance(state, dict) else {}


class Place(NamedTuple):
    """Where a stack is deployed."""

    region: str
    account: str


def _place(state: Mapping[str, Any]) -> Place | None:
    """What the state's ARNs say; None if it has none yet that name a region and an account."""
    outputs = [output.get("value") for output in state.get("outputs", {}).values()]
    attributes = [
        instance.get("attributes", {}).get("arn")
        for resource in state.get("resources", [])
        if isinstance(resource, dict)
        for instance in resource.get("instances", [])
    ]
    for arn in filter(None, [*outputs, *attributes]):
        parts = str(arn).split(":")
        if parts[0] == "arn" and len(parts) > 5 and parts[3] and parts[4]:
            return Place(parts[3], parts[4])
    return None


def prepare(environments: Iterable[Settings], out: Path, process_environment: Mapping[str, str]) -> None:
    """Make the workspace's folder for each stack whose state is a local file.

    Where another workspace exists and this one does not, `terraform init` asks which one to take and waits for ever,
    also with TF_INPUT=0; an empty folder is a workspace without a state.
    """
    name = _name(process_environment)
    if name == "default":
        return
    for settings in environments:
        if isinstance(settings.backend, LocalBackend):
            _state_file(settings, out.parent, name).parent.mkdir(parents=True, exist_ok=True)


def _name(process_environment: Mapping[str, str]) -> str:
    return process_environment.get("TF_WORKSPACE") or "default"
