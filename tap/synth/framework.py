"""Which framework writes the JSON: cdktf, or its community's fork cdktn where cdktf isn't installed.

The code says `cdktf` and `cdktf_cdktf_provider_aws` everywhere; here, and nowhere else, that becomes what is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Final

#: What packages are called in each: the framework, what its bindings' names begin with in Python and in npm.
CDKTF: Final = ("cdktf", "cdktf_cdktf_provider_", "@cdktf/provider-")
CDKTN: Final = ("cdktn", "cdktn_provider_", "@cdktn/provider-")


def installed() -> tuple[str, str, str]:
    """The names of the framework that is installed, cdktf if both are."""
    return CDKTN if find_spec(CDKTF[0]) is None and find_spec(CDKTN[0]) is not None else CDKTF


def use_installed() -> None:
    """Have `import cdktf` find what is installed."""
    if installed() is CDKTN and not any(isinstance(finder, _Aliases) for finder in sys.meta_path):
        sys.meta_path.append(_Aliases())


class _Aliases(MetaPathFinder):
    """Finds cdktf's modules, which nothing else has found, as cdktn's."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        package, dot, rest = fullname.partition(".")
        if package == CDKTF[0]:
            name = CDKTN[0]
        elif package.startswith(CDKTF[1]):
            name = CDKTN[1] + package.removeprefix(CDKTF[1])
        else:
            return None
        return ModuleSpec(fullname, _Alias(f"{name}{dot}{rest}"), is_package=not dot)


class _Alias(Loader):
    """Loads a module under another name: the module itself, so that a class is the same by both names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        module = import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # importlib has put the alias's in its place
