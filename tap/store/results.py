"""Writing a result: in the first of its forms that the item has room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tap.store.answers import Unset
from tap.store.errors import PromptTooLarge
from tap.store.items import Item, check_size
from tap.store.values import decode_json, decode_result, encode_json, identical, result_forms

_Sent = TypeVar("_Sent")


def with_result(result: object, send: Callable[[str, str, dict[str, Any]], _Sent]) -> _Sent:
    """Call `send` with what to SET, what to REMOVE and the values, for each form of the result until one fits."""
    if isinstance(result, Unset):
        return send("", "", {})
    *others, last = result_forms(result)
    for form in others:
        try:
            return _in_form(form, send)
        except PromptTooLarge:  # DynamoDB alone knows how large the whole item would be
            continue
    return _in_form(last, send)


def _in_form(form: Item, send: Callable[[str, str, dict[str, Any]], _Sent]) -> _Sent:
    check_size({"id": {"S": ""}, **form})
    changes = "".join(f", #{name} = :{name}" for name in form)
    removals = "" if "result_json" in form else ", #result_json"
    return send(changes, removals, {f":{name}": value for name, value in form.items()})


def is_result(item: Item, result: object) -> bool:
    """Whether the item has this result; UNSET stands for whatever it has."""
    if isinstance(result, Unset):
        return True
    return "result" in item and identical(decode_result(item), decode_json(*encode_json(result)))
