"""The files that import and export leave: who may read them, what is left of one that was ended, what an error says."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tap.local import ROOT
from tap.store import ImportRefused, PromptStore
from tests.support.fault_proxy import FaultProxy

PLAIN = {"prompt_text": "text", "task_type": "type"}
FULL = Path("/dev/full")
full = pytest.mark.skipif(not FULL.exists(), reason="/dev/full is Linux's")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.ndjson"
    path.write_text(json.dumps(PLAIN) + "\nbad\n")
    return path


@pytest.fixture(params=[0o022, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_new_files_are_private(store: PromptStore, file: Path) -> None:
    target = file.with_name("out.ndjson")
    store.export_prompts(target)
    store.import_prompts(file)
    left = {path.suffix: mode(path) for path in file.parent.iterdir() if path != file}
    assert left == {".ndjson": 0o600, ".json": 0o600, ".rejects": 0o600}


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_mode(store: PromptStore, file: Path, kept: int) -> None:
    target, rejects = file.with_name("out.ndjson"), file.with_name("bad.ndjson")
    for path in (target, rejects):
        path.write_text("old")
        path.chmod(kept)
    store.export_prompts(target)
    store.import_prompts(file, rejects=rejects)
    assert (mode(target), mode(rejects)) == (kept, kept)
    assert target.read_text() == ""
    assert "old" not in rejects.read_text()


@full
def test_a_full_disk_is_named(store: PromptStore, file: Path) -> None:
    store.create("text", "type")
    steps: list[Callable[[], object]] = [
        lambda: store.export_prompts(FULL),
        lambda: store.import_prompts(file, rejects=FULL),
    ]
    for step in steps:
        with pytest.raises(OSError, match="No space left") as caught:
            step()
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(FULL))


def tap(store: PromptStore, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tap", "prompts", *arguments, f"--table={store.table_name}"]


@full
def test_a_full_disk_behind_standard_output_is_named(store: PromptStore) -> None:
    store.create("text", "type")
    environment = os.environ | {"AWS_ENDPOINT_URL": str(store.settings.endpoint_url)}
    for arguments in (("export", "-"), ("list",)):
        with FULL.open("w") as out:
            command = tap(store, *arguments)
            done = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.PIPE, text=True, check=False
            )
        assert (done.returncode, done.stderr) == (1, "Standard output: No space left on device.\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_export_that_is_ended_leaves_nothing(store: PromptStore, tmp_path: Path, number: signal.Signals) -> None:
    target = tmp_path / "out.ndjson"
    proxy = FaultProxy(str(store.settings.endpoint_url))
    proxy.start()
    proxy.plan(lambda *_: "late reply")
    environment = os.environ | {"AWS_ENDPOINT_URL": proxy.url}
    try:
        with subprocess.Popen(
            tap(store, "export", str(target)), cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            while not proxy.faulted:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            assert [path.suffix for path in tmp_path.iterdir()] == [".partial"]
            process.send_signal(number)
            assert (process.wait(60), process.communicate()[1]) == (128 + number, "")
    finally:
        proxy.stop()
    assert list(tmp_path.iterdir()) == []


READ_ONLY = Path("/proc/version")


@pytest.mark.skipif(not READ_ONLY.exists(), reason="/proc is Linux's: nobody may write there, root neither")
def test_a_source_in_a_folder_that_nobody_may_write_to_needs_another_place(store: PromptStore, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=r"/version\.import-\w+\.json.*can't be written.*checkpoint=, --checkpoint"):
        store.import_prompts(READ_ONLY)
    report = store.import_prompts(READ_ONLY, checkpoint=tmp_path / "state.json")
    assert (report.lines, report.rejected, report.rejects) == (1, 1, tmp_path / "state.rejects")


def test_a_checkpoint_may_be_elsewhere(
    store: PromptStore, shared_store: PromptStore, file: Path, tmp_path: Path
) -> None:
    place = tmp_path / "elsewhere" / "state.json"
    place.parent.mkdir()
    assert store.import_prompts(file, checkpoint=place).imported == 1
    assert sorted(path.name for path in place.parent.iterdir()) == ["state.json", "state.rejects"]
    assert not list(file.parent.glob("*.import-*"))
    again = store.import_prompts(file, checkpoint=place)
    assert (again.finished_before, again.imported) == (True, 0)
    with pytest.raises(ImportRefused, match="of an import into another table"):
        shared_store.import_prompts(file, checkpoint=place)
    with file.open("rb") as stream, pytest.raises(ImportRefused, match="A stream can't be continued"):
        store.import_prompts(stream, checkpoint=place)
    with pytest.raises(ImportRefused, match="is the file to be imported"):
        store.import_prompts(file, checkpoint=file)


def test_an_import_that_did_nothing_says_so_in_its_result(store: PromptStore, file: Path) -> None:
    environment = os.environ | {"AWS_ENDPOINT_URL": str(store.settings.endpoint_url)}
    file.write_text(json.dumps(PLAIN) + "\n")
    for imported in (1, 0):
        done = subprocess.run(
            tap(store, "import", str(file)), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0
        told = json.loads(done.stdout)
        assert told["imported"] == imported
    assert told["note"] + "\n" == done.stderr
    assert "nothing was done" in told["note"]


def test_a_result_from_a_file_is_read_as_powershell_saves_it(store: PromptStore, tmp_path: Path) -> None:
    prompt = store.create("text", "type", prompt_id="p")
    file = tmp_path / "result.json"
    environment = os.environ | {"AWS_ENDPOINT_URL": str(store.settings.endpoint_url)}

    def update(text: str, encoding: str) -> subprocess.CompletedProcess[str]:
        file.write_text(text, encoding=encoding)
        command = tap(store, "update", prompt.id, "completed", f"--result=@{file}")
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    for encoding in ("utf-16", "utf-8-sig"):
        assert update('{"note": "sch\u00f6n"}', encoding).returncode == 0
        assert store.get(prompt.id).result == {"note": "sch\u00f6n"}
    twice = update('{"a": 1, "a": 2}', "utf-8")
    assert (twice.returncode, "the key 'a' comes twice" in " ".join(twice.stderr.split())) == (2, True)
