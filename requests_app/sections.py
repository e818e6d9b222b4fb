"""The parts of a request that a patient fills in, and what each still lacks. One list for the
task list, the check page and the rule that guards sending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.models import OriginalDiagnosis, SafetyFacts
from requests_app.models import OpinionRequest


@dataclass(frozen=True)
class Missing:
    section: str  # key of SECTIONS
    sentence: str | Promise


@dataclass(frozen=True)
class Section:
    key: str
    title: str | Promise
    hint: str | Promise
    route: str  # URL name, takes the request's id
    lacks: Callable[[OpinionRequest], list[str | Promise]]


def _about_you(opinion_request: OpinionRequest) -> list[str | Promise]:
    patient = opinion_request.case_file.patient
    lacks: list[str | Promise] = []
    if not patient.full_name:
        lacks.append(_("Tell us the patient's name."))
    if not patient.born_on:
        lacks.append(_("Tell us the date of birth."))
    if not patient.sex:
        lacks.append(_("Choose the patient's sex, or say that you would rather not."))
    facts = SafetyFacts.objects.filter(case_file=opinion_request.case_file_id).first()
    if not (facts and facts.has_allergies and facts.has_implants and facts.takes_anticoagulants):
        lacks.append(_("Answer the safety questions. “I do not know” is fine."))
    return lacks


def _what_you_were_told(opinion_request: OpinionRequest) -> list[str | Promise]:
    told = OriginalDiagnosis.objects.filter(case_file=opinion_request.case_file_id).first()
    if told and (told.was_not_named or told.diagnosis or told.icd10_code):
        return []
    return [_("Tell us what you were told, or that you were not given a name.")]


def _what_you_want_to_know(opinion_request: OpinionRequest) -> list[str | Promise]:
    lacks: list[str | Promise] = []
    if not opinion_request.purposes:
        lacks.append(_("Choose at least one reason for asking."))
    if not opinion_request.questions.exists():
        lacks.append(_("Write at least one question."))
    return lacks


def _your_records(opinion_request: OpinionRequest) -> list[str | Promise]:
    usable = opinion_request.case_file.documents.filter(
        status__in=["screening", "held", "available"]
    )
    if usable.exists():
        return []
    return [_("Add at least one record. A letter or a photo of one is enough to start.")]


def _kind_of_review(opinion_request: OpinionRequest) -> list[str | Promise]:
    return [] if opinion_request.review_mode else [_("Choose a sealed or an open review.")]


SECTIONS = (
    Section(
        "about",
        _("About you"),
        _("Name, date of birth, safety questions"),
        "requests:about",
        _about_you,
    ),
    Section(
        "told",
        _("What you were told"),
        _("The diagnosis and the plan, as far as you know"),
        "requests:told",
        _what_you_were_told,
    ),
    Section(
        "questions",
        _("What you want to know"),
        _("Your questions and what matters to you"),
        "requests:questions",
        _what_you_want_to_know,
    ),
    Section(
        "records",
        _("Your records"),
        _("Letters, reports, photos of papers"),
        "requests:records",
        _your_records,
    ),
    Section(
        "review",
        _("Sealed or open review"),
        _("How the specialist should look at your case"),
        "requests:review",
        _kind_of_review,
    ),
)


def what_is_missing(opinion_request: OpinionRequest) -> list[Missing]:
    """Return every sentence that stands between this request and sending it, in page order."""
    return [
        Missing(section.key, sentence)
        for section in SECTIONS
        for sentence in section.lacks(opinion_request)
    ]
