"""Whatever stands in environments.toml or in a variable: valid settings within AWS's limits, or one sentence."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap.settings import FROM_PROCESS_ENVIRONMENT, Names, S3Backend, Settings, SettingsError, load
from tests.support import aws_limits
from tests.unit.test_settings import one_sentence


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("properties") / "environments.toml"


def outcome(file: Path, content: bytes, process_environment: Mapping[str, str]) -> list[Settings] | str:
    """What these settings lead to; any other exception than SettingsError goes through and is the test's failure."""
    file.write_bytes(content)
    try:
        loaded = load(file, process_environment)
    except SettingsError as error:
        return one_sentence(error)
    assert loaded
    assert [aws_limits.broken(one) for one in loaded] == [[]] * len(loaded)
    return loaded


# --- TOML documents, from the names that mean something and from any text ---

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SETTINGS = [*Settings.model_fields, *Names.model_fields, *S3Backend.model_fields, "local", "s3", "[key]", "tags", "x"]
keys = st.sampled_from(SETTINGS) | texts
plausible = st.sampled_from(
    ["dev", "prod", "eu-west-1", "ops@example.com", "alias/tap", "s3", "local", "my-states", "a/b.tfstate", "TAP", ""]
)
leaves = plausible | texts | st.integers() | st.booleans() | st.floats() | st.dates()
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))
tables = st.dictionaries(keys, values, max_size=5)
documents = st.dictionaries(st.sampled_from(["dev", "prod", "pr-7"]) | texts, tables | values, max_size=3)
variables = st.dictionaries(
    st.sampled_from(["TAP_ENVIRONMENT_SUFFIX", *(f"TAP_{one.upper()}" for one in FROM_PROCESS_ENVIRONMENT)]),
    plausible | st.sampled_from(["true", "False"]) | st.text(max_size=30),
    max_size=3,
)


def toml(value: Any) -> str:
    """TOML, with every table inline below the first level."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        return repr(value) if "e" not in repr(value) else f"{value:.1f}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_document(tables: Mapping[str, Any]) -> bytes:
    return "\n".join(f"{toml(key)} = {toml(table)}" for key, table in tables.items()).encode()


@given(document=documents, process_environment=variables)
@example(document={"dev": {"s3": 1}}, process_environment={})
@example(document={"dev": {"tags": {"s3": 1}}}, process_environment={})
@example(document={"dev": {"a\u2028b": 1}}, process_environment={})
def test_any_document(file: Path, document: dict[str, Any], process_environment: dict[str, str]) -> None:
    outcome(file, as_document(document), process_environment)


@given(content=st.binary(max_size=200))
def test_any_bytes(file: Path, content: bytes) -> None:
    outcome(file, content, {})


@given(suffix=st.text(max_size=25) | st.from_regex(r"[a-z0-9-]{1,24}", fullmatch=True))
@example(suffix="dev\n")
@example(suffix="s" * 20)
@example(suffix="default")
def test_any_suffix(file: Path, suffix: str) -> None:
    found = outcome(file, b"[dev]", {"TAP_ENVIRONMENT_SUFFIX": suffix})
    allowed = (
        suffix.isascii() and 1 <= len(suffix) <= 20 and set(suffix) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    )
    if suffix == "default":
        assert "not an environment" in str(found)
    elif allowed and suffix.strip("-") == suffix:
        assert isinstance(found, list)
        assert found[0].stack_name == f"TapStack{suffix}"
    else:
        assert isinstance(found, str)
        assert "TAP_ENVIRONMENT_SUFFIX" in found
        assert "1 to 20" in found


@given(project=st.text(max_size=45) | st.from_regex(r"[a-z0-9-]{1,44}", fullmatch=True))
@example(project="p" * 40)
def test_any_project(file: Path, project: str) -> None:
    found = outcome(file, b"[dev]", {"TAP_PROJECT_NAME": project})
    if isinstance(found, str):
        assert "TAP_PROJECT_NAME" in found
    else:
        assert all(name.removeprefix("alias/").startswith(f"{project}-dev") for _, name in found[0].names)


@given(email=st.emails(domains=st.sampled_from(["example.com", "mail.example.org"])))
def test_any_address(file: Path, email: str) -> None:
    found = outcome(file, b"[dev]", {"TAP_ALERT_EMAIL": email})
    # RFC 5322 lets a local part hold these too; nobody has such an address, and to Terraform they mean something.
    assert isinstance(found, list) or set(email) & set("$%{}`")
    if isinstance(found, list):
        assert found[0].alert_email == email


@given(text=st.text(max_size=40))
@example(text="ops@")
@example(text="a@b@c.d")
@example(text="ops@example.com\n")
def test_no_address_without_its_parts(file: Path, text: str) -> None:
    found = outcome(file, b"[dev]", {"TAP_ALERT_EMAIL": text})
    if isinstance(found, list) and text:
        name, host = text.split("@")
        assert name
        assert len([part for part in host.split(".") if part]) == host.count(".") + 1 >= 2
        assert not any(char.isspace() for char in text)


own_names = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(max_size=20) | st.from_regex(r"[A-Za-z0-9/_.-]{1,260}", fullmatch=True)
        for name in Names.model_fields
    },
)


@given(
    names=own_names,
    tags=st.dictionaries(texts, texts, max_size=60),
    bucket=st.from_regex(r"[a-z0-9.]{2,65}", fullmatch=True),
)
def test_any_name_tag_and_bucket(file: Path, names: dict[str, str], tags: dict[str, str], bucket: str) -> None:
    for table in ({"names": names}, {"tags": tags}, {"backend": {"type": "s3", "bucket": bucket}}):
        text = "\n".join(f"{toml(key)} = {toml(value)}" for key, value in table.items())
        outcome(file, f"[dev]\n{text}".encode(errors="replace"), {})
