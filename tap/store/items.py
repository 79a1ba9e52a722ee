"""Prompts to DynamoDB items and back: the CloudFormation template's attribute names, and the claim's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tap.store.attributes import BY_NAME, ENTRY, ESSENTIAL, RESULT, TOKENS, meaning
from tap.store.errors import PromptTooLarge, UnreadablePrompt
from tap.store.models import DEFAULT_MAX_ATTEMPTS, Prompt
from tap.store.times import epoch_s
from tap.store.values import AttributeValue, check_text, decode_result, item_size

Item = dict[str, AttributeValue]

MAX_ITEM_BYTES: Final = 400 * 1024
MAX_WORKER_BYTES: Final = 256
#: Room for a short result: a worker can always give a reason when it fails a prompt.
REASON_BYTES: Final = 1024
#: The most that a claim adds to a prompt (names, token, times, counts and the worker), and a short result. A new prompt
#: must leave this free, or it could be stored and never worked on.
CLAIM_BYTES: Final = 256 + MAX_WORKER_BYTES + REASON_BYTES
_NO_FIELD: Final = frozenset([*ESSENTIAL, *RESULT, *TOKENS, *ENTRY])


def new_item(
    prompt_id: str,
    prompt_text: str,
    task_type: str,
    priority: str,
    max_attempts: int | None,
    created_at: str,
    expires_at: datetime | None,
) -> Item:
    """The item of a pending prompt; the input's size and Unicode are checked here, the rest was before."""
    item: Item = {
        "id": {"S": prompt_id},
        "prompt_text": {"S": prompt_text},
        "task_type": {"S": task_type},
        "priority": {"S": priority},
        "status": {"S": "pending"},
        "created_at": {"S": created_at},
    }
    for name in ("id", "prompt_text", "task_type"):
        check_text(item[name]["S"], name)
    if expires_at is not None:
        item["ttl"] = {"N": str(epoch_s(expires_at))}
    if max_attempts is not None:
        item["max_attempts"] = {"N": str(max_attempts)}
    check_size(item, CLAIM_BYTES)
    return item


def check_size(item: Item, kept_free: int = 0) -> None:
    """Raise PromptTooLarge for an item that DynamoDB would refuse, or that leaves less room than it should."""
    size = item_size(item)
    if size > MAX_ITEM_BYTES - kept_free:
        room = f", less {kept_free} that a claim needs" if kept_free else ""
        raise PromptTooLarge(
            f"The prompt has {size:,} bytes; DynamoDB takes {MAX_ITEM_BYTES:,}{room}.",
            prompt_id=item["id"]["S"],
        )


def read_prompt(item: Mapping[str, AttributeValue], table: str) -> Prompt:
    """The prompt in an item, whoever wrote it; UnreadablePrompt if it lacks what makes it one."""
    fields: dict[str, Any] = {}
    for name in ESSENTIAL:
        text = item.get(name, {}).get("S")
        if text is None:
            raise _unreadable(item, table, name)
        fields[name] = text
    extra: Item = {}
    # What an item doesn't have stays unset, so that an export doesn't invent it.
    for name, value in item.items():
        if name in _NO_FIELD or (name in BY_NAME and "NULL" in value):
            continue
        understood = meaning(name, value) if name in BY_NAME else None
        if understood is None:
            extra[name] = value
        else:
            fields[BY_NAME[name].field] = understood
    if "result" in item:
        fields["result"] = decode_result(item)
    if extra:
        fields["extra"] = dict(sorted(extra.items()))
    return Prompt(**fields)


def attempts_left(item: Mapping[str, AttributeValue]) -> bool:
    """Whether it may be handed out once more."""
    counted = item.get("attempts", {}).get("N", "0")
    return Decimal(counted) < Decimal(item.get("max_attempts", {}).get("N", DEFAULT_MAX_ATTEMPTS))


def is_countable(item: Mapping[str, AttributeValue]) -> bool:
    """Whether one more attempt can be counted: DynamoDB can't add to text."""
    return not item.get("attempts", {}).keys().isdisjoint({"N", "NULL"}) or "attempts" not in item


def lease_end(item: Mapping[str, AttributeValue]) -> int | None:
    """The lease's end in milliseconds since 1970; None for what has none."""
    until = item.get("lease_until", {}).get("N")
    if until is None or item.get("status") != {"S": "in_progress"}:
        return None
    return int(Decimal(until))


def is_prompt(item: Mapping[str, AttributeValue]) -> bool:
    """Whether read_prompt reads it."""
    return all("S" in item.get(name, {}) for name in ESSENTIAL)


def _unreadable(item: Mapping[str, AttributeValue], table: str, name: str) -> UnreadablePrompt:
    prompt_id = item.get("id", {}).get("S")
    said = f"Item {prompt_id!r} is no prompt: it has no usable {name!r}."
    return UnreadablePrompt(said, table=table, prompt_id=prompt_id)


def is_expired(item: Mapping[str, AttributeValue], now: datetime) -> bool:
    """Whether the item's ttl has passed; DynamoDB deletes it up to days later."""
    ttl = item.get("ttl", {}).get("N")
    return ttl is not None and Decimal(ttl) <= epoch_s(now)
