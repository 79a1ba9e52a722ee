"""`tap prompts work`: a program as the handler of a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from typing import Any, Final

from tap.store import Claim, Failed
from tap.store.fields import prompt_fields
from tap.store.values import without_doubles

#: sysexits' EX_DATAERR: the input is at fault, so another attempt would end in the same.
FOR_GOOD: Final = os.EX_DATAERR
_LOOK_SECONDS: Final = 0.2
_LAST_SECONDS: Final = 5.0
_SHOWN: Final = 500


class CommandError(Exception):
    """The program did not do its work; another attempt may."""


class Command:
    """Runs a program for each prompt: the prompt as JSON on standard input, the result as JSON from standard output."""

    def __init__(self, arguments: list[str], stop: threading.Event, grace: float) -> None:
        self._arguments = arguments
        self._stop = stop
        self._grace = grace

    def __call__(self, claim: Claim) -> Any:
        """The result; CommandError for another attempt, Failed for the exit status 65."""
        fields = prompt_fields(claim.prompt) | {"attempt": claim.attempt}
        # A group of its own: Ctrl-C is for the worker, which lets the program finish.
        process = subprocess.Popen(
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        said, errors = self._to_the_end(process, json.dumps(fields, ensure_ascii=False))
        told = errors.strip()[-_SHOWN:]
        if process.returncode == FOR_GOOD:
            raise Failed({"error": told or f"exit status {FOR_GOOD}"})
        if process.returncode < 0:
            raise CommandError(f"ended by {signal.Signals(-process.returncode).name}")
        if process.returncode:
            raise CommandError(f"exit status {process.returncode}: {told}")
        if not said.strip():
            return None
        try:
            return json.loads(said, object_pairs_hook=without_doubles)
        except ValueError as error:
            raise CommandError(f"its output is not JSON: {error}") from error

    def _to_the_end(self, process: subprocess.Popen[str], given: str) -> tuple[str, str]:
        """Until it ends by itself or, after the worker was told to stop, until its grace is over."""
        text: str | None = given
        left = self._grace
        while True:
            try:
                return process.communicate(text, timeout=_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                text = None
                left -= _LOOK_SECONDS * self._stop.is_set()
            if left <= 0:
                return self._ended(process)

    def _ended(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            return process.communicate(timeout=_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.communicate()
