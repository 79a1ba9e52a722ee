"""Copies of the checkout for the documents' commands, which are run there as a person runs them."""

import shutil
import subprocess
from pathlib import Path

from tap.local import ROOT
from tests.support.environment import process_environment


def copy_of_checkout(folder: Path) -> Path:
    """The checkout as git has it, changes included, with an environment of its own on the installed packages."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)  # with its time: `make setup` has nothing to do
    for name in ("node_modules", ".venv-pipenv"):
        (folder / name).symlink_to(ROOT / name)
    _environment(folder / ".venv")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def _environment(copy: Path) -> None:
    """A virtual environment that has the packages of this checkout's, but the copy's own `tap`."""
    installed = (ROOT / ".venv").resolve()
    (copy / "bin").mkdir(parents=True)
    for program in (installed / "bin").iterdir():
        (copy / "bin" / program.name).symlink_to(program)
    for name in ("tap", "activate"):
        text = (installed / "bin" / name).read_text()
        (copy / "bin" / name).unlink()
        (copy / "bin" / name).write_text(text.replace(str(installed), str(copy)))
        (copy / "bin" / name).chmod(0o755)
    (copy / "lib").symlink_to(installed / "lib")
    for file in ("pyvenv.cfg", ".ready", ".ready-dev"):
        shutil.copy2(installed / file, copy / file)
    configuration = copy / "pyvenv.cfg"
    configuration.write_text(configuration.read_text().replace(str(installed), str(copy)))
    shutil.copystat(installed / "pyvenv.cfg", configuration)


def run(checkout: Path, session: str, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """One session of a shell that ends with its first failure; output and errors come together."""
    return subprocess.run(
        ["bash", "-e", "-x", "-o", "pipefail", "-c", session],
        cwd=checkout,
        env=environment or process_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
