"""main.py with a mistake in its settings, as a person meets it: one line, and nothing is made."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.environment import process_environment

REPOSITORY = Path(__file__).parents[2]
Runner = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_main(tmp_path: Path) -> Runner:
    """Runs main.py in a folder of its own, with this environments.toml beside it."""
    shutil.copy(REPOSITORY / "main.py", tmp_path)

    def run(text: str = "[dev]", **variables: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "environments.toml").write_text(text)
        ours = {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
        environment = process_environment() | ours | variables
        return subprocess.run(
            [sys.executable, "main.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )

    return run


def free_port() -> int:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port: int = nobody.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("[dev]", {"TAP_ENVIRONMENT_SUFFIX": "My Dev"}, ["TAP_ENVIRONMENT_SUFFIX", '"My Dev"', "lower-case"]),
        ("[dev]\nregoin = 5", {}, ["environments.toml, [dev]", "regoin = 5", "region"]),
        ("[dev]", {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}, ["AWS_ENDPOINT_URL", "nobody answers"]),
    ],
    # One of each place that a mistake can be in; what is said of each setting is tested without a process.
    ids=["variable", "file", "endpoint"],
)
def test_one_line_and_nothing_made(
    run_main: Runner, tmp_path: Path, text: str, variables: dict[str, str], expected: list[str]
) -> None:
    done = run_main(text, **variables)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [done.stderr.rstrip("\n")]
    assert [part for part in expected if part not in done.stderr] == [], done.stderr
    assert {one.name for one in tmp_path.iterdir()} == {"main.py", "environments.toml"}


def test_a_synth_of_another_environment_keeps_the_only_record_of_a_deployment(run_main: Runner, tmp_path: Path) -> None:
    errored = tmp_path / "cdktf.out/stacks/TapStackdev/errored.tfstate"
    errored.parent.mkdir(parents=True)
    errored.write_text("{}")
    done = run_main("[dev]", TAP_ENVIRONMENT_SUFFIX="pr-7")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "state push errored.tfstate" in done.stderr
    assert errored.read_text() == "{}"


def test_the_pure_parts_need_no_cdktf() -> None:
    pure = "tap.settings, tap.policies.roles, tap.policies.resources, tap.infra.alarms, tap.infra.dashboard"
    pure += ", tap.state.endpoint"
    program = f"import sys, {pure}; sys.exit(', '.join(sorted({{'cdktf', 'jsii'}} & set(sys.modules))) or None)"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
