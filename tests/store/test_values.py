"""Any JSON goes through DynamoDB's typed values and comes back equal and of the same kinds."""

from __future__ import annotations

import json
from decimal import Context, Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap.store import InvalidPrompt, PromptStore
from tap.store.values import decode_json, encode_json, item_size

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


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), "nan"),
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
