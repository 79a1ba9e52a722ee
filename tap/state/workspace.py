"""The Terraform workspace that `TF_WORKSPACE` names: whose state is in it, and whether Terraform finds it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tap.settings import HttpBackend, LocalBackend, S3Backend, Settings
from tap.state import StateError
from tap.state.configured import Endpoint, endpoint_of, endpoints, is_elsewhere, with_profile

_KINDS = {"s3": "S3", "http": "HTTP"}


def require_own(environments: Iterable[Settings], process_environment: Mapping[str, str]) -> None:
    """Return unless an endpoint that is not AWS's own would get the state of a stack on AWS.

    :raises StateError: when the backend has no workspaces and one is named; and for a state in the default workspace
        that is a local file or in a bucket on AWS: deployed to that endpoint, it would forget what is on AWS, and the
        next deploy there would make a second key and fail on the table.
    """
    name = _name(process_environment)
    for settings in environments:
        if isinstance(settings.backend, HttpBackend) and name != "default":
            raise StateError(
                f"TF_WORKSPACE is {name}, and the backend of {settings.stack_name}, http, has no workspaces: unset it,"
                f' or give [{settings.environment_suffix}] the backend type = "local" here.'
            )
        variables = with_profile(process_environment, settings.profile)
        other = next(filter(is_elsewhere, endpoints(variables)), None)
        if other is None or _keeps_apart(settings, process_environment):
            continue
        raise StateError(
            f"{other.source} is {other.url}, which is not AWS's own, and {_together(settings, process_environment)}, so"
            f" the state of {settings.stack_name} on AWS would be overwritten: {_way_out(settings)}."
        )


def _keeps_apart(settings: Settings, process_environment: Mapping[str, str]) -> bool:
    """Whether the state of an endpoint that is not AWS's own is not where the one about AWS is."""
    backend = settings.backend
    if isinstance(backend, HttpBackend):
        return Endpoint(backend.address, "").is_on_this_machine
    if isinstance(backend, LocalBackend | S3Backend) and _name(process_environment) != "default":
        return True
    if not isinstance(backend, S3Backend):
        return False
    if backend.endpoints and backend.endpoints.s3:
        return not Endpoint(backend.endpoints.s3, "").is_aws
    return is_elsewhere(endpoint_of("s3", with_profile(process_environment, backend.profile)))


def _together(settings: Settings, process_environment: Mapping[str, str]) -> str:
    if isinstance(settings.backend, LocalBackend | S3Backend):
        return f"TF_WORKSPACE is {process_environment.get('TF_WORKSPACE') or 'not set'}"
    return f"a backend of the type {settings.backend.type} has one state for both"


def _way_out(settings: Settings) -> str:
    if isinstance(settings.backend, LocalBackend | S3Backend):
        return "set TF_WORKSPACE=localstack (or another name)"
    return f'give [{settings.environment_suffix}] the backend type = "local" for that endpoint'


def require_followed(environments: Iterable[Settings], folder: Path, process_environment: Mapping[str, str]) -> None:
    """Return unless a local state in this folder would be left behind, and with it all that it knows.

    :raises StateError: when the backend is another one now and Terraform has no record of that, or the state is of
        another region: Terraform would make everything anew, and nothing would tell.
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
                    f"The state of {settings.stack_name} is in {file.relative_to(folder)} and its backend is"
                    f" {_KINDS.get(settings.backend.type, settings.backend.type)} now:"
                    f" take the backend out, run `npx cdktf diff {settings.stack_name}`, put it in again and deploy"
                    " with `--migrate-state`; or, if what it holds is there already or gone, remove the file."
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
            f" `terraform -chdir={stack} state push errored.tfstate`, then delete the file. (If it says that the state"
            f" is locked, `terraform -chdir={stack} force-unlock -force ID` first, with the ID that it says.)"
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
        for instance in resource.get("instances") or []
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
