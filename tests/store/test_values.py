"""Any JSON goes through DynamoDB's typed values and comes back equal and of the same kinds."""

from __future__ import annotations

import json
import logging
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from enum import Enum, IntEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap.store import InvalidPrompt, PromptStore, PromptTooLarge
from tap.store.values import MAX_RESULT_LEVELS, decode_json, encode_json, identical, item_size
from tests.support.store_table import ManualClock

EXACT = Context(prec=200)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
WIDE = st.integers(-(10**60), 10**60) | st.builds(
    lambda base, zeros: base * 10**zeros, st.integers(), st.integers(0, 140)
)
SCALARS = st.none() | st.booleans() | NUMBERS | WIDE | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5))


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"in": value}
    return value


def text_of(value: object) -> str:
    """Tells 1 from 1.0 from True and 0.0 from -0.0, which == does not."""
    return json.dumps(value, sort_keys=True)


def as_dynamodb_returns(value: dict[str, Any], level: int = 1) -> dict[str, Any]:
    """The typed value after DynamoDB has normalized its numbers, as it may; fails on what it refuses."""
    assert level <= 32
    kind, inner = next(iter(value.items()))
    if kind == "N":
        number = Decimal(inner)
        assert len(EXACT.normalize(number).as_tuple().digits) <= 38
        assert number == 0 or Decimal("1e-130") <= abs(number) < Decimal("1e126")
        return {"N": format(EXACT.normalize(number), "f")}
    if kind == "M":
        assert all(key for key in inner)
        return {"M": {key: as_dynamodb_returns(item, level + 1) for key, item in inner.items()}}
    if kind == "L":
        return {"L": [as_dynamodb_returns(item, level + 1) for item in inner]}
    return value


@settings(max_examples=400, deadline=None)
@given(JSON)
@example({"score": 0.95})
@example([1, 1.0, True, -0.0, 0, 0.0, 1e-7, 1e300, 5e-324, 2**63, 10**37, 10**38, 10**39 + 1, -(10**40)])
@example({"": {"a": ""}})
@example({"k" * 70_000: 1, "constructor": {"__proto__": 1.0}})
@example(nested(29))
@example(nested(33))
@example(nested(300))
def test_json_comes_back_equal_and_of_the_same_kinds(value: object) -> None:
    native, text = encode_json(value)
    assert text_of(decode_json(as_dynamodb_returns(native), text)) == text_of(value)


@pytest.mark.parametrize("value", [{"score": 0.95}, [1, 2], "text", None, True, {"deep": [{"a": 1e-7}]}, 10**38 - 1])
def test_what_is_native_is_stored_without_a_copy_and_reads_naturally_elsewhere(value: object) -> None:
    native, text = encode_json(value)
    assert text is None
    elsewhere = TypeDeserializer().deserialize(native)  # type: ignore[arg-type]
    assert elsewhere == json.loads(json.dumps(value), parse_float=Decimal)


def test_other_programs_read_whole_floats_as_numbers_and_the_rest_as_text() -> None:
    native, text = encode_json({"whole": 2.0, "huge": 1e300})
    assert native == {"M": {"whole": {"N": "2"}, "huge": {"S": "1e+300"}}}
    assert text is not None


def test_a_result_replaced_by_a_program_that_knows_no_copy_wins_over_the_copy() -> None:
    _, stale = encode_json({"score": 1.0})
    assert decode_json({"M": {"score": {"N": "0.5"}}}, stale) == {"score": 0.5}
    assert decode_json({"M": {"score": {"N": "0.5"}}}, "not JSON") == {"score": 0.5}


def test_kinds_that_only_other_programs_write_are_read() -> None:
    foreign = {
        "M": {
            "s": {"SS": ["b", "a"]},
            "n": {"NS": ["2", "1.5"]},
            "b": {"B": b"\x00\x01"},
            "bs": {"BS": [b"x"]},
        }
    }
    assert decode_json(foreign) == {"s": ["a", "b"], "n": [1.5, 2], "b": "AAE=", "bs": ["eA=="]}


class Colour(str, Enum):  # noqa: UP042 -- as it was written before Python 3.11
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Text(str):
    """Such as a template engine's safe text."""

    def __str__(self) -> str:
        return "another"


class Measure(float):
    """As numpy.float64 is one, which writes itself its own way."""

    def __repr__(self) -> str:
        return f"Measure({float(self)})"


class Fields(dict[str, Any]):
    """Such as a response's."""


class Items(list[Any]):
    """Likewise."""


@pytest.mark.parametrize(
    "value",
    [
        Measure(0.95),
        Measure(1.0),
        {"score": Measure(0.5)},
        Counter("aab"),
        OrderedDict(b=1, a=Measure(2.0)),
        defaultdict(list, {"a": [1]}),
        Colour.RED,
        {"colour": Colour.RED, "level": Level.HIGH},
        HTTPStatus.NOT_FOUND,
        Text("text"),
        {Text("key"): 1, Colour.RED: [2]},
        Fields({"a": Fields({"b": True})}),
        Items([1, 2.0]),
    ],
    ids=repr,
)
def test_what_json_writes_as_an_equal_value_is_stored_as_that(value: Any) -> None:
    written = json.loads(json.dumps(value))
    assert written == value
    native, text = encode_json(value)
    read = decode_json(as_dynamodb_returns(native), text)
    assert text_of(read) == text_of(written)
    assert identical(read, written)


