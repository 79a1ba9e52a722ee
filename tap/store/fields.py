"""A prompt as JSON's kinds, as the command line prints it and a line of NDJSON holds it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tap.store.items import iso
from tap.store.models import Prompt


def prompt_fields(prompt: Prompt) -> dict[str, Any]:
    """A prompt as JSON's kinds, without what it doesn't have; expires_at is always there."""
    fields: dict[str, Any] = {
        "id": prompt.id,
        "prompt_text": prompt.prompt_text,
        "task_type": prompt.task_type,
        "priority": prompt.priority,
        "status": prompt.status,
    }
    if "result" in prompt.model_fields_set:
        fields["result"] = prompt.result
    for name in ("created_at", "updated_at", "expires_at", "lease_until"):
        moment: datetime | None = getattr(prompt, name)
        if moment is not None or name == "expires_at":
            fields[name] = None if moment is None else iso(moment)
    if prompt.attempts:
        fields["attempts"] = prompt.attempts
    if "max_attempts" in prompt.model_fields_set:
        fields["max_attempts"] = prompt.max_attempts
    if prompt.claim_owner is not None:
        fields["claim_owner"] = prompt.claim_owner
    if prompt.extra:
        fields["extra"] = {name: _typed_to_json(value) for name, value in prompt.extra.items()}
    return fields


def _typed_to_json(value: Mapping[str, Any]) -> dict[str, Any]:
    kind, inner = next(iter(value.items()))
    if kind == "B":
        return {"B": b64encode(inner).decode()}
    if kind == "BS":
        return {"BS": [b64encode(item).decode() for item in inner]}
    if kind == "M":
        return {"M": {key: _typed_to_json(item) for key, item in inner.items()}}
    if kind == "L":
        return {"L": [_typed_to_json(item) for item in inner]}
    return {kind: inner}
