"""The wheel in an empty environment, used from another folder as another program would use it."""

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tap import __version__
from tap.local import ROOT
from tests.support.environment import process_environment
from tests.support.servers import embedded_aws
from tests.support.store_table import make_table

PROGRAM = """
import sys
from tap.store import ClientSettings, PromptStore

with PromptStore("prompts", ClientSettings("us-east-1", sys.argv[1])) as store:
    created = store.create("Review code for security vulnerabilities", "code_review", "high")
    claim = store.claim("worker-1")
    assert claim and claim.id == created.id
    print(store.complete(claim, {"score": 0.95}).model_dump_json())
"""
NOT_NEEDED = "typer rich moto flask werkzeug cdktf constructs jsii"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(folder: Path, wheel: Path) -> Path:
    """The interpreter of an environment that has the wheel and what it demands, in the locked versions."""
    venv.create(folder / "venv", with_pip=True)
    interpreter = folder / "venv/bin/python"
    locked = json.loads((ROOT / "Pipfile.lock").read_text())["default"]
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{name}{one['version']}\n" for name, one in locked.items()))
    install = [str(interpreter), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    subprocess.run([*install, "--constraint", str(constraints), str(wheel)], check=True)
    return interpreter


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    return {name: value for name, value in process_environment().items() if name != "PYTHONPATH"} | credentials


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """An endpoint with a prompt table."""
    with embedded_aws(folder) as server:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        make_table(boto3.client("dynamodb", endpoint_url=server.url, region_name="us-east-1", **keys), "prompts")  # type: ignore[call-overload]
        yield server.url


def test_another_program_claims_and_completes_a_prompt(
    python: Path, url: str, folder: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [python, "-c", PROGRAM, url], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    completed = json.loads(done.stdout)
    assert (completed["status"], completed["result"]) == ("completed", {"score": 0.95})


def test_the_base_install_brings_boto3_and_pydantic_and_no_more(
    python: Path, folder: Path, environment: dict[str, str]
) -> None:
    listed = subprocess.check_output([python, "-m", "pip", "list", "--format=json"], env=environment, text=True)
    installed = {package["name"].lower(): package["version"] for package in json.loads(listed)}
    assert {"tap", "boto3", "pydantic"} <= installed.keys()
    assert not set(NOT_NEEDED.split()) & installed.keys()
    program = f"import sys, tap.store; print(*({{*{NOT_NEEDED.split()!r}, 'boto3'}} & set(sys.modules)))"
    loaded = subprocess.check_output([python, "-c", program], cwd=folder, env=environment, text=True)
    assert loaded.strip() == ""


@pytest.mark.parametrize("command", ["prompts", "outputs", "local"])
def test_a_command_without_its_extra_names_it(
    command: str, python: Path, folder: Path, environment: dict[str, str]
) -> None:
    tap = python.with_name("tap")
    done = subprocess.run(
        [tap, command, "--help"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert 'pip install "tap[cli]"' in done.stderr


def test_the_wheel_is_typed_and_complete(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("tap/")}
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        text = archive.read(metadata).decode()
    tracked = subprocess.check_output(["git", "ls-files", "tap"], cwd=ROOT, text=True).split()
    assert packed >= {name for name in tracked if (ROOT / name).exists()}
    assert "tap/py.typed" in packed
    assert re.search(rf"(?m)^Version: {re.escape(__version__)}$", text)


def test_the_installed_command_tells_its_version() -> None:
    done = subprocess.run([sys.executable, "-m", "tap", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tap {__version__}\n"
    script = Path(sys.executable).with_name("tap")
    if os.access(script, os.X_OK):
        assert subprocess.check_output([script, "--version"], text=True) == done.stdout
