"""Cutting NDJSON into chunks that can be written independently of each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Final

from tap.store.bulk.checkpoint import Checkpoint
from tap.store.bulk.lines import read_line
from tap.store.errors import InvalidPrompt
from tap.store.items import Item

CHUNK_LINES: Final = 100  # BatchGetItem's limit
CHUNK_BYTES: Final = 1024 * 1024
KEPT_TEXT: Final = 64 * 1024  # bytes of a bad line that its reject quotes
KEPT_REASON: Final = 1000
LONGEST_LINE: Final = 4 * 1024 * 1024  # 400 KB, every character escaped, is below


@dataclass
class Chunk:
    """Lines on their way: items by id with their line's number, and what was wrong with other lines.

    Everything up to `line` and `offset` is in this chunk or an earlier one; `own_ids` are those that came
    with the lines. Whoever writes it counts `imported` and `existing`.
    """

    line: int
    offset: int
    items: dict[str, tuple[int, Item]] = field(default_factory=dict)
    rejects: list[tuple[int, str, str]] = field(default_factory=list)
    own_ids: set[str] = field(default_factory=set)
    bytes: int = 0
    imported: int = 0
    existing: int = 0

    def full(self) -> bool:
        """Whether no line may be added."""
        return max(len(self.items), len(self.rejects)) >= CHUNK_LINES or self.bytes >= CHUNK_BYTES

    def add(self, prompt_id: str, line: int, item: Item, *, own: bool) -> None:
        """Add a line's item."""
        self.items[prompt_id] = (line, item)
        if own:
            self.own_ids.add(prompt_id)


def chunks(file: BinaryIO, start: Checkpoint, now: datetime, in_flight: int) -> Iterator[tuple[Chunk, bool]]:
    """Yield chunks; True with one that must be in the table before the next is looked at.

    That is so when an id comes twice: the first must be there when the second is checked. At most the
    last `in_flight` chunks may not be there yet.
    """
    chunk = Chunk(start.line, start.offset)
    flying: deque[set[str]] = deque(maxlen=in_flight)
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
            if own and (prompt_id in chunk.own_ids or any(prompt_id in ids for ids in flying)):
                yield chunk, True
                flying.clear()
                chunk = Chunk(chunk.line, chunk.offset)
            chunk.add(prompt_id, line, item, own=own)
        chunk.bytes += len(text or b"")  # a bad line's too: its text waits in memory like an item
        chunk.line, chunk.offset = line, offset
        if chunk.full():
            flying.append(chunk.own_ids)
            yield chunk, False
            chunk = Chunk(line, offset)
    yield chunk, True


def _lines(file: BinaryIO, start: Checkpoint) -> Iterator[tuple[int, int, bytes | None]]:
    """Each line's number, the offset after it, and its text (None: too long), without blank lines.

    No further than `start.size`, which a file may have outgrown by now; a stream (size 0) to its end.
    """
    line, offset = start.line, start.offset
    while (text := file.readline(LONGEST_LINE)) and not (start.size and offset >= start.size):
        if start.size:
            text = text[: start.size - offset]
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
