"""`python -m tests.mutants [part of a name …]`: does each small breakage turn a test red?

Each mutant is applied to a copy of the checkout, two at a time, and the tests run there until one is red: the likely
ones first, those with Terraform and checkov last. The snapshots see nearly everything, so they prove little: the
table says for each mutant which other test sees it, and whether a snapshot does.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutants.catalogue import MUTANTS, Mutant

REPOSITORY = Path(__file__).parents[2]
AT_ONCE = 2
#: What most likely sees a mutant of that file, and then all the rest; each is one run of pytest.
LIKELY = {
    "tap/infra/": [
        "tests/unit/test_alarm_definitions.py",
        "tests/unit/test_policies.py",
        "tests/unit/test_dashboard.py",
        "tests/validation/test_document.py",
    ],
    "tap/policies/": ["tests/unit/test_policies.py", "tests/permissions"],
    "tap/place.py": ["tests/unit/test_policies.py"],
    "tap/settings/": ["tests/unit/test_settings.py", "tests/unit/test_names.py"],
    "main.py": ["tests/unit/test_main.py"],
}
REST = [["tests/unit"], ["tests/permissions"], ["tests/validation"]]
SNAPSHOTS = ["tests/snapshot"]


class UselessError(Exception):
    """The mutant, or the whole run, would say nothing; its text is for the person at the terminal."""


@dataclass(frozen=True)
class Verdict:
    """What saw the mutant: a unit or validation test by its name, and whether a snapshot did."""

    mutant: Mutant
    test: str | None
    snapshot: str | None

    @property
    def survived(self) -> bool:
        return self.test is None and self.snapshot is None


@cache
def tree(text: str) -> str:
    """What Python makes of it."""
    return ast.dump(ast.parse(text))


def mutated(mutant: Mutant) -> str:
    """The file's text with the breakage in it."""
    text = (REPOSITORY / mutant.file).read_text()
    if (count := text.count(mutant.old)) != 1:
        raise UselessError(f"“{mutant.name}”: its old text occurs {count} times in {mutant.file}, and must occur once.")
    broken = text.replace(mutant.old, mutant.new)
    if tree(broken) == tree(text):
        raise UselessError(f"“{mutant.name}” changes nothing in {mutant.file}.")
    return broken


def checkout(folder: Path) -> None:
    """The checkout as it is, changes and new files included, with the installed tools of this one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in listed.split("\0"):
        if name and (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    for tools in (".venv", ".venv-checkov"):
        if (REPOSITORY / tools).exists():
            (folder / tools).symlink_to(REPOSITORY / tools)


#: The catalogue's own test sees every mutant, since its old text is gone then.
_BUT = ("--ignore=tests/unit/test_mutants.py",)


def red(folder: Path, tests: list[str]) -> str | None:
    """The first test that fails there, or None when all pass."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", *_BUT, *tests],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode == 0:
        return None
    if done.returncode > 2:
        raise UselessError(f"pytest ended with status {done.returncode} in {folder}:\n{done.stdout}{done.stderr}")
    found = re.search(r"(?m)^(?:FAILED|ERROR) (?:tests/)?(.*?)(?: - |$)", done.stdout)
    return found[1] if found else "(no name)"


def judge(mutant: Mutant, folder: Path) -> Verdict:
    checkout(folder)
    (folder / mutant.file).write_text(mutated(mutant))
    try:
        likely = next(tests for start, tests in LIKELY.items() if mutant.file.startswith(start))
        seen_by = (red(folder, tests) for tests in [likely, *REST])
        return Verdict(mutant, next((test for test in seen_by if test), None), red(folder, SNAPSHOTS))
    finally:
        shutil.rmtree(folder)


def shown(verdict: Verdict) -> str:
    word = "SURVIVED" if verdict.survived else "killed"
    snapshot = "snapshot" if verdict.snapshot else ""
    return f"{word:9} {verdict.mutant.file:30} {verdict.mutant.name:48} {snapshot:9} {verdict.test or '-'}"


def main(wanted: list[str]) -> int:
    chosen = [one for one in MUTANTS if not wanted or any(part in f"{one.file} {one.name}" for part in wanted)]
    for mutant in chosen:
        mutated(mutant)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tap-mutants-") as root:
        print("… Without any mutant, to see that all is green", flush=True)  # noqa: T201
        untouched = Path(root) / "untouched"
        checkout(untouched)
        if failed := red(untouched, ["tests/unit", "tests/snapshot", "tests/validation"]):
            raise UselessError(f"{failed} fails without any mutant.")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = [pool.submit(judge, one, Path(root) / str(index)) for index, one in enumerate(chosen)]
            verdicts = []
            for future in waiting:
                verdicts.append(future.result())
                print(shown(verdicts[-1]), flush=True)  # noqa: T201
    survivors = [one for one in verdicts if one.survived]
    named = [one for one in verdicts if one.test]
    print(  # noqa: T201
        f"\n{len(verdicts)} mutants, {len(verdicts) - len(survivors)} killed, {len(named)} of them without the"
        f" snapshots; {len(survivors)} survived. {time.monotonic() - started:.0f} s"
    )
    return 1 if survivors else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UselessError as error:
        sys.exit(str(error))