def test_completing_again_with_an_equal_result_of_another_class_is_no_error(shared_store: PromptStore) -> None:
    prompt = shared_store.create("text", "type")
    claim = shared_store.claim("w")
    assert claim
    assert shared_store.complete(claim, Counter(prompt.id)).result == Counter(prompt.id)
    assert shared_store.complete(claim, Counter(prompt.id)).status == "completed"


@pytest.mark.parametrize(
    "result",
    [
        {"score": 1.0, "notes": "x" * 250_000},
        {"score": 0.95, "notes": "x" * 390_000},
        {"score": 1.0, "notes": "x" * 390_000},
        [1.0] * 80_000,
        {"": "x" * 390_000},
    ],
    ids=["copy beside", "native", "copy alone", "all floats", "odd key"],
)
def test_what_fits_once_fits(shared_store: PromptStore, result: Any, tmp_path: Path) -> None:
    prompt = shared_store.create("text", "type")
    assert text_of(shared_store.update_status(prompt.id, "completed", result).result) == text_of(result)
    assert text_of(shared_store.get(prompt.id).result) == text_of(result)
    exported = tmp_path / "out.ndjson"
    shared_store.export_prompts(exported)
    before = shared_store.get(prompt.id)
    shared_store.delete(prompt.id)
    shared_store.import_prompts(exported)
    assert shared_store.get(prompt.id) == before
    shared_store.delete(prompt.id)


@pytest.fixture
def roomy(shared_store: PromptStore, clock: ManualClock) -> Iterator[PromptStore]:
    """A store whose updates are refused as DynamoDB refuses what grows too large: moto carries half of them out."""

    def refuse(params: Any, **_: object) -> None:
        if "full" in (request := params["body"].decode()) and any(much in request for much in MUCH):
            reply: Any = {"Error": {"Code": "ValidationException", "Message": TOO_LARGE}}
            raise ClientError(reply, "UpdateItem")

    with PromptStore(shared_store.table_name, shared_store.settings, clock) as store:
        store.client.meta.events.register("before-call.dynamodb.UpdateItem", refuse)
        yield store
        store.delete("full")


MUCH = [':result_json": {"S"', "rrrrrrrr"]
TOO_LARGE = "Item size to update has exceeded the maximum allowed size"


def test_where_the_item_has_no_room_for_the_copy_the_text_is_stored_alone(roomy: PromptStore) -> None:
    """Only DynamoDB knows how large the text is that the result comes to."""
    roomy.create("text", "type", prompt_id="full")
    claim = roomy.claim("w")
    assert claim
    result = {"score": 1.0, "notes": "x"}
    for _ in range(2):
        assert text_of(roomy.complete(claim, result).result) == text_of(result)
    assert text_of(roomy.update_status("full", "completed", [2.0]).result) == "[2.0]"


def test_a_prompt_without_room_for_a_reason_is_failed_without_it(
    roomy: PromptStore, caplog: pytest.LogCaptureFixture
) -> None:
    roomy.create("text", "type", prompt_id="full")
    claim = roomy.claim("w")
    assert claim
    for step, reason in ((roomy.fail, "r" * 2_000), (roomy.complete, "r" * 10)):
        with pytest.raises(PromptTooLarge):
            step(claim, reason)
    with caplog.at_level(logging.WARNING, "tap.store"):
        assert roomy.fail(claim, "r" * 900).status == "failed"
    assert "without its reason" in caplog.text


def deep_in_a_stack(function: Callable[[], Any], frames: int = 850) -> Any:
    return function() if frames == 0 else deep_in_a_stack(function, frames - 1)


@pytest.mark.parametrize("shape", ["lists", "objects"])
def test_a_result_is_the_same_however_deep_the_stack_is(shape: str) -> None:
    value: Any = 1.0
    for _ in range(MAX_RESULT_LEVELS):
        value = [value] if shape == "lists" else {"a": value}
    native, text = deep_in_a_stack(lambda: encode_json(value))
    assert text_of(deep_in_a_stack(lambda: decode_json(native, text))) == text_of(value)
    for more in ([value], {"a": value}):
        with pytest.raises(InvalidPrompt, match=f"too deeply: more than {MAX_RESULT_LEVELS} levels"):
            encode_json(more)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), "nan"),
        (Measure("nan"), "nan"),
        ({"a": [float("inf")]}, r"result\.a\[0\]"),
        ((1, 2), "tuple"),
        ({"a": Decimal(1)}, "Decimal"),
        ({1: "a"}, "keys are text"),
        ("\ud800", "Unicode"),
        pytest.param(10**5000, "digits", id="5001-digits"),
        pytest.param(nested(100_000), "too deeply", id="deep"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(value: object, says: str) -> None:
    with pytest.raises(InvalidPrompt, match=says):
        encode_json(value)


def test_item_size_counts_bytes_as_dynamodb_does() -> None:
    assert item_size({"id": {"S": "ä"}}) == 2 + 2
    assert item_size({"r": {"M": {"k": {"BOOL": True}}}}) == 1 + 3 + 1 + 1 + 1


@settings(max_examples=30, deadline=None)
@given(value=JSON)
def test_json_comes_back_through_the_endpoint(shared_store: PromptStore, value: object) -> None:
    prompt = shared_store.create("text", "type")
    shared_store.update_status(prompt.id, "completed", value)
    assert text_of(shared_store.get(prompt.id).result) == text_of(value)
