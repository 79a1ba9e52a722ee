"""The genuine provider as one process for many Terraform runs: half of a run's time is its start.

https://developer.hashicorp.com/terraform/plugin/debugging: a provider that is started with -debug tells the variable
by which Terraform finds it. The tests of interrupted runs, the demo and the documents' commands start their own.
"""

import atexit
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.environment import PROVIDERS

VARIABLE = "TF_REATTACH_PROVIDERS"
_SECONDS = 60


def start(environment: Mapping[str, str]) -> str:
    """Start the provider with that environment; what VARIABLE must be. It ends with the tests."""
    with tempfile.TemporaryDirectory(prefix="tap-provider-") as folder:
        Path(folder, "main.tf.json").write_text(json.dumps(PROVIDERS))
        init = [environment["TERRAFORM_BINARY_NAME"], "init", "-input=false"]
        subprocess.run(init, cwd=folder, env=dict(environment), stdout=subprocess.DEVNULL, check=True)
        # "**" follows no links.
        (found,) = Path(folder).glob(".terraform/providers/*/*/*/*/*/terraform-provider-aws_*")
        binary = found.resolve()
    with tempfile.NamedTemporaryFile(prefix="tap-provider-") as output:
        process = subprocess.Popen(
            [binary, "-debug"], env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        atexit.register(_end, process)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if said := re.search(rf"{VARIABLE}='(.*)'", Path(output.name).read_text()):
                return said[1]
            time.sleep(0.05)
        raise AssertionError(f"the provider did not start: {Path(output.name).read_text()}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()
