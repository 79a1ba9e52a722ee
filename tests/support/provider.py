"""The genuine provider as one process for many Terraform runs: half of a run's time is its start.

https://developer.hashicorp.com/terraform/plugin/debugging: a provider that is started with -debug tells the variable
by which Terraform finds it. `cdktf` and the tests of interrupted runs start their own, as users do.
"""

import atexit
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "TF_REATTACH_PROVIDERS"
_SECONDS = 60


def start(initialised: Path, environment: Mapping[str, str]) -> str:
    """Start the provider of a folder in which `terraform init` was run, with that environment; what VARIABLE must be.

    It ends with the tests.
    """
    (binary,) = initialised.glob(".terraform/providers/*/*/*/*/*/terraform-provider-aws_*")  # "**" follows no links
    with tempfile.NamedTemporaryFile(prefix="tap-provider-") as output:
        process = subprocess.Popen(
            [binary, "-debug"], env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        atexit.register(_end, process)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if found := re.search(rf"{VARIABLE}='(.*)'", Path(output.name).read_text()):
                return found[1]
            time.sleep(0.05)
        raise AssertionError(f"the provider did not start: {Path(output.name).read_text()}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()
