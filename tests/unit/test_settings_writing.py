"""Settings written into environments.toml."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tap.settings import SettingsError, default_names, load, write

WANTED: dict[str, Any] = {"alert_email": "ops@example.com", "deletion_protection_enabled": True, "project_name": "shop"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "environments.toml"


BEFORE = """# ours
[default]
region = "eu-west-1"

[prod] # the one that counts
# by hand
project_name = "old" # not any more

[prod.tags]
Team = "a"

[dev]
"""


def test_comments_and_other_tables_stay(file: Path) -> None:
    file.write_text(BEFORE)
    diff = write(file, "prod", WANTED)
    text = file.read_text()
    for kept in ("# ours", "# the one that counts", "# by hand", "# not any more", 'Team = "a"', "[dev]"):
        assert kept in text
    prod = tomllib.loads(text)["prod"]
    assert prod == WANTED | {"tags": {"Team": "a"}}
    assert '-project_name = "old" # not any more' in diff
    assert '+project_name = "shop" # not any more' in diff
    assert write(file, "prod", WANTED) == ""


def test_an_environment_and_a_file_that_are_not_there_are_made(file: Path) -> None:
    assert "+[prod]" in write(file, "prod", WANTED)
    assert load(file, {})[0].alert_email == "ops@example.com"
    write(file, "dev", {"region": "eu-west-1"})
    assert [one.region for one in load(file, {})] == ["us-east-1", "eu-west-1"]


def test_what_is_so_already_is_not_written(file: Path) -> None:
    file.write_text(BEFORE)
    assert write(file, "dev", {"region": "eu-west-1", "alert_email": ""}) == ""
    assert file.read_text() == BEFORE


def test_names_are_written_where_they_are_not_the_default(file: Path) -> None:
    names = default_names("shop", "prod") | {"table": "jobs"}
    write(file, "prod", {"project_name": "shop", "names": names})
    assert tomllib.loads(file.read_text())["prod"] == {"project_name": "shop", "names": {"table": "jobs"}}
    assert write(file, "prod", {"project_name": "shop", "names": names}) == ""
    write(file, "prod", {"names": names | {"topic": "news"}})
    assert load(file, {})[0].names.topic == "news"


def test_what_is_not_allowed_leaves_the_file_as_it_was(file: Path) -> None:
    file.write_text(BEFORE)
    with pytest.raises(SettingsError, match=r"names\.key_alias"):
        write(file, "prod", {"names": default_names("old", "prod") | {"key_alias": "alias/aws/dynamodb"}})
    assert file.read_text() == BEFORE


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('[dev]\r\nregion = "eu-west-1"\r\n', b'[dev]\r\nregion = "eu-west-1"\r\n'),
        ("\ufeff[dev]\n", b"\xef\xbb\xbf[dev]\n"),
        ('dev = { region = "eu-west-1" }\n', b'dev = { region = "eu-west-1", '),
        ("[dev]", b"[dev]\n"),
    ],
    ids=["crlf", "bom", "inline", "no-newline"],
)
def test_however_it_is_written_it_stays_so(file: Path, text: str, kept: bytes) -> None:
    file.write_bytes(text.encode())
    write(file, "dev", {"alert_email": "ops@example.com", "names": default_names("tap", "dev") | {"table": "jobs"}})
    assert file.read_bytes().startswith(kept)
    (dev,) = load(file, {})
    assert (dev.alert_email, dev.names.table) == ("ops@example.com", "jobs")


def test_names_that_another_environment_has_leave_the_file_as_it_was(file: Path) -> None:
    file.write_text('[prod.names]\ntable = "jobs"\n')
    with pytest.raises(SettingsError, match="already the one"):
        write(file, "prd", {"names": default_names("tap", "prd") | {"table": "jobs"}})
    assert file.read_text() == '[prod.names]\ntable = "jobs"\n'
