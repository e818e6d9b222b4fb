"""What apps above add to the copy of a case file, such as the delivered report.

Filled when the apps are ready, so that nothing here imports upward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from records.models import CaseFile


@dataclass(frozen=True)
class Paper:
    """One stored file that is no document of the case file."""

    path: str  # inside the ZIP; built from numbers, never from words of people
    title: str
    key: str
    size_bytes: int
    sha256: str
    media_type: str
    on: date | None = None
    resources: list[dict[str, Any]] = field(default_factory=list)  # FHIR R4, about this paper


# Each is asked with the case file and who takes the copy, and gives what this person may have.
GIVERS: list[Callable[[CaseFile, Any], list[Paper]]] = []


def register(giver: Callable[[CaseFile, Any], list[Paper]]) -> None:
    """Called from `ready()` of the app that owns the papers."""
    GIVERS.append(giver)


# The patient's questions to the specialists belong to the request, which stands above. Each giver
# is asked with the case file and who takes the copy; each taker with what a copy holds and who
# sends it in, and says how many it took.
QUESTIONS: list[Callable[[CaseFile, Any], list[str]]] = []
TAKERS: list[Callable[[CaseFile, list[str], Any], int]] = []


def register_questions(
    giver: Callable[[CaseFile, Any], list[str]], taker: Callable[[CaseFile, list[str], Any], int]
) -> None:
    """Called from `ready()` of the app that owns the questions."""
    QUESTIONS.append(giver)
    TAKERS.append(taker)


def questions_of(case_file: CaseFile, user: Any) -> list[str]:
    return [text for giver in QUESTIONS for text in giver(case_file, user)]


def take_questions(case_file: CaseFile, texts: list[str], by: Any) -> int:
    return sum(taker(case_file, texts, by) for taker in TAKERS)


def papers_of(case_file: CaseFile, user: Any) -> list[Paper]:
    return [paper for giver in GIVERS for paper in giver(case_file, user)]
