"""A checkout of its own for a test that runs cdktf: main.py with another environments.toml."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tap.local import ROOT

CDKTF = ROOT / "node_modules/.bin/cdktf"


@dataclass(frozen=True)
class Checkout:
    """A folder with the project's entry points, and the variables to run them with."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run it there to the end; output and errors come together."""
        process = self.start(*command)
        said, _ = process.communicate(timeout=300)
        return subprocess.CompletedProcess(command, process.returncode, said)

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start it there."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def cdktf(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run cdktf-cli there."""
        return self.run(*self.cdktf_command(*arguments))

    def cdktf_command(self, *arguments: str) -> list[str]:
        """The command line for that."""
        return [str(CDKTF), arguments[0], "--app", f"{sys.executable} main.py", *arguments[1:]]


def checkout(folder: Path, environments_toml: str, environment: dict[str, str]) -> Checkout:
    """Lay out main.py, cdktf.json and these environments in the folder; the package itself is the one under test."""
    for name in ("main.py", "cdktf.json"):
        shutil.copy(ROOT / name, folder)
    (folder / "environments.toml").write_text(environments_toml)
    path = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
    return Checkout(folder, environment | {"PYTHONPATH": path})


def tap(*arguments: str) -> list[str]:
    """The command line of the package under test."""
    return [sys.executable, "-m", "tap", *arguments]
