"""Time whole commands in turn, so that a noisy machine disturbs both sides of a comparison alike."""

import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Command:
    """What is measured: a command line, where and with which environment it runs."""

    name: str
    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """What the operating system accounted for a finished command and the processes it waited for."""

    wall_s: float
    #: User and system time of all of them together.
    cpu_s: float
    #: Of the largest one alone, not their sum. It cannot read below this program's own peak, some 30 MB.
    peak_mb: float


@dataclass(frozen=True)
class Comparison:
    """Medians of two commands that ran in turn, and the median of the ratios of each turn."""

    title: str
    first: str
    second: str
    runs: int
    first_median: Run
    second_median: Run
    wall_ratio: float
    cpu_ratio: float
    peak_ratio: float
    #: The bound on `wall_ratio`, and how it reads.
    target: str = ""


class CommandError(Exception):
    """A measured command failed; its text ends with what the command wrote."""


def run(command: Command) -> Run:
    """Run it once, its output out of the way.

    :raises CommandError: when it does not end with 0: how long a failure takes says nothing.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            text = output.read().decode(errors="replace")[-2000:]
            raise CommandError(f"{command.name} ended with {process.returncode}:\n{text}")
    unit = 1024**2 if platform.system() == "Darwin" else 1024  # bytes on macOS, kilobytes elsewhere
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def compare(
    title: str, first: Command, second: Command, *, runs: int, warm_ups: int = 1, target: str = ""
) -> Comparison:
    """Run both in turn, first the warm-ups that are not counted."""
    for _ in range(warm_ups):
        run(first)
        run(second)
    pairs = [(run(first), run(second)) for _ in range(runs)]
    return Comparison(
        title=title,
        first=first.name,
        second=second.name,
        runs=runs,
        first_median=_median([pair[0] for pair in pairs]),
        second_median=_median([pair[1] for pair in pairs]),
        wall_ratio=median(one.wall_s / other.wall_s for one, other in pairs),
        cpu_ratio=median(one.cpu_s / other.cpu_s for one, other in pairs),
        peak_ratio=median(one.peak_mb / other.peak_mb for one, other in pairs),
        target=target,
    )


def _median(runs: Sequence[Run]) -> Run:
    return Run(
        median(one.wall_s for one in runs), median(one.cpu_s for one in runs), median(one.peak_mb for one in runs)
    )


def table(comparisons: Sequence[Comparison]) -> Table:
    """The comparisons for people."""
    shown = Table(title="Medians; peak of the largest process", box=None)
    for heading in ("", "wall s", "CPU s", "peak MB", "target"):
        shown.add_column(heading, no_wrap=True)
    for one in comparisons:
        for name, each in ((one.first, one.first_median), (one.second, one.second_median)):
            shown.add_row(name, f"{each.wall_s:.2f}", f"{each.cpu_s:.2f}", f"{each.peak_mb:.0f}")
        ratios = (f"{ratio:.2f}x" for ratio in (one.wall_ratio, one.cpu_ratio, one.peak_ratio))
        shown.add_row(f"[bold]{one.title}, {one.runs} runs", *ratios, one.target, end_section=True)
    return shown


def report(section: str, comparisons: Sequence[Comparison], file: Path) -> None:
    """Print the table, and keep the figures."""
    Console().print(table(comparisons))
    keep(section, {"comparisons": [asdict(one) for one in comparisons]}, file)


def keep(section: str, figures: Mapping[str, Any], file: Path) -> None:
    """Keep the figures under `section` of a JSON file that the benches share."""
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        document = {}
    machine = {"system": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()}
    document[section] = {"machine": machine, **figures}
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
