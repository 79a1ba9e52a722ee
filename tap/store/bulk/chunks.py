"""Cutting NDJSON into chunks that can be written independently of each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import BinaryIO, Final

from tap.store.bulk.checkpoint import Checkpoint
from tap.store.bulk.lines import LONGEST_LINE, read_line
from tap.store.encodings import encoding_of
from tap.store.errors import ImportRefused, InvalidPrompt
from tap.store.items import Item

CHUNK_LINES: Final = 100  # BatchGetItem's limit
CHUNK_BYTES: Final = 1024 * 1024
KEPT_TEXT: Final = 64 * 1024  # bytes of a bad line that its reject quotes
KEPT_REASON: Final = 1000


@dataclass(eq=False)
class Chunk:
    """Lines on their way: items by id with their line's number, and what was wrong with other lines.

    Everything up to `line` and `offset` is in this chunk or an earlier one; `own_ids` are those that came
    with the lines, `repeats` the lines whose id an earlier line of the chunk has. Chunks `before` hold the first line
    of an id that this one has again: they must be written first. Whoever writes it counts `imported` and
    `existing` and ends it as `done`.
    """

    line: int
    offset: int
    items: dict[str, tuple[int, Item]] = field(default_factory=dict)
    repeats: list[tuple[int, Item]] = field(default_factory=list)
    rejects: list[tuple[int, str, str]] = field(default_factory=list)
    own_ids: set[str] = field(default_factory=set)
    before: list[Chunk] = field(default_factory=list)
    done: Event = field(default_factory=Event)
    bytes: int = 0
    imported: int = 0
    existing: int = 0

    def full(self) -> bool:
        """Whether it takes no more lines."""
        return (
            len(self.items) + len(self.repeats) >= CHUNK_LINES
            or len(self.rejects) >= CHUNK_LINES
            or self.bytes >= CHUNK_BYTES
        )

    def add(self, prompt_id: str, line: int, item: Item, *, own: bool) -> None:
        """Add a line's item."""
        if prompt_id in self.items:
            self.repeats.append((line, item))
            return
        self.items[prompt_id] = (line, item)
        if own:
            self.own_ids.add(prompt_id)


def chunks(file: BinaryIO, start: Checkpoint, now: datetime, in_flight: int) -> Iterator[Chunk]:
    """Yield chunks; at most the last `in_flight` before one may still be on their way when it is written."""
    chunk = Chunk(start.line, start.offset)
    flying: deque[Chunk] = deque()
    holder: dict[str, Chunk] = {}  # for each id that a line brought, the last chunk on its way that has it
    for line, offset, text in _lines(file, start):
        try:
            if text is None:
                raise InvalidPrompt(f"longer than {LONGEST_LINE:,} bytes.")
            item, own = read_line(text, start.id_of(line), now)
        except InvalidPrompt as error:
            kept = (text or b"")[:KEPT_TEXT].decode(errors="replace")
            chunk.rejects.append((line, str(error)[:KEPT_REASON], kept))
        else:
            prompt_id = item["id"]["S"]
            if own and (earlier := holder.get(prompt_id, chunk)) is not chunk and earlier not in chunk.before:
                chunk.before.append(earlier)
            chunk.add(prompt_id, line, item, own=own)
        chunk.bytes += len(text or b"")  # a bad line's too: its text waits in memory like an item
        chunk.line, chunk.offset = line, offset
        if chunk.full():
            _take_off(chunk, flying, holder, in_flight)
            yield chunk
            chunk = Chunk(line, offset)
    yield chunk


def _take_off(chunk: Chunk, flying: deque[Chunk], holder: dict[str, Chunk], in_flight: int) -> None:
    """Note the chunk's ids, and forget those of the one that has certainly landed."""
    flying.append(chunk)
    holder.update(dict.fromkeys(chunk.own_ids, chunk))
    if len(flying) > in_flight:
        landed = flying.popleft()
        landed.before.clear()  # or each would keep all that came before it in memory
        for prompt_id in landed.own_ids:
            if holder[prompt_id] is landed:
                del holder[prompt_id]


def refuse_encoding(start: bytes, name: str) -> None:
    """Raise ImportRefused for a file that begins as UTF-16 or UTF-32: its lines would be read as other text."""
    encoding = encoding_of(start)
    if encoding != "UTF-8":
        raise ImportRefused(f"{name} is in {encoding}, as PowerShell's > writes it: save it as UTF-8 first.")


def _lines(file: BinaryIO, start: Checkpoint) -> Iterator[tuple[int, int, bytes | None]]:
    """Each line's number, the offset after it, and its text (None: too long), without blank lines.

    No further than `start.size`, which a file may have outgrown by now; a stream (size 0) to its end.
    """
    line, offset = start.line, start.offset
    while (text := file.readline(LONGEST_LINE)) and not (start.size and offset >= start.size):
        if start.size:
            text = text[: start.size - offset]
        if not offset:
            refuse_encoding(text, "What is to be imported")
        line += 1
        offset += len(text)
        too_long = len(text) == LONGEST_LINE and not text.endswith(b"\n")
        while too_long and text and not text.endswith(b"\n"):
            text = file.readline(LONGEST_LINE)
            offset += len(text)
        if line == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if too_long or text.strip():
            yield line, offset, None if too_long else text
