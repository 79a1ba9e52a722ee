"""`tap hcl`: an environment's stack as plain Terraform, for people who leave CDKTF."""

import os
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from tap.cli.console import fail, out, telling_errors

_SECONDS = 60


def hcl(
    environment: Annotated[str, typer.Argument(help="The environment's name in environments.toml.")],
    directory: Annotated[
        Path | None, typer.Argument(help="Where to; hcl/<stack> if it is not given.", metavar="[DIRECTORY]")
    ] = None,
) -> None:
    """Write an environment's stack as Terraform's own language, with its backend: the plan there has no changes."""
    from tap.deployed.root import synthesized
    from tap.hcl.root import files

    with telling_errors():
        root = synthesized(environment, os.environ)
        folder = directory or root.project / "hcl" / root.settings.stack_name
        made = files(_seen_from(folder, root.folder, root.document))
        if others := sorted(
            {file.name for file in folder.glob("*.tf*") if file.suffix in (".tf", ".json")} - set(made)
        ):
            fail(f"{folder} has Terraform files of its own ({', '.join(others)}): name a folder of its own for these.")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (folder / name).write_text(text)
        command = [root.variables["TERRAFORM_BINARY_NAME"], "fmt", "-list=false", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        fail(f"`terraform fmt` does not take what was written to {folder}: {done.stderr.strip()}")
    out.print(f"{root.settings.stack_name} is in {folder}: {', '.join(made)}.", markup=False, soft_wrap=True)
    out.print(f"`terraform -chdir={folder} init`, then `plan`: no changes.", markup=False, soft_wrap=True)


def _seen_from(folder: Path, of_json: Path, document: Any) -> dict[str, Any]:
    """The document with a local state's path as it is from another folder than the JSON's."""
    backend = dict(document["terraform"].get("backend", {}))
    if local := backend.get("local"):
        there = {name: os.path.relpath((of_json / path).resolve(), folder.resolve()) for name, path in local.items()}
        backend["local"] = there
    return {**document, "terraform": {**document["terraform"], "backend": backend}}
