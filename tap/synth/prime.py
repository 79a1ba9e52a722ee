"""`python -m tap.synth.prime`: fill jsii's runtime cache, so that a user's first synth is not the slow one.

jsii unpacks a bindings package into a cache and has a background worker write an index of its 17,000 types beside it.
The worker ends with the process, and a synth that loads lazily is over before it is done: without this, each synth
would parse the package's 120 MB description again (3 to 8 s, 1.1 GB) and never get to keep the result.

And it compiles this project: with PYTHONDONTWRITEBYTECODE set, as in many containers, Python keeps no byte code itself
and compiles all of `tap` for each synth, 0.1 s.
"""

import compileall
import os
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from tap.synth import cache
from tap.synth.bindings import use_lazy_bindings
from tap.synth.framework import installed

PATIENCE_SECONDS = 120


def is_primed(npm_name: str, version_: str) -> bool:
    """Whether the index of this version of the AWS bindings is in the cache."""
    indices = f"{npm_name}/{version_}/*/.jsii.runtime.v*.json"
    return any(next(root.glob(indices), None) for root in cache.cache_roots())


def prime() -> str:
    """Load the bindings and stay until jsii has written their index; what went wrong, or nothing."""
    compileall.compile_dir(Path(__file__).parents[1], quiet=2)
    if os.environ.get("JSII_RUNTIME_PACKAGE_CACHE", "enabled").lower() != "enabled":
        return "JSII_RUNTIME_PACKAGE_CACHE switches jsii's cache off"
    cache.require_writable(os.environ)
    _, prefix, npm_prefix = installed()
    package, npm_name = f"{prefix}aws", f"{npm_prefix}aws"
    wanted = version(package.replace("_", "-"))
    if is_primed(npm_name, wanted):
        return ""
    use_lazy_bindings()
    # The first class makes jsii unpack the package and start the worker.
    import_module(f"{package}.kms_key")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if is_primed(npm_name, wanted):
            return ""
        time.sleep(0.2)
    return f"jsii wrote no index of the AWS bindings in {PATIENCE_SECONDS} s"


if __name__ == "__main__" and (complaint := prime()):
    sys.stderr.write(f"warning: {complaint}, so each synth takes some seconds more\n")
