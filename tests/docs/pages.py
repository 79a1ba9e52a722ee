"""The project's documents, and the blocks of commands in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tap.local import ROOT

#: In the order in which a newcomer meets them. The README's `make demo` is what the others go on from.
PAGES = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "CONTRIBUTING.md",
)
#: Languages whose blocks are run, and those that only show something.
RUN = ("sh", "python")
SHOWN = ("text", "toml", "yaml", "mermaid")

_BLOCK = re.compile(r"(?:<!-- not run:(?P<reason>.*?)-->\s*\n)?```(?P<language>.*)\n(?P<code>(?:.*\n)*?)```")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, text and line in the file, and why it is not run (None if it is)."""

    language: str
    code: str
    line: int
    reason: str | None


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("code")) + 1
        yield Block(found["language"].strip(), found["code"], line, found["reason"])
