"""Everything a coordinator knows about one request, in words: for the triage page alone.

PRIVACY: the patient's private reason is not read here, and must not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.documents import findings_in_words, title_of
from records.models import CaseFile, Document, OriginalDiagnosis, SafetyFacts
from records.problems import problem_of
from requests_app.attribution import days_by_ball
from requests_app.models import OpinionRequest
from requests_app.models.opinion_request import Purpose
from requests_app.queue import BALL_WORDS
from secondop.accounts.roles import COORDINATOR
from secondop.audit.models import AuditEvent
from secondop.audit.trail import note

Words = str | Promise
SAME_LOOK = timedelta(minutes=10)
KNOWN: dict[str, Words] = {
    "yes": gettext_lazy("Yes"), "no": gettext_lazy("No"), "unknown": gettext_lazy("Not known"),
}  # fmt: skip


@dataclass(frozen=True)
class BallHolder:
    """One thing that somebody must do. `due_at` is empty when nothing is promised."""

    who: Words
    what: str
    due_at: datetime | None = None


@dataclass(frozen=True)
class File:
    document: Document
    name: str
    flags: list[tuple[str, str]]  # (kind of badge, words)
    notes: list[Words]  # what screening found, in sentences


def facts_about(opinion_request: OpinionRequest, today: date) -> list[dict[str, Any]]:
    case_file = opinion_request.case_file
    patient = case_file.patient
    age = patient.age_on(today)
    account = patient.user
    return [
        {"label": _("Patient"), "value": patient.full_name},
        {"label": _("Age"), "value": "" if age is None else str(age)},
        {"label": _("Born"), "value": patient.born_on},
        {"label": _("Sex"), "value": patient.get_sex_display() if patient.sex else ""},
        {"label": _("Telephone"), "value": patient.phone or (account.phone if account else "")},
        {"label": _("Language"), "value": account.get_language_display() if account else ""},
        {"label": _("Case file"), "value": case_file.alias},
    ]


def safety_rows(case_file: CaseFile) -> list[dict[str, Any]]:
    facts = SafetyFacts.objects.filter(case_file=case_file).first() or SafetyFacts()
    return [
        _fact(_("Allergies"), facts.has_allergies, facts.allergies),
        _fact(_("Implants"), facts.has_implants, facts.implants),
        _fact(_("Pregnant"), facts.is_pregnant),
        _fact(_("Blood thinners"), facts.takes_anticoagulants, facts.anticoagulants),
        _fact(_("Kidney disease"), facts.has_kidney_disease),
    ]


def _fact(label: str, known: str, details: str = "") -> dict[str, Any]:
    said = str(KNOWN.get(known, _("Not answered")))
    return {
        "label": label,
        "value": f"{said}: {details}" if details else said,
        "is_yes": known == "yes",
    }


def told_rows(case_file: CaseFile) -> list[dict[str, Any]]:
    """The original diagnosis as the patient told it. SECURITY: for unsealed staff only."""
    told = OriginalDiagnosis.objects.filter(case_file=case_file).first()
    if told is None:
        return []
    named = told.diagnosis or (_("The patient was not given a name") if told.was_not_named else "")
    return [
        {"label": _("Diagnosis"), "value": named},
        {"label": _("ICD-10-CM"), "value": told.icd10_code},
        {"label": _("Treatment recommended"), "value": told.treatment},
        {"label": _("Treatment so far"), "value": told.get_treatment_state_display()},
        {"label": _("Doctor"), "value": told.doctor_name},
        {"label": _("Hospital"), "value": told.hospital_name},
        {"label": _("Told on"), "value": _day(told.told_on)},
        {"label": _("Treatment planned for"), "value": _day(told.treatment_planned_on)},
    ]


def _day(day: date | None) -> str:
    return date_format(day) if day else ""


def purposes_of(opinion_request: OpinionRequest) -> list[str]:
    return [str(Purpose(purpose).label) for purpose in opinion_request.purposes]


def files_of(case_file: CaseFile) -> list[File]:
    documents = case_file.documents.exclude(status=Document.Status.REMOVED)
    documents = documents.select_related("name", "screening").order_by("received_at", "pk")
    return [
        File(document, title_of(document), _flags(document), _notes(document))
        for document in documents
    ]


def _notes(document: Document) -> list[Words]:
    problem = problem_of(document.problem)
    return [*([problem.what] if problem else []), *findings_in_words(document)]


def _flags(document: Document) -> list[tuple[str, str]]:
    flags = [("plain", document.get_status_display())]
    if document.status in ("held", "quarantined", "rejected"):
        flags = [("bad", document.get_status_display())]
    screening = getattr(document, "screening", None)
    if screening and screening.status in ("failed", "dead"):
        flags.append(("bad", _("Checking this file has failed; see Jobs")))
    return flags


def balls(
    opinion_request: OpinionRequest, referrals: list[Any], files: list[File]
) -> list[BallHolder]:
    """Who must do what now: the request, each open referral, files, messages, tasks."""
    found: list[BallHolder] = []
    if opinion_request.status not in OpinionRequest.ENDED:
        ball = BALL_WORDS[opinion_request.ball_with]
        state = opinion_request.get_status_display()
        found.append(BallHolder(ball, state, opinion_request.due_at))
    for referral in referrals:
        if referral.status == "offered":
            what = _("take the referral, or decline it")
            found.append(BallHolder(referral.specialist.signature_name, what, referral.answer_by))
        elif referral.status in ("taken", "sealed"):
            what = _("write and sign the opinion")
            found.append(BallHolder(referral.specialist.signature_name, what, referral.review_by))
    us = BALL_WORDS["coordinator"]
    statuses = [file.document.status for file in files]
    if checking := statuses.count("screening"):
        words = ngettext("check %(n)d file", "check %(n)d files", checking)
        found.append(BallHolder(_("The system"), words % {"n": checking}))
    if undecided := statuses.count("held") + statuses.count("quarantined"):
        words = ngettext("decide about %(n)d file", "decide about %(n)d files", undecided)
        found.append(BallHolder(us, words % {"n": undecided}))
    unread = list(
        opinion_request.messages.filter(read_at=None).values_list("from_clinic", "thread")
    )
    if for_us := sum(not from_clinic for from_clinic, _thread in unread):
        words = ngettext("read %(n)d message", "read %(n)d messages", for_us)
        found.append(BallHolder(us, words % {"n": for_us}))
    if theirs := unread.count((True, "patient")):
        words = ngettext("has %(n)d message to read", "has %(n)d messages to read", theirs)
        found.append(BallHolder(BALL_WORDS["patient"], words % {"n": theirs}))
    tasks = opinion_request.staff_tasks.filter(done_at=None)
    return found + [BallHolder(us, task.get_kind_display()) for task in tasks]


def history_of(opinion_request: OpinionRequest) -> list[dict[str, Any]]:
    """Every change of state, newest first, with who and why."""
    changes = opinion_request.status_changes.select_related("by").order_by("-id")
    labels = dict(OpinionRequest.Status.choices)
    return [
        {
            "at": change.at,
            "what": labels[OpinionRequest.Status(change.new)],
            "who": change.by.display_name if change.by else _("The system"),
            "ball": BALL_WORDS[change.ball_with],
            "reason": change.reason,
        }
        for change in changes
    ]


def days_since(moment: datetime) -> int:
    return max(0, (timezone.now() - moment).days)


def note_viewed(opinion_request: OpinionRequest, *, by: Any) -> None:
    """Write that somebody had the request on screen; again within ten minutes is the same look."""
    recent = AuditEvent.objects.about_case_file(opinion_request.case_file_id).filter(
        verb="request.viewed", actor_id=by.pk, at__gt=timezone.now() - SAME_LOOK
    )
    if not recent.exists():
        note("request.viewed", by=by, about=opinion_request, role=COORDINATOR)


GROUP_WORDS: dict[str, Words] = {
    "patient": gettext_lazy("Patient"),
    "record_holder": gettext_lazy("Record holders"),
    "clinic": gettext_lazy("Clinic"),
    "specialist": gettext_lazy("Specialist"),
}


def days_of_each(opinion_request: OpinionRequest) -> list[dict[str, Any]]:
    """Whose time it was so far, in days with one decimal. The parts add up to the whole."""
    days = days_by_ball(opinion_request, timezone.now())
    return [
        {"who": words, "days": number_format(round(days[group], 1), 1)}
        for group, words in GROUP_WORDS.items()
        if days[group] > 0
    ]


def page_of(name: str, opinion_request: OpinionRequest) -> str:
    return reverse(f"requests:{name}", args=[opinion_request.pk])
