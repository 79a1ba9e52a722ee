"""HOME on this machine, where npm and cdktf-cli keep their caches."""

import os
from collections.abc import Mapping
from pathlib import Path

from tap.local import ROOT

#: What `make` has for HOME where the user's own can't be written.
OWN = ROOT / ".home"


def environment(process_environment: Mapping[str, str]) -> dict[str, str]:
    """HOME in this folder where the process has none that it can write to, else nothing."""
    home = process_environment.get("HOME")
    if home and Path(home).is_dir() and os.access(home, os.W_OK | os.X_OK):
        return {}
    OWN.mkdir(exist_ok=True)
    return {"HOME": str(OWN)}
