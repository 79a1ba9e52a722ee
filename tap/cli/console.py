"""How the command line speaks: results on standard output, everything else on standard error."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

# In a log or a pipe a line is as long as it is.
_WIDTH = None if sys.stdout.isatty() else 200
out = Console(highlight=False, width=_WIDTH)
err = Console(stderr=True, highlight=False)


def fail(sentence: object, status: int = 1) -> NoReturn:
    """Say what is wrong in one sentence and exit."""
    _say(sentence)
    sys.exit(status)


def _say(sentence: object) -> None:
    err.print(f"[red]Error:[/red] {escape(str(sentence))}", soft_wrap=True)


def note_unknown(environment: str, is_known: bool) -> None:
    """Say that an environment has no table: a throw-away one, or a mistyped name."""
    if not is_known:
        err.print(f"[yellow]Note:[/yellow] environments.toml has no \\[{environment}]: these are the defaults.")


@contextmanager
def telling_errors(*, as_json: bool = False) -> Iterator[None]:
    """End with one sentence, and exit status 1, whatever the project, the machine or AWS has to say.

    With `as_json` the sentence is on standard output too, as data.
    """
    try:
        yield
    except KeyboardInterrupt:
        err.print("Interrupted. Nothing is lost: run the same command again.", markup=False)
        sys.exit(130)
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        _say(sentence)
        if as_json:
            sys.stdout.write(json.dumps({"status": "failed", "error": sentence}, indent=2) + "\n")
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    from botocore.exceptions import BotoCoreError, ClientError  # late: most commands do without boto3
    from botocore.parsers import ResponseParserError

    from tap.errors import TapError

    if isinstance(error, TapError):
        return str(error)
    if isinstance(error, BotoCoreError | ClientError | ResponseParserError):
        return f"AWS: {' '.join(str(error).split())}"
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} can't be used: {error.strerror or error}."
    return None


@dataclass
class Step:
    """A step of a command, which is told to have succeeded unless it is marked."""

    failed: bool = False


@contextmanager
def step(doing: str) -> Iterator[Step]:
    """Tell what a long step does while it does it, and how it ended after how long."""
    start = time.monotonic()
    this = Step()
    if sys.stdout.isatty():
        with out.status(f"{doing} …"):
            yield this
    else:
        out.print(f"… {doing}")
        yield this
    mark = "[red]✗[/red]" if this.failed else "[green]✓[/green]"
    out.print(f"{mark} {doing} [dim]({time.monotonic() - start:.1f} s)[/dim]")
