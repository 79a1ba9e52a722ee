"""docker-compose.yml names the LocalStack that the rest of the project is tested with."""

import tomllib
from typing import Any

import pytest
import yaml

from tap.local import ROOT


@pytest.fixture(scope="module")
def localstack() -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["localstack"]
    return service


def test_image_is_the_release_of_the_localstack_command(localstack: dict[str, Any]) -> None:
    pinned = tomllib.loads((ROOT / "Pipfile").read_text())["localstack"]["localstack"].removeprefix("==")
    assert localstack["image"] == f"localstack/localstack:{pinned}"


def test_every_port_is_published_to_this_machine_only(localstack: dict[str, Any]) -> None:
    assert localstack["ports"]
    assert all(port.startswith("127.0.0.1:") for port in localstack["ports"])


def test_settings_are_those_of_the_localstack_that_ci_runs(localstack: dict[str, Any]) -> None:
    script = ROOT.parent / "shared/localstack-host/start.sh"
    if not script.is_file():
        pytest.skip("there is no ../shared/localstack-host to compare with")
    exported = dict(
        word.split("=", 1)
        for line in script.read_text().splitlines()
        if line.startswith("export ")
        for word in line.removeprefix("export ").split()
    )
    for name in ("PROVIDER_OVERRIDE_DYNAMODB", "PROVIDER_OVERRIDE_CLOUDWATCH"):
        assert localstack["environment"][name] == exported[name]
    assert set(localstack["environment"]["SERVICES"].split(",")) <= set(exported["SERVICES"].split(","))
