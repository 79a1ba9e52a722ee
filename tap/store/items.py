"""Prompts to DynamoDB items and back: the CloudFormation template's attribute names, and the claim's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tap.store.errors import InvalidPrompt, PromptTooLarge, UnreadablePrompt
from tap.store.models import Prompt
from tap.store.values import AttributeValue, check_text, decode_json, item_size

Item = dict[str, AttributeValue]

MAX_ITEM_BYTES: Final = 400 * 1024
MAX_WORKER_BYTES: Final = 256
#: What a claim adds to a prompt at most (names, token, times, counts and the worker): a new prompt leaves that free,
#: or it could be stored and never be worked on.
CLAIM_BYTES: Final = 256 + MAX_WORKER_BYTES
_LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)
OWN_ATTRIBUTES: Final = frozenset(
    [
        "id",
        "prompt_text",
        "task_type",
        "priority",
        "status",
        "result",
        "result_json",
        "created_at",
        "updated_at",
        "ttl",
        "claim_token",
        "claim_owner",
        "lease_until",
        "attempts",
        "max_attempts",
        "update_token",
    ]
)


def utc_now() -> datetime:
    """The store's default clock."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """UTC with zone and a fixed width, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def epoch_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """The moment so many milliseconds after 1970; beyond the year 9999 the last one there is."""
    return _moment(milliseconds / 1000)


def moment_after(now: datetime, span: timedelta, name: str) -> datetime:
    """`now` and `span`, if that is a time in the future."""
    if not isinstance(span, timedelta) or span <= timedelta(0):
        raise InvalidPrompt(f"{name} must be a timedelta longer than nothing (got {span!r}).")
    try:
        return now + span
    except OverflowError as error:
        raise InvalidPrompt(f"{name} ends after the year 9999 (got {span!r}).") from error


def new_item(
    prompt_id: str,
    prompt_text: str,
    task_type: str,
    priority: str,
    max_attempts: int | None,
    created_at: str,
    expires_at: datetime | None,
) -> Item:
    """The item of a pending prompt, from input that was checked but for its size and its Unicode."""
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
        item["ttl"] = {"N": str(int(expires_at.timestamp()))}
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
    try:
        fields: dict[str, Any] = {
            "id": item["id"]["S"],
            "prompt_text": item["prompt_text"]["S"],
            "task_type": item["task_type"]["S"],
            "status": item["status"]["S"],
        }
        # What an item doesn't have stays unset, so that an export doesn't invent it.
        for name, read in _OPTIONAL.items():
            if name in item:
                fields[name] = read(item[name])
        if "ttl" in item:
            fields["expires_at"] = _seconds(item["ttl"])
        if "result" in item:
            fields["result"] = decode_json(item["result"], item.get("result_json", {}).get("S"))
        extra = item.keys() - OWN_ATTRIBUTES
        if extra:
            fields["extra"] = {name: item[name] for name in sorted(extra)}
        return Prompt(**fields)
    except KeyError as error:
        what = f"has no usable {error.args[0]!r}"
        if error.args[0] in {"S", "N"}:
            what = "has an attribute of the wrong type"
        raise _unreadable(item, table, what) from error
    except (ValueError, ArithmeticError) as error:  # beyond the calendar is arithmetic too
        raise _unreadable(item, table, str(error).splitlines()[0]) from error


def _unreadable(item: Mapping[str, AttributeValue], table: str, what: str) -> UnreadablePrompt:
    prompt_id = item.get("id", {}).get("S")
    return UnreadablePrompt(f"Item {prompt_id!r} is no prompt: it {what}.", table=table, prompt_id=prompt_id)


def is_expired(item: Mapping[str, AttributeValue], now: datetime) -> bool:
    """Whether the item's ttl has passed; DynamoDB deletes it up to days later."""
    ttl = item.get("ttl", {}).get("N")
    return ttl is not None and Decimal(ttl) <= int(now.timestamp())


def _text(value: AttributeValue) -> str:
    text: str = value["S"]
    return text


def _count(value: AttributeValue) -> int:
    return int(value["N"])


def _time(value: AttributeValue) -> datetime:
    moment = datetime.fromisoformat(value["S"])
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _seconds(value: AttributeValue) -> datetime:
    return _moment(float(value["N"]))


def _milliseconds(value: AttributeValue) -> datetime:
    return from_ms(int(value["N"]))


def _moment(seconds: float) -> datetime:
    """The moment; beyond the year 9999 (a ttl in milliseconds, say) the last one there is."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # the platform's calendar may end before Python's
        return _LAST_MOMENT


_OPTIONAL: Final[dict[str, Callable[[AttributeValue], object]]] = {
    "priority": _text,
    "created_at": _time,
    "updated_at": _time,
    "attempts": _count,
    "max_attempts": _count,
    "claim_owner": _text,
    "lease_until": _milliseconds,
}
