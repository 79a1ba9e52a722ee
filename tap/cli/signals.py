"""Ending well when somebody else ends the program, or what it writes to."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tap.store.signals import handled


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the program through all that cleans up, with 128 + their number; a second one at once."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        sys.exit(128 + number)

    with handled(("SIGTERM", "SIGHUP"), end):
        yield


def stop_printing() -> None:
    """Let Python's own flush at the end of the process succeed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
