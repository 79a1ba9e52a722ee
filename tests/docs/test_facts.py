"""What the documents must have: every setting, resource and output, and links that lead somewhere."""

import re
import tomllib
from pathlib import Path

import pytest

from tap.local import ROOT
from tap.settings import BACKENDS, Settings, load
from tests.docs.pages import PAGES, blocks
from tests.support.the_stack import ADDRESSES, NAMED, OUTPUTS

SETTINGS = (ROOT / "docs/settings.md").read_text()
DEPLOYING = (ROOT / "docs/deploying.md").read_text()


@pytest.mark.parametrize("setting", [name for name in Settings.model_fields if name != "environment_suffix"])
def test_each_setting_has_its_line(setting: str) -> None:
    assert f"\n| `{setting}` |" in SETTINGS, "Add the setting's line to the table in docs/settings.md."


@pytest.mark.parametrize(
    ("kind", "setting"), [(kind, name) for kind, model in BACKENDS.items() for name in model.model_fields]
)
def test_each_setting_of_a_backend_has_its_line(kind: str, setting: str) -> None:
    if setting == "type":
        assert re.search(rf'\n\| .*`"{kind}"`.* \|', SETTINGS), "Add it to the table of kinds in docs/settings.md."
        return
    (table,) = re.findall(rf'(?s)\n\| of [^|]*`"{kind}"`.*?\n\n', SETTINGS)
    assert f"\n| `{setting}` |" in table, "Add the setting's line to the backend's table in docs/settings.md."


@pytest.mark.parametrize("address", sorted(ADDRESSES))
def test_each_resource_has_its_line_with_the_setting_that_names_it(address: str) -> None:
    lines = [line for line in DEPLOYING.splitlines() if line.startswith(f"| `{address}` |")]
    assert len(lines) == 1, "Add the resource's line to the table in docs/deploying.md."
    name = next((setting for setting, (named, _) in NAMED.items() if named == address), None)
    assert lines[0].split("|")[3].strip() == (f"`{name}`" if name else "")


def test_all_outputs_are_named() -> None:
    assert set(re.findall(r"`(\w+)`", DEPLOYING.partition("Outputs:")[2].partition("\n\n")[0])) == OUTPUTS


def test_the_example_of_settings_is_one(tmp_path: Path) -> None:
    (example,) = [block.code for block in blocks(ROOT / "docs/settings.md") if block.language == "toml"]
    (tmp_path / "environments.toml").write_text(example)
    loaded = load(tmp_path / "environments.toml", {})
    assert [one.environment_suffix for one in loaded] == [name for name in tomllib.loads(example) if name != "default"]


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_file(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}"


def test_the_readme_is_two_screens_and_leads_to_every_page() -> None:
    readme = ROOT / "README.md"
    assert len(readme.read_text().splitlines()) <= 130
    linked = set(re.findall(r"\]\(([^)#]+)", readme.read_text()))
    assert {str(page.relative_to(ROOT)) for page in PAGES[1:]} <= linked
