"""What is made of Terraform's words when it fails."""

from pathlib import Path

import pytest

from tap.deployed.root import Root, project_folder
from tap.local import ROOT
from tap.settings import Settings

S3_LOCK = """\x1b[31m╷
│ Error: Error acquiring the state lock
│
│ Error message: operation error S3: PutObject, StatusCode: 412
│ Lock Info:
│   ID:        11111111-2222
│   Path:      states/tap/dev/terraform.tfstate
│   Operation: OperationTypePlan
│   Who:       ann@laptop
│   Version:   1.11.4
│   Created:   2026-11-29 18:31:22 +0000 UTC
│   Info:
╵"""
HTTP_LOCK = """╷
│ Error: Error acquiring the state lock
│
│ Error message: HTTP remote state already locked:
│ ID=33333333-4444
│ Lock Info:
│   ID:        11111111-2222
│   Who:       bob@laptop
│   Created:   2026-11-29 18:31:22 +0000 UTC
╵"""
INIT_LOCK = """Error: Error loading state: failed to lock s3 state: operation error S3: PutObject, StatusCode: 412
Lock Info:
  ID:        55555555-6666
  Path:      states/env:/localstack/tap/dev/terraform.tfstate
  Operation: init
  Who:       ann@laptop
  Version:   1.11.4
  Created:   2026-11-29 19:37:11.352797251 +0000 UTC
  Info:      """
OTHER = """Planning failed.
╷
│ Error: reading KMS Key
│
│   with aws_kms_key.KMSKey,
╵"""


@pytest.mark.parametrize(
    ("said", "told", "kept_quiet"),
    [
        (S3_LOCK, ["by ann@laptop since 2026", "TapStackdev force-unlock -force 11111111-2222`"], "PutObject"),
        (
            INIT_LOCK,
            ["by ann@laptop since 2026", "`aws s3 rm s3://states/env:/localstack/tap/dev/terraform.tfstate.tflock`"],
            "PutObject",
        ),
        (HTTP_LOCK, ["is locked: wait", "force-unlock -force 33333333-4444`"], "bob"),
        ("Error: Backend configuration changed\n\nA change…", ["cdktf deploy TapStackdev --migrate-state"], "A change"),
        (OTHER, ["`terraform -chdir=cdktf.out/stacks/TapStackdev plan` failed:\nError: reading KMS Key\n"], "Planning"),
        ("something else", ["plan` failed:\nsomething else"], "│"),
    ],
)
def test_a_known_failure_is_one_sentence(said: str, told: list[str], kept_quiet: str, tmp_path: Path) -> None:
    sentence = Root(Settings(), tmp_path, {}).sentence("plan", said)
    assert [part for part in told if part not in sentence] == [], sentence
    assert kept_quiet not in sentence


def test_a_state_that_could_not_be_put_away_is_named(tmp_path: Path) -> None:
    root = Root(Settings(), tmp_path, {})
    root.folder.mkdir(parents=True)
    (root.folder / "errored.tfstate").write_text("{}")
    sentence = root.sentence("apply", "Error: Failed to save state")
    assert (
        "`terraform -chdir=cdktf.out/stacks/TapStackdev state push errored.tfstate`, then delete the file" in sentence
    )


def test_a_command_is_about_the_project_that_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project/docs").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name in ("cdktf.json", "main.py"):
        (tmp_path / "project" / name).touch()
    for folder, found in (("project", "project"), ("project/docs", "project"), ("elsewhere", None)):
        monkeypatch.chdir(tmp_path / folder)
        assert project_folder() == (tmp_path / found if found else ROOT), folder
