"""One stack, written by cdktf and by cdktn: the same JSON, and no changes of either under the other."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tap.local import ROOT
from tests.support.checkouts import Checkout, checkout
from tests.support.endpoints import Endpoint
from tests.support.servers import embedded_aws

CDKTN = ROOT / ".venv-cdktn/bin/python"
pytestmark = pytest.mark.skipif(not CDKTN.exists(), reason="there is no .venv-cdktn: `make test-cdktn` makes it")
PYTHONS = {"cdktf": Path(sys.executable), "cdktn": CDKTN}

EVERYTHING = """[prod]
alert_email = "ops@example.com"
deletion_protection_enabled = true
claim_index_enabled = true
tags = { "Cost:Center" = "1" }
[prod.backend]
type = "s3"
bucket = "states"
"""
STACKS = {"defaults": "[dev]\n", "everything-on": EVERYTHING, "own-names": '[dev.names]\ntable = "jobs"\n'}


@dataclass(frozen=True)
class Both:
    """A checkout, synthesized by either."""

    here: Checkout

    def document(self, framework: str) -> dict[str, Any]:
        """The stack's JSON."""
        shutil.rmtree(self.here.folder / "cdktf.out", ignore_errors=True)
        done = self.here.run(str(PYTHONS[framework]), "main.py")
        assert done.returncode == 0, done.stdout
        (file,) = (self.here.folder / "cdktf.out/stacks").glob("*/cdk.tf.json")
        document: dict[str, Any] = json.loads(file.read_text())
        return document


def test_each_environment_has_one_framework() -> None:
    program = "import importlib.util as u; print(*(bool(u.find_spec(name)) for name in ('cdktf', 'cdktn')))"
    found = {
        name: subprocess.check_output([python, "-c", program], text=True).split() for name, python in PYTHONS.items()
    }
    assert found == {"cdktf": ["True", "False"], "cdktn": ["False", "True"]}


@pytest.mark.parametrize("name", STACKS)
def test_only_the_frameworks_version_differs(name: str, tmp_path: Path) -> None:
    both = Both(checkout(tmp_path, STACKS[name], Endpoint("", "").environment | {"AWS_ENDPOINT_URL": ""}))
    ours, theirs = both.document("cdktf"), both.document("cdktn")
    versions = {document["//"]["metadata"].pop("version") for document in (ours, theirs)}
    assert ours == theirs
    assert len(versions) == 2


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    (tmp_path / "server").mkdir()
    with embedded_aws(tmp_path / "server") as server:
        yield Endpoint(server.url, "embedded AWS")


def test_a_stack_of_either_has_no_changes_under_the_other(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    environment = endpoint.attached | {"TF_WORKSPACE": "localstack"}
    here = checkout(tmp_path / "here", '[dev]\nalert_email = "ops@example.com"\n', environment)
    both = Both(here)
    for deployer, other in (("cdktf", "cdktn"), ("cdktn", "cdktf")):
        both.document(deployer)
        _terraform(here, "init")
        _terraform(here, "apply", "-auto-approve")
        both.document(other)
        _terraform(here, "init")
        _terraform(here, "plan", "-detailed-exitcode")
        _terraform(here, "destroy", "-auto-approve")


def _terraform(here: Checkout, *arguments: str) -> None:
    terraform = here.environment["TERRAFORM_BINARY_NAME"]
    done = here.run(terraform, "-chdir=cdktf.out/stacks/TapStackdev", *arguments, "-input=false", "-no-color")
    assert done.returncode == 0, done.stdout
