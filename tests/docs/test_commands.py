"""Every command in the documents, in order and as it is written, in a copy of the checkout on its own embedded AWS."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.local import ROOT, embedded
from tests.docs.copies import copy_of_checkout, run
from tests.docs.pages import PAGES, RUN, SHOWN, Block, blocks
from tests.support.environment import process_environment

STATES = "terraform.TapStackdev.tfstate.d"
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_each_block_is_run_or_says_why_not(page: Path) -> None:
    found = list(blocks(page))
    assert page.read_text().count("```") == 2 * len(found)
    for block in found:
        where = f"{page.name}, line {block.line}"
        assert block.language in RUN + SHOWN, f"{where}: write ```sh, ```python, ```toml, ```yaml or ```text"
        if block.reason is not None:
            assert len(block.reason.split()) > 2, f"{where}: <!-- not run: … --> needs a reason"
            assert block.language in RUN, f"{where}: a block that only shows something needs no reason"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the checkout; what it starts is stopped at the end."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    # Terraform asks a question, and waits, where there is another workspace and not the one it wants.
    (folder / f"{STATES}/localstack").mkdir(parents=True)
    try:
        yield folder
    finally:
        subprocess.run([folder / ".venv/bin/tap", "local", "down"], cwd=folder, env=process_environment(), check=True)


def script(page: Path) -> str:
    """One session: what stands in the page's blocks, each with its place; empty for a page without commands."""
    parts = []
    for block in blocks(page):
        if block.language in RUN and block.reason is None:
            parts += [f": '{page.name}, line {block.line}'", as_shell(block)]
    return "\n".join(parts)


def as_shell(block: Block) -> str:
    return f"python - <<'PYTHON'\n{block.code}PYTHON" if block.language == "python" else block.code


with_commands = [page for page in PAGES if script(page)]


@pytest.mark.parametrize("page", with_commands, ids=lambda page: page.stem)
def test_commands_do_what_the_page_says(page: Path, checkout: Path) -> None:
    session = script(page)
    if page.name != "README.md":  # whose demo starts it
        session = f'eval "$(.venv/bin/tap local env)"\n{session}'
    done = run(checkout, session)
    assert done.returncode == 0, f"{page.name}: the last command failed:\n{done.stdout[-4000:]}"
    for made in ("terraform", ".tap", "cdktf.out"):
        assert str(ROOT / made) not in done.stdout, "a command left the copy of the checkout"
    if page.name == "README.md":
        assert "No changes. Your infrastructure matches the configuration." in done.stdout
        assert os.path.isfile(checkout / ".tap/outputs.json")  # noqa: PTH113 -- not through a link


def test_demo_can_be_repeated_and_goes_without_a_trace(checkout: Path) -> None:
    port = embedded.Server.model_validate_json((checkout / ".tap/embedded.json").read_bytes()).port
    again = run(checkout, "make demo")
    assert again.returncode == 0, again.stdout
    assert "No changes" in again.stdout
    assert '{"score": 0.95}' in again.stdout
    assert "Resources: 0 added, 0 changed, 0 destroyed" in (checkout / ".tap/demo.log").read_text()
    gone = run(checkout, "make down")
    assert gone.returncode == 0, gone.stdout
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert not (checkout / ".tap").exists()
    assert [left.name for left in checkout.glob("terraform.*/*")] == ["localstack"]
