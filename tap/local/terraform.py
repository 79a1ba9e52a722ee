"""Terraform on this machine: which binary, and where it gets the AWS provider from."""

import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tap import provider
from tap.local import WORK, LocalError

PROVIDER = f"registry.terraform.io/{provider.SOURCE}"
#: What the bindings in the Pipfile were made for; a test holds the two together.
PROVIDER_VERSION = provider.VERSION
#: Where a machine may have a mirror, directly below.
MIRROR_PARENTS = (Path("/opt"), Path("/usr/local/share"))
_CONFIGURATION = WORK / "terraform.rc"

# Terraform asks every source that may have a provider, and fails if one of them fails: hence the `exclude`.
_CONFIGURATION_TEXT = """\
provider_installation {{
  filesystem_mirror {{
    path    = "{mirror}"
    include = ["{provider}"]
  }}
  direct {{
    exclude = ["{provider}"]
  }}
}}
"""


def environment(process_environment: Mapping[str, str], configuration: Path = _CONFIGURATION) -> dict[str, str]:
    """The variables that `cdktf` and `terraform` need here, on top of the process's own.

    :raises LocalError: when there is no Terraform, or `TF_PLUGIN_MIRROR` names no mirror.
    """
    variables = {
        "CHECKPOINT_DISABLE": "1",
        "CDKTF_SKIP_PROVIDER_LOCK": "true",  # it asks the registry for the checksums of other platforms
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "TERRAFORM_BINARY_NAME": binary(process_environment),
    }
    if mirror := find_mirror(process_environment):
        _write(configuration, _CONFIGURATION_TEXT.format(mirror=mirror, provider=PROVIDER))
        variables["TF_CLI_CONFIG_FILE"] = str(configuration)
        # cdktf-cli's cache, ~/.terraform.d/plugin-cache, is not locked: two first deploys break each other. Terraform
        # also writes through its links into the mirror.
        variables["CDKTF_DISABLE_PLUGIN_CACHE_ENV"] = "1"
    return variables


def _write(file: Path, text: str) -> None:
    """Whole or not at all: another command's Terraform may be reading it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as whole:
        whole.write(text)
    Path(whole.name).replace(file)


def binary(process_environment: Mapping[str, str]) -> str:
    """`terraform` from PATH, or else the embedded one that `make setup` installs where there is none."""
    if named := process_environment.get("TERRAFORM_BINARY_NAME"):
        return named
    if found := shutil.which("terraform", path=process_environment.get("PATH")):
        return found
    embedded = Path(sys.executable).with_name("terraform")
    if embedded.is_file():
        return str(embedded)
    raise LocalError("There is no terraform on PATH and no embedded one: run `make setup`, which installs it.")


def find_mirror(process_environment: Mapping[str, str]) -> Path | None:
    """The folder that holds the provider for Terraform to take instead of asking its registry.

    None when there is none, or when Terraform finds it without our help.

    :raises LocalError: when `TF_PLUGIN_MIRROR` is set and does not hold the provider.
    """
    if named := process_environment.get("TF_PLUGIN_MIRROR"):
        if not _holds_provider(Path(named)):
            raise LocalError(
                f"TF_PLUGIN_MIRROR is {named}, which does not hold {PROVIDER} {PROVIDER_VERSION} for {_platform()};"
                " name a folder that does, or unset it."
            )
        return Path(named).absolute()
    if _has_configuration(process_environment):
        return None
    candidates = [folder for parent in MIRROR_PARENTS for folder in sorted(parent.glob("*/"))]
    return next((folder for folder in candidates if _holds_provider(folder)), None)


def _has_configuration(process_environment: Mapping[str, str]) -> bool:
    """Whether Terraform has a configuration of the user's, which may name mirrors and credentials of its own."""
    named = process_environment.get("TF_CLI_CONFIG_FILE")
    # Terraform warns of a name without a file and goes on as if it were unset.
    files = [Path(named)] if named else []
    try:
        return any(file.is_file() for file in [*files, Path.home() / ".terraformrc"])
    except (PermissionError, RuntimeError):  # root's, after `su`: Terraform can't read it either; or no home at all
        return False


def _holds_provider(folder: Path) -> bool:
    provider = folder / PROVIDER
    unpacked = provider / PROVIDER_VERSION / _platform()
    packed = provider / f"terraform-provider-aws_{PROVIDER_VERSION}_{_platform()}.zip"
    try:
        return unpacked.is_dir() or packed.is_file()
    except PermissionError:  # a folder that is not ours to read
        return False


def _platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}_{machine}"
