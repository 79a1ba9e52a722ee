"""`tap prompts …` as a script sees it: output, standard error, exit status."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import termios
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.main import get_command
from typer.testing import CliRunner, Result

from tap.cli.app import app
from tap.cli.tables import show_rows
from tap.local import ROOT
from tap.store import PromptStore


class Shell:
    """Runs the command line on one table: in this process, since each new one would load boto3 again."""

    def __init__(self, store: PromptStore, folder: Path) -> None:
        self.folder = folder
        self.env = os.environ | {
            "AWS_ENDPOINT_URL": store.settings.endpoint_url or "",
            "TAP_TABLE": store.table_name,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
        }

    def __call__(self, *arguments: str, status: int = 0, stdin: str = "", **env: str) -> Result:
        run = CliRunner().invoke(app, ["prompts", *arguments], input=stdin, env=self.env | env)
        assert run.exit_code == status, run.output
        assert run.exception is None or isinstance(run.exception, SystemExit)
        return run

    def json(self, *arguments: str, **options: Any) -> Any:
        return json.loads(self(*arguments, **options).stdout)


@pytest.fixture
def shell(table: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    # On the machine's clock: the command line has no other.
    with PromptStore(table, settings) as store:
        yield Shell(store, tmp_path)


def test_a_prompts_life(shell: Shell) -> None:
    created = shell.json("create", "Review the code", "code_review", "--priority", "high")
    assert (created["status"], created["priority"]) == ("pending", "high")
    claim = shell.json("claim", "worker-1", "--lease", "2m")
    assert (claim["id"], claim["attempts"], claim["claim_owner"]) == (created["id"], 1, "worker-1")
    assert "first lease ends" in shell("claim", "worker-2", status=5).stderr
    shell("extend", claim["id"], "--token", claim["token"], "--lease", "1h")
    done = shell.json("complete", claim["id"], "--token", claim["token"], "--result", '{"score": 0.95}')
    assert done["result"] == {"score": 0.95}
    assert shell.json("get", claim["id"]) == done
    assert shell("claim", "worker-2", status=5).stderr == "Nothing is pending.\n"
    shell("delete", claim["id"])
    assert shell("get", claim["id"], status=3).stderr == f"There is no prompt '{claim['id']}'.\n"


def test_release_fail_and_update(shell: Shell) -> None:
    shell("create", "-", "type", "--id", "p", stdin="from standard input")
    token = shell.json("claim", "w")["token"]
    assert shell.json("release", "p", "--token", token)["status"] == "pending"
    assert "no longer yours" in shell("complete", "p", "--token", token, status=4).stderr
    token = shell.json("claim", "w")["token"]
    assert shell.json("fail", "p", "--token", token, "--result", "null")["result"] is None
    assert "failed, not pending" in shell("update", "p", "completed", "--expected", "pending", status=4).stderr
    assert shell.json("update", "p", "completed", "--result", "1.0")["result"] == 1.0
    assert shell.json("get", "p")["prompt_text"] == "from standard input"


def test_list_in_a_pipe_is_json_lines(shell: Shell) -> None:
    for number in range(3):
        shell("create", "text", "type", "--id", f"p{number}", "--priority", "low" if number else "high")
    lines = shell("list", "--priority", "low").stdout.splitlines()
    assert {json.loads(line)["id"] for line in lines} == {"p1", "p2"}
    assert len(shell("list", "--limit", "1").stdout.splitlines()) == 1
    assert shell("list", "--type", "other").stdout == ""


def _on_a_terminal(shell: Shell, *arguments: str, columns: int = 200) -> tuple[int, bytes]:
    reader, writer = pty.openpty()
    termios.tcsetwinsize(writer, (24, columns))
    command = [sys.executable, "-m", "tap", "prompts", *arguments]
    env = {name: value for name, value in shell.env.items() if name != "COLUMNS"} | {"TERM": "xterm-256color"}
    with subprocess.Popen(command, cwd=shell.folder, env=env, stdin=writer, stdout=writer, stderr=writer) as run:
        os.close(writer)
        shown = b""
        while True:
            try:
                part = os.read(reader, 4096)
            except OSError:  # how a terminal's end looks on Linux
                break
            if not part:
                break
            shown += part
    os.close(reader)
    return run.returncode, shown


def test_on_a_terminal_there_are_tables_and_markup_is_text(shell: Shell) -> None:
    shell("create", "[bold]not bold[/bold]\x1b[31m", "type", "--id", "p")
    status, shown = _on_a_terminal(shell, "list")
    assert status == 0
    assert b"prompt_text" in shown
    assert b"[bold]not bold[/bold]\xef\xbf\xbd[31m" in shown


@pytest.mark.parametrize("columns", [80, 100, 120, 160])
def test_a_list_keeps_its_columns_in_a_terminal_that_people_have(shell: Shell, columns: int) -> None:
    ids = [str(uuid.UUID(int=number)) for number in (1, 2)]
    long_text = "Review the code for security vulnerabilities, " * 3
    shell("create", long_text, "code_review_of_everything", "--priority", "high", "--id", ids[0])
    shell("create", "\u6f22" * 120, "t", "--priority", "medium", "--id", ids[1])
    status, shown = _on_a_terminal(shell, "list", columns=columns)
    assert status == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    header, *rows, count = plain.splitlines()
    assert header.split()[:4] == ["id", "status", "priority", "task_type"]
    assert {tuple(row.split()[:3]) for row in rows} == {(ids[0], "pending", "high"), (ids[1], "pending", "medium")}
    assert all(cell_len(line) <= columns for line in plain.splitlines()), plain
    assert all(row.endswith("\u2026") for row in rows)
    begins = {re.search("Review|\u6f22", row).start() for row in rows}  # type: ignore[union-attr]
    assert begins == {header.index("prompt_")}
    assert count == "2 prompts"


def test_a_long_list_is_shown_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    shown_before_the_last = []

    def prompts() -> Iterator[dict[str, Any]]:
        for number in range(300):
            if number == 299:
                shown_before_the_last.append(capsys.readouterr().out.count("pending"))
            yield {"id": f"p{number}", "status": "pending", "priority": "low", "task_type": "t", "prompt_text": "x"}

    show_rows(prompts())
    assert shown_before_the_last == [299]
    assert "300 prompts" in capsys.readouterr().out


def test_import_and_export(shell: Shell) -> None:
    lines = [json.dumps({"prompt_text": f"text {number}", "task_type": "t"}) for number in range(30)]
    (shell.folder / "in.ndjson").write_text("\n".join([*lines, "bad"]) + "\n")
    run = shell("import", "in.ndjson", status=6)
    assert json.loads(run.stdout) == {
        "lines": 31,
        "imported": 30,
        "existing": 0,
        "rejected": 1,
        "resumed_at": 0,
    }
    assert re.search(r"in\.ndjson\.import-[0-9a-f]+\.rejects", run.stderr)
    assert "imported before" in shell("import", "in.ndjson", status=6).stderr
    assert shell.json("export", "out.ndjson") == {"exported": 30, "unreadable": 0}
    exported = shell("export", "-").stdout.splitlines()
    assert sorted(exported) == sorted((shell.folder / "out.ndjson").read_text().splitlines())
    assert sorted(json.loads(line)["prompt_text"] for line in exported) == sorted(f"text {n}" for n in range(30))
    assert shell.json("import", "-", stdin=lines[0])["imported"] == 1


@pytest.mark.parametrize(
    ("arguments", "env", "status", "says"),
    [
        (["get", "x"], {"TAP_TABLE": ""}, 2, "There is no outputs.json: deploy the stack"),
        (["get", "x"], {"TAP_TABLE": "nowhere"}, 1, "There is no table 'nowhere' here"),
        (["get", "x"], {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "No usable answer from DynamoDB"),
        (
            ["get", "x"],
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            1,
            "No usable AWS credentials",
        ),
        (["get", "x"], {"AWS_ENDPOINT_URL": "nonsense"}, 2, "Invalid endpoint: nonsense"),
        (["get", "x"], {"AWS_REGION": ""}, 2, "No AWS region: set AWS_REGION"),
        (["create", "", "t"], {}, 2, "prompt_text: string should have at least 1 character"),
        (["create", "a", "b", "--expires-in", "3000000d"], {}, 2, "expires_in ends after the year 9999"),
        (["import", "missing.ndjson"], {}, 1, "No such file"),
    ],
)
def test_an_error_is_one_sentence(
    shell: Shell, arguments: list[str], env: dict[str, str], status: int, says: str
) -> None:
    run = shell(*arguments, status=status, **env)
    assert says in run.stderr
    assert (run.stderr.count("\n"), run.stdout) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["update", "x", "done"],
        ["complete", "x", "--token", "t", "--result", "{"],
        ["claim", "w", "--lease", "5"],
    ],
)
def test_wrong_usage_is_status_2(shell: Shell, arguments: list[str]) -> None:
    shell(*arguments, status=2)


def test_the_table_comes_from_the_outputs(shell: Shell) -> None:
    outputs = {"TapStackdev": {"TurnAroundPromptTableName": shell.env["TAP_TABLE"]}}
    (shell.folder / "outputs.json").write_text(json.dumps(outputs))
    assert shell.json("create", "text", "type", TAP_TABLE="")["status"] == "pending"


def test_a_table_that_is_not_there_is_looked_for_at_an_endpoint_in_a_region(shell: Shell) -> None:
    said = shell("get", "x", status=1, TAP_TABLE="nowhere").stderr
    assert f"asked at {shell.env['AWS_ENDPOINT_URL']} in region us-east-1" in said
    assert said.count("\n") == 1


def test_outputs_that_were_typed_win_over_the_environments_table(shell: Shell) -> None:
    outputs = {"TapStackdev": {"TurnAroundPromptTableName": shell.env["TAP_TABLE"]}}
    (shell.folder / "mine.json").write_text(json.dumps(outputs))
    made = shell.json("create", "text", "type", "--outputs", "mine.json", TAP_TABLE="nowhere")
    assert shell.json("get", made["id"], "--table", shell.env["TAP_TABLE"], "--outputs", "missing.json") == made
    assert "no table 'nowhere'" in shell("get", "x", status=1, TAP_TABLE="nowhere", TAP_OUTPUTS="mine.json").stderr


@pytest.mark.parametrize(
    ("arguments", "goes_on"),
    [(["get", "x"], False), (["import", "in.ndjson"], True), (["import", "-"], False), (["export", "out"], False)],
)
def test_only_an_interrupted_import_of_a_file_promises_to_go_on(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: list[str], goes_on: bool
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name in ("get", "import_prompts", "export_prompts"):
        monkeypatch.setattr(PromptStore, name, interrupt)
    said = shell(*arguments, status=130).stderr
    assert said.startswith("Interrupted.")
    assert ("goes on" in said) == goes_on


def test_a_reader_that_stops_early_is_no_error(shell: Shell) -> None:
    shell("create", "-", "type", stdin="x" * 200_000)
    command = f"{sys.executable} -m tap prompts list | head -c 1"
    run = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=shell.folder,
        env=shell.env,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "{", "")


def test_deep_json_and_bytes_that_are_no_text_are_named(shell: Shell) -> None:
    prompt = shell.json("create", "text", "t")
    deep = shell("update", prompt["id"], "completed", "--result", "[" * 20_000 + "]" * 20_000, status=2)
    assert "not JSON" in deep.stderr
    raw = subprocess.run(
        [sys.executable, "-m", "tap", "prompts", "create", "-", "t"],
        env=shell.env | {"PYTHONIOENCODING": "utf-8:strict"},
        input=b"abc\xff",
        capture_output=True,
        check=False,
    )
    assert (raw.returncode, b"not UTF-8" in raw.stderr, b"Traceback" in raw.stderr) == (2, True, False)


def test_an_output_that_is_not_utf_8_gets_json_all_the_same(shell: Shell) -> None:
    prompt = shell.json("create", "\u00fc\u6f22\U0001f600", "t")
    run = subprocess.run(
        [sys.executable, "-m", "tap", "prompts", "get", prompt["id"]],
        env=shell.env | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=True,
    )
    assert json.loads(run.stdout.decode("ascii"))["prompt_text"] == "\u00fc\u6f22\U0001f600"


def _bash(shell: Shell, script: str) -> subprocess.CompletedProcess[str]:
    """A script in which `tap` is the command."""
    function = f'tap() {{ {sys.executable} -m tap "$@"; }}; set -o pipefail; '
    return subprocess.run(
        ["bash", "-c", function + script], env=shell.env, cwd=shell.folder, capture_output=True, text=True, check=False
    )


def test_only_standard_output_may_be_left_unread(shell: Shell) -> None:
    (shell.folder / "in.ndjson").write_text("bad\n" * 5000)
    run = _bash(shell, "tap prompts import in.ndjson --rejects >(head -c1 >/dev/null; exit)")
    assert (run.returncode, "Broken pipe" in run.stderr, "Traceback" in run.stderr) == (1, True, False)
    shell("create", "more than a pipe's writer keeps back " * 1000, "t", "--id", "long")
    for command in ("list", "get long", "export -"):
        unread = _bash(shell, f"tap prompts {command} | true")
        assert (unread.returncode, unread.stderr) == (0, ""), command


@pytest.mark.parametrize(
    ("where", "why"), [("| true", "Broken pipe"), (">/dev/full", "No space left"), (">&-", "nothing was claimed")]
)
def test_a_claim_whose_token_cannot_be_shown_is_given_back(shell: Shell, where: str, why: str) -> None:
    shell("create", "text", "t", "--id", "p")
    lost = _bash(shell, f"tap prompts claim w {where}")
    assert (lost.returncode, lost.stderr.count("\n")) == (1, 1)
    assert why in lost.stderr
    assert shell.json("get", "p")["status"] == "pending"


def test_help_that_is_not_read_to_its_end_is_no_error(shell: Shell) -> None:
    unread = _bash(shell, "tap --help | true")
    assert (unread.returncode, unread.stderr) == (0, "")


@pytest.mark.parametrize("said", ["echo text", "printf 'text\\r\\n'", "printf text"])
def test_standard_input_is_taken_without_the_newline_of_echo(shell: Shell, said: str) -> None:
    made = _bash(shell, f"{said} | tap prompts create - t")
    assert json.loads(made.stdout)["prompt_text"] == "text"
    kept = _bash(shell, "printf 'a\\n\\nb\\n\\n' | tap prompts create - t")
    assert json.loads(kept.stdout)["prompt_text"] == "a\n\nb\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("local", "up", "--port", "70000"), "'70000' is not allowed; it must be a whole number, from 0 to 65535"),
        (("prompts", "list", "--limit", "0"), "'0' is not allowed; it must be a whole number, 1 or more"),
        (("prompts", "export", "-", "--segments", "65"), "from 1 to 64"),
        (("prompts", "create", "x", "t", "--max-attempts", "-1"), "from 1 to 1000000"),
        (("prompts", "create", "x", "t", "--max-attempts", "many"), "from 1 to 1000000"),
    ],
)
def test_a_number_out_of_its_range_is_named_with_what_is_allowed(arguments: tuple[str, ...], says: str) -> None:
    run = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200", "TAP_TABLE": "t"})
    assert run.exit_code == 2
    assert says in " ".join(re.sub("[\u2500-\u257f]", "", run.stderr).split())


def _commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    group = group or get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(("path", "command"), [pytest.param(*one, id=" ".join(one[0])) for one in _commands()])
def test_each_option_and_argument_has_its_help(path: tuple[str, ...], command: Any) -> None:
    assert command.help, path
    unexplained = [one.name for one in command.params if one.name != "help" and not one.help]
    assert unexplained == []
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"}).output
    flags = re.findall(r"--(\S+) +<bool>", shown)
    assert flags == ["help"]  # typer's own


def test_a_shell_completes_the_tap_command_and_is_not_offered_to_complete_python(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "tap"
    script.write_text("from tap.__main__ import main\nmain()\n")
    asks = {"_TAP_COMPLETE": "complete_bash", "COMP_WORDS": "tap prompts cl", "COMP_CWORD": "2"}
    completed = subprocess.run(
        [sys.executable, script], env=shell.env | asks, capture_output=True, text=True, check=True
    )
    assert completed.stdout.split() == ["claim"]
    by_module = subprocess.run(
        [sys.executable, "-m", "tap", "--help"], env=shell.env, capture_output=True, text=True, check=True
    )
    assert "completion" not in by_module.stdout


def test_nothing_to_list_and_no_output_at_all_are_no_errors(shell: Shell) -> None:
    status, shown = _on_a_terminal(shell, "list")
    assert (status, b"0 prompts" in shown) == (0, True)
    closed = _bash(shell, "tap prompts list >&-")
    assert (closed.returncode, closed.stderr) == (0, "")
