"""Every command in the documents, in order and as it is written, in a copy of the checkout on its own embedded AWS."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.local import ROOT, embedded
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
        assert block.language in RUN + SHOWN, f"{where}: write ```sh, ```python, ```toml or ```text"
        if block.reason is not None:
            assert len(block.reason.split()) > 2, f"{where}: <!-- not run: … --> needs a reason"
            assert block.language in RUN, f"{where}: a block that only shows something needs no reason"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The checkout as git has it, changes included, with an environment of its own on the installed packages."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)  # with its time: `make setup` has nothing to do
    for name in ("node_modules", ".venv-pipenv"):
        (folder / name).symlink_to(ROOT / name)
    environment(folder / ".venv")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    # Terraform asks a question, and waits, where there is another workspace and not the one it wants.
    (folder / f"{STATES}/localstack").mkdir(parents=True)
    try:
        yield folder
    finally:
        subprocess.run([folder / ".venv/bin/tap", "local", "down"], cwd=folder, env=process_environment(), check=True)


def environment(copy: Path) -> None:
    """A virtual environment that has the packages of this checkout's, but the copy's own `tap`."""
    installed = (ROOT / ".venv").resolve()
    (copy / "bin").mkdir(parents=True)
    for program in (installed / "bin").iterdir():
        (copy / "bin" / program.name).symlink_to(program)
    for name in ("tap", "activate"):
        text = (installed / "bin" / name).read_text()
        (copy / "bin" / name).unlink()
        (copy / "bin" / name).write_text(text.replace(str(installed), str(copy)))
        (copy / "bin" / name).chmod(0o755)
    (copy / "lib").symlink_to(installed / "lib")
    for file in ("pyvenv.cfg", ".ready", ".ready-dev"):
        shutil.copy2(installed / file, copy / file)
    configuration = copy / "pyvenv.cfg"
    configuration.write_text(configuration.read_text().replace(str(installed), str(copy)))
    shutil.copystat(installed / "pyvenv.cfg", configuration)


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


def run(checkout: Path, session: str) -> "subprocess.CompletedProcess[str]":
    """One session of a shell that ends with its first failure; output and errors come together."""
    return subprocess.run(
        ["bash", "-e", "-x", "-o", "pipefail", "-c", session],
        cwd=checkout,
        env=process_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
