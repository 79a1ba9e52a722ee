"""Load a class of the provider bindings when it is used: call `use_lazy_bindings` before the first import of cdktf.

As shipped, one import from `cdktf_cdktf_provider_aws` runs 2,200 Python modules and makes jsii's Node process load as
many classes: 14 s and 580 MB for each synth (hashicorp/terraform-cdk#3753). Both halves are put right here, for every
`cdktf_cdktf_provider_*` and `cdktn_provider_*` package, and the JSON stays the same byte for byte.
"""

import os
import sys
import warnings
from collections.abc import MutableMapping, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from tap.synth.framework import CDKTF, CDKTN

#: Set it to anything but an empty string to load the bindings as they are shipped.
SWITCH = "TAP_EAGER_BINDINGS"
HOOK = Path(__file__).with_name("lazy_bindings.cjs")


def use_lazy_bindings(process_environment: MutableMapping[str, str] = os.environ) -> bool:
    """Make `from cdktf_cdktf_provider_aws.kms_key import KmsKey` load that one class; True when it will.

    A package without the layout that this relies on is imported as shipped, with one warning. The same holds for Node
    when cdktf was imported before, since that starts jsii's Node process.
    """
    if process_environment.get(SWITCH):
        return False
    if any(isinstance(finder, _LazyProviders) for finder in sys.meta_path):
        return True
    sys.meta_path.insert(0, _LazyProviders())
    if "constructs" in sys.modules:
        warnings.warn(
            "cdktf was imported before tap.synth, too late to tell Node: the synth works but is slow", stacklevel=2
        )
        return False
    _require_hook(process_environment)
    return True


class _LazyProviders(MetaPathFinder):
    """Finds the provider packages as Python does, but for the loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith((CDKTF[1], CDKTN[1])) or "." in fullname:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        if not Path(spec.origin).with_name("_jsii").is_dir():
            warnings.warn(f"{fullname} does not look like cdktf bindings: it is imported whole", stacklevel=2)
            return None
        spec.loader = _LazyPackage(fullname, spec.origin)
        return spec


class _LazyPackage(SourceFileLoader):
    """Leaves out the package's `__init__`, which does nothing but import every module of the package."""

    def exec_module(self, module: ModuleType) -> None:
        package = module.__name__

        def load(name: str) -> Any:
            modules = [found.name for found in iter_modules(module.__path__)]
            if name == "__all__":
                return [public for public in modules if not public.startswith("_")]
            if name not in modules:
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            return import_module(f"{package}.{name}")

        # Python asks it for what the module lacks (PEP 562): `from cdktf_cdktf_provider_aws import kms_key`.
        vars(module)["__getattr__"] = load


def _require_hook(process_environment: MutableMapping[str, str]) -> None:
    # Node splits NODE_OPTIONS at spaces, but for those inside double quotes.
    quoted = str(HOOK).replace("\\", "\\\\").replace('"', '\\"')
    option = f'--require "{quoted}"'
    options = process_environment.get("NODE_OPTIONS", "")
    if option not in options:
        process_environment["NODE_OPTIONS"] = f"{options} {option}".strip()
