"""Moments, as the store writes and reads them: UTC, with their zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from tap.store.errors import InvalidPrompt

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
_LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
# Not all of ISO 8601 that Python takes: what examples/typescript reads too.
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d|\d{8})"
    r"([T ]([01]\d|2[0-3])(:[0-5]\d(:[0-5]\d([.,]\d+)?)?|[0-5]\d([0-5]\d([.,]\d+)?)?)"
    r"(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?",
    re.ASCII,
)


def utc_now() -> datetime:
    """The store's default clock."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """UTC with zone and a fixed width, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_iso(text: str) -> datetime:
    """Parse a moment, in UTC if it has no zone; ValueError or OverflowError if it is not one."""
    if not _ISO.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is no time in ISO 8601")
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def epoch_s(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return (moment - _EPOCH) // _SECOND


def epoch_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def from_s(seconds: float) -> datetime:
    """The moment so many seconds after 1970; outside the years 1 to 9999 (a ttl in milliseconds, say) the nearest."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # the platform's calendar may end before Python's
        return _LAST_MOMENT if seconds > 0 else _FIRST_MOMENT


def from_ms(milliseconds: int) -> datetime:
    """The moment so many milliseconds after 1970, or the nearest."""
    return from_s(milliseconds / 1000)


def moment_after(now: datetime, span: timedelta, name: str, at_least: timedelta = timedelta.resolution) -> datetime:
    """Return `now` + `span`; InvalidPrompt unless that is a moment in the future."""
    if not isinstance(span, timedelta) or span <= timedelta(0):
        raise InvalidPrompt(f"{name} must be a timedelta longer than nothing (got {span!r}).")
    if span < at_least:
        raise InvalidPrompt(f"{name} must be at least {at_least.total_seconds():g} s (got {span.total_seconds():g} s).")
    try:
        return now + span
    except OverflowError as error:
        raise InvalidPrompt(f"{name} ends after the year 9999 (got {span!r}).") from error
