"""The projection: everything a specialist sees of a case file, in one frozen object.

SECURITY: pages take what they show from here and nowhere else. Each value comes either from rows
that `records.blinding` lets through, or from facts that are always clear.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.blinding import Sight, documents_for, sight_of, words_for
from records.grading import Grade
from records.models import CaseFile, Document, IcdCode
from records.models.case_file import BlindingClass
from requests_app.models import OpinionRequest
from requests_app.models.opinion_request import Purpose
from secondop.accounts.roles import SPECIALIST
from secondop.audit.models import AuditEvent
from secondop.audit.trail import note
from specialists.models import Referral

Text = str | Promise

# What is asked of the specialist. Finer than this a purpose tells what was concluded: "Do I need
# this operation?" says that an operation was advised.
ASKED_FOR: dict[str, Text] = {
    Purpose.CONFIRM_DIAGNOSIS: _("Diagnosis"),
    Purpose.NO_DIAGNOSIS: _("Diagnosis"),
    Purpose.OPTIONS: _("Treatment"),
    Purpose.PLANNED_TREATMENT: _("Treatment"),
    Purpose.NEED_SURGERY: _("Treatment"),
}


@dataclass(frozen=True)
class Fact:
    label: Text
    value: Text
    is_alert: bool = False


@dataclass(frozen=True)
class Words:
    """A question or statement. `before` is what stood here until the reveal."""

    label: Text
    text: str
    before: str = ""


@dataclass(frozen=True)
class Item:
    """One document in the list."""

    id: UUID
    title: str
    kind: Text
    dated_on: date | None
    page_count: int | None
    is_read: bool
    file_name: str = ""
    opened_by_reveal: bool = False


@dataclass(frozen=True)
class CaseFileView:
    alias: str
    age_band: str
    sex: Text
    is_sealed: bool
    safety: tuple[Fact, ...]
    asked_for: tuple[Text, ...]
    questions: tuple[Words, ...]
    statements: tuple[Words, ...]
    documents: tuple[Item, ...]
    original: tuple[Fact, ...] = field(default=())

    @property
    def read_count(self) -> int:
        return sum(item.is_read for item in self.documents)


@dataclass(frozen=True)
class Offer:
    """What is needed to decide about an offer, and no identity."""

    alias: str
    age_band: str
    sex: Text
    asked_for: tuple[Text, ...]
    document_count: int
    grade: Grade | None = None  # of what was cleared; SECURITY: never of what was not


def project(referral: Referral, user: Any) -> CaseFileView | None:
    """Return what `user` may see of the case file of this referral; None when it is closed."""
    opinion_request = referral.opinion_request
    case_file = opinion_request.case_file
    sight = sight_of(user, case_file)
    if not sight:
        return None
    is_sealed = sight == "sealed"
    return CaseFileView(
        alias=case_file.alias,
        age_band=case_file.age_band(timezone.localdate()),
        sex=case_file.patient.get_sex_display(),
        is_sealed=is_sealed,
        safety=_safety(case_file),
        asked_for=_asked_for(opinion_request),
        questions=_questions(opinion_request, sight),
        statements=_statements(opinion_request, sight),
        documents=_documents(referral, sight, user),
        original=() if is_sealed else _original(case_file),
    )


def project_offer(referral: Referral, document_count: int, *, grade: Grade | None = None) -> Offer:
    """Return what may be known before the case file opens."""
    case_file = referral.opinion_request.case_file
    return Offer(
        alias=case_file.alias,
        age_band=case_file.age_band(timezone.localdate()),
        sex=case_file.patient.get_sex_display(),
        asked_for=_asked_for(referral.opinion_request),
        document_count=document_count,
        grade=grade,
    )


def _asked_for(opinion_request: OpinionRequest) -> tuple[Text, ...]:
    asked = {str(ASKED_FOR[p]): ASKED_FOR[p] for p in opinion_request.purposes if p in ASKED_FOR}
    return tuple(asked[key] for key in sorted(asked))


def _safety(case_file: CaseFile) -> tuple[Fact, ...]:
    """Never sealed: what could harm somebody if it were missed."""
    facts = getattr(case_file, "safety_facts", None)
    if facts is None:
        return (Fact(_("Safety questions"), _("Not answered"), is_alert=True),)

    def fact(label: Text, known: str, shown: Text, more: str = "") -> Fact:
        return Fact(label, more or shown or _("Not answered"), is_alert=known != "no")

    rows = [
        fact(
            _("Allergies"), facts.has_allergies, facts.get_has_allergies_display(), facts.allergies
        ),
        fact(
            _("Blood thinners"),
            facts.takes_anticoagulants,
            facts.get_takes_anticoagulants_display(),
            facts.anticoagulants,
        ),
        fact(_("Implants"), facts.has_implants, facts.get_has_implants_display(), facts.implants),
        fact(_("Kidney disease"), facts.has_kidney_disease, facts.get_has_kidney_disease_display()),
    ]
    if case_file.patient.sex != "male":
        rows.append(fact(_("Pregnant"), facts.is_pregnant, facts.get_is_pregnant_display()))
    return tuple(rows)


def _questions(opinion_request: OpinionRequest, sight: Sight) -> tuple[Words, ...]:
    """Numbered among what is shown: a gap would tell that something is withheld."""
    shown: list[Words] = []
    for question in opinion_request.questions.select_related("wording").order_by("position"):
        if text := words_for(question, sight):
            label = _("Question %(number)d") % {"number": len(shown) + 1}
            shown.append(Words(label, text, _neutral(question, text)))
    return tuple(shown)


def _statements(opinion_request: OpinionRequest, sight: Sight) -> tuple[Words, ...]:
    rows = opinion_request.patientstatements.select_related("wording").order_by("topic")
    return tuple(
        Words(row.get_topic_display(), text, _neutral(row, text))
        for row in rows
        if (text := words_for(row, sight))
    )


def _neutral(item: Any, shown: str) -> str:
    """The wording that stood here before the reveal, when it was another one."""
    return item.neutral_text if item.neutral_text and item.neutral_text != shown else ""


def _documents(referral: Referral, sight: Sight, user: Any) -> tuple[Item, ...]:
    titled = documents_for(referral.opinion_request.case_file, sight)
    read = read_marks([document for document, _title in titled], user)
    was_sealed = sight == "full" and referral.review_mode == "sealed"
    return tuple(
        Item(
            id=document.pk,
            title=title,
            kind=document.get_kind_display(),
            dated_on=document.dated_on,
            page_count=document.page_count,
            is_read=str(document.pk) in read,
            file_name=_file_name(document) if sight == "full" else "",
            opened_by_reveal=was_sealed and document.blinding_class != BlindingClass.CLEAR,
        )
        for document, title in titled
    )


def _file_name(document: Document) -> str:
    return document.name.file_name if hasattr(document, "name") else ""


def _original(case_file: CaseFile) -> tuple[Fact, ...]:
    """What the first doctor said, for full sight only."""
    told = getattr(case_file, "original_diagnosis", None)
    if told is None:
        return ()
    coded = IcdCode.objects.filter(pk=told.icd10_code).first() if told.icd10_code else None
    name = _("No name was given") if told.was_not_named else told.diagnosis
    rows = [
        Fact(_("Diagnosis"), name),
        Fact(_("ICD-10-CM"), f"{coded.code} {coded.title}" if coded else told.icd10_code),
        Fact(_("Treatment advised"), told.treatment),
        Fact(_("Treatment now"), told.get_treatment_state_display()),
        Fact(_("Planned for"), told.treatment_planned_on or ""),
        Fact(_("Said by"), ", ".join(filter(None, (told.doctor_name, told.hospital_name)))),
        Fact(_("Said on"), told.told_on or ""),
    ]
    return tuple(row for row in rows if row.value)


# --- what was read, kept in the audit trail: it goes into the report ---------------------------


def read_marks(documents: list[Document], user: Any) -> set[str]:
    """Return the ids of those documents that this person marked as read (and did not unmark)."""
    events = AuditEvent.objects.filter(
        about_type="records.document",
        about_id__in=[str(document.pk) for document in documents],
        actor_id=user.pk,
        verb__in=("document.read", "document.unread"),
    ).order_by("chain", "number")
    last = {event.about_id: event.verb for event in events}
    return {about_id for about_id, verb in last.items() if verb == "document.read"}


def mark_read_of(item: Item, *, by: Any, is_read: bool) -> None:
    """Write that a document was (or was not) reviewed; nothing when that is known already."""
    if item.is_read != is_read:
        document = Document.objects.visible_as(SPECIALIST, by).get(pk=item.id)
        note("document.read" if is_read else "document.unread", by=by, about=document)


def note_opened(about: CaseFile | Document, verb: str, *, by: Any) -> None:
    """Write one event for each sitting: a sitting ends when a session would."""
    sitting = timedelta(seconds=settings.IDLE_SECONDS_STAFF)
    lately = AuditEvent.objects.filter(
        about_type=about._meta.label_lower,
        about_id=str(about.pk),
        actor_id=by.pk,
        verb=verb,
        at__gt=Now() - sitting,
    )
    if not lately.exists():
        note(verb, by=by, about=about)
