"""How far an import has come, in a file beside its source, so that it survives a kill -9."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, Final, TextIO

from pydantic import TypeAdapter, ValidationError

from tap.store.bulk.files import mode_of, naming, open_private, replaceable, save_json
from tap.store.errors import AccessDenied, Calling, ImportRefused
from tap.store.models import explain
from tap.store.table import Table

try:
    import fcntl
except ImportError:  # Windows: two imports of one file at a time are then not noticed
    fcntl = None  # type: ignore[assignment]

_BLOCK: Final = 1024 * 1024


@dataclass
class Checkpoint:
    """Everything before `offset` (bytes; `line` lines) is in the table or among the rejects.

    `source` is the digest of the file's first `size` bytes, which are what is imported. `run` is drawn
    once per import: with the line's number it makes the id of a line that has none, so going on after a
    kill makes the same ids, and importing another file never does. `target` is the table's, of those that `targets`
    gives.
    """

    source: str
    size: int
    run: str = field(default_factory=lambda: str(uuid.uuid4()))
    offset: int = 0
    line: int = 0
    imported: int = 0
    existing: int = 0
    rejected: int = 0
    rejects: str = ""
    rejects_size: int = 0
    done: bool = False
    target: str = ""

    def id_of(self, line: int) -> str:
        """The id of a line that has none."""
        return str(uuid.uuid5(uuid.UUID(self.run), str(line)))

    def save(self, path: Path) -> None:
        """Replace the file in one step."""
        save_json(path, asdict(self))


def checkpoint_path(source: Path, table: Table) -> Path:
    """One file per source and target: the same prompts may be imported into several tables."""
    source = source.resolve()
    *others, preferred = [source.with_name(f"{source.name}.import-{target}.json") for target in targets(table)]
    # The first: from a run that might not ask for the table's identity.
    return next((path for path in others if path.exists()), preferred)


def targets(table: Table) -> list[str]:
    """What the table is called in a checkpoint: by its name and, if DescribeTable is allowed, by its identity.

    A table that was made anew under its old name is another target: what an earlier import put into the
    first one isn't there.
    """
    named = [f"{table.client.meta.endpoint_url} {table.table_name}", _identity(table)]
    return [hashlib.sha256(name.encode()).hexdigest()[:8] for name in named if name is not None]


def _identity(table: Table) -> str | None:
    """What tells a table from an earlier one with the same name; None if DescribeTable is not allowed."""
    client = table.client
    try:
        with Calling(table.table_name):
            found = client.describe_table(TableName=table.table_name)["Table"]
    except AccessDenied:
        return None
    return found.get("TableId") or f"{found.get('TableArn')} {found.get('CreationDateTime')}"


def resume(path: Path, file: BinaryIO, *, again: bool) -> tuple[Checkpoint, bool]:
    """The checkpoint of an earlier import of this content and True, or a new one and False.

    The content may have grown since, by whole lines: then the import goes on with those.
    """
    found = _read(path)
    known, now, complete = _digests(file, 0 if found is None else found.size)
    fresh = Checkpoint(now, file.tell())
    if found is None or (found.done and again):
        return fresh, False
    if known != found.source:
        if found.done:
            return fresh, False
        raise ImportRefused(
            f"The file has changed since its import stopped at line {found.line}: restore it, or delete "
            f"{path} to start afresh (prompts without an id are then imported again)."
        )
    if fresh.size > found.size:
        if not complete:
            raise ImportRefused(
                f"The file has grown in the middle of a line since its import: put the new lines into a file of their "
                f"own, or delete {path} to start afresh (prompts without an id are then imported again)."
            )
        found.source, found.size, found.done = fresh.source, fresh.size, False
    return found, True


def _read(path: Path) -> Checkpoint | None:
    try:
        return TypeAdapter(Checkpoint).validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ImportRefused(f"{path} can't be read ({explain(error)}) Delete it to start afresh.") from error


def _digests(file: BinaryIO, size: int) -> tuple[str | None, str, bool]:
    """The digest of the first `size` bytes (None: there are fewer), of all, and whether those end a line."""
    digest = hashlib.sha256()
    part, last = None, b"\n"
    while True:
        if file.tell() == size:
            part, complete = digest.hexdigest(), last.endswith(b"\n")
        left = size - file.tell()
        block = file.read(min(left, _BLOCK) if left > 0 else _BLOCK)
        if not block:
            return part, digest.hexdigest(), part is not None and complete
        digest.update(block)
        last = block


@contextmanager
def only_import(file: BinaryIO, name: str) -> Iterator[None]:
    """Keep a second import of the same file out: it could put back what a worker has just taken."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImportRefused(f"Another import of {name} is running.") from error
        except OSError:
            pass  # NFS and EFS lock only files that are open for writing, some others none: then it is not noticed
    yield


class Rejects:
    """The file of lines that were not imported: {"line": 3, "reason": "…", "text": "…"} each.

    Nothing is touched before start(). What isn't a regular file is opened once and only written to.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._stream: TextIO | None = None
        self._mode: int | None = None

    def start(self, keep: int) -> None:
        """Drop what an earlier run wrote beyond its checkpoint, `keep` bytes into the file."""
        if self.path is None:
            return
        if not replaceable(self.path):
            self._stream = self.path.open("a", encoding="utf-8")
        elif self.path.exists():
            if not keep:
                self._mode = mode_of(self.path)
                self.path.unlink()
            elif self.path.stat().st_size > keep:
                os.truncate(self.path, keep)

    def add(self, rejects: list[tuple[int, str, str]]) -> int:
        """Append, and return the file's size (0 for a stream)."""
        if self.path is None:
            return 0
        if self._stream is not None:
            with naming(self.path):
                _write_rejects(self._stream, rejects)
                self._stream.flush()
            return 0
        if not rejects:
            return self.path.stat().st_size if self.path.exists() else 0
        with naming(self.path), open_private(self.path, "a", encoding="utf-8") as file:
            _write_rejects(file, rejects)
            if self._mode is not None:
                self.path.chmod(self._mode)
            return file.tell()

    def close(self) -> None:
        """Let the reader at a FIFO's other end finish."""
        if self._stream is not None:
            with naming(self.path):
                self._stream.close()


def _write_rejects(file: IO[str], rejects: list[tuple[int, str, str]]) -> None:
    for line, reason, text in rejects:
        file.write(json.dumps({"line": line, "reason": reason, "text": text}) + "\n")
