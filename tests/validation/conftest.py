"""The genuine Terraform with the genuine provider, set up once; and checkov's findings, asked for once."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import Document
from tests.support.environment import PROVIDERS, terraform_environment


@dataclass(frozen=True)
class Terraform:
    """Runs `terraform` in folders that share one set of providers."""

    binary: str
    environment: Mapping[str, str]
    root: Path

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.binary, *arguments], cwd=folder, env=self.environment, capture_output=True, text=True, timeout=180
        )

    def folder(self, name: str, document: Document) -> Path:
        """A folder with that document, ready for everything but the backend."""
        folder = self.root / name
        folder.mkdir()
        shutil.copy(self.root / "providers" / ".terraform.lock.hcl", folder)
        (folder / "cdk.tf.json").write_text(json.dumps(document))
        return folder


@pytest.fixture(scope="session")
def tf(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    root = tmp_path_factory.mktemp("terraform")
    environment = terraform_environment(root / "terraform.rc")
    environment |= {"TF_DATA_DIR": str(root / "providers" / ".terraform"), "AWS_EC2_METADATA_DISABLED": "true"}
    made = Terraform(environment["TERRAFORM_BINARY_NAME"], environment, root)
    providers = root / "providers"
    providers.mkdir()
    (providers / "main.tf.json").write_text(json.dumps(PROVIDERS))
    done = made.run(providers, "init", "-backend=false", "-input=false", "-no-color")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def schema(tf: Terraform) -> dict[str, Any]:
    """What the provider says of each kind of resource: its arguments, blocks and attributes."""
    done = tf.run(tf.root / "providers", "providers", "schema", "-json")
    assert done.returncode == 0, done.stderr
    (provider,) = json.loads(done.stdout)["provider_schemas"].values()
    kinds: dict[str, Any] = provider["resource_schemas"] | {
        f"data.{kind}": one for kind, one in provider["data_source_schemas"].items()
    }
    return kinds


Evaluate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def evaluate(tf: Terraform, tmp_path: Path) -> Evaluate:
    """Terraform's own value of expressions: a plan of nothing but variables and outputs, which takes 0.1 s."""

    def run(variables: Mapping[str, Any], outputs: Mapping[str, str], **given: str) -> subprocess.CompletedProcess[str]:
        document = {"variable": variables, "output": {name: {"value": value} for name, value in outputs.items()}}
        (tmp_path / "main.tf.json").write_text(json.dumps(document))
        arguments = [f"-var={name}={value}" for name, value in given.items()]
        return tf.run(tmp_path, "apply", "-auto-approve", "-input=false", "-no-color", "-json", *arguments)

    return run
