"""What a proof says of one alarm, a sentence for each question that was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: `unknown` is what can't be told from the document, or not with what is known here: no fault, and no proof.
Status = Literal["proved", "fault", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One question about an alarm, and the answer."""

    question: str
    status: Status
    sentence: str


def proved(question: str, sentence: str) -> Finding:
    """It holds."""
    return Finding(question, "proved", sentence)


def fault(question: str, sentence: str) -> Finding:
    """It does not hold."""
    return Finding(question, "fault", sentence)


def unknown(question: str, sentence: str) -> Finding:
    """It can't be told."""
    return Finding(question, "unknown", sentence)
