"""Node.js on this machine, which jsii and cdktf-cli run on."""

import shutil
from collections.abc import Mapping

from tap.local import LocalError


def require(process_environment: Mapping[str, str]) -> None:
    """Return if there is a Node; jsii takes the one that JSII_NODE names.

    :raises LocalError: when there is none: jsii would end in a traceback.
    """
    name = process_environment.get("JSII_NODE") or "node"
    if shutil.which(name, path=process_environment.get("PATH")) is None:
        raise LocalError(f"There is no {name} on PATH; install Node.js 20 or later, which CDKTF runs on.")
