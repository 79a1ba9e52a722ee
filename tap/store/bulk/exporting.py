"""Bulk export: the table's prompts as NDJSON, by parallel Scan segments, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Full, Queue
from threading import Event, Thread
from typing import BinaryIO, Final

from tap.store.bulk.files import complete, naming
from tap.store.bulk.lines import prompt_line
from tap.store.conditions import ALIVE, alive_at
from tap.store.errors import UnreadablePrompt
from tap.store.items import is_expired, read_prompt
from tap.store.table import Table, check_count

DEFAULT_SEGMENTS: Final = 4
PAGE: Final = 250
_LAST_WORDS: Final = 2.0  # seconds for a request under way; the threads end with the program


@dataclass
class ExportReport:
    """How many prompts were written, and the ids of items that are no prompts (the first 100 of them)."""

    exported: int = 0
    unreadable: int = 0
    unreadable_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Page:
    text: bytes
    prompts: int
    unreadable: list[str]


def export_prompts(
    table: Table,
    target: Path | BinaryIO,
    *,
    segments: int,
    on_progress: Callable[[ExportReport], object] | None,
) -> ExportReport:
    """See PromptStore.export_prompts."""
    check_count(segments, "segments")
    report = ExportReport()
    where = target if isinstance(target, Path) else None
    with complete(target) if isinstance(target, Path) else nullcontext(target) as file:
        for page in _Segments(table, segments).pages():
            with naming(where):
                file.write(page.text)
            report.exported += page.prompts
            report.unreadable += len(page.unreadable)
            report.unreadable_ids += page.unreadable[: 100 - len(report.unreadable_ids)]
            if on_progress is not None:
                on_progress(report)
    return report


class _Segments:
    """One thread per segment; the queue's bound keeps them from running ahead of the writer."""

    def __init__(self, table: Table, segments: int) -> None:
        self._table = table
        self._pages: Queue[_Page | Exception | None] = Queue(2 * segments)
        self._stop = Event()
        self._threads = [
            Thread(target=self._read, args=(segment, segments), daemon=True) for segment in range(segments)
        ]

    def pages(self) -> Iterator[_Page]:
        """The pages of all segments as they come; the first error of any ends all."""
        for thread in self._threads:
            thread.start()
        try:
            running = len(self._threads)
            while running:
                page = self._pages.get()
                if isinstance(page, Exception):
                    raise page
                if page is None:
                    running -= 1
                else:
                    yield page
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(_LAST_WORDS)

    def _read(self, segment: int, segments: int) -> None:
        try:
            for page in _segment(self._table, segment, segments):
                self._put(page)
            self._put(None)
        except _Stopped:
            return
        except Exception as error:  # noqa: BLE001 -- raised again in the caller's thread
            with suppress(_Stopped):
                self._put(error)

    def _put(self, page: _Page | Exception | None) -> None:
        while not self._stop.is_set():
            with suppress(Full):
                self._pages.put(page, timeout=0.2)
                return
        raise _Stopped


class _Stopped(Exception):  # noqa: N818 -- never seen outside
    """Stop: nobody reads the pages any more."""


def _segment(table: Table, segment: int, segments: int) -> Iterator[_Page]:
    replies = table.scan(
        FilterExpression=ALIVE,
        ExpressionAttributeValues=alive_at(table.now()),
        Segment=segment,
        TotalSegments=segments,
        Limit=PAGE,
        ConsistentRead=True,
    )
    for reply in replies:
        lines = []
        unreadable = []
        for item in reply["Items"]:
            if is_expired(item, table.now()):  # since the scan began
                continue
            try:
                lines.append(prompt_line(read_prompt(item, table.table_name), item) + "\n")
            except UnreadablePrompt as error:
                unreadable.append(error.prompt_id or "?")
        yield _Page("".join(lines).encode(), len(lines), unreadable)
