"""The conditions of the store's writes and scans, as DynamoDB's expressions; names are written #name, values :name."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from tap.store.models import DEFAULT_MAX_ATTEMPTS
from tap.store.times import epoch_s

# To readers an expired item does not exist, though DynamoDB may keep it for days; a ttl that is no number never passes.
ALIVE: Final = "(attribute_not_exists(#ttl) OR NOT attribute_type(#ttl, :number) OR #ttl > :now_s)"

# Another program's item without these is nothing to work on.
A_PROMPT: Final = "attribute_type(#prompt_text, :string) AND attribute_type(#task_type, :string)"


def alive_at(now: datetime) -> dict[str, Any]:
    """The values that ALIVE needs."""
    return {":now_s": {"N": str(epoch_s(now))}, ":number": {"S": "N"}}


def unfinished_at(now: datetime) -> dict[str, Any]:
    """The values for a condition on living prompts that are pending or in progress."""
    texts = {":pending": "pending", ":in_progress": "in_progress", ":string": "S"}
    return {**alive_at(now), **{name: {"S": text} for name, text in texts.items()}}


FREE: Final = "(#status = :pending OR (#status = :in_progress AND #lease_until < :ripe_ms))"
# As attempts_left says it. An attribute of another kind, or none, is never of the type in question.
LEFT: Final = (
    "((attribute_type(#max_attempts, :number) AND (#attempts < #max_attempts"
    " OR (NOT attribute_type(#attempts, :number) AND #max_attempts > :zero)))"
    " OR (NOT attribute_type(#max_attempts, :number) AND (NOT attribute_type(#attempts, :number)"
    " OR #attempts < :default_max)))"
)
LEFT_VALUES: Final = {":zero": {"N": "0"}, ":default_max": {"N": str(DEFAULT_MAX_ATTEMPTS)}}
# A late duplicate of a claim that was carried out, and released since, takes nothing.
FRESH: Final = "(attribute_not_exists(#claim_token) OR #claim_token <> :token)"
LASTS: Final = "(attribute_not_exists(#ttl) OR NOT attribute_type(#ttl, :number) OR #ttl >= :end_s)"
PROLONGED: Final = "#ttl > :now_s AND #ttl < :end_s"
HOLDS: Final = "attribute_exists(#id) AND #claim_token = :token AND #status = :in_progress"
HELD: Final = f"{HOLDS} AND {ALIVE}"
# A late request must not move the lease back: another worker would take what is still being worked on.
FORWARD: Final = "(NOT attribute_type(#lease_until, :number) OR #lease_until <= :until_ms)"
