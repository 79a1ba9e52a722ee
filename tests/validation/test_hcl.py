"""HCL as Terraform reads it: values come back as they were, and what is written is formatted and valid."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tap.hcl.module import module_files
from tap.hcl.root import files
from tap.hcl.text import expression
from tap.local import ROOT
from tap.provider import VERSION
from tap.settings import HttpBackend, S3Backend, Settings
from tests.support.synthesis import ADOPTED, DEFAULTS, EVERYTHING_ON, WITH_POLICIES, stack_json
from tests.validation.conftest import Terraform
from tests.validation.test_newest_provider import KNOWN, findings
from tests.validation.test_terraform import LONGEST
from tools.provider_blocks import extracted

TAGGED = Settings(
    tags={"Kosten:Stelle": "a b", "Größe": "1/2 = +x@y", "a": ""}, backend=S3Backend(type="s3", bucket="b-1")
)
BEHIND_HTTP = Settings(backend=HttpBackend(type="http", address="https://x.example/{environment}?a=b&c=d"))
STACKS = {
    "defaults": DEFAULTS,
    "everything-on": EVERYTHING_ON,
    "with-policies": WITH_POLICIES,
    "adopted": ADOPTED,
    "longest": LONGEST,
    "strange-tags-in-s3": TAGGED,
    "behind-http": BEHIND_HTTP,
}
#: What a setting can hold (tap/settings/kinds.py), and what the code's own texts do.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).filter(lambda text: "{" not in text)
values = st.recursive(
    texts | st.booleans() | st.integers(-(2**31), 2**31) | st.sampled_from(['a"b', "a\\b", "a\nb", "a\tb", "%", "$"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(made=st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), values, min_size=1, max_size=6))
@example(made={"a": {"Kosten:Stelle": "ü \" ' \\ $", "": "", "if": "1"}})
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_comes_back(tf: Terraform, tmp_path: Path, made: dict[str, Any]) -> None:
    text = "\n".join(f'output "{name}" {{\nvalue = {expression(value)}\n}}' for name, value in made.items())
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / "main.tf").write_text(text)
    done = tf.run(tmp_path, "apply", "-auto-approve", "-input=false", "-no-color")
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    outputs = json.loads(tf.run(tmp_path, "output", "-json").stdout)
    assert {name: output["value"] for name, output in outputs.items()} == made


@pytest.mark.parametrize("name", STACKS)
def test_the_whole_stack_is_valid_and_formatted(tf: Terraform, name: str) -> None:
    document = stack_json(STACKS[name])
    folder = tf.folder(f"hcl-{name}", document)
    (folder / "cdk.tf.json").unlink()
    for file, text in files(document).items():
        (folder / file).write_text(text)
    assert tf.run(folder, "fmt").returncode == 0
    # `fmt` changes nothing but spacing: formatted once, it is formatted.
    assert tf.run(folder, "fmt", "-check", "-diff").stdout == ""
    answer = json.loads(tf.run(folder, "validate", "-json").stdout)
    assert (answer["valid"], answer["diagnostics"]) == (True, [])


def test_what_is_a_block_is_what_the_provider_says(tf: Terraform) -> None:
    from tap.hcl import schema

    done = tf.run(tf.root / "providers", "providers", "schema", "-json")
    kinds = set(stack_json(WITH_POLICIES)["resource"])
    file = Path(schema.__file__).with_name("blocks.json")
    assert json.loads(file.read_text()) == extracted(json.loads(done.stdout), kinds), (
        "Renew it: terraform providers schema -json | python tools/provider_blocks.py " + " ".join(sorted(kinds))
    )


def test_it_reads_as_if_a_person_had_written_it() -> None:
    made = files(stack_json(EVERYTHING_ON))
    assert set(made) == {"versions.tf", "variables.tf", "main.tf", "outputs.tf"}
    assert f'version = "{VERSION}"' in made["versions.tf"]
    text = made["main.tf"]
    assert "policy = jsonencode({" in text
    assert "dashboard_body = jsonencode({" in text
    assert '\\"' not in text
    assert "kms_key_arn = aws_kms_key.KMSKey.arn" in text
    assert text.count("tags = local.tags") == 7
    assert "# DynamoDB emits an error metric only when there was an error" in text


@pytest.fixture(scope="module")
def module() -> dict[str, Any]:
    """The Terraform module's JSON."""
    command = [sys.executable, "-m", "tap.infra.module"]
    document: dict[str, Any] = json.loads(subprocess.check_output(command, cwd=ROOT, text=True))
    return document


class TestModule:
    """`tap module`: the module that is committed, from the same parts."""

    def test_the_committed_one_is_what_the_code_makes(
        self, module: dict[str, Any], tf: Terraform, tmp_path: Path
    ) -> None:
        for name, text in module_files(module).items():
            (tmp_path / name).write_text(text)
        tf.run(tmp_path, "fmt")
        committed = ROOT / "modules/tap"
        stale = [
            name for name in module_files(module) if (tmp_path / name).read_text() != (committed / name).read_text()
        ]
        assert stale == [], "Renew it: tap module modules/tap --force"
        assert {file.name for file in committed.glob("*.*") if not file.name.startswith(".")} == set(
            module_files(module)
        )

    def test_every_setting_of_the_stack_is_a_variable(self, module: dict[str, Any]) -> None:
        of_the_provider = {"region", "profile", "assume_role", "allowed_account_ids", "default_tags", "backend"}
        assert set(module["variable"]) == (set(Settings.model_fields) - of_the_provider) | {"managed_by"}
        for name, variable in module["variable"].items():
            assert len(variable["description"]) > 20, name
            assert variable["nullable"] is False
            default = Settings.model_fields[name].default if name in Settings.model_fields else "terraform"
            if isinstance(default, str | bool | int) and name != "environment_suffix":
                assert variable["default"] == default, name

    def test_the_newest_provider_would_take_it(self, module: dict[str, Any]) -> None:
        flat = json.loads(json.dumps(module))
        for resources in flat["resource"].values():
            for arguments in resources.values():
                for label, several in arguments.pop("dynamic", {}).items():
                    arguments[label] = [*arguments.get(label, []), *(one["content"] for one in several)]
        assert set(findings(flat)) == KNOWN

    def test_a_deprecated_attribute_turns_it_red(self) -> None:
        key = {"description": "${data.aws_region.current.id}"}
        changed = {"resource": {"aws_kms_key": {"KMSKey": key}}}
        assert any("data.aws_region.current.id is deprecated" in one for one in findings(changed))
