"""A worker's loop on a real endpoint and the machine's clock: what becomes of a prompt, whatever its handler does."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from tap.store import Claim, ClientSettings, Failed, InvalidPrompt, PromptStore, TableNotFound, WorkReport


def test_each_prompt_is_completed_with_what_the_handler_returns(live: PromptStore) -> None:
    ids = [live.create(f"text {number}", "type").id for number in range(12)]
    report = live.work(lambda claim: {"said": claim.prompt.prompt_text}, "w1", drain=True, concurrency=3)
    assert report == WorkReport(completed=12)
    assert [live.get(one).result for one in ids] == [{"said": f"text {number}"} for number in range(12)]


def test_a_handler_that_raises_gives_the_prompt_back_until_its_attempts_are_used_up(live: PromptStore) -> None:
    prompt = live.create("text", "type", max_attempts=3)

    def handler(_: Claim) -> None:
        raise OSError("no such model")

    assert live.work(handler, "w1", drain=True) == WorkReport(released=2, failed=1)
    found = live.get(prompt.id)
    assert (found.status, found.attempts, found.result) == ("failed", 3, {"error": "OSError: no such model"})


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Failed({"why": "not English"}), {"why": "not English"}),
        (Failed(None), None),
        (object(), "which JSON does not have"),
        ("x" * 500_000, "DynamoDB takes 409,600"),
    ],
)
def test_what_no_other_attempt_would_mend_fails_at_once(live: PromptStore, answer: object, result: Any) -> None:
    prompt = live.create("text", "type")

    def handler(_: Claim) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert live.work(handler, "w1", drain=True) == WorkReport(failed=1)
    found = live.get(prompt.id)
    assert (found.status, found.attempts) == ("failed", 1)
    assert found.result == result or result in found.result["error"]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="only POSIX sends a signal to a thread")
def test_a_signal_that_came_to_another_thread_stops_it_too(live: PromptStore) -> None:
    """Python runs signal handlers in the main thread, which nothing woke from its wait: the worker never ended."""
    live.create("text", "type")

    def handler(_: Claim) -> None:
        time.sleep(0.5)  # until the main thread waits
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    stop = threading.Event()
    too_late = threading.Timer(20, stop.set)
    too_late.start()
    try:
        assert live.work(handler, "w1", stop=stop) == WorkReport(completed=1)
        assert too_late.is_alive()
    finally:
        too_late.cancel()


def test_the_lease_is_extended_while_the_handler_runs(live: PromptStore, table: str, settings: ClientSettings) -> None:
    """Another worker would take it after three seconds, and that is how late an extension may be."""
    live.create("text", "type")
    others: list[object] = []

    def handler(_: Claim) -> str:
        with PromptStore(table, settings, skew=timedelta(seconds=2)) as other:
            for _step in range(10):
                time.sleep(0.5)
                others.append(other.claim("w2"))
        return "done"

    assert live.work(handler, "w1", lease=timedelta(seconds=1), once=True) == WorkReport(completed=1)
    assert [bool(one) for one in others] == [False] * 10


def test_a_prompt_that_somebody_else_finished_is_counted_as_lost(live: PromptStore) -> None:
    prompt = live.create("text", "type")

    def handler(claim: Claim) -> str:
        live.update_status(claim.id, "completed", "by hand")
        return "late"

    assert live.work(handler, "w1", drain=True) == WorkReport(lost=1)
    assert live.get(prompt.id).result == "by hand"


def test_with_nothing_to_do_it_looks_less_and_less_often(live: PromptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0)
            if len(pauses) == 9:
                self.set()
            return self.is_set()

    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    assert live.work(lambda _: None, "w1", stop=Stop()) == WorkReport()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_signal_lets_it_finish_what_it_holds_and_take_no_more(live: PromptStore) -> None:
    first, second = live.create("text", "type", "high"), live.create("text", "type", "low")

    def handler(_: Claim) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.5)
        return "done"

    before = signal.getsignal(signal.SIGTERM)
    stop = threading.Event()
    too_late = threading.Timer(10, stop.set)  # or a worker that took no notice would go on for ever
    too_late.start()
    assert live.work(handler, "w1", stop=stop) == WorkReport(completed=1)
    too_late.cancel()
    assert signal.getsignal(signal.SIGTERM) == before
    assert (live.get(first.id).status, live.get(second.id).status) == ("completed", "pending")


def test_what_no_waiting_would_mend_ends_all_threads(settings: ClientSettings) -> None:
    with PromptStore("no-such-table", settings) as store, pytest.raises(TableNotFound):
        store.work(lambda _: None, "w1", concurrency=2)
    with pytest.raises(InvalidPrompt, match="concurrency"):
        PromptStore("any", settings).work(lambda _: None, "w1", concurrency=0)
