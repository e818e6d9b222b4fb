"""What happens to whom in the playground: sixteen requests, one for every state and more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from secondop.demo.papers import Paper


@dataclass(frozen=True)
class Option:
    name: str
    benefits: str
    harms: str
    what_it_involves: str = ""
    evidence: str = ""
    fits_priorities: str = ""
    is_first_plan: bool = False
    is_recommended: bool = False


@dataclass(frozen=True)
class Written:
    """One specialist's whole opinion."""

    by: str  # e-mail of the specialist
    independent: dict[str, str]
    compared: dict[str, tuple[str, str]]  # axis -> result, why
    answers: tuple[str, ...]  # in the order of the questions
    options: tuple[Option, ...]
    summary: str
    limits: str
    revision: tuple[str, str, str] = ("", "", "")  # field, after, reason


@dataclass(frozen=True)
class Story:
    patient: str  # e-mail of whoever signs in
    status: str  # where the walk stops
    clinic: str
    sex: str
    told: dict[str, Any]
    questions: tuple[str, ...]
    purposes: tuple[str, ...]
    papers: tuple[Paper, ...]
    coordinator: str
    what_matters: str = ""
    story: str = ""
    private_reason: str = ""
    review_mode: str = "sealed"
    safety: dict[str, str] = field(default_factory=dict)
    specialists: tuple[str, ...] = ()  # who is asked, when nobody has written yet
    summary_of_offer: str = ""
    opinions: tuple[Written, ...] = ()
    sealed: tuple[Written, ...] = ()  # written and sealed; the original is still closed to them
    is_prepared: bool = True  # False: nothing is classified, it lies at the blinding desk
    has_pictures: bool = False  # an ultrasound examination drawn by computer
    is_chased: bool = False  # hospitals were asked; the record of a portal is here
    says: str = ""  # what the clinic asks or advises
    acts_for: tuple[str, str] = ("", "")  # name and date of birth, when a proxy asks
    follow_up: str = ""
    urgent: bool = False
