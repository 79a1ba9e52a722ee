"""JSON to DynamoDB's typed values and back, without losing what the caller meant.

DynamoDB has one kind of number: decimal, 38 digits, no difference between 1 and 1.0. A result is
stored as a native Map/List/Number, so any program reads it naturally; where the native form would
read back as something else (1.0, -0.0, 1e300, 40 digits, more than 30 levels, an empty key) the
exact JSON text goes into `result_json` beside it. What doesn't fit natively at all is there as its
JSON text. When a program that knows nothing of `result_json` replaces `result`, the two no longer
agree, and the native value counts.

Where an item has no room for both, the JSON text alone is `result`, and `result_json` is the number of its bytes:
so what fits once fits. Programs that know nothing of it then read the text.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from math import isfinite
from typing import Any, Final, ParamSpec, TypeVar

from tap.store.errors import InvalidPrompt

_MAX_LEVELS: Final = 30  # DynamoDB allows 32, and the attribute itself counts
#: Of a result; few enough to be written and read back in one thread of Python's, and by any JSON reader.
MAX_RESULT_LEVELS: Final = 300
_MAX_DIGITS: Final = 38
_SMALLEST: Final = 1e-130
_LARGEST: Final = 9.9e125

AttributeValue = dict[str, Any]
"""One typed value as boto3's low-level client takes it, e.g. {"S": "x"}."""

_Arguments = ParamSpec("_Arguments")
_Value = TypeVar("_Value")


def encode_json(value: object) -> tuple[AttributeValue, str | None]:
    """Return the native value, and the exact JSON text if the native one reads back differently.

    Takes what json.dumps writes as an equal value, so subclasses too (an Enum, numpy.float64, Counter).
    Raises InvalidPrompt for what JSON can't express: NaN, tuples, dates, keys that aren't text.
    """
    try:
        native, text = _with_room(_encode_all, value)
    except RecursionError as error:
        raise InvalidPrompt("result is nested too deeply (or contains itself).") from error
    if text is not None and _levels(value) > MAX_RESULT_LEVELS:
        raise InvalidPrompt(f"result is nested too deeply: more than {MAX_RESULT_LEVELS} levels.")
    return native, text


def result_forms(value: object) -> list[dict[str, AttributeValue]]:
    """The attributes that can hold a result, the best form first: one may be chosen for its size."""
    native, text = encode_json(value)
    if text is None:
        return [{"result": native}]
    alone = {"result": {"S": text}, "result_json": {"N": str(_text_size(text))}}
    return [{"result": native, "result_json": {"S": text}}, alone]


def decode_result(item: Mapping[str, AttributeValue]) -> Any:
    """The result of an item that has one, in whichever form."""
    native, copy = item["result"], item.get("result_json", {})
    if "S" in native and copy.get("N") == str(_text_size(native["S"])):
        try:
            return _with_room(json.loads, native["S"])
        except (ValueError, RecursionError):
            pass  # another program's text, of the same length
    return decode_json(native, copy.get("S"))


def decode_json(native: Mapping[str, Any], text: str | None = None) -> Any:
    """Return the JSON value of an attribute; `text` (result_json) counts only if it belongs to it."""
    value = _decode(native)
    if text is None:
        return value
    try:
        exact, same = _with_room(_decode_copy, text)
    except (ValueError, RecursionError):
        return value
    return exact if identical(same, value) else value


def _encode_all(value: object) -> tuple[AttributeValue, str | None]:
    native, exact = _encode(value, "result", 0)
    return native, None if exact else _text(value)


def _decode_copy(text: str) -> tuple[Any, Any]:
    exact = json.loads(text)
    return exact, _decode(_encode(exact, "result", 0)[0])


def _with_room(
    function: Callable[_Arguments, _Value], *arguments: _Arguments.args, **named: _Arguments.kwargs
) -> _Value:
    """Call the function; in a thread of its own if the caller's stack is too deep for a nested value."""
    try:
        return function(*arguments, **named)
    except RecursionError:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(function, *arguments, **named).result()


def _levels(value: object) -> int:
    """How deeply lists and objects are nested."""
    deepest = 0
    rest = [(value, 0)]
    while rest:
        inner, level = rest.pop()
        deepest = max(deepest, level)
        if isinstance(inner, dict):
            rest += [(item, level + 1) for item in inner.values()]
        elif isinstance(inner, list):
            rest += [(item, level + 1) for item in inner]
    return deepest


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's fields, for json.loads, which by itself takes the last of two with one key."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise InvalidPrompt(f"the key {next(name for name in names if names.count(name) > 1)!r} comes twice.")
    return values


def plain_number(text: str) -> int | float:
    """Read DynamoDB's number as JSON would: an int if it is whole, a float otherwise."""
    if text.lstrip("-").isdigit():
        return int(text)
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def check_text(value: str, name: str) -> None:
    """Raise InvalidPrompt unless it is text that UTF-8 can encode, which a lone surrogate is not."""
    if not isinstance(value, str):
        raise InvalidPrompt(f"{name} must be text (got {value!r}).")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidPrompt(f"{name} is not valid Unicode: {error.reason}.") from error


