"""Where jsii keeps the packages that it unpacks."""

import os
import tempfile
from collections.abc import Iterator, MutableMapping
from pathlib import Path

VARIABLE = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
#: Beside main.py, where `make` has HOME where the user's own can't be written.
_HERE = Path(__file__).parents[2] / ".home/.cache/aws/jsii/package-cache"


def cache_roots() -> Iterator[Path]:
    """Where jsii may keep its packages: the variable that moves it, else its default here or where there is no home."""
    if root := os.environ.get(VARIABLE):
        yield Path(root)
        return
    try:
        yield Path.home() / ".cache/aws/jsii/package-cache"
        yield Path.home() / "Library/Caches/com.amazonaws.jsii/package-cache"
    except RuntimeError:  # no home at all
        pass
    yield Path(tempfile.gettempdir()) / f"aws-jsii-package-cache-{os.getuid()}"


def require_writable(process_environment: MutableMapping[str, str]) -> None:
    """Move jsii's cache into this folder where its place can't be written: it would end in a traceback."""
    if process_environment.get(VARIABLE):
        return
    try:
        place = Path.home() / ".cache/aws/jsii/package-cache"
        while not place.exists() and place != place.parent:
            place = place.parent
        if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            return
    except (OSError, RuntimeError):  # a home below a file, or none at all
        pass
    process_environment[VARIABLE] = str(_HERE)
