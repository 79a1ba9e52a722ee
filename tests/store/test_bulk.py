"""Import and export: everything arrives once, whatever is in the file and in the table before."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tap.store import Claim, ImportRefused, ImportReport, InvalidPrompt, PromptStore
from tap.store.bulk.checkpoint import Checkpoint
from tap.store.bulk.chunks import chunks
from tap.store.bulk.lines import read_line
from tests.support.store_table import ManualClock, make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PLAIN = {"prompt_text": "text", "task_type": "type"}


def write(path: Path, *lines: dict[str, Any] | str) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def rejects(report: ImportReport) -> list[tuple[int, str]]:
    assert report.rejects is not None
    return [(line["line"], line["reason"]) for line in map(json.loads, report.rejects.read_text().splitlines())]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prompts.ndjson"


def test_every_line_becomes_one_prompt(store: PromptStore, file: Path) -> None:
    write(file, *[PLAIN | {"prompt_text": f"text {number}"} for number in range(1, 331)])
    seen: list[ImportReport] = []
    report = store.import_prompts(file, on_progress=seen.append)
    assert (report.imported, report.existing, report.rejected, report.rejects) == (330, 0, 0, None)
    assert (report.lines, report.offset) == (330, file.stat().st_size)
    assert sorted(prompt.prompt_text for prompt in store.list()) == sorted(f"text {n}" for n in range(1, 331))
    assert [step.offset for step in seen] == sorted(step.offset for step in seen)
    assert seen[-1] == report


def test_bad_lines_go_to_the_rejects_with_number_and_reason(store: PromptStore, file: Path) -> None:
    write(
        file,
        PLAIN,
        "{",
        "",
        "[1]",
        PLAIN | {"priority": "urgent"},
        PLAIN | {"prio": "high"},
        {"task_type": "type"},
        '{"prompt_text": "t", "task_type": "t", "result": NaN}',
        PLAIN | {"expires_at": "2001-01-01T00:00:00Z"},
        PLAIN | {"extra": {"status": {"S": "x"}}},
        PLAIN | {"extra": {"team": {"S": 7}}},
        PLAIN | {"prompt_text": "x" * 410_000},
        "x" * (4 * 1024 * 1024 + 10),
        PLAIN,
    )
    report = store.import_prompts(file)
    assert (report.imported, report.rejected, report.lines) == (2, 11, 14)
    found = dict(rejects(report))
    assert sorted(found) == [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    for line, says in {
        2: "not JSON",
        4: "not a JSON object",
        5: "priority",
        6: "prio",
        7: "prompt_text",
        8: "NaN",
        9: "expired",
        10: "'status'",
        11: "extra.team",
        12: "409,600",
        13: "longer than",
    }.items():
        assert says in found[line]
    assert len(list(store.list())) == 2


def nested(levels: int) -> dict[str, Any]:
    return {"S": "x"} if not levels else {"L": [nested(levels - 1)]}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "can't be stored"),
        ({"created_at": "9999-12-31T23:59:59-14:00"}, "can't be stored"),
        ({"attempts": 10**130}, "attempts"),
        ({"extra": {"x": {"S": "\ud800"}}}, "Unicode"),
        ({"extra": {"\ud800": {"S": "x"}}}, "Unicode"),
        ({"extra": {"x": {"M": {"\ud800": {"S": "x"}}}}}, "Unicode"),
        ({"extra": {"x": nested(33)}}, "levels"),
        ({"extra": {"x": {"N": "abc"}}}, "typed value"),
        ({"extra": {"x": {"N": "NaN"}}}, "typed value"),
        ({"extra": {"x": {"N": "1e126"}}}, "typed value"),
        ({"extra": {"x": {"N": "9" * 39}}}, "typed value"),
        ({"extra": {"x": {"SS": []}}}, "typed value"),
        ({"extra": {"x": {"SS": ["a", "a"]}}}, "typed value"),
        ({"extra": {"x": {"NS": ["1", "1.0"]}}}, "typed value"),
        ({"extra": {"x": {"BS": ["eA==", "eA=="]}}}, "typed value"),
        ({"extra": {"x": {"NULL": False}}}, "typed value"),
    ],
)
def test_what_cannot_be_stored_is_the_lines_fault(clock: ManualClock, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidPrompt, match=says):
        read_line(json.dumps(PLAIN | fields).encode(), "fallback", clock())


@pytest.mark.parametrize("levels", [100, 700, 2000])
def test_deep_nesting_is_the_lines_fault(clock: ManualClock, levels: int) -> None:
    deep = '{"L": [' * levels + '{"S": "x"}' + "]}" * levels
    with pytest.raises(InvalidPrompt):
        read_line(json.dumps(PLAIN)[:-1].encode() + f', "extra": {{"x": {deep}}}}}'.encode(), "fallback", clock())


@pytest.mark.parametrize(
    "value", [{"N": "1e125"}, {"N": "-0.0"}, {"N": "1" * 38 + "0" * 9}, {"NULL": True}, nested(32)]
)
def test_what_dynamodb_takes_is_taken(clock: ManualClock, value: dict[str, Any]) -> None:
    item, _ = read_line(json.dumps(PLAIN | {"extra": {"x": value}}).encode(), "fallback", clock())
    assert item["x"] == value


def test_of_a_batch_that_dynamodb_refuses_only_the_guilty_line_is_rejected(store: PromptStore, file: Path) -> None:
    """Whatever the checks before have missed."""

    def refuse(self: Any, operation: str, request: Any) -> Any:
        if operation in {"BatchWriteItem", "PutItem"} and "guilty" in repr(request):
            reply: Any = {"Error": {"Code": "ValidationException", "Message": "not like this"}}
            raise ClientError(reply, operation)
        return original(self, operation, request)

    original = BaseClient._make_api_call  # type: ignore[attr-defined]
    write(file, *[PLAIN] * 30, PLAIN | {"prompt_text": "guilty"}, *[PLAIN] * 30)
    with mock.patch.object(BaseClient, "_make_api_call", refuse):
        report = store.import_prompts(file)
    assert (report.imported, report.rejected) == (60, 1)
    ((line, reason),) = rejects(report)
    assert (line, "not like this" in reason) == (31, True)
    assert len(list(store.list())) == 60


def test_long_bad_lines_do_not_pile_up(clock: ManualClock) -> None:
    file = io.BytesIO((b"x" * 300_000 + b"\n") * 40)
    cut = list(chunks(file, Checkpoint("", 0), clock(), 4))
    assert max(len(chunk.rejects) for chunk in cut) <= 4
    assert max(len(text) for chunk in cut for _, _, text in chunk.rejects) <= 64 * 1024
    assert sum(len(chunk.rejects) for chunk in cut) == 40


def test_a_living_prompt_is_never_overwritten(store: PromptStore, file: Path, clock: ManualClock) -> None:
    store.create("text", "type", prompt_id="claimed")
    store.create("other text", "type", prompt_id="different")
    store.create("gone", "other", prompt_id="expired", expires_in=timedelta(seconds=1))
    claim = store.claim("w", lease=timedelta(hours=1), task_type="type")
    assert claim
    store.complete(claim, 1)
    before = {prompt.id: prompt for prompt in store.list() if prompt.id != "expired"}
    clock.advance(1)
    write(file, *[PLAIN | {"id": prompt_id} for prompt_id in ("claimed", "different", "expired", "new")])
    report = store.import_prompts(file)
    assert (report.imported, report.existing, report.rejected) == (2, 1, 1)
    assert rejects(report) == [(2, "another prompt has the id 'different'.")]
    after = {prompt.id: prompt for prompt in store.list()}
    assert {name: after[name] for name in before} == before
    assert after.keys() == {"claimed", "different", "expired", "new"}
    assert after["expired"].prompt_text == "text"


def test_of_an_id_that_comes_twice_the_first_line_counts(store: PromptStore, file: Path) -> None:
    lines: list[dict[str, Any]] = [PLAIN | {"id": f"id-{number}"} for number in range(250)]
    # The first two come while the chunk with the originals is under way, the third in its original's own chunk.
    write(file, *lines, PLAIN | {"id": "id-7"}, PLAIN | {"id": "id-8", "prompt_text": "second"}, lines[249])
    report = store.import_prompts(file)
    assert (report.imported, report.existing, report.rejected) == (250, 2, 1)
    assert rejects(report) == [(252, "another prompt has the id 'id-8'.")]
    assert store.get("id-8").prompt_text == "text"


@pytest.mark.parametrize("distance", [1, 120])
def test_ids_that_come_twice_cost_what_others_do(store: PromptStore, file: Path, distance: int) -> None:
    """Each id once more, so many lines later: as often as not with another text."""
    first = [PLAIN | {"id": f"id-{number}"} for number in range(360)]
    again = [line | ({} if number % 2 else {"prompt_text": "second"}) for number, line in enumerate(first)]
    lines: list[dict[str, Any]] = []
    for start in range(0, 360, distance):
        lines += first[start : start + distance] + again[start : start + distance]
    write(file, *lines)
    sent: list[str] = []
    store.client.meta.events.register("before-call.dynamodb", lambda model, **_: sent.append(model.name))
    report = store.import_prompts(file)
    assert (report.imported, report.existing, report.rejected) == (360, 180, 180)
    assert {prompt.prompt_text for prompt in store.list()} == {"text"}
    assert len(sent) < 40  # eight chunks: what is there, what is new, what repeats


def test_an_imported_file_is_not_imported_again_unless_asked(store: PromptStore, file: Path) -> None:
    write(file, PLAIN, PLAIN)
    store.import_prompts(file)
    again = store.import_prompts(file)
    assert again.finished_before
    assert (again.lines, again.imported, again.existing, again.rejected, again.rejects) == (0, 0, 0, 0, None)
    assert len(list(store.list())) == 2
    assert store.import_prompts(file, again=True).imported == 2
    assert len(list(store.list())) == 4
    write(file, PLAIN)
    assert not store.import_prompts(file).finished_before
    assert len(list(store.list())) == 5


def test_the_same_file_may_go_into_another_table(store: PromptStore, shared_store: PromptStore, file: Path) -> None:
    write(file, PLAIN)
    store.import_prompts(file)
    assert not shared_store.import_prompts(file).finished_before


def test_a_table_made_anew_under_its_name_is_imported_into_from_the_start(
    store: PromptStore, client: DynamoDBClient, file: Path
) -> None:
    write(file, *[PLAIN] * 900)
    interrupted(store, file, after=100)
    client.delete_table(TableName=store.table_name)
    make_table(client, store.table_name)
    report = store.import_prompts(file)
    assert (report.imported, report.resumed_at) == (900, 0)
    client.delete_table(TableName=store.table_name)
    make_table(client, store.table_name)
    assert not store.import_prompts(file).finished_before
    assert len(list(store.list())) == 900


def deny(**_: object) -> None:
    reply: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    raise ClientError(reply, "DescribeTable")


def test_who_may_not_describe_the_table_may_import(store: PromptStore, file: Path) -> None:
    store.client.meta.events.register("before-call.dynamodb.DescribeTable", deny)
    write(file, PLAIN)
    assert store.import_prompts(file).imported == 1
    assert store.import_prompts(file).finished_before


def interrupted(store: PromptStore, file: Path, after: int) -> ImportReport:
    """An import that its own progress callback ends, as Ctrl-C would."""
    last = ImportReport()

    def stop(report: ImportReport) -> None:
        nonlocal last
        last = report
        if report.imported >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.import_prompts(file, on_progress=stop, workers=2)
    return last


def test_an_interrupted_import_goes_on_and_leaves_alone_what_workers_did(store: PromptStore, file: Path) -> None:
    write(file, "bad", *[PLAIN | {"prompt_text": str(number)} for number in range(900)], "bad")
    stopped = interrupted(store, file, after=200)
    assert stopped.imported < 900
    claims = [store.claim(f"w{number}") for number in range(20)]
    done = [store.complete(claim, "done").id for claim in claims if isinstance(claim, Claim)]
    report = store.import_prompts(file)
    assert report.resumed_at == stopped.lines
    assert report.imported + report.existing == 900
    assert [line for line, _ in rejects(report)] == [1, 902]
    prompts = list(store.list())
    assert sorted(int(prompt.prompt_text) for prompt in prompts) == list(range(900))
    assert {prompt.id for prompt in prompts if prompt.status == "completed"} == set(done)


def test_a_file_that_changed_half_way_is_refused(store: PromptStore, file: Path) -> None:
    write(file, *[PLAIN] * 900)
    interrupted(store, file, after=100)
    write(file, PLAIN | {"priority": "high"}, *[PLAIN] * 900)
    with pytest.raises(ImportRefused, match="has changed"):
        store.import_prompts(file)


@pytest.mark.parametrize(
    ("encoding", "says"),
    [(name, name.upper()[:6]) for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")],
)
@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
def test_another_encoding_is_refused_before_anything_is_written(
    store: PromptStore, file: Path, encoding: str, says: str, stream: bool
) -> None:
    content = "".join(json.dumps(PLAIN) + "\n" for _ in range(3)).encode(encoding)
    file.write_bytes(content)
    with pytest.raises(ImportRefused, match=f"is in {says}, as PowerShell's > writes it: save it as UTF-8 first"):
        store.import_prompts(io.BytesIO(content) if stream else file)
    assert list(file.parent.iterdir()) == [file]
    assert list(store.list()) == []


def test_a_line_in_another_encoding_is_the_lines_fault(store: PromptStore, file: Path) -> None:
    """As when the output of several programs goes into one file."""
    lines = [json.dumps(PLAIN).encode(encoding) for encoding in ("utf-8", "utf-16-be", "utf-8-sig", "utf-8")]
    lines += ['{"prompt_text": "sch\u00f6n", "task_type": "t"}'.encode("latin-1")]
    file.write_bytes(b"\n".join(lines))
    report = store.import_prompts(file)
    assert (report.imported, [line for line, _ in rejects(report)]) == (2, [2, 3, 5])


@pytest.mark.parametrize(
    "line",
    [
        '{"prompt_text": "a", "task_type": "b", "prompt_text": "c"}',
        '{"prompt_text": "a", "task_type": "b", "result": {"x": {"prompt_text": 1, "prompt_text": 1}}}',
    ],
)
def test_a_key_that_comes_twice_is_the_lines_fault(clock: ManualClock, line: str) -> None:
    with pytest.raises(InvalidPrompt, match="the key 'prompt_text' comes twice"):
        read_line(line.encode(), "fallback", clock())


@pytest.mark.parametrize("when", ["afterwards", "meanwhile", "interrupted"])
def test_of_a_file_that_grows_each_line_is_imported_once(store: PromptStore, file: Path, when: str) -> None:
    def grow(_: object = None) -> None:
        if file.stat().st_size == size:
            with file.open("a") as more:
                more.write(json.dumps(PLAIN) + "\n" + "bad\n")

    write(file, *[PLAIN] * 300)
    size = file.stat().st_size
    if when == "interrupted":
        interrupted(store, file, after=100)
        grow()
    else:
        first = store.import_prompts(file, on_progress=grow if when == "meanwhile" else None)
        assert (first.lines, first.offset) == (300, size)
        grow()
    report = store.import_prompts(file)
    assert (report.imported + report.existing, report.rejected, report.lines) == (301, 1, 302)
    assert len(list(store.list())) == 301
    assert store.import_prompts(file).finished_before


def test_a_file_that_grew_within_a_line_is_refused(store: PromptStore, file: Path) -> None:
    file.write_text(json.dumps(PLAIN))
    assert store.import_prompts(file).imported == 1
    write(file, PLAIN, PLAIN)
    with pytest.raises(ImportRefused, match="in the middle of a line"):
        store.import_prompts(file)
    assert len(list(store.list())) == 1


def test_a_checkpoint_that_says_nonsense_is_refused(store: PromptStore, file: Path) -> None:
    write(file, PLAIN)
    store.import_prompts(file)
    (checkpoint,) = file.parent.glob("*.import-*.json")
    checkpoint.write_text(json.dumps(json.loads(checkpoint.read_text()) | {"offset": "x"}))
    with pytest.raises(ImportRefused, match=r"offset.* Delete it to start afresh"):
        store.import_prompts(file)


def test_a_file_is_the_same_by_whatever_path_and_address(store: PromptStore, file: Path) -> None:
    write(file, PLAIN)
    store.import_prompts(file)
    link = file.with_name("link")
    link.symlink_to(file)
    assert store.import_prompts(link).finished_before
    url = str(store.settings.endpoint_url).replace("127.0.0.1", "localhost")
    with PromptStore(store.table_name, replace(store.settings, endpoint_url=url)) as elsewhere:
        assert elsewhere.import_prompts(file).finished_before


def test_an_import_goes_on_once_the_table_may_be_described(store: PromptStore, file: Path, clock: ManualClock) -> None:
    write(file, *[PLAIN] * 900)
    with PromptStore(store.table_name, store.settings, clock=clock) as denied:
        denied.client.meta.events.register("before-call.dynamodb.DescribeTable", deny)
        stopped = interrupted(denied, file, after=100)
    assert store.import_prompts(file).resumed_at == stopped.lines
    assert len(list(store.list())) == 900


def test_rejects_stay_in_the_file_they_began_in(store: PromptStore, file: Path) -> None:
    write(file, "bad", *[PLAIN] * 900, "bad")
    notes = write(file.with_name("notes.txt"), *["precious"] * 1000)
    stopped = interrupted(store, file, after=100)
    before = notes.read_text()
    with pytest.raises(ImportRefused, match="go on with that file"):
        store.import_prompts(file, rejects=notes)
    assert notes.read_text() == before
    assert stopped.rejects is not None
    assert [line for line, _ in rejects(store.import_prompts(file, rejects=stopped.rejects))] == [1, 902]


def test_two_tables_imports_keep_their_rejects_apart(store: PromptStore, shared_store: PromptStore, file: Path) -> None:
    write(file, *["bad", json.dumps(PLAIN)] * 450)
    interrupted(store, file, after=100)
    other = shared_store.import_prompts(file)
    report = store.import_prompts(file)
    assert [line for line, _ in rejects(report)] == [line for line, _ in rejects(other)] == list(range(1, 900, 2))


def test_a_fifo_is_imported_as_a_stream(store: PromptStore, file: Path) -> None:
    os.mkfifo(file)
    writer = Thread(target=write, args=(file, PLAIN, PLAIN))
    writer.start()
    assert store.import_prompts(file).imported == 2
    writer.join()
    assert [left.name for left in file.parent.iterdir()] == [file.name]


def test_keys_that_dynamodb_leaves_unread_are_asked_for_again(store: PromptStore, file: Path) -> None:
    store.create("worked on", "type", prompt_id="id-7")
    write(file, *[PLAIN | {"id": f"id-{number}"} for number in range(20)])
    as_shipped = BaseClient._make_api_call  # type: ignore[attr-defined]
    asked = []

    def half(self: Any, name: str, request: Any) -> Any:
        if name != "BatchGetItem":
            return as_shipped(self, name, request)
        ((table, wanted),) = request["RequestItems"].items()
        asked.append(len(wanted["Keys"]))
        now, later = wanted["Keys"][:5], wanted["Keys"][5:]
        reply = as_shipped(self, name, {"RequestItems": {table: wanted | {"Keys": now}}})
        return reply | {"UnprocessedKeys": {table: wanted | {"Keys": later}} if later else {}}

    with mock.patch.object(BaseClient, "_make_api_call", half):
        report = store.import_prompts(file)
    assert asked == [20, 15, 10, 5]
    assert (report.imported, report.rejected) == (19, 1)
    assert store.get("id-7").prompt_text == "worked on"


def test_a_table_that_takes_little_at_a_time_ends_no_import(store: PromptStore, file: Path) -> None:
    write(file, *[PLAIN] * 200)
    as_shipped = BaseClient._make_api_call  # type: ignore[attr-defined]
    calls = count()

    def slow(self: Any, name: str, request: Any) -> Any:
        if name != "BatchWriteItem":
            return as_shipped(self, name, request)
        ((table, puts),) = request["RequestItems"].items()
        taken = 1 if next(calls) % 8 == 0 else 0  # of each eight tries one gets on, whoever's it is
        reply = as_shipped(self, name, {"RequestItems": {table: puts[:taken]}}) if taken else {"UnprocessedItems": {}}
        return reply | {"UnprocessedItems": {table: puts[taken:]} if puts[taken:] else {}}

    with (
        mock.patch.object(BaseClient, "_make_api_call", slow),
        mock.patch.object(Event, "wait"),
        mock.patch("tap.store.bulk.writer.TRIES", 3),
    ):
        assert store.import_prompts(file).imported == 200


@pytest.mark.parametrize("wrong", [0, -1, True, "4"])
def test_a_number_that_is_none_is_refused_before_a_file_is_touched(store: PromptStore, file: Path, wrong: Any) -> None:
    file.write_text("precious")
    calls: list[Callable[[], object]] = [
        lambda: store.export_prompts(file, segments=wrong),
        lambda: store.import_prompts(file, workers=wrong),
        lambda: store.list(page_size=wrong),
    ]
    for call in calls:
        with pytest.raises(InvalidPrompt, match="whole number"):
            call()
    assert [(left, left.read_text()) for left in file.parent.iterdir()] == [(file, "precious")]


def test_what_expires_while_others_read_is_served_to_nobody(store: PromptStore, clock: ManualClock) -> None:
    for _ in range(5):
        store.create("text", "type", expires_in=timedelta(seconds=10))
    listed = store.list(page_size=2)
    next(listed)
    with mock.patch("tap.store.bulk.exporting.PAGE", 1):
        report = store.export_prompts(io.BytesIO(), segments=1, on_progress=lambda _: clock.advance(10))
    assert report.exported < 5
    assert list(listed) == []


def test_a_ttl_that_is_no_number_hides_nothing(store: PromptStore, file: Path, client: DynamoDBClient) -> None:
    odd: Any = {name: {"S": name} for name in ("id", "prompt_text", "task_type")}
    odd |= {"status": {"S": "pending"}, "ttl": {"S": "1999999999"}}
    client.put_item(TableName=store.table_name, Item=odd)
    assert [(prompt.expires_at, prompt.extra) for prompt in store.list()] == [(None, {"ttl": {"S": "1999999999"}})]
    assert store.export_prompts(file).exported == 1


def test_an_export_reads_consistently(store: PromptStore, file: Path) -> None:
    asked = []
    store.client.meta.events.register(
        "provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params.get("ConsistentRead"))
    )
    store.export_prompts(file, segments=3)
    assert asked == [True] * 3


def test_two_imports_of_one_file_at_a_time_are_refused(store: PromptStore, file: Path) -> None:
    write(file, *[PLAIN] * 150)
    refused = []

    def second(_: ImportReport) -> None:
        with pytest.raises(ImportRefused, match="running") as caught:
            store.import_prompts(file)
        refused.append(caught.value)

    store.import_prompts(file, on_progress=second)
    assert len(refused) == 2


@pytest.mark.parametrize("error", [errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_files_cannot_be_locked_imports_work(store: PromptStore, file: Path, error: int) -> None:
    write(file, PLAIN)
    with mock.patch("tap.store.bulk.checkpoint.fcntl.flock", side_effect=OSError(error, "as on NFS")):
        assert store.import_prompts(file).imported == 1


def test_a_stream_is_imported_too(store: PromptStore) -> None:
    report = store.import_prompts(io.BytesIO(b'\xef\xbb\xbf{"prompt_text": "a", "task_type": "b"}'))
    assert (report.imported, report.size) == (1, 0)


def test_what_is_exported_comes_back_the_same(
    store: PromptStore, shared_store: PromptStore, client: DynamoDBClient, tmp_path: Path, clock: ManualClock
) -> None:
    for number, result in enumerate([1, 1.0, {"score": 0.95}, None, 1e300, 10**50, "ä\u2028\n"]):
        store.create("text", "type", "high", prompt_id=f"p{number}", max_attempts=3)
        store.update_status(f"p{number}", "completed", result)
    store.create("waiting", "type", expires_in=None)
    store.create("claimed", "other")
    assert store.claim("w", task_type="other")
    store.create("gone", "type", expires_in=timedelta(seconds=1))
    foreign: Any = PLAIN | {"id": "foreign", "status": "pending", "created_at": "2031-01-01T00:00:00"}
    foreign = {name: {"S": text} for name, text in foreign.items()}
    foreign |= {"blob": {"B": b"\x00\xff"}, "tree": {"M": {"l": {"L": [{"NULL": True}, {"NS": ["1", "2"]}]}}}}
    client.put_item(TableName=store.table_name, Item=foreign)
    client.put_item(TableName=store.table_name, Item={"id": {"S": "ghost"}, "status": {"S": "pending"}})
    clock.advance(1)

    report = store.export_prompts(tmp_path / "out.ndjson")
    assert (report.exported, report.unreadable, report.unreadable_ids) == (10, 1, ["ghost"])
    copy = PromptStore(shared_store.table_name, shared_store.settings, clock=clock)
    again = copy.import_prompts(tmp_path / "out.ndjson")
    assert (again.imported, again.rejected) == (10, 0)

    def everything(of: PromptStore) -> dict[str, str]:
        return {prompt.id: repr(prompt) for prompt in of.list()}

    assert everything(copy) == everything(store)
    assert store.import_prompts(tmp_path / "out.ndjson").existing == 10


def test_exports_of_earlier_versions_are_imported(store: PromptStore, client: DynamoDBClient) -> None:
    """They had neither null for what an item lacks nor its exact attributes."""
    lines: list[dict[str, Any]] = [
        {"id": "done", "prompt_text": "text", "task_type": "type", "priority": "high", "status": "completed"}
        | {"result": {"score": 1.0}, "created_at": "2031-01-02T03:04:05.678901+00:00", "attempts": 1}
        | {"updated_at": "2031-01-02T03:05:05.678901+00:00", "expires_at": None, "claim_owner": "w"}
        | {"extra": {"team": {"SS": ["a", "b"]}, "blob": {"B": "AP8="}}},
        {"id": "odd", "prompt_text": "text", "task_type": "type", "priority": "urgent", "status": "assigned"}
        | {"expires_at": "2032-01-01T00:00:00.000000+00:00"},
    ]
    source = io.BytesIO("".join(json.dumps(line) + "\n" for line in lines).encode())
    assert store.import_prompts(source).imported == 2
    done = client.get_item(TableName=store.table_name, Key={"id": {"S": "done"}})["Item"]
    assert done == {
        **{name: {"S": lines[0][name]} for name in ("id", "prompt_text", "task_type", "priority", "status")},
        **{name: {"S": lines[0][name]} for name in ("created_at", "updated_at", "claim_owner")},
        "result": {"M": {"score": {"N": "1"}}},
        "result_json": {"S": '{"score":1.0}'},
        "attempts": {"N": "1"},
        "team": {"SS": ["a", "b"]},
        "blob": {"B": b"\x00\xff"},
    }
    odd = store.get("odd")
    assert (odd.status, odd.priority, odd.created_at is not None) == ("assigned", "urgent", True)


def test_a_misspelt_priority_or_status_is_the_lines_fault(clock: ManualClock) -> None:
    """Only an exported line may say what this store doesn't know."""
    for odd in ({"priority": "hihg"}, {"status": "done"}, {"prompt_text": ""}):
        with pytest.raises(InvalidPrompt, match=next(iter(odd))):
            read_line(json.dumps(PLAIN | {"id": "x"} | odd).encode(), "fallback", clock())


