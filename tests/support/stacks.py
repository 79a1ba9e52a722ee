"""One deployed stack in a test: the real Terraform on the synthesized JSON."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tap.settings import Settings
from tests.support.endpoints import Endpoint
from tests.support.synthesis import synthesize


@dataclass(frozen=True)
class Change:
    """One line of a plan."""

    address: str
    action: str


@dataclass(frozen=True)
class Stack:
    """A stack's folder under cdktf.out, and the endpoint it is deployed to."""

    settings: Settings
    folder: Path
    endpoint: Endpoint

    def terraform(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run one Terraform command; a failure shows all it said."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.endpoint.attached,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"terraform {' '.join(arguments)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            )
        return done

    def command(self, *arguments: str) -> list[str]:
        """The command line for that."""
        return [self.endpoint.environment["TERRAFORM_BINARY_NAME"], f"-chdir={self.folder}", *arguments]

    def init(self) -> None:
        subprocess.run(
            self.command("init", "-input=false", "-no-color"),
            env=self.endpoint.environment,
            capture_output=True,
            check=True,
        )

    def apply(self, **variables: str) -> list[Change]:
        """Apply, and return what the plan before it held."""
        done = self.terraform("apply", "-auto-approve", "-input=false", "-json", *_flags(variables))
        return _changes(done.stdout)

    def plan(self, **variables: str) -> list[Change]:
        """What a plan would change now: nothing, after an apply with the same variables."""
        done = self.terraform("plan", "-input=false", "-json", "-detailed-exitcode", *_flags(variables), check=False)
        changes = _changes(done.stdout)
        if done.returncode not in (0, 2) or (done.returncode == 2) != bool(changes):
            raise AssertionError(f"terraform plan failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return changes

    def destroy(self, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return self.terraform("destroy", "-auto-approve", "-input=false", "-no-color", check=check)

    def outputs(self) -> dict[str, str]:
        values = json.loads(self.terraform("output", "-json").stdout)
        return {name: output["value"] for name, output in values.items()}

    def addresses(self) -> set[str]:
        """The resources in the state, without the data sources."""
        listed = self.terraform("state", "list", check=False).stdout.split()
        return {address for address in listed if not address.startswith("data.")}


def stacks(environments: Sequence[Settings], checkout: Path, endpoint: Endpoint) -> list[Stack]:
    """Synthesize the environments into `checkout`/cdktf.out, where their states will stand as well, and initialise."""
    synthesize(environments, checkout / "cdktf.out")
    made = [Stack(settings, checkout / "cdktf.out/stacks" / settings.stack_name, endpoint) for settings in environments]
    for stack in made:
        stack.init()
    return made


def _flags(variables: dict[str, str]) -> list[str]:
    return [f"-var={name}={value}" for name, value in variables.items()]


def _changes(log: str) -> list[Change]:
    events: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [
        Change(event["change"]["resource"]["addr"], event["change"]["action"])
        for event in events
        if event["type"] == "planned_change"
    ]
