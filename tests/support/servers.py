"""Embedded AWS servers of the tests' own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tap.local import embedded


@contextmanager
def embedded_aws(folder: Path) -> Iterator[embedded.Server]:
    """A server whose record and log are in that folder, gone at the end."""
    record = folder / "embedded.json"
    with _unmeasured():
        server = embedded.up(record=record, log=folder / "embedded.log")
    try:
        yield server
    finally:
        embedded.down(record)


@contextmanager
def _unmeasured() -> Iterator[None]:
    """Without coverage in the server, whose every line it would trace: a third of the time of all store tests."""
    measuring = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COVERAGE_")}
    try:
        yield
    finally:
        os.environ.update(measuring)
