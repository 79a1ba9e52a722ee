"""The three kinds of file that hold a stack's outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tap.store import PromptStore, StoreMisconfigured, read_outputs

OUTPUTS = {
    "TurnAroundPromptTableName": "tap-dev-prompts",
    "TurnAroundPromptTableArn": "arn:aws:dynamodb:eu-central-1:123456789012:table/tap-dev-prompts",
    "StackName": "TapStackdev",
}
TERRAFORM = {name: {"sensitive": False, "type": "string", "value": text} for name, text in OUTPUTS.items()}
STATE = {"version": 4, "terraform_version": "1.11.4", "serial": 3, "outputs": TERRAFORM, "resources": []}
PROD = OUTPUTS | {"TurnAroundPromptTableName": "tap-prod-prompts", "StackName": "TapStackprod"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outputs.json"


@pytest.mark.parametrize("content", [{"TapStackdev": OUTPUTS}, TERRAFORM, STATE], ids=["cdktf", "terraform", "state"])
@pytest.mark.parametrize("stack", [None, "TapStackdev"])
def test_each_kind_gives_the_same_outputs_and_the_tables_region(
    file: Path, content: dict[str, Any], stack: str | None
) -> None:
    file.write_text(json.dumps(content))
    assert read_outputs(file, stack) == OUTPUTS
    store = PromptStore.from_outputs(file, stack=stack)
    assert store.table_name == "tap-dev-prompts"
    assert store.settings.region == "eu-central-1"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_outputs_are_read_as_powershell_saves_them(file: Path, encoding: str) -> None:
    file.write_text(json.dumps(OUTPUTS | {"Note": "sch\u00f6n"}, ensure_ascii=False), encoding=encoding)
    assert read_outputs(file) == OUTPUTS | {"Note": "sch\u00f6n"}


def test_outputs_that_are_no_text_are_refused_in_a_sentence(file: Path) -> None:
    file.write_bytes(b"{\xff")
    with pytest.raises(StoreMisconfigured, match=r"outputs.json can't be read as JSON"):
        read_outputs(file)


def test_of_several_stacks_one_has_to_be_named(file: Path) -> None:
    file.write_text(json.dumps({"TapStackdev": OUTPUTS, "TapStackprod": PROD}))
    assert PromptStore.from_outputs(file, stack="TapStackprod").table_name == "tap-prod-prompts"
    with pytest.raises(StoreMisconfigured, match="TapStackdev, TapStackprod"):
        read_outputs(file)
    with pytest.raises(StoreMisconfigured, match="no stack TapStackqa"):
        read_outputs(file, "TapStackqa")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "deploy the stack"),
        ("{", "can't be read as JSON"),
        ("[]", "no object"),
        ("{}", "no output TurnAroundPromptTableName .it has nothing"),
        (json.dumps({"TapStackdev": {"StackName": "x"}}), "it has StackName"),
        (json.dumps(STATE | {"outputs": {}}), "it has nothing"),
    ],
)
def test_what_holds_no_table_says_so_in_a_sentence(file: Path, content: str | None, says: str) -> None:
    if content is not None:
        file.write_text(content)
    with pytest.raises(StoreMisconfigured, match=says):
        PromptStore.from_outputs(file)


def test_another_stacks_outputs_are_refused(file: Path) -> None:
    file.write_text(json.dumps(TERRAFORM))
    with pytest.raises(StoreMisconfigured, match="TapStackdev, not of TapStackprod"):
        read_outputs(file, "TapStackprod")
