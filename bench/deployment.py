"""A stack that is deployed already, to an embedded AWS of its own, for timing a deploy that changes nothing."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Command, run
from tap.local import ROOT, embedded, terraform

STACK = "TapStackdev"


@dataclass(frozen=True)
class Deployed:
    """The two commands that find nothing to change, and the variables they need."""

    deploy: tuple[str, ...]
    apply: tuple[str, ...]
    environment: dict[str, str]


@contextmanager
def deployed(folder: Path, environment: Mapping[str, str]) -> Iterator[Deployed]:
    """Deploy the stack; its state and all it is made of end with the context."""
    record = folder / "embedded.json"
    server = embedded.up(record=record, log=folder / "embedded.log")
    try:
        ours = {
            **environment,
            **embedded.client_environment(server, "us-east-1", os.environ),
            **terraform.environment(os.environ, folder / "terraform.rc"),
            "CI": "1",
        }
        out = folder / "cdktf.out"
        cdktf = str(ROOT / "node_modules/.bin/cdktf")
        made = Deployed(
            (cdktf, "deploy", STACK, "--auto-approve", "--output", str(out)),
            (ours["TERRAFORM_BINARY_NAME"], f"-chdir={out}/stacks/{STACK}", "apply", "-auto-approve", "-input=false"),
            ours,
        )
        run(Command("first deploy", made.deploy, ROOT, ours))
        yield made
    finally:
        embedded.down(record)
