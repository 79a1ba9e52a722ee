"""The real bindings, loaded in each way that tap.synth allows for, give the same JSON byte for byte.

As shipped they take some 15 s, so the programs run at the same time.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.synth.cache import cache_roots
from tests.support.environment import process_environment

ROOT = Path(__file__).parents[2]
JSII_AS_SHIPPED = f"""
import runpy, tap.synth.jsii_process
tap.synth.jsii_process.VERIFIED = "another"
runpy.run_path({str(ROOT / "main.py")!r}, run_name="__main__")
"""


def start(folder: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    folder.mkdir()
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**process_environment(), "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def cache() -> Path:
    return next(root for root in cache_roots() if (root / "@cdktf/provider-aws").is_dir())


def damaged_cache(copy: Path) -> Path:
    """jsii's cache, the provider's lazy index gone and each remembered digest wrong.

    The files are links, and what is gone is only the link.
    """
    shutil.copytree(cache(), copy, copy_function=link_or_copy)
    for index in copy.glob("@cdktf/provider-aws/*/*/lib/lazy-index.js"):
        index.unlink()
    (copy / "tap-digests.json").unlink()
    wrong = re.sub('"[0-9a-f]{64}"', f'"{0:064}"', (cache() / "tap-digests.json").read_text())
    (copy / "tap-digests.json").write_text(wrong)
    return copy


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # the cache is on another file system
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("synths")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[dict[str, "subprocess.Popen[str]"]]:
    main = str(ROOT / "main.py")
    lazy = start(folder / "lazy", main)
    text, _ = lazy.communicate(timeout=120)  # the first of all, since it fills jsii's cache where that is empty
    assert lazy.returncode == 0, text
    damaged = str(damaged_cache(folder / "cache"))
    processes = {
        "switched off": start(folder / "switched off", main, TAP_EAGER_BINDINGS="1"),
        "cache damaged": start(folder / "cache damaged", main, JSII_RUNTIME_PACKAGE_CACHE_ROOT=damaged),
        "two processes": start(folder / "two processes", "-c", JSII_AS_SHIPPED),
    }
    yield processes
    for process in processes.values():
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("way", "warnings"),
    [
        ("switched off", []),
        ("cache damaged", ["lazy-index.js is missing"]),
        ("two processes", []),
    ],
)
def test_the_json_is_the_same(
    folder: Path, running: dict[str, "subprocess.Popen[str]"], way: str, warnings: list[str]
) -> None:
    text, _ = running[way].communicate(timeout=240)
    assert running[way].returncode == 0, text
    told = [line for line in text.splitlines() if "warning" in line.lower()]
    assert len(told) == len(warnings), text
    assert all(expected in line for expected, line in zip(warnings, told, strict=True)), text
    files = sorted(path.relative_to(folder / "lazy") for path in (folder / "lazy").rglob("*.json"))
    assert any(path.name == "cdk.tf.json" for path in files)
    for path in files:
        assert (folder / way / path).read_bytes() == (folder / "lazy" / path).read_bytes()


@pytest.mark.usefixtures("running")
def test_jsii_remembers_the_digest_of_each_package_that_it_loads() -> None:
    remembered = json.loads((cache() / "tap-digests.json").read_text())
    for name in ("constructs", "cdktf", "cdktf_cdktf_provider_aws"):
        (archive,) = Path(sysconfig.get_path("purelib"), name, "_jsii").glob("*.tgz")
        assert list(cache().glob(f"**/{remembered[str(archive)][1]}/package.json"))
