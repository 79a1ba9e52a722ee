"""What claiming hands out, and what it takes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, Protocol

from tap.store.models import Prompt


class Unset:
    """The type of UNSET: "leave the result as it is", which None (JSON's null) is not."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


class Held(Protocol):
    """What proves a claim: a Claim, or a Ticket made from what you stored of one."""

    @property
    def id(self) -> str: ...
    @property
    def token(self) -> str: ...


class Ticket(NamedTuple):
    """A claim's id and token, for a process that kept nothing else of it."""

    id: str
    token: str


@dataclass(frozen=True)
class Claim:
    """A prompt that is yours until `lease_until`; `attempt` is the fencing number, 1 for the first claim."""

    prompt: Prompt
    token: str
    worker: str
    lease_until: datetime

    @property
    def id(self) -> str:
        """The prompt's id."""
        return self.prompt.id

    @property
    def attempt(self) -> int:
        """How often the prompt was handed out; it only grows, so it can fence writes elsewhere."""
        return self.prompt.attempts


@dataclass(frozen=True)
class NothingPending:
    """No prompt waits, and none is leased: false in a condition."""

    def __bool__(self) -> Literal[False]:
        return False


@dataclass(frozen=True)
class AllLeased:
    """No prompt waits, but others hold some: look again at `until`, when the first lease has run out."""

    until: datetime

    def __bool__(self) -> Literal[False]:
        return False
