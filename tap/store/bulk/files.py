"""The files that import and export write: private, complete or not there, and named when something is wrong."""

from __future__ import annotations

import json
import os
import stat
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

PRIVATE = 0o600  # they hold prompts


@contextmanager
def naming(path: Path | None) -> Iterator[None]:
    """Add the file's name to an OSError: one of writing ("No space left on device") has none. A stream has no name."""
    try:
        yield
    except OSError as error:
        if path is not None and error.filename is None:
            error.filename = str(path)
        raise


def open_private(path: Path, mode: str, **options: Any) -> IO[Any]:
    """Open the file; only its owner can read a new one."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, PRIVATE), **options)


def save_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a private file in one step: a kill leaves the old one or the new one."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)  # a killed run's
    with naming(path):
        with open_private(partial, "x", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1) + "\n")
        partial.replace(path)


def mode_of(path: Path) -> int | None:
    """The file's mode; None if there is no file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def replaceable(path: Path) -> bool:
    """Whether path names a regular file or nothing: a FIFO, a device or a link (/dev/stdout) must stay."""
    return not path.is_symlink() and (path.is_file() or not path.exists())


@contextmanager
def complete(target: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name only when it is complete, with the mode of the one it replaces.

    What isn't a regular file (a FIFO, a device, a link) is written straight into: replacing it would destroy it.
    """
    if not replaceable(target):
        with _closing(target.open("wb"), target) as file:
            yield file
        return
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.partial")  # nobody else's, not another export's
    try:
        with _closing(open_private(partial, "xb"), target) as file:
            yield file
        mode = mode_of(target)
        if mode is not None:
            partial.chmod(mode)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _closing(file: BinaryIO | IO[Any], target: Path) -> Iterator[BinaryIO]:
    try:
        yield file  # type: ignore[misc]
    finally:
        with naming(target):  # what is still in its buffer may find no space
            file.close()
