"""DynamoDB's typed values as JSON, for other programs' attributes that no field of a prompt can hold."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tap.store.errors import InvalidPrompt
from tap.store.values import AttributeValue, check_text

_MAX_LEVELS: Final = 32  # DynamoDB's limit
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,999}(\.[0-9]{0,999})?|\.[0-9]{1,999})([eE][+-]?[0-9]{1,4})?")
_KINDS: Final = frozenset({"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"})


def typed_to_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """A typed value as JSON, with bytes in base64."""
    kind, inner = next(iter(value.items()))
    if kind == "B":
        return {"B": b64encode(inner).decode()}
    if kind == "BS":
        return {"BS": [b64encode(item).decode() for item in inner]}
    if kind == "M":
        return {"M": {key: typed_to_json(item) for key, item in inner.items()}}
    if kind == "L":
        return {"L": [typed_to_json(item) for item in inner]}
    return {kind: inner}


def same_typed(left: AttributeValue, right: AttributeValue) -> bool:
    """Whether two typed values are equal to DynamoDB: numbers in any notation, sets in any order."""
    ((kind, ours),), ((other, theirs),) = left.items(), right.items()
    if kind != other:
        return False
    if kind == "M":
        return ours.keys() == theirs.keys() and all(same_typed(ours[key], theirs[key]) for key in ours)
    if kind == "L":
        return len(ours) == len(theirs) and all(map(same_typed, ours, theirs))
    if kind == "N":
        return Decimal(ours) == Decimal(theirs)
    return bool(ours == theirs)


def typed_from_json(value: object, where: str, level: int = 0) -> AttributeValue:
    """Read a typed value from its JSON form; InvalidPrompt, naming `where`, if DynamoDB would not take it."""
    if level > _MAX_LEVELS:
        raise InvalidPrompt(f"{where} has more than {_MAX_LEVELS} levels.")
    try:
        if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= _KINDS:
            raise ValueError
        kind, inner = next(iter(value.items()))
        if kind == "B":
            return {"B": b64decode(inner, validate=True)}
        if kind == "BS":
            return {"BS": _a_set([b64decode(item, validate=True) for item in inner])}
        if kind == "M":
            return {"M": {_unicode(key, where): typed_from_json(item, where, level + 1) for key, item in inner.items()}}
        if kind == "L":
            return {"L": [typed_from_json(item, where, level + 1) for item in inner]}
        _check_plain(kind, inner, where)
    except InvalidPrompt:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidPrompt(f"{where} is no typed value of DynamoDB's.") from error
    return {kind: inner}


def _check_plain(kind: str, inner: object, where: str) -> None:
    """Raise ValueError for text, numbers, booleans and sets that DynamoDB doesn't take."""
    values = inner if kind in {"SS", "NS"} else [inner]
    wanted: type = str if kind in {"S", "N", "SS", "NS"} else bool
    if not isinstance(values, list) or not all(isinstance(value, wanted) for value in values):
        raise ValueError
    if kind == "NULL" and inner is not True:
        raise ValueError
    if wanted is str:
        members = [_number(value) if kind in {"N", "NS"} else _unicode(value, where) for value in values]
        if values is inner:
            _a_set(members)


def _unicode(text: str, where: str) -> str:
    check_text(text, where)
    return text


def _number(text: str) -> Decimal:
    """A number as DynamoDB takes it: 38 digits, from 1E-130 to 9.9…E+125."""
    if not _NUMBER.fullmatch(text):
        raise ValueError
    number = Decimal(text)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if digits and not (len(digits) <= 38 and -130 <= number.adjusted() <= 125):
        raise ValueError
    return number


def _a_set(members: list[Any]) -> list[Any]:
    """DynamoDB has no empty sets, and none that hold something twice."""
    if not members or len(set(members)) < len(members):
        raise ValueError
    return members
