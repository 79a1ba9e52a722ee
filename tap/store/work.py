"""A worker's loop: claim, run a handler, extend the lease while it runs, finish the prompt, look for the next one.

A handler that raises gives the prompt back, for another attempt, and fails it when that was the last one. A worker that
is killed loses its lease and never the prompt.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tap.store.answers import AllLeased, Claim
from tap.store.errors import InvalidPrompt, PromptConflict, PromptNotFound, StoreUnavailable, Throttled
from tap.store.items import REASON_BYTES
from tap.store.signals import stopped_by_signals

if TYPE_CHECKING:
    from tap.store.claims import Claiming
    from tap.store.table import Clock

Handler = Callable[[Claim], Any]

#: Seconds between two looks while there is nothing to do: the first pause, and the longest, each with jitter.
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
#: Extensions in the time of one lease: two may be lost before it runs out.
_EXTENSIONS: Final = 3
#: Tries to finish a prompt when no answer comes; botocore has made several for each.
_TRIES: Final = 3
#: Python handles a signal in the main thread, and not while that waits for a lock: one that came to another thread, or
#: just before the wait, is seen when the wait ends.
_LOOK_SECONDS: Final = 1.0
_PASSING: Final = (StoreUnavailable, Throttled)
_log = logging.getLogger("tap.store")


class Failed(Exception):  # noqa: N818 -- what the prompt has
    """Raised by a handler: the prompt has failed for good, and `result` (any JSON) says why."""

    def __init__(self, result: Any) -> None:
        super().__init__(result)
        self.result = result


@dataclass(frozen=True)
class WorkReport:
    """What became of the prompts that a worker took; `lost` ones went to another worker, or were finished by hand."""

    completed: int = 0
    failed: int = 0
    released: int = 0
    lost: int = 0


@dataclass
class Loop:
    """One worker, with `concurrency` prompts at a time."""

    store: Claiming
    handler: Handler
    worker: str
    lease: timedelta
    task_type: str | None
    concurrency: int
    drain: bool
    once: bool
    stop: threading.Event
    now: Clock
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> WorkReport:
        """See PromptStore.work."""
        threads = 1 if self.once else self.concurrency
        with stopped_by_signals(self.stop), ThreadPoolExecutor(threads, "tap-work") as pool:
            running = [pool.submit(self._work) for _ in range(threads)]
            pending = set(running)
            while pending:
                done, pending = wait(pending, _LOOK_SECONDS, FIRST_EXCEPTION)
                if any(one.exception() for one in done):
                    self.stop.set()  # the others finish what they hold
        for one in running:
            one.result()
        return WorkReport(**self._counts)

    def _work(self) -> None:
        pause = FIRST_PAUSE
        while not self.stop.is_set():
            until = None
            try:
                found = self.store.claim(self.worker, lease=self.lease, task_type=self.task_type)
            except _PASSING as error:
                _log.warning("%s", error)
            else:
                if isinstance(found, Claim):
                    self._count(self._handle(found))
                    pause = FIRST_PAUSE
                    if self.once:
                        return
                    continue
                if self.drain or self.once:
                    return
                until = found.until if isinstance(found, AllLeased) else None
            jittered = pause * random.uniform(0.5, 1)  # noqa: S311 -- it spreads load, it guards nothing
            if until is not None:
                jittered = min(jittered, max((until - self.now()).total_seconds(), 0.1))
            self.stop.wait(jittered)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _handle(self, claim: Claim) -> str:
        with self._kept(claim):
            try:
                result = self.handler(claim)
            except Failed as failed:
                return self._fail(claim, failed.result)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the worker goes on
                _log.warning("Prompt %r, attempt %d: %s", claim.id, claim.attempt, error)
                if claim.attempt < claim.prompt.max_attempts:
                    return self._finish(claim, "released", lambda: self.store.release(claim))
                return self._fail(claim, _reason(error))
            try:
                return self._finish(claim, "completed", lambda: self.store.complete(claim, result))
            except InvalidPrompt as error:  # another attempt would end in the same
                return self._fail(claim, _reason(error))

    def _fail(self, claim: Claim, reason: Any) -> str:
        return self._finish(claim, "failed", lambda: self.store.fail(claim, reason))

    def _finish(self, claim: Claim, outcome: str, finish: Callable[[], object]) -> str:
        for tries_left in reversed(range(_TRIES)):
            try:
                finish()
            except (PromptConflict, PromptNotFound) as error:
                _log.warning("%s", error)
                return "lost"
            except _PASSING as error:
                _log.warning("%s", error)
                if not tries_left:
                    return "lost"  # its lease runs out, and another worker gets it
                self.stop.wait(FIRST_PAUSE)
            else:
                return outcome
        raise AssertionError(claim)

    @contextmanager
    def _kept(self, claim: Claim) -> Iterator[None]:
        """Extend the lease until the end of the block."""
        done = threading.Event()

        def keep() -> None:
            while not done.wait(self.lease.total_seconds() / _EXTENSIONS):
                try:
                    self.store.extend(claim, lease=self.lease)
                except _PASSING as error:
                    _log.warning("%s", error)
                except (PromptConflict, PromptNotFound):
                    return  # whoever finishes it is told

        keeper = threading.Thread(target=keep, name="tap-lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _count(self, outcome: str) -> None:
        with self._lock:
            self._counts[outcome] += 1


def _reason(error: Exception) -> dict[str, str]:
    text = f"{type(error).__name__}: {error}"
    return {"error": text.encode()[: REASON_BYTES - 100].decode(errors="ignore")}
