"""What happened to prompts: a record of the table's stream, told in the store's words."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from tap.store.attributes import ENTRY
from tap.store.errors import UnreadablePrompt
from tap.store.items import Item, is_expired, read_prompt
from tap.store.models import Prompt

Kind = Literal["created", "claimed", "extended", "completed", "failed", "released", "updated", "expired", "deleted"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_FINISHED: Final[dict[str | None, Kind]] = {"completed": "completed", "failed": "failed"}
_log = logging.getLogger("tap.store")


@dataclass(frozen=True)
class Change:
    """One change of one prompt: `old` is None for one that was created, `new` for one that is gone.

    `at` is UTC, in whole seconds (DynamoDB Local: minutes). `sequence` grows with each change of a prompt; one that
    is told twice has the same one twice. `updated` is whatever is none of the others, such as a status set by hand.
    """

    kind: Kind
    old: Prompt | None
    new: Prompt | None
    at: datetime
    sequence: str

    @property
    def prompt(self) -> Prompt:
        """The prompt as it is now, or as it last was."""
        prompt = self.new or self.old
        assert prompt is not None  # noqa: S101 -- a change has one of them
        return prompt

    @property
    def id(self) -> str:
        """The prompt's id."""
        return self.prompt.id


def change_of(record: Mapping[str, Any], table: str) -> Change | None:
    """What a stream's record tells of a prompt; None if it is about no prompt, or nothing of a prompt's has changed."""
    said = record["dynamodb"]
    at: datetime = said["ApproximateCreationDateTime"].astimezone(UTC)
    old, new = said.get("OldImage"), said.get("NewImage")
    try:
        if (
            old is not None
            and new is not None
            and is_expired(old, at)
            and old.get("created_at") != new.get("created_at")
        ):
            old = None  # another prompt took the place of one that had expired
        before = None if old is None else read_prompt(old, table)
        after = None if new is None else read_prompt(new, table)
    except UnreadablePrompt as error:
        _log.warning("%s", error)
        return None
    kind = _kind(old, new, at, record)
    return None if kind is None else Change(kind, before, after, at, said["SequenceNumber"])


def _kind(old: Item | None, new: Item | None, at: datetime, record: Mapping[str, Any]) -> Kind | None:
    if new is None:
        by_dynamodb = record.get("userIdentity", {}).get("PrincipalId") == "dynamodb.amazonaws.com"
        return "expired" if by_dynamodb or is_expired(old or {}, at) else "deleted"
    if old is None:
        return "created"
    if _without_entry(old) == _without_entry(new):
        return None
    before, now = old.get("status", {}).get("S"), new.get("status", {}).get("S")
    if now == "in_progress" and new.get("claim_token") not in (None, old.get("claim_token")):
        return "claimed"
    if before == now == "in_progress" and old.get("lease_until") != new.get("lease_until"):
        return "extended"
    if before != now and now in _FINISHED:
        return _FINISHED[now]
    return "released" if (before, now) == ("in_progress", "pending") else "updated"


def _without_entry(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in ENTRY}