@contextmanager
def fifo(path: Path) -> Iterator[list[bytes]]:
    """A FIFO, and in the end what was written to it."""
    os.mkfifo(path)
    got: list[bytes] = []
    reader = Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
    reader.start()
    yield got
    assert path.is_fifo()
    reader.join(10)


def test_a_fifo_is_written_into_and_stays(store: PromptStore, file: Path, tmp_path: Path) -> None:
    write(file, "bad", PLAIN, *["bad"] * 150)
    with fifo(tmp_path / "rejects") as got:
        assert store.import_prompts(file, rejects=tmp_path / "rejects").rejected == 151
    assert len(got[0].splitlines()) == 151
    with fifo(tmp_path / "export") as got:
        store.export_prompts(tmp_path / "export")
    assert json.loads(got[0])["prompt_text"] == "text"


def test_a_link_is_written_through_and_stays(store: PromptStore, file: Path, tmp_path: Path) -> None:
    write(file, "bad", PLAIN)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    store.export_prompts(link)
    store.import_prompts(file, rejects=link)
    assert link.is_symlink()
    assert '"text": "bad' in (tmp_path / "target").read_text()


def test_an_import_spares_its_source_and_a_finished_one_every_file(store: PromptStore, file: Path) -> None:
    write(file, "bad", PLAIN)
    before = file.read_bytes()
    with pytest.raises(ImportRefused, match="bad lines"):
        store.import_prompts(file, rejects=file)
    assert file.read_bytes() == before
    store.import_prompts(file)
    other = file.with_name("other")
    other.write_text("x" * 1000)
    assert store.import_prompts(file, rejects=other).finished_before
    assert other.read_text() == "x" * 1000


def test_an_export_spares_the_files_beside_its_target(store: PromptStore, tmp_path: Path) -> None:
    other = tmp_path / "out.ndjson.partial"
    other.write_text("mine")
    store.export_prompts(tmp_path / "out.ndjson")
    assert other.read_text() == "mine"


def test_an_export_that_fails_leaves_no_file(store: PromptStore, tmp_path: Path) -> None:
    store.create("text", "type")

    def fail(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.export_prompts(tmp_path / "out.ndjson", on_progress=fail)
    assert list(tmp_path.iterdir()) == []


def test_a_line_is_read_at_the_stores_time(clock: ManualClock) -> None:
    item, own = read_line(b'{"prompt_text": "a", "task_type": "b"}', "fallback", clock())
    assert (item["id"]["S"], own) == ("fallback", False)
    assert item["ttl"] == {"N": str(int((clock() + timedelta(days=30)).timestamp()))}
    with pytest.raises(InvalidPrompt):
        read_line(b"[" * 100_000, "fallback", clock())
