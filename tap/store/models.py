"""The prompt, as the store takes it and hands it out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, field_serializer

from tap.store.errors import InvalidPrompt
from tap.store.typed import typed_to_json

Priority = Literal["low", "medium", "high"]
Status = Literal["pending", "in_progress", "completed", "failed"]

PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
DEFAULT_LIFETIME: Final = timedelta(days=30)
DEFAULT_MAX_ATTEMPTS: Final = 5
DEFAULT_PRIORITY: Final = "medium"


Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")


class Prompt(BaseModel):
    """One stored prompt: a snapshot, which doesn't follow the table.

    All times are UTC with their zone; what other programs wrote without one is taken as UTC.
    `status` and `priority` are one of STATUSES and PRIORITIES unless another program wrote its own.
    `attempts` counts the claims (the fencing number); `claim_owner` and `lease_until` belong to the last.
    `extra` holds, as DynamoDB's typed values, other programs' attributes, which the store never changes, and those
    of its own that another program wrote in a way that isn't understood (a ttl that is text): they count as absent.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    prompt_text: str
    task_type: str
    priority: str = DEFAULT_PRIORITY
    status: str
    result: Any = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    expires_at: datetime | None = None
    attempts: int = 0
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    claim_owner: str | None = None
    lease_until: datetime | None = None
    extra: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)

    @field_serializer("extra", when_used="json")
    def _extra_as_json(self, extra: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """JSON has no bytes: write them in base64, as an export does."""
        return {name: typed_to_json(value) for name, value in extra.items()}


def _valid_key(value: object) -> object:
    if isinstance(value, str) and not 0 < len(value.encode(errors="replace")) <= 2048:
        raise ValueError("a key of DynamoDB's has 1 to 2048 bytes")
    return value


PromptId = Annotated[str, BeforeValidator(_valid_key)]
Text = Annotated[str, Field(min_length=1)]
Attempts = Annotated[int, Field(ge=1, le=1_000_000)]


class NewPrompt(BaseModel):
    """A caller's input for a new prompt: checked, and nothing converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: PromptId
    prompt_text: Text
    task_type: Text
    priority: Priority = "medium"
    max_attempts: Attempts | None = None


def checked(model: type[Model], values: Mapping[str, object]) -> Model:
    """Return the model, or raise InvalidPrompt with one sentence that names every wrong field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidPrompt(explain(error)) from error


def checked_value(adapter: TypeAdapter[Value], name: str, value: object) -> Value:
    """The same for a single value."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise InvalidPrompt(explain(error, name)) from error


def explain(error: ValidationError, name: str = "") -> str:
    """Pydantic's findings as one sentence."""
    parts = []
    for finding in error.errors(include_url=False, include_context=False):
        where = ".".join(str(step) for step in finding["loc"]) or name or "the prompt"
        said = finding["msg"].removeprefix("Value error, ")
        value = repr(finding["input"])
        shown = "" if finding["type"] == "missing" else f" (got {value[:60]}{'…' * (len(value) > 60)})"
        parts.append(f"{where}: {said[:1].lower()}{said[1:]}{shown}")
    return "; ".join(parts) + "."


STATUS: Final = TypeAdapter[Status](Status)
PRIORITY: Final = TypeAdapter[Priority](Priority)
PROMPT_ID: Final = TypeAdapter[str](PromptId)
ATTEMPTS: Final = TypeAdapter[int](Attempts, config=ConfigDict(strict=True))
