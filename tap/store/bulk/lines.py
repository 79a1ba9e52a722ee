"""NDJSON: one prompt per line, as export writes and import reads it.

    {"prompt_text": "Review the code", "task_type": "code_review", "priority": "high"}

is enough. Other fields are those of Prompt: id, status, result, created_at, updated_at, expires_at
(null: never), attempts, max_attempts, claim_owner, lease_until, and extra (other programs' attributes
as DynamoDB's typed values, bytes in base64). A claim's token is not exported.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tap.store.errors import InvalidPrompt
from tap.store.fields import prompt_fields
from tap.store.items import OWN_ATTRIBUTES, Item, check_size, epoch_ms, iso, new_item
from tap.store.models import (
    DEFAULT_LIFETIME,
    Attempts,
    Priority,
    Prompt,
    PromptId,
    Status,
    Text,
    checked,
)
from tap.store.values import check_text, encode_json

_PLAIN: Final = frozenset({"id", "prompt_text", "task_type", "priority", "max_attempts", "created_at", "expires_at"})
_MAX_LEVELS: Final = 32  # DynamoDB's limit
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,999}(\.[0-9]{0,999})?|\.[0-9]{1,999})([eE][+-]?[0-9]{1,4})?")
_KINDS: Final = frozenset({"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"})


def _time(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a time is text in ISO 8601")
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


Time = Annotated[datetime, BeforeValidator(_time)]


class Line(BaseModel):
    """A line's fields, checked."""

    model_config = ConfigDict(strict=True, extra="forbid")

    id: PromptId | None = None
    prompt_text: Text
    task_type: Text
    priority: Priority = "medium"
    status: Status = "pending"
    result: Any = None
    created_at: Time | None = None
    updated_at: Time | None = None
    expires_at: Time | None = None
    attempts: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    max_attempts: Attempts | None = None
    claim_owner: Text | None = None
    lease_until: Time | None = None
    extra: dict[str, dict[str, Any]] = Field(default_factory=dict)


def prompt_line(prompt: Prompt) -> str:
    """The prompt as one line of NDJSON, without the newline."""
    return json.dumps(prompt_fields(prompt), ensure_ascii=False, separators=(",", ":"))


def read_line(text: bytes, fallback_id: str, now: datetime) -> tuple[Item, bool]:
    """The item for a line, and whether the line itself has the id; InvalidPrompt says what is wrong."""
    try:
        return _read_line(text, fallback_id, now)
    except InvalidPrompt:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        # Times at the ends of the calendar, lone surrogates, deep nesting: one line's fault, not the import's.
        raise InvalidPrompt(f"it can't be stored: {error}.") from error


def _read_line(text: bytes, fallback_id: str, now: datetime) -> tuple[Item, bool]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidPrompt(f"not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise InvalidPrompt("not a JSON object.")
    line = checked(Line, values)
    expires_at = line.expires_at if "expires_at" in values else now + DEFAULT_LIFETIME
    if expires_at is not None and expires_at <= now:
        raise InvalidPrompt(f"it expired on {iso(expires_at)}.")
    item = new_item(
        line.id or fallback_id,
        line.prompt_text,
        line.task_type,
        line.priority,
        line.max_attempts,
        iso(line.created_at or now),
        expires_at,
    )
    if not _PLAIN.issuperset(values):
        _add_history(item, line, "result" in values)
        check_size(item)
    return item, line.id is not None


def _add_history(item: Item, line: Line, has_result: bool) -> None:
    """What a prompt has that was exported after work on it."""
    item["status"] = {"S": line.status}
    if has_result:
        item["result"], text = encode_json(line.result)
        if text is not None:
            item["result_json"] = {"S": text}
    if line.updated_at is not None:
        item["updated_at"] = {"S": iso(line.updated_at)}
    if line.attempts:
        item["attempts"] = {"N": str(line.attempts)}
    if line.claim_owner is not None:
        check_text(line.claim_owner, "claim_owner")
        item["claim_owner"] = {"S": line.claim_owner}
    if line.lease_until is not None:
        item["lease_until"] = {"N": str(epoch_ms(line.lease_until))}
    for name, value in line.extra.items():
        if name in OWN_ATTRIBUTES or not name:
            raise InvalidPrompt(f"extra may not hold {name!r}.")
        check_text(name, "extra")
        item[name] = _typed_from_json(value, f"extra.{name}", 0)


def _typed_from_json(value: object, where: str, level: int) -> dict[str, Any]:
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
            return {
                "M": {_unicode(key, where): _typed_from_json(item, where, level + 1) for key, item in inner.items()}
            }
        if kind == "L":
            return {"L": [_typed_from_json(item, where, level + 1) for item in inner]}
        _check_plain(kind, inner, where)
    except InvalidPrompt:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidPrompt(f"{where} is no typed value of DynamoDB's.") from error
    return {kind: inner}


def _check_plain(kind: str, inner: object, where: str) -> None:
    """Raise ValueError for text, numbers, truth values and sets that DynamoDB doesn't take."""
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
    """DynamoDB's sets are neither empty nor do they hold anything twice."""
    if not members or len(set(members)) < len(members):
        raise ValueError
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
