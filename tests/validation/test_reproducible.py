"""main.py writes the same bytes anywhere: in two runs, two checkouts, and whatever the process environment says."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.environment import process_environment
from tests.support.synthesis import DEFAULTS, stack_file, synthesize

REPOSITORY = Path(__file__).parents[2]


def checkout(folder: Path) -> Path:
    """A copy of what a synth needs, as another clone would have it."""
    folder.mkdir(parents=True)
    for name in ("main.py", "environments.toml", "cdktf.json"):
        shutil.copy(REPOSITORY / name, folder)
    shutil.copytree(REPOSITORY / "tap", folder / "tap")
    return folder


def synth(folder: Path, **variables: str) -> bytes:
    environment = process_environment() | variables
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return (folder / "cdktf.out" / "stacks" / "TapStackdev" / "cdk.tf.json").read_bytes()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("checkouts") / "here")


@pytest.fixture(scope="module")
def document(here: Path) -> bytes:
    return synth(here)


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An address where somebody answers, were it with an error, so that main.py goes on."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_is_what_the_other_tests_look_at(document: bytes, tmp_path: Path) -> None:
    synthesize([DEFAULTS], tmp_path)
    assert document == stack_file(tmp_path, DEFAULTS).read_bytes()


def test_again_in_another_process_environment(document: bytes, here: Path, endpoint: str) -> None:
    local = {
        "AWS_ENDPOINT_URL": endpoint,
        "TF_WORKSPACE": "localstack",
        "AWS_ACCESS_KEY_ID": "nobodys-key-id",
        "AWS_SECRET_ACCESS_KEY": "nobodys-secret",
        "AWS_REGION": "ap-south-1",
        "AWS_DEFAULT_REGION": "ap-south-1",
        "TF_VAR_alert_email": "ops@example.com",
        "TZ": "Asia/Kolkata",
        "PYTHONHASHSEED": "7",
        "USER": "somebody",
    }
    assert synth(here, **local) == document


def test_in_another_checkout(document: bytes, tmp_path: Path) -> None:
    there = checkout(tmp_path / "quite another" / "place")
    assert synth(there) == document
    assert str(tmp_path).encode() not in document
    assert str(Path.home()).encode() not in document
