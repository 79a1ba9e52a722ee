"""CDKTF's own export to HCL. docs/leaving-cdktf.md warns of it; the day this test turns red the warning can go."""

from pathlib import Path

from tests.support.checkouts import checkout
from tests.support.environment import terraform_environment


def test_cdktf_still_writes_what_terraform_cannot_parse(tmp_path: Path) -> None:
    environment = terraform_environment(tmp_path / "terraform.rc")
    here = checkout(tmp_path, "[dev]\n", environment)
    made = here.cdktf("synth", "--hcl")
    assert made.returncode == 0, made.stdout
    folder = tmp_path / "cdktf.out/stacks/TapStackdev"
    assert (folder / "cdk.tf").is_file()
    checked = here.run(environment["TERRAFORM_BINARY_NAME"], "fmt", "-check", "-no-color", str(folder))
    assert checked.returncode != 0
    assert "Missing newline after argument" in checked.stdout
