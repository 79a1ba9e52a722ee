"""`tap hcl` and `tap module`: the stack as plain Terraform, for people who leave CDKTF."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tap.cli.console import fail, out, telling_errors

_SECONDS = 120


def hcl(
    environment: Annotated[str, typer.Argument(help="The environment's name in environments.toml.")],
    directory: Annotated[
        Path | None, typer.Argument(help="Where to; hcl/<stack> if it is not given.", metavar="DIRECTORY")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that were changed.", metavar="")] = False,
) -> None:
    """Write an environment's stack as Terraform's own language, with its backend: the plan there has no changes."""
    from tap.deployed.root import synthesized
    from tap.hcl.root import files

    with telling_errors():
        root = synthesized(environment, os.environ)
        folder = directory or root.project / "hcl" / root.settings.stack_name
        made = files(_seen_from(folder, root.folder, root.document))
        _write(folder, made, root.variables, force=force)
    out.print(f"{root.settings.stack_name} is in {folder}: {', '.join(made)}.", markup=False, soft_wrap=True)
    chdir = shlex.quote(f"-chdir={folder}")
    out.print(f"`terraform {chdir} init`, then `plan`: what is deployed has no changes.", markup=False, soft_wrap=True)


def module(
    directory: Annotated[Path, typer.Argument(help="Where to.")],
    moved_from: Annotated[
        str | None,
        typer.Option(help="Also write DIRECTORY/<stack>, a root that takes this stack's state over.", metavar="STACK"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that were changed.", metavar="")] = False,
) -> None:
    """Write the stack as a Terraform module, with the settings as variables."""
    from tap.deployed.root import synthesized
    from tap.hcl.module import module_files, root_files
    from tap.local import terraform

    with telling_errors():
        variables = {**os.environ, **terraform.environment(os.environ)}
        made = module_files(_module_document())
        _write(directory, made, variables, force=force)
        if moved_from:
            root = synthesized(moved_from.removeprefix("TapStack"), os.environ)
            folder = directory / root.settings.stack_name
            of_root = root_files(root.settings, _seen_from(folder, root.folder, root.document), "../")
            _write(folder, of_root, variables, force=force)
    out.print(f"The module is in {directory}: {', '.join(made)}.", markup=False, soft_wrap=True)
    if moved_from:
        out.print(
            f"{folder} has the state of {moved_from}: `terraform -chdir={folder} init`, then `plan`: it moves"
            " everything, and adds, changes and destroys nothing.",
            markup=False,
            soft_wrap=True,
        )


def _module_document() -> dict[str, Any]:
    """From a process of its own: the stack's code is not loaded with the commands."""
    command = [sys.executable, "-m", "tap.infra.module"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        fail(f"The module can't be put together: {done.stderr.strip()}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _write(folder: Path, texts: Mapping[str, str], variables: Mapping[str, str], *, force: bool) -> None:
    """Write the files, spaced by `terraform fmt`: all or none, and over nobody's work."""
    with tempfile.TemporaryDirectory() as made:
        for name, text in texts.items():
            (Path(made) / name).write_text(text)
        command = [variables["TERRAFORM_BINARY_NAME"], "fmt", "-no-color", "-list=false", made]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode:
            fail(f"`terraform fmt` does not take what was made: {done.stderr.strip()}")
        spaced = {name: (Path(made) / name).read_bytes() for name in texts}
    there = {file.name for file in folder.glob("*.tf*") if file.suffix in (".tf", ".json")}
    if others := sorted(there - set(texts)):
        fail(f"{folder} has Terraform files of its own ({', '.join(others)}): name a folder of its own for these.")
    changed = [name for name in texts if (folder / name).exists() and (folder / name).read_bytes() != spaced[name]]
    if changed and not force:
        fail(f"{folder} has another {' and another '.join(changed)}: name another folder, or overwrite it by --force.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in spaced.items():
        (folder / name).write_bytes(content)


def _seen_from(folder: Path, of_json: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with a local state's path as it is from another folder than the JSON's."""
    backend = dict(document["terraform"].get("backend", {}))
    if local := backend.get("local"):
        backend["local"] = {
            name: os.path.relpath((of_json / path).resolve(), folder.resolve()) for name, path in local.items()
        }
    return {**document, "terraform": {**document["terraform"], "backend": backend}}
