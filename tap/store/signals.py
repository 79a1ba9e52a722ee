"""Signals that a block handles in its own way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, so that what is under way is finished; a second one ends the program at once."""

    def end(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    with handled(("SIGTERM", "SIGINT"), end):
        yield


@contextmanager
def handled(names: tuple[str, ...], handler: Callable[[int, object], None]) -> Iterator[None]:
    """Have `handler` called for these signals in the block, where the platform has them and nobody ignores them.

    Only the main thread may ask for signals: elsewhere nothing changes.
    """
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    before = {number: signal.getsignal(number) for number in numbers}
    for number, old in before.items():
        if old is not signal.SIG_IGN:  # nohup's stay ignored
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
