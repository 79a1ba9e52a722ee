"""tap.synth.bindings on tiny packages of its own, in processes of their own: what it does happens once in a process.

Whether the real bindings still give the same JSON is in tests/slow.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import tap

FAKE = "cdktf_cdktf_provider_fake"
Python = Callable[..., "subprocess.CompletedProcess[str]"]


def in_node(expression: str) -> str:
    """A line of Python that prints what Node makes of an expression."""
    return f"import subprocess; print(subprocess.check_output(['node', '-p', {expression!r}], text=True).strip())"


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Python:
    """Runs a program beside a copy of tap.infra's start, in a folder whose name is hard on NODE_OPTIONS.

    Node processes that it starts take themselves for jsii's.
    """
    home = tmp_path_factory.mktemp("home") / 'two words, a "quote" and a \\'
    synth = ("__init__.py", "bindings.py", "framework.py", "lazy_bindings.cjs")
    start = ("infra/__init__.py", *(f"synth/{name}" for name in synth))
    for name in ("__init__.py", *start):
        (home / "tap" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(tap.__file__).parent / name, home / "tap" / name)
    write(
        home,
        {
            f"{FAKE}/__init__.py": "from . import thing, other\nWHOLE = True",
            f"{FAKE}/_jsii/__init__.py": "",
            f"{FAKE}/thing/__init__.py": "name = 'thing'",
            f"{FAKE}/other/__init__.py": "name = 'other'",
            "cdktf_cdktf_provider_changed/__init__.py": "name = 'changed'",
            "constructs.py": "",
            **{
                f"node_modules/{name}/package.json": json.dumps({"name": name, "main": "lib/index.js"})
                for name in ("@cdktf/provider-fake", "@cdktf/provider-old", "unrelated")
            },
            "node_modules/@cdktf/provider-fake/lib/index.js": "exports.entry = 'whole'",
            "node_modules/@cdktf/provider-fake/lib/lazy-index.js": "exports.entry = 'lazy'",
            "node_modules/@cdktf/provider-old/lib/index.js": "exports.entry = 'whole'",
            "node_modules/@cdktf/provider-old/again.js": "exports.entry = require('.').entry + require('./lib').entry",
            "node_modules/unrelated/lib/index.js": "exports.entry = 'whole'",
            "node_modules/unrelated/lib/lazy-index.js": "exports.entry = 'lazy'",
            "node_modules/archiver/index.js": "global.loaded = true; module.exports = x => x + 1; module.exports.y = 5",
            "node_modules/cdktf/lib/zip.js": "exports.archiver = require('archiver')",
            "node_modules/cdktf/lib/uses.js": """
                const { archiver } = require("./zip");
                const before = global.loaded ?? false;
                exports.entry = [before, archiver(1), archiver.y, global.loaded].join();
            """,
        },
    )

    def run(*lines: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        inherited = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
        return subprocess.run(
            [sys.executable, "-c", "\n".join(lines)],
            cwd=home,
            env={**inherited, "JSII_AGENT": "Python", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (f"from {FAKE}.thing import name; print(name, len(others()))", "thing 0"),
        (f"from {FAKE} import thing; print(thing.name, len(others()))", "thing 0"),
        (f"import {FAKE} as p; print(p.thing.name, len(others()))", "thing 0"),
        (f"import {FAKE} as p; print(hasattr(p, 'nothing'), len(others()))", "False 0"),
        (f"from {FAKE} import *; print(thing.name, other.name, len(others()))", "thing other 1"),
    ],
)
def test_a_module_is_loaded_when_it_is_used(python: Python, statement: str, expected: str) -> None:
    result = python(
        f"import sys; others = lambda: [m for m in sys.modules if m == '{FAKE}.other']", "import tap.infra", statement
    )
    assert (result.stdout.strip(), result.stderr) == (expected, "")


def test_a_package_with_another_layout_is_imported_as_it_is_with_one_warning(python: Python) -> None:
    result = python("import tap.infra", "import cdktf_cdktf_provider_changed as p", "print(p.name)")
    assert result.stdout.strip() == "changed"
    assert result.stderr.count("cdktf_cdktf_provider_changed") == 1


def test_a_package_imported_before_stays_what_it_is(python: Python) -> None:
    result = python(
        f"import {FAKE} as before", "import tap.infra", f"import {FAKE} as p", "print(p is before, p.WHOLE)"
    )
    assert (result.stdout.strip(), result.stderr) == ("True True", "")


def test_cdktf_imported_before_is_warned_about_once(python: Python) -> None:
    result = python(
        "import constructs, os, tap.infra", "tap.infra.use_lazy_bindings()", "print(os.environ.get('NODE_OPTIONS'))"
    )
    assert result.stdout.strip() == "None"
    assert result.stderr.count("too late") == 1


def test_the_switch_leaves_everything_as_shipped(python: Python) -> None:
    result = python(
        "import tap.infra",
        f"import {FAKE} as p",
        "print(p.WHOLE)",
        in_node("require('@cdktf/provider-fake').entry"),
        TAP_EAGER_BINDINGS="1",
    )
    assert (result.stdout.split(), result.stderr) == (["True", "whole"], "")


@pytest.mark.parametrize(("package", "entry"), [("@cdktf/provider-fake", "lazy"), ("unrelated", "whole")])
def test_node_takes_the_lazy_index_of_a_provider_alone(python: Python, package: str, entry: str) -> None:
    result = python("import tap.infra", in_node(f"require('{package}').entry"))
    assert (result.stdout.strip(), result.stderr) == (entry, "")


def test_a_node_that_is_not_jsiis_is_left_alone(python: Python) -> None:
    both = "require('@cdktf/provider-fake').entry + require('cdktf/lib/uses.js').entry"
    result = python("import tap.infra", in_node(both), JSII_AGENT="")
    assert (result.stdout.strip(), result.stderr) == ("wholetrue,2,5,true", "")


def test_node_takes_the_whole_provider_with_one_warning_when_it_has_no_lazy_index(python: Python) -> None:
    result = python("import tap.infra", in_node("require('@cdktf/provider-old/again.js').entry"))
    assert result.stdout.strip() == "wholewhole"
    assert result.stderr.count("warning:") == 1


def test_what_cdktf_rarely_uses_is_loaded_at_its_first_use(python: Python) -> None:
    result = python("import tap.infra", in_node("require('cdktf/lib/uses.js').entry"))
    assert (result.stdout.strip(), result.stderr) == ("false,2,5,true", "")


def test_the_users_own_node_options_still_count(python: Python) -> None:
    code = in_node("require('@cdktf/provider-fake').entry + process.throwDeprecation")
    result = python("import tap.infra", code, NODE_OPTIONS="--throw-deprecation")
    assert (result.stdout.strip(), result.stderr) == ("lazytrue", "")


def test_a_process_that_inherits_the_node_options_adds_nothing(python: Python) -> None:
    program = "import os, tap.infra; print(os.environ['NODE_OPTIONS'])"
    inner, outer = python(
        "import subprocess, sys",
        program,
        f"print(subprocess.check_output([sys.executable, '-c', {program!r}], text=True))",
    ).stdout.split("\n")[:2]
    assert inner == outer
