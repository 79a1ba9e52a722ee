"""tap.synth.jsii_process with the real jsii, in processes of their own and with its smallest package."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tap.synth import jsii_process

ROOT = Path(__file__).parents[2]
Python = Callable[..., "subprocess.CompletedProcess[str]"]

#: Loaded by NODE_OPTIONS. As shipped, jsii has two Node processes: this is about the one that runs the program.
PRINTS = """
Object.defineProperty(process, "version", { value: "v19.0.0" });
if (process.execArgv.includes("--preserve-symlinks")) {
  console.log('{"ok": "at the start"}');
  console.error("an error, ünicode");
  require("child_process").execSync("echo from a child; cat", { stdio: "inherit" });
  const { argv, execArgv } = process;
  process.on("exit", (code) => console.log(argv.length, execArgv.join(), require("child_process").spawn.name, code));
}
"""
MAKES_A_MISTAKE = """
import constructs
app = constructs.RootConstruct()
constructs.Construct(app, "twice")
try:
    constructs.Construct(app, "twice")
except RuntimeError as error:
    print(error, file=sys.stderr)
"""


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Runs a program for which Node loads a script from a folder whose name is hard on NODE_OPTIONS."""

    def run(program: str, script: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "two words").mkdir()
        (tmp_path / "two words/script.cjs").write_text(script)
        environment["NODE_OPTIONS"] = f'--require "{tmp_path}/two words/script.cjs"'
        start = "import sys\nfrom tap.synth import jsii_process as own\n"
        return subprocess.run(
            [sys.executable, "-c", start + program],
            cwd=ROOT,
            env={**os.environ, **environment},
            input="from Python's own input",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize("switch", ["", "as shipped"])
def test_what_javascript_prints_and_raises_arrives_as_from_jsii_as_shipped(python: Python, switch: str) -> None:
    program = f"assert own.start_early() is {not switch}\n{MAKES_A_MISTAKE}"
    result = python(program, PRINTS, TAP_EAGER_BINDINGS=switch)
    assert result.stdout.splitlines() == [
        '{"ok": "at the start"}',
        "from a child",
        "2 --max-old-space-size=4069,--preserve-symlinks spawn 0",
    ]
    error, mistake = (line for line in result.stderr.splitlines() if "!!" not in line)
    assert error == "an error, ünicode"
    assert "There is already a Construct with name 'twice'" in mistake
    # What jsii's first process says comes as Python's bytes from jsii as shipped, and in plain text from here.
    assert result.stderr.count("Node 19 is end-of-life") == 1


def test_jsii_starts_as_shipped_with_one_warning_when_the_early_start_fails(python: Python) -> None:
    broken = f"own.PROGRAM = own.PROGRAM.with_name('none.cjs')\nassert own.start_early()\n{MAKES_A_MISTAKE}"
    result = python(broken)
    assert "There is already a Construct with name 'twice'" in result.stderr
    assert result.stderr.count("Warning") == 1
    assert result.returncode == 0


def test_node_does_not_outlive_a_program_that_ends_before_it_uses_jsii(python: Python) -> None:
    remember = "start = own._start\nown._start = lambda *a: [started := start(*a), print(started[0].pid)][0]\n"
    result = python(f"{remember}own.start_early()\nsys.exit('a sentence')")
    assert (result.returncode, result.stderr) == (1, "a sentence\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(result.stdout), 0)


@pytest.mark.parametrize(
    ("environment", "version", "early"),
    [
        ({}, jsii_process.VERIFIED, True),
        ({}, "1.142.1", False),
        ({"TAP_EAGER_BINDINGS": "1"}, jsii_process.VERIFIED, False),
        ({"JSII_RUNTIME": "/of/the/user.js"}, jsii_process.VERIFIED, False),
        ({"JSII_NODE": "/no/node/here"}, jsii_process.VERIFIED, False),
    ],
)
def test_it_keeps_out_of_the_way(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], version: str, *, early: bool
) -> None:
    started: list[object] = []
    monkeypatch.setattr(jsii_process, "VERIFIED", version)
    monkeypatch.setattr(jsii_process, "_start", lambda *_: started)
    monkeypatch.setattr(jsii_process, "_hand_over", lambda: started.append(True))
    monkeypatch.delitem(sys.modules, "constructs", raising=False)
    assert jsii_process.start_early({"PATH": os.environ["PATH"], **environment}) is early
    assert started == [True] * early
    monkeypatch.setitem(sys.modules, "constructs", sys)
    assert not jsii_process.start_early(environment)


def test_the_verified_jsii_is_the_locked_one() -> None:
    locked = json.loads((ROOT / "Pipfile.lock").read_text())["default"]["jsii"]["version"]
    assert locked == f"=={jsii_process.VERIFIED}", (
        "A synth is slow with another jsii. Compare it with the last one: what jsii/_kernel/providers/process.py starts"
        " and does with self._process and self.sink_thread, what bin/jsii-runtime.ts of @jsii/runtime does before spawn"
        " and around it, and the texts that tap/synth/jsii_program.cjs replaces. Then change VERIFIED in"
        " tap/synth/jsii_process.py, and run tests/slow."
    )


def test_a_remembered_digest_counts_for_the_same_file_alone(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("one")
    script = """
        const fs = require("fs");
        const digest = require(process.argv[1]);
        const memo = "root/tap-digests.json", told = [];
        const changed = () => fs.statSync("archive", { bigint: true }).ctimeNs;
        let age = 0;  // of the archive, in ms, whatever the machine's load
        Date.now = () => Number(changed() / 1_000_000n) + age;
        let complete = true, computed;
        const cache = { entry: (...key) => ({ isComplete: complete && key.join().startsWith("name,1.0,") }) };
        const compute = () => ((computed = true), Buffer.alloc(32, fs.readFileSync("archive")));
        function ask(what, version = "1.0") {
          computed = false;
          const answer = digest("root", "archive", ["name", version], cache, compute);
          const was = computed ? "computed" : "remembered";
          told.push(`${what}: ${was}${answer.equals(compute()) ? "" : ", wrongly"}`);
        }
        fs.mkdirSync("root");
        ask("changed just now"), ask("changed just now");
        age = 5000;
        fs.rmdirSync("root"), ask("no folder"), fs.mkdirSync("root");
        ask("first"), ask("again"), ask("other version", "2.0"), ask("back"), ask("again");
        complete = false, ask("gone from the cache"), (complete = true);
        for (const text of ["", "[]", "null", "{", fs.readFileSync(memo, "utf8").replace(/"[0-9a-f]{64}"/, '"../x"')]) {
          fs.writeFileSync(memo, text), ask("corrupt");
        }
        ask("again");
        function write(text) {
          const before = changed();  // the file system's clock ticks every few milliseconds
          do fs.writeFileSync("archive", text), fs.utimesSync("archive", 1, 1);
          while (changed() === before);
        }
        write("two"), ask("changed"), ask("again");
        write("owt"), ask("changed in secret");
        console.log(told.join("\\n"), fs.readdirSync("root").join());
    """
    program = str(jsii_process.PROGRAM)
    output = subprocess.check_output(["node", "-e", script, program], cwd=tmp_path, text=True, timeout=60)
    assert output.split("\n") == [
        "changed just now: computed",
        "changed just now: computed",
        "no folder: computed",
        "first: computed",
        "again: remembered",
        "other version: computed",
        "back: computed",
        "again: remembered",
        "gone from the cache: computed",
        *["corrupt: computed"] * 5,
        "again: remembered",
        "changed: computed",
        "again: remembered",
        "changed in secret: computed tap-digests.json",
        "",
    ]
