"""Terraform on what a synth wrote for one environment: each call bounded, each known failure one sentence."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from tap import settings as config
from tap.deployed import DeployedError
from tap.deployed.plan import Plan
from tap.local import ROOT, terraform
from tap.settings.kinds import Suffix
from tap.state import StateError, workspace
from tap.state.recorded import ADOPTING

IMPORTS: Final = "imports.tf.json"
_PLAN: Final = "tap.tfplan"
#: Seconds. An index on a large table takes an hour; nothing else comes near these.
_SYNTH_SECONDS: Final = 120
_PLAN_SECONDS: Final = 600
_APPLY_SECONDS: Final = 2 * 3600
_LAST_SECONDS: Final = 60
_SHOWN_LINES: Final = 40


@dataclass(frozen=True)
class Root:
    """The root module of one environment, and the variables that Terraform runs with."""

    settings: config.Settings
    project: Path
    variables: Mapping[str, str]
    #: Whether environments.toml has a table for it.
    is_known: bool = True

    @property
    def folder(self) -> Path:
        """Where the stack's Terraform JSON is."""
        return self.project / "cdktf.out/stacks" / self.settings.stack_name

    @property
    def terraform(self) -> str:
        """The beginning of a Terraform command line for people, run in the project's folder."""
        return f"terraform -chdir={self.folder.relative_to(self.project)}"

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The stack's Terraform JSON."""
        document: dict[str, Any] = json.loads((self.folder / "cdk.tf.json").read_bytes())
        return document

    @property
    def given_variables(self) -> Mapping[str, Any]:
        """The values of the stack's variables that the process environment gives, as Terraform takes them."""
        given = {
            name: self.variables[f"TF_VAR_{name}"]
            for name in self.document.get("variable", {})
            if f"TF_VAR_{name}" in self.variables
        }
        return {name: {"true": True, "false": False}.get(value, value) for name, value in given.items()}

    def init(self) -> None:
        """`terraform init`; the provider is there already, or comes from a mirror or the registry."""
        self._run("init", "-input=false", seconds=_PLAN_SECONDS)

    def state(self) -> State:
        """What the state has, without data sources."""
        text = self._run("state", "pull", seconds=_PLAN_SECONDS)
        document = json.loads(text) if text.strip() else {}
        instances = {
            f"{resource['type']}.{resource['name']}{_index(instance)}": instance
            for resource in document.get("resources", [])
            if resource["mode"] == "managed"
            for instance in resource["instances"]
        }
        ids = {address: str(one["attributes"].get("id", "")) for address, one in instances.items()}
        tainted = tuple(address for address, one in instances.items() if one.get("status") == "tainted")
        return State(ids, tainted)

    def untaint(self, address: str) -> None:
        """Have Terraform take a resource for complete: else it would make it anew, and first destroy what is there."""
        self._run("untaint", *self._backup, address, seconds=_PLAN_SECONDS)

    @property
    def _backup(self) -> list[str]:
        # Terraform keeps the backup of a workspace's local state in a folder that it doesn't make.
        is_workspace = isinstance(self.settings.backend, config.LocalBackend) and self.variables.get("TF_WORKSPACE")
        return ["-backup=before.tfstate"] if is_workspace else []

    def state_rm(self, address: str) -> str:
        """The command line that takes a resource out of the state, for people."""
        return " ".join([self.terraform, "state rm", *self._backup, address])

    def plan(self, *, lock: bool = True) -> Plan:
        """Plan, and keep the plan for `apply`."""
        self._run("plan", "-input=false", f"-out={_PLAN}", f"-lock={str(lock).lower()}", seconds=_PLAN_SECONDS)
        return Plan(json.loads(self._run("show", "-json", _PLAN, seconds=_PLAN_SECONDS)))

    def apply(self) -> None:
        """Apply the plan that was made last, and nothing else."""
        self._run("apply", "-input=false", _PLAN, seconds=_APPLY_SECONDS)

    def forget_plan(self) -> None:
        """Remove the plan: it holds what the state holds."""
        (self.folder / _PLAN).unlink(missing_ok=True)

    def write_imports(self, ids: Mapping[str, str]) -> None:
        """Put import blocks beside the stack's JSON, or remove them when there is nothing to import."""
        file = self.folder / IMPORTS
        if not ids:
            file.unlink(missing_ok=True)
            return
        blocks = [{"to": address, "id": id_} for address, id_ in ids.items()]
        file.write_text(json.dumps({"import": blocks}, indent=2) + "\n")

    @contextmanager
    def without_imports(self) -> Iterator[None]:
        """Leave aside what an adoption's dry run has left."""
        file, aside = self.folder / IMPORTS, self.folder / f"{IMPORTS}.aside"
        if file.exists():
            file.replace(aside)
        try:
            yield
        finally:
            if aside.exists():
                aside.replace(file)

    def _run(self, *arguments: str, seconds: float) -> str:
        command = [self.variables["TERRAFORM_BINARY_NAME"], arguments[0], *_flags(arguments)]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.variables, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        try:
            said, errors = process.communicate(timeout=seconds)
        except KeyboardInterrupt:
            process.communicate()  # Terraform has had the Ctrl-C too: it writes down what it has made, and then ends
            raise
        except subprocess.TimeoutExpired:
            self._end(process)
            raise DeployedError(
                f"`{self.terraform} {arguments[0]}` did not end within {seconds / 60:.0f} minutes and was stopped."
            ) from None
        if process.returncode:
            raise DeployedError(self.sentence(arguments[0], f"{said}\n{errors}"))
        return said

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def sentence(self, command: str, said: str) -> str:
        """What a failed command's words mean, and how to go on."""
        stack = self.settings.stack_name
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)
        try:
            workspace.require_no_errored_state(self.project)
        except StateError as error:
            return f"{_errors(said)}\n{error}"
        if lock := _lock(said):
            # Terraform can't unlock a workspace that it was about to make.
            unlock = f"aws s3 rm s3://{lock.path}.tflock" if lock.is_of_init else ""
            return (
                f"The state of {stack} is locked{lock.holder}: wait for that run, or, if it is dead,"
                f" `{unlock or f'{self.terraform} force-unlock -force {lock.id}'}`."
            )
        if "Backend configuration changed" in said or "Backend initialization required" in said:
            return (
                f"The backend of {stack} is not the one that it was: `npx cdktf deploy {stack} --migrate-state` moves"
                " its state. Nothing has been changed."
            )
        return f"`{self.terraform} {command}` failed:\n{_errors(said)}"


