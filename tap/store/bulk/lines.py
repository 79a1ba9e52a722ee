"""NDJSON: one prompt per line, as export writes and import reads it.

    {"prompt_text": "Review the code", "task_type": "code_review", "priority": "high"}

is enough. Other fields are those of Prompt: id, status, result, created_at, updated_at, expires_at
(null: never), attempts, max_attempts, claim_owner, lease_until, and extra (attributes as DynamoDB's typed values,
bytes in base64). A claim's token is not exported.

An export is imported as it was. An attribute of other programs that its field can't say exactly (a number with more
digits than a double has, a set, a time without a zone) is in `extra` too, under its name in the item, and that
counts. A line with id, status and expires_at, as every exported one has them, may say any status, priority and
text, and null for a priority or a created_at that the item lacks; in others a misspelt priority is an error.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tap.store.attributes import BY_NAME, ENTRY, ESSENTIAL, OPTIONAL, RESULT, TOKENS
from tap.store.errors import InvalidPrompt
from tap.store.fields import prompt_fields
from tap.store.items import CLAIM_BYTES, MAX_ITEM_BYTES, Item, check_size, is_expired, new_item
from tap.store.models import (
    DEFAULT_LIFETIME,
    DEFAULT_PRIORITY,
    Attempts,
    Priority,
    Prompt,
    PromptId,
    Status,
    Text,
    checked,
)
from tap.store.times import iso
from tap.store.typed import same_typed, typed_from_json, typed_to_json
from tap.store.values import check_text, item_size, result_forms, without_doubles

LONGEST_LINE: Final = 4 * 1024 * 1024  # 400 KB, every character escaped, is below
_PLAIN: Final = frozenset({"id", "prompt_text", "task_type", "priority", "max_attempts", "created_at", "expires_at"})
_EXPORTED: Final = frozenset({"id", "status", "expires_at"})
_EXACT: Final = {**{attribute.name: attribute.field for attribute in OPTIONAL}, **dict.fromkeys(RESULT, "result")}
_CLOSED: Final = TOKENS.union(ESSENTIAL)


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
    priority: Priority = DEFAULT_PRIORITY
    status: Status = "pending"
    result: Any = None
    created_at: Time | None = None
    updated_at: Time | None = None
    expires_at: Time | None = None
    attempts: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    max_attempts: Attempts | None = None
    claim_owner: Text | None = None
    lease_until: Time | None = None
    extra: dict[str, dict[str, Any]] = Field(default_factory=dict)


class ExportedLine(Line):
    """A line of an export: other programs' values are taken as they are."""

    prompt_text: str
    task_type: str
    priority: str | None = DEFAULT_PRIORITY  # type: ignore[assignment]
    status: str  # type: ignore[assignment]
    attempts: int | None = None
    max_attempts: int | None = None
    claim_owner: str | None = None


def prompt_line(prompt: Prompt, item: Item) -> str:
    """The prompt in this item as one line of NDJSON, without the newline."""
    fields = prompt_fields(prompt)
    exact = {name: value for name, value in item.items() if name in BY_NAME and not _says(prompt, name, value)}
    result = {name: item[name] for name in RESULT if name in item}
    if result and not _same_result(prompt, result):
        exact |= result
    if exact:
        fields["extra"] = fields.get("extra", {}) | {name: typed_to_json(value) for name, value in exact.items()}
    for name in ("priority", "created_at"):  # which a line that lacks it is given
        if name not in item:
            fields[name] = None
    line = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    if len(line) > LONGEST_LINE // 2 and "result" in exact:  # it is there twice
        del fields["result"]
        line = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return line


def _says(prompt: Prompt, name: str, value: dict[str, Any]) -> bool:
    """Whether the prompt's field is all that the attribute says."""
    field = BY_NAME[name].field
    return field in prompt.model_fields_set and same_typed(BY_NAME[name].write(getattr(prompt, field)), value)


def _same_result(prompt: Prompt, stored: Item) -> bool:
    try:
        first = result_forms(prompt.result)[0]
    except InvalidPrompt:
        return False
    return first.keys() == stored.keys() and all(same_typed(first[name], stored[name]) for name in first)


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
    values = _parsed(text)
    exported = values.keys() >= _EXPORTED
    extra = values.get("extra")
    exact = _EXACT.keys() & extra.keys() if isinstance(extra, dict) else set()
    for name in exact:
        values.pop(_EXACT[name], None)
    line = checked(ExportedLine if exported else Line, values)
    if line.created_at is None and not (exported and "created_at" in values):
        line.created_at = now
    if "expires_at" not in values and "ttl" not in exact:
        line.expires_at = now + DEFAULT_LIFETIME
    if line.expires_at is not None and line.expires_at <= now:
        raise InvalidPrompt(f"it expired on {iso(line.expires_at)}.")
    prompt_id = line.id or fallback_id
    if _PLAIN.issuperset(values):
        texts = (prompt_id, line.prompt_text, line.task_type, line.priority)
        return new_item(*texts, line.max_attempts, iso(line.created_at or now), line.expires_at), line.id is not None
    item = _item(line, prompt_id, exact)
    if is_expired(item, now):
        raise InvalidPrompt(f"it expired (its ttl is {item['ttl']['N']}).")
    check_size(item, 0 if exported else CLAIM_BYTES)
    return item, line.id is not None


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        # Decoded first: json.loads takes bytes with a NUL for UTF-16 or UTF-32.
        values = json.loads(text.decode(), parse_constant=_refuse_constant, object_pairs_hook=without_doubles)
    except InvalidPrompt:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidPrompt(f"not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise InvalidPrompt("not a JSON object.")
    return values


def _item(line: Line, prompt_id: str, exact: set[str]) -> Item:
    """The item of a line that has more than a new prompt; what is exact in `extra` comes from there."""
    texts = {"id": prompt_id, "prompt_text": line.prompt_text, "task_type": line.task_type, "status": line.status}
    item: Item = {name: {"S": text} for name, text in texts.items()}
    for attribute in OPTIONAL:
        value = getattr(line, attribute.field)
        if value is not None and attribute.name not in exact:
            item[attribute.name] = attribute.write(value)
    for name, typed in item.items():
        if "S" in typed:
            check_text(typed["S"], name)
    # An entry of the claim index was exported by a version that did not know it.
    for name, value in ((name, value) for name, value in line.extra.items() if name not in ENTRY):
        if name in _CLOSED or not name:
            raise InvalidPrompt(f"extra may not hold {name!r}.")
        check_text(name, "extra")
        item[name] = typed_from_json(value, f"extra.{name}")
    if "result" not in line.model_fields_set:
        return item
    for form in result_forms(line.result):
        whole = item | form
        if item_size(whole) <= MAX_ITEM_BYTES:
            break
    return whole


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
