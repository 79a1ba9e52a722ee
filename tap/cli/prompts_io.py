"""How `tap prompts` opens the store, shows prompts and ends."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tap.cli.signals import ended_by_signals, stop_printing
from tap.store import (
    ClientSettings,
    InvalidPrompt,
    PromptConflict,
    PromptNotFound,
    PromptStore,
    StoreError,
    StoreMisconfigured,
)
from tap.store.changes import Change
from tap.store.fields import prompt_fields

if TYPE_CHECKING:
    from tap.store import Prompt

_STATUS: Final[list[tuple[type[Exception], int]]] = [
    (InvalidPrompt, 2),
    (StoreMisconfigured, 2),
    (PromptNotFound, 3),
    (PromptConflict, 4),
    (StoreError, 1),
]


def say(sentence: str, status: int | None = None) -> None:
    """One sentence on standard error; with a status, the end."""
    sys.stderr.write(sentence + "\n")
    if status is not None:
        sys.exit(status)


@contextmanager
def reporting(interrupted: str = "Interrupted.") -> Iterator[None]:
    """End with one sentence and the documented status instead of a traceback; `interrupted` is Ctrl-C's."""
    try:
        yield
        with printing():
            sys.stdout.flush()
    except KeyboardInterrupt:
        say(interrupted, status=130)
    except OSError as error:
        say(f"{error.filename or 'Standard output'}: {error.strerror}.", status=1)
    except StoreError as error:
        say(str(error), status=next(status for kind, status in _STATUS if isinstance(error, kind)))


@contextmanager
def printing() -> Iterator[None]:
    """End well when nobody reads standard output on (`tap prompts list | head`); other pipes' ends are errors."""
    try:
        yield
    except BrokenPipeError:
        stop_printing()
        sys.exit(0)


@contextmanager
def opened(
    table: str | None,
    outputs: Path,
    stack: str | None,
    settings: ClientSettings | None = None,
    interrupted: str = "Interrupted.",
) -> Iterator[PromptStore]:
    """The store on --table, or on the table that --outputs names, with errors reported."""
    with reporting(interrupted), ended_by_signals():
        if table:
            store = PromptStore(table, settings)
        else:
            store = PromptStore.from_outputs(outputs, stack=stack, client=settings)
        with store:
            yield store


@printing()
def show_one(fields: Mapping[str, Any], *, as_json: bool) -> None:
    """One object: a JSON line, or a table of its fields."""
    if as_json or not sys.stdout.isatty():
        _json_line(fields)
        return
    from tap.cli.tables import show_fields

    show_fields(fields)


@printing()
def show_list(prompts: Iterable[Prompt], limit: int | None, *, as_json: bool) -> None:
    """Prompts as they come: JSON lines, or a table."""
    found = (prompt_fields(prompt) for prompt in islice(prompts, limit))
    if as_json or not sys.stdout.isatty():
        for fields in found:
            _json_line(fields)
        return
    from tap.cli.tables import show_rows

    show_rows(found)


@printing()
def show_changes(changes: Iterable[Change], *, as_json: bool) -> None:
    """Changes when they happen: JSON lines, or a table that grows."""
    if as_json or not sys.stdout.isatty():
        for change in changes:
            old, new = (None if prompt is None else prompt_fields(prompt) for prompt in (change.old, change.new))
            fields = {"change": change.kind, "id": change.id, "at": change.at.isoformat(), "sequence": change.sequence}
            _json_line(fields | {"old": old, "new": new})
            sys.stdout.flush()  # before it counts as read
        return
    from tap.cli.tables import show_changes

    show_changes(changes)


def hand_over(fields: Mapping[str, Any], undo: Callable[[], object], *, as_json: bool) -> None:
    """Show what must not get lost on the way, such as a claim's token; if it can't be shown, undo and fail.

    A reader that went away is an error here, as is a full disk.
    """
    try:
        if as_json or not sys.stdout.isatty():
            _json_line(fields)
        else:
            show_one(fields, as_json=as_json)
        sys.stdout.flush()
    except OSError as error:
        undo()
        stop_printing()
        say(f"Standard output: {error.strerror}; the prompt was released.", status=1)


@contextmanager
def tracked(doing: str) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on a terminal's standard error; call with done, total (0: unknown) and a note."""
    if not sys.stderr.isatty():
        yield lambda _done, _total, _note: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=Console(stderr=True)) as bar:
        task = bar.add_task(doing, total=None, note="")
        yield lambda done, total, note: bar.update(task, completed=done, total=total or None, note=note)


def _json_line(fields: Mapping[str, Any]) -> None:
    # JSON can say any character in ASCII, for an output that can't.
    utf8 = codecs.lookup(sys.stdout.encoding).name == "utf-8"
    sys.stdout.write(json.dumps(fields, ensure_ascii=not utf8) + "\n")