def synthesized(
    name: str, process_environment: Mapping[str, str], project: Path | None = None, *, is_adopting: bool = False
) -> Root:
    """The root of the environment of that name, synthesized anew.

    `project` is the folder of main.py. Who `is_adopting` finds what exists and isn't in the state; for all others a
    synth refuses a state that knows nothing of it.

    :raises DeployedError: when there is no such environment, or the synth refuses: what it says is the reason.
    """
    project = project or project_folder()
    settings, variables, is_known = environment(name, process_environment, project)
    if is_adopting:
        variables[ADOPTING] = "1"
    root = Root(settings, project, variables | terraform.environment(variables), is_known)
    _synth(root)
    return root


def environment(
    name: str, process_environment: Mapping[str, str], project: Path
) -> tuple[config.Settings, dict[str, str], bool]:
    """The settings of the environment of that name, the variables to run its stack with, and whether it has a table.

    :raises DeployedError: when the process environment is about another one; :raises SettingsError: for a mistake.
    """
    variables = dict(process_environment)
    if (only := variables.get("TAP_ENVIRONMENT_SUFFIX")) not in (None, name):
        raise DeployedError(f"TAP_ENVIRONMENT_SUFFIX is {only}, and this is about {name}: unset it.")
    environments = {one.environment_suffix: one for one in config.load(project / "environments.toml", variables)}
    is_known = name in environments
    if not is_known:
        _refuse_a_bad_name(name)
        variables["TAP_ENVIRONMENT_SUFFIX"] = name  # a throw-away one, which needs no table
        (environments[name],) = config.load(project / "environments.toml", variables)
    return environments[name], variables, is_known


def _refuse_a_bad_name(environment: str) -> None:
    try:
        TypeAdapter(Suffix).validate_python(environment)
    except ValidationError as error:
        allowed = error.errors()[0]["ctx"]["error"]
        raise DeployedError(f"{environment!r} can't be an environment: its name must be {allowed}.") from error


def project_folder() -> Path:
    """The folder of main.py: the project that the current folder is in, or else the checkout that this package is in.

    :raises DeployedError: when there is none.
    """
    here = Path.cwd()
    folder = next((one for one in (here, *here.parents) if (one / "cdktf.json").is_file()), ROOT)
    if not (folder / "main.py").is_file():
        raise DeployedError(f"There is no main.py in {folder}: run this in a checkout of the project.")
    return folder


def _synth(root: Root) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=root.project,
            env=dict(root.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SYNTH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeployedError(f"The synth did not end within {_SYNTH_SECONDS} seconds.") from None
    if done.returncode:
        raise DeployedError(done.stderr.strip() or "The synth failed.")


def _flags(arguments: tuple[str, ...]) -> list[str]:
    colours = ["-no-color"] if arguments[0] in ("init", "plan", "apply", "show") else []
    return [*colours, *arguments[1:]] if arguments[0] != "state" else list(arguments[1:])


def _index(instance: Mapping[str, Any]) -> str:
    return f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""


class State(NamedTuple):
    """A state: ids by addresses, and the addresses of what Terraform takes for half made."""

    ids: Mapping[str, str]
    tainted: tuple[str, ...]


class _Lock(NamedTuple):
    id: str
    holder: str = ""
    path: str = ""
    is_of_init: bool = False


def _lock(said: str) -> _Lock | None:
    # Of a lock behind an HTTP address Terraform knows the id, and shows the rest of its own one.
    if found := re.search(r"already locked:[\s│]*ID=(\S+)", said):
        return _Lock(found[1])
    _, is_there, info = said.partition("Lock Info:")
    if not is_there:
        return None
    told = dict(re.findall(r"(?m)^[│ ]*(ID|Path|Operation|Who|Created): +(.+?)\s*$", info))
    holder = f", by {told.get('Who', 'somebody')} since {told.get('Created', 'then')}"
    return _Lock(told.get("ID", "ID"), holder, told.get("Path", ""), told.get("Operation") == "init")


def _errors(said: str) -> str:
    """What Terraform said from its first error on, without its frame."""
    lines = [line.lstrip("│╷╵ ").rstrip() for line in said.splitlines()]
    start = next((number for number, line in enumerate(lines) if line.startswith("Error:")), 0)
    kept = [line for line in lines[start:] if line]
    return "\n".join(kept[:_SHOWN_LINES])
