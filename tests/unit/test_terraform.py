"""Where Terraform gets the provider from on this machine: a mirror, the user's own configuration, or the registry."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tap.local import LocalError, terraform

UNPACKED = f"{terraform.PROVIDER}/{terraform.PROVIDER_VERSION}/linux_amd64/terraform-provider-aws"
PACKED = f"{terraform.PROVIDER}/terraform-provider-aws_{terraform.PROVIDER_VERSION}_linux_amd64.zip"
Variables = Callable[..., dict[str, str]]


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Variables:
    """What is set for a user whose home is empty."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(terraform, "_platform", lambda: "linux_amd64")

    def environment(**process_environment: str) -> dict[str, str]:
        named = {"TERRAFORM_BINARY_NAME": "terraform", **process_environment}
        return terraform.environment(named, tmp_path / "terraform.rc")

    return environment


def _file(folder: Path, name: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    return folder


@pytest.mark.parametrize("layout", [UNPACKED, PACKED])
def test_a_mirror_is_the_only_place_and_nothing_is_copied_from_it(
    layout: str, variables: Variables, tmp_path: Path
) -> None:
    mirror = _file(tmp_path / "mirror", layout)
    found = variables(TF_PLUGIN_MIRROR=str(mirror))
    text = Path(found["TF_CLI_CONFIG_FILE"]).read_text()
    assert f'path    = "{mirror}"' in text
    assert f'exclude = ["{terraform.PROVIDER}"]' in text
    # cdktf-cli's cache, in which two first deploys at once break each other.
    assert found["CDKTF_DISABLE_PLUGIN_CACHE_ENV"] == "1"


@pytest.mark.parametrize("layout", [f"{terraform.PROVIDER}/5.99.0/linux_amd64/x", PACKED.replace("amd64", "arm64")])
def test_a_mirror_of_something_else_is_refused(layout: str, variables: Variables, tmp_path: Path) -> None:
    mirror = _file(tmp_path / "mirror", layout)
    with pytest.raises(LocalError, match=f"TF_PLUGIN_MIRROR is {mirror}, .* 5.100.0 for linux_amd64"):
        variables(TF_PLUGIN_MIRROR=str(mirror))
    assert not (tmp_path / "terraform.rc").exists()


@pytest.mark.parametrize("where", ["home/.terraformrc", "named.tfrc"])
def test_the_users_own_configuration_stays_in_force(where: str, variables: Variables, tmp_path: Path) -> None:
    _file(tmp_path, where)
    found = variables(TF_CLI_CONFIG_FILE=str(tmp_path / "named.tfrc"))
    assert not {"TF_CLI_CONFIG_FILE", "CDKTF_DISABLE_PLUGIN_CACHE_ENV"} & found.keys()


def test_without_a_mirror_terraform_is_left_to_its_registry(
    variables: Variables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "MIRROR_PARENTS", (tmp_path,))
    assert not {"TF_CLI_CONFIG_FILE", "CDKTF_DISABLE_PLUGIN_CACHE_ENV"} & variables().keys()
    # Terraform warns of a configuration that isn't there and goes on without it; so do we.
    mirror = _file(tmp_path / "any name", UNPACKED)
    found = variables(TF_CLI_CONFIG_FILE=str(tmp_path / "none"))
    assert str(mirror) in Path(found["TF_CLI_CONFIG_FILE"]).read_text()


def test_no_terraform_at_all_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(LocalError, match="make setup"):
        terraform.binary({"PATH": str(tmp_path)})
    (tmp_path / "terraform").touch()
    assert terraform.binary({"PATH": ""}) == str(tmp_path / "terraform")
