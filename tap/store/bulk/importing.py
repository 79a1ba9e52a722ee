"""Bulk import: NDJSON into the table, fast, in flat memory, and to be continued after a kill.

The main thread cuts the file into chunks and commits them in the file's order; worker threads write
them. What was written but not yet committed at a kill is found in the table by the next run. Should a
worker have finished and deleted such a prompt by then, it is created again: the window is the last
half second and the chunks under way.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from tap.store.bulk.checkpoint import Checkpoint, Rejects, checkpoint_path, only_import, resume, targets
from tap.store.bulk.chunks import Chunk, chunks, refuse_encoding
from tap.store.bulk.writer import ChunkWriter
from tap.store.errors import ImportRefused
from tap.store.table import Table, check_count

DEFAULT_WORKERS: Final = 16
SAVE_EVERY: Final = 0.5  # seconds


@dataclass(frozen=True)
class ImportReport:
    """An import's counts, so far or in the end: lines read; prompts written, already there, rejected.

    `resumed_at` is the line after which an earlier run was continued, whose counts are included;
    `finished_before` says that this very file had been imported: nothing was done, and nothing is counted. `offset`
    of `size` bytes are done (size 0: a stream). `rejects` is the file of rejected lines, None if there are none.
    """

    lines: int = 0
    imported: int = 0
    existing: int = 0
    rejected: int = 0
    offset: int = 0
    size: int = 0
    resumed_at: int = 0
    finished_before: bool = False
    rejects: Path | None = None


Progress = Callable[[ImportReport], object]


def import_prompts(
    table: Table,
    source: Path | BinaryIO,
    *,
    rejects: Path | None,
    checkpoint: Path | None,
    workers: int,
    again: bool,
    on_progress: Progress | None,
) -> ImportReport:
    """See PromptStore.import_prompts."""
    check_count(workers, "workers")
    with ExitStack() as stack:
        if isinstance(source, Path) and source.exists() and not source.is_file():
            source = stack.enter_context(source.open("rb"))  # a FIFO, say
        if not isinstance(source, Path):
            if checkpoint is not None:
                raise ImportRefused("A stream can't be continued, so it has no checkpoint.")
            journal = _Journal(Checkpoint("", 0), None, Rejects(rejects), on_progress, resumed=False)
            return _run(table, source, journal, workers)
        for path, what in ((rejects, "its bad lines need"), (checkpoint, "how far it came needs")):
            if path is not None and path.exists() and path.samefile(source):
                raise ImportRefused(f"{path} is the file to be imported: {what} another.")
        file = stack.enter_context(source.open("rb"))
        stack.enter_context(only_import(file, str(source)))
        refuse_encoding(file.read(4), str(source))
        file.seek(0)
        path = checkpoint or checkpoint_path(source, table)
        state, resumed = resume(path, file, again=again)
        if checkpoint is not None:
            _claim_target(state, path, table)
        rejects = _rejects(state, rejects or path.with_name(f"{path.name.removesuffix('.json')}.rejects"))
        journal = _Journal(state, path, Rejects(rejects), on_progress, resumed=resumed)
        if state.done:
            left_out = Path(state.rejects) if state.rejected else None
            return ImportReport(finished_before=True, offset=state.offset, size=state.size, rejects=left_out)
        file.seek(state.offset)
        return _run(table, file, journal, workers)


def _claim_target(state: Checkpoint, path: Path, table: Table) -> None:
    """A checkpoint beside its source is named after the table; any other says it inside."""
    known = targets(table)
    if state.target and state.target not in known:
        raise ImportRefused(f"{path} is of an import into another table: name another checkpoint.")
    state.target = known[-1]


def _rejects(state: Checkpoint, wanted: Path) -> Path:
    """The file that this import's rejects are in: of one that goes on, the one that it began with."""
    if state.done:
        return Path(state.rejects)
    if state.rejects_size and state.rejects != str(wanted.resolve()):
        raise ImportRefused(
            f"The {state.rejected} lines that this import has rejected so far are in {state.rejects}:"
            f" go on with that file, not with {wanted}."
        )
    state.rejects = str(wanted.resolve())
    return wanted


def _run(table: Table, file: BinaryIO, journal: _Journal, workers: int) -> ImportReport:
    in_flight = 2 * workers
    waiting: deque[Future[Chunk]] = deque()
    cut = chunks(file, journal.state, table.now(), in_flight)
    first = next(cut)  # a stream's encoding shows here, before anything is touched
    journal.start()
    with (
        closing(journal),
        closing(ChunkWriter(table, resumed=journal.resumed)) as writer,
        ThreadPoolExecutor(workers) as pool,
    ):
        try:
            for chunk in chain([first], cut):
                waiting.append(pool.submit(writer.write, chunk))
                waiting[-1].add_done_callback(lambda _, chunk=chunk: chunk.done.set())  # type: ignore[misc]
                while waiting and (len(waiting) >= in_flight or waiting[0].done()):
                    journal.commit(waiting.popleft().result())
            for future in waiting:
                journal.commit(future.result())
            journal.state.done = True
        finally:
            writer.stop.set()
            for future in waiting:
                future.cancel()
            journal.save()
    return journal.report()


class _Journal:
    """What is certain: counts, rejected lines, and the checkpoint that says so."""

    def __init__(
        self,
        state: Checkpoint,
        path: Path | None,
        rejects: Rejects,
        on_progress: Progress | None,
        *,
        resumed: bool,
    ) -> None:
        self.state = state
        self._path = path
        self._rejects = rejects
        self._on_progress = on_progress
        self._resumed_at = state.line
        self.resumed = resumed
        self._saved = time.monotonic()

    def start(self) -> None:
        """Make ready to commit: only now is a file written."""
        try:
            self.save()
        except OSError as error:
            raise ImportRefused(
                f"{self._path}, for how far the import came, can't be written ({error.strerror}):"
                " name a place for it (checkpoint=, --checkpoint)."
            ) from error
        self._rejects.start(self.state.rejects_size)

    def close(self) -> None:
        """Close the rejects."""
        self._rejects.close()

    def commit(self, chunk: Chunk) -> None:
        """Count a chunk of which every line is in the table or among the rejects."""
        state = self.state
        state.rejects_size = self._rejects.add(sorted(chunk.rejects))
        state.line, state.offset = chunk.line, chunk.offset
        state.imported += chunk.imported
        state.existing += chunk.existing
        state.rejected += len(chunk.rejects)
        if time.monotonic() - self._saved >= SAVE_EVERY:
            self.save()
        if self._on_progress is not None:
            self._on_progress(self.report())

    def save(self) -> None:
        """Put the checkpoint where a later run finds it; a stream has none."""
        self._saved = time.monotonic()
        if self._path is not None:
            self.state.save(self._path)

    def report(self) -> ImportReport:
        """The counts up to here."""
        state = self.state
        return ImportReport(
            lines=state.line,
            imported=state.imported,
            existing=state.existing,
            rejected=state.rejected,
            offset=state.offset,
            size=state.size,
            resumed_at=self._resumed_at,
            rejects=self._rejects.path if state.rejected else None,
        )