def _encode(value: object, where: str, level: int) -> tuple[AttributeValue, bool]:
    """The native value, and whether it reads back as exactly `value`."""
    kind = type(value)
    if kind is str:
        check_text(value, where)  # type: ignore[arg-type]
        return {"S": value}, True
    if kind is bool:
        return {"BOOL": value}, True
    if value is None:
        return {"NULL": True}, True
    if kind is int:
        return _encode_int(value)  # type: ignore[arg-type]
    if kind is float:
        return _encode_float(value, where)  # type: ignore[arg-type]
    if kind is dict:
        return _encode_map(value, where, level)  # type: ignore[arg-type]
    if kind is list:
        exact = True
        items = []
        for index, inner in enumerate(value):  # type: ignore[arg-type,var-annotated]
            native, same = _encode(inner, f"{where}[{index}]", level + 1)
            items.append(native)
            exact = exact and same
        return ({"L": items}, exact) if level < _MAX_LEVELS else ({"S": _text(value)}, False)
    return _encode(_plain(value, where), where, level)


def _plain(value: object, where: str) -> object:
    """What json.dumps makes of a subclass's value (an Enum, numpy.float64, Counter)."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, dict):
        return dict(value.items())
    if isinstance(value, list):
        return list(value)
    raise InvalidPrompt(f"{where} is a {type(value).__name__}, which JSON does not have.")


def _encode_map(value: dict[object, object], where: str, level: int) -> tuple[AttributeValue, bool]:
    exact = True
    fits = level < _MAX_LEVELS
    fields = {}
    for given, inner in value.items():
        key = given
        if type(key) is not str:
            if not isinstance(key, str):
                raise InvalidPrompt(f"{where} has the key {key!r}: JSON's keys are text.")
            key = str.__str__(key)
        check_text(key, where)
        fits = fits and 0 < len(key) <= 16_000  # DynamoDB: 1 byte to 64 KB
        fields[key], same = _encode(inner, f"{where}.{key}", level + 1)
        exact = exact and same
    return ({"M": fields}, exact) if fits else ({"S": _text(value)}, False)


def _encode_int(value: int) -> tuple[AttributeValue, bool]:
    # DynamoDB would take 10**40, but boto3's own reader refuses what it then returns.
    if -(10**_MAX_DIGITS) < value < 10**_MAX_DIGITS:
        return {"N": str(value)}, True
    return {"S": _text(value)}, False


def _encode_float(value: float, where: str) -> tuple[AttributeValue, bool]:
    if not isfinite(value):
        raise InvalidPrompt(f"{where} is {value}, which JSON does not have.")
    if value.is_integer():
        whole = int(value)
        return ({"N": str(whole)} if len(str(whole)) <= _MAX_DIGITS else {"S": repr(value)}), False
    if _SMALLEST <= abs(value) <= _LARGEST:
        return {"N": repr(value)}, True
    return {"S": repr(value)}, False


def _decode(value: Mapping[str, Any]) -> Any:
    for kind, inner in value.items():
        if kind in {"S", "BOOL"}:
            return inner
        if kind == "N":
            return plain_number(inner)
        if kind == "M":
            return {key: _decode(item) for key, item in inner.items()}
        if kind == "L":
            return [_decode(item) for item in inner]
        if kind == "NULL":
            return None
        return _decode_foreign(kind, inner)
    raise ValueError("an empty attribute value")


def _decode_foreign(kind: str, inner: Any) -> Any:
    """Other programs' kinds, which JSON lacks: sets as sorted lists, bytes as base64."""
    if kind == "SS":
        return sorted(inner)
    if kind == "NS":
        return sorted(plain_number(number) for number in inner)
    if kind == "B":
        return b64encode(inner).decode()
    return sorted(b64encode(item).decode() for item in inner)


def identical(left: Any, right: Any) -> bool:
    """Equal and of the same kinds all the way down (1 == 1.0 == True for Python's ==)."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(identical(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(identical, left, right))
    return bool(left == right)


def _text(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:  # Python's limit on the digits of one integer
        raise InvalidPrompt(f"result can't be written as JSON: {error}.") from error


def item_size(item: Mapping[str, AttributeValue]) -> int:
    """The item's size in bytes as DynamoDB counts it (numbers rounded up)."""
    return sum(_text_size(name) + _value_size(value) for name, value in item.items())


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _value_size(value: AttributeValue) -> int:
    for kind, inner in value.items():
        if kind == "S":
            return _text_size(inner)
        if kind == "N":
            return len(inner) // 2 + 2
        if kind in {"BOOL", "NULL"}:
            return 1
        if kind == "M":
            return 3 + sum(_text_size(key) + 1 + _value_size(item) for key, item in inner.items())
        if kind == "L":
            return 3 + sum(1 + _value_size(item) for item in inner)
        if kind == "B":
            return len(inner)
        return 3 + sum(_value_size({kind[0]: item}) + 1 for item in inner)
    return 0
