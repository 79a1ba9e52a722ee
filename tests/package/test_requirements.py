"""The package and the Pipfile demand the same: what is tested here is what other programs get."""

import re
import tomllib
from typing import Any

from tap.local import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PIPFILE: dict[str, Any] = tomllib.loads((ROOT / "Pipfile").read_text())


def of_the_package() -> dict[str, str]:
    """Each requirement's name and extras, with its versions."""
    extras = PROJECT["optional-dependencies"].values()
    found = [re.fullmatch(r"([\w-]+(?:\[[\w,]+\])?)(.*)", one) for one in sum(extras, PROJECT["dependencies"])]
    return {one[1]: one[2] for one in found if one}


def of_the_pipfile() -> dict[str, str]:
    """The same of the Pipfile, where "*" is any version."""
    found = {}
    for name, wanted in PIPFILE["packages"].items():
        version = wanted if isinstance(wanted, str) else wanted["version"]
        extras = "" if isinstance(wanted, str) else f"[{','.join(wanted['extras'])}]"
        found[name + extras] = version.removeprefix("*")
    return found


def test_package_and_pipfile_demand_the_same() -> None:
    assert of_the_package() == of_the_pipfile(), (
        "Write the requirement into [packages] of the Pipfile and into pyproject.toml (dependencies, or an extra);"
        " then run `make lock`."
    )


def test_the_store_alone_needs_boto3_and_pydantic() -> None:
    assert [re.split("[^a-z0-9]", one)[0] for one in PROJECT["dependencies"]] == ["boto3", "pydantic"]
    assert set(PROJECT["optional-dependencies"]) == {"cli", "local", "infra"}


def test_the_wheel_is_built_by_the_locked_tool() -> None:
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert re.split("[^a-z]", backend)[0] in PIPFILE["dev-packages"]
