"""The Terraform workspace that `TF_WORKSPACE` names: whose state is in it, and whether Terraform finds it."""

import ipaddress
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tap.settings import LocalBackend, Settings
from tap.state import StateError


def require_own(environments: Iterable[Settings], process_environment: Mapping[str, str]) -> None:
    """Return unless a server on this machine would get the state of a stack on AWS.

    :raises StateError: for a local state in the default workspace: deployed to that server, it would forget what is
        on AWS, and the next deploy there would make a second key and fail on the table.
    """
    url = process_environment.get("AWS_ENDPOINT_URL", "")
    if not _on_this_machine(url) or _name(process_environment) != "default":
        return
    for settings in environments:
        if isinstance(settings.backend, LocalBackend):
            raise StateError(
                f"AWS_ENDPOINT_URL is {url}, on this machine, and TF_WORKSPACE is not set, so the state of"
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
        elif (region := _region(state)) and region != settings.region:
            raise StateError(
                f"{settings.stack_name} is deployed in {region} and its region is {settings.region} now: Terraform"
                f' would forget what is there. Destroy it first, with region = "{region}", or use another suffix.'
            )


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


def _region(state: Mapping[str, Any]) -> str:
    """Where the state's table is; empty when it has none yet."""
    arn = str(state.get("outputs", {}).get("TurnAroundPromptTableArn", {}).get("value", "")).split(":")
    return arn[3] if len(arn) > 5 else ""


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


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # The second is a public name of LocalStack's for 127.0.0.1.
        return host == "localhost" or host.endswith((".localhost", "localhost.localstack.cloud"))
