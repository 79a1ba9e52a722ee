"""The process environment of the programs that tests start."""

import fcntl
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tap.local import ROOT, WORK, terraform

#: What is about the developer's own AWS, TAP or Terraform, and not about this machine.
_OWN = ("AWS_", "TAP_", "TF_VAR_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE")
#: What a folder's `terraform init` needs to know.
PROVIDERS = {"terraform": {"required_providers": {"aws": {"source": "aws", "version": terraform.PROVIDER_VERSION}}}}


def process_environment() -> dict[str, str]:
    """This process's own, without the developer's settings and without what tap.synth has left in NODE_OPTIONS."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_OWN) and name != "NODE_OPTIONS"}
    return {
        # Terraform spends a fifth of its time on collecting garbage that goes with it a second later.
        "GOGC": "400",
        **ours,
        # As for `npx`: a Node is there where the machine's own is none for cdktf-cli.
        "PATH": os.pathsep.join([str(ROOT / "node_modules/.bin"), os.environ["PATH"]]),
    }


def terraform_environment(configuration: Path = WORK / "terraform.rc") -> dict[str, str]:
    """The same with what Terraform needs; `configuration` is where its CLI configuration goes."""
    environment = process_environment()
    if not terraform.find_mirror(environment):
        environment["TF_PLUGIN_MIRROR"] = str(_downloaded(environment))
    return environment | terraform.environment(environment, configuration)


def _downloaded(environment: Mapping[str, str]) -> Path:
    """A mirror for a machine without one: 150 MB once, and not for each folder of the tests."""
    mirror = ROOT / ".pytest_cache/terraform"
    mirror.mkdir(parents=True, exist_ok=True)
    with (mirror / "lock").open("w") as lock, tempfile.TemporaryDirectory() as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers come all at once
        if not (mirror / terraform.PROVIDER / terraform.PROVIDER_VERSION).exists():
            Path(folder, "main.tf.json").write_text(json.dumps(PROVIDERS))
            subprocess.run(
                [terraform.binary(environment), "init", "-input=false"],
                cwd=folder,
                env={**environment, "TF_PLUGIN_CACHE_DIR": str(mirror)},
                stdout=subprocess.DEVNULL,
                check=True,
            )
    return mirror
