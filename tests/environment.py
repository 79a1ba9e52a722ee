"""The process environment of the programs that tests start."""

import os
from pathlib import Path

from tap.local import ROOT, WORK, terraform

#: What is about the developer's own AWS, TAP or Terraform, and not about this machine.
_OWN = ("AWS_", "TAP_", "TF_VAR_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE")


def process_environment() -> dict[str, str]:
    """This process's own, without the developer's settings and without what tap.infra has left in NODE_OPTIONS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OWN) and name != "NODE_OPTIONS"}


def terraform_environment(configuration: Path = WORK / "terraform.rc") -> dict[str, str]:
    """The same with what Terraform needs; `configuration` is where its CLI configuration goes, if it needs one."""
    return process_environment() | terraform.environment(os.environ, configuration) | _plugin_cache()


def _plugin_cache() -> dict[str, str]:
    """Where there is no mirror: one download of the provider, 150 MB, and not one for each folder of the tests."""
    if terraform.find_mirror(os.environ):
        return {}
    # One for each worker, since Terraform's cache is not made for two at a time.
    cache = ROOT / ".pytest_cache/terraform" / os.environ.get("PYTEST_XDIST_WORKER", "alone")
    cache.mkdir(parents=True, exist_ok=True)
    return {"TF_PLUGIN_CACHE_DIR": str(cache), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}
