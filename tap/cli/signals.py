"""Ending well when somebody else ends the program."""

from __future__ import annotations

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
