"""A prompt as plain JSON values, as the command line prints it and a line of NDJSON holds it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from tap.store.attributes import OPTIONAL
from tap.store.models import Prompt
from tap.store.times import iso
from tap.store.typed import typed_to_json

_ALWAYS: Final = ("id", "prompt_text", "task_type", "priority", "status")
_IF_SET: Final = ("result", *(attribute.field for attribute in OPTIONAL if attribute.field not in _ALWAYS))


def prompt_fields(prompt: Prompt) -> dict[str, Any]:
    """A prompt as plain JSON values, without the fields that it lacks; expires_at is always there."""
    fields: dict[str, Any] = {name: getattr(prompt, name) for name in _ALWAYS}
    for name in _IF_SET:
        if name in prompt.model_fields_set:
            value = getattr(prompt, name)
            fields[name] = iso(value) if isinstance(value, datetime) else value
        elif name == "expires_at":
            fields[name] = None
    if prompt.extra:
        fields["extra"] = {name: typed_to_json(value) for name, value in prompt.extra.items()}
    return fields
