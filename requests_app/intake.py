"""Reading and saving what a patient writes, section by section, each answer in its own table.

Views of the intake use it. Everything here may be partial: a draft survives days and mistakes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from records.blinding_search.asking import search_case_file
from records.identity_workflow import recheck_patient
from records.models import OriginalDiagnosis, SafetyFacts
from records.proxies import on_behalf_of
from requests_app import rules
from requests_app.models import (
    OpinionRequest,
    PatientStatement,
    PrivateReason,
    Question,
    SectionSave,
    Wording,
)
from requests_app.workflow import touch
from secondop.audit.trail import note
from secondop.lib.transitions import lock
from secondop.lib.verdicts import not_now

Answers = dict[str, Any]

PERSON = ("full_name", "born_on", "sex", "phone", "country")
SAFETY = ("has_allergies", "allergies", "has_implants", "implants", "takes_anticoagulants",
          "anticoagulants", "has_kidney_disease", "is_pregnant")  # fmt: skip
TOLD = ("was_not_named", "diagnosis", "icd10_code", "treatment", "treatment_state", "doctor_name",
        "hospital_name", "told_on", "treatment_planned_on")  # fmt: skip
MAX_QUESTIONS = 8


class ChangedMeanwhileError(Exception):
    """Another tab or person saved this section after the page was opened."""

    def __init__(self, save: SectionSave) -> None:
        super().__init__()
        self.by, self.at, self.version = save.by, save.at, save.version


@dataclass(frozen=True)
class Opened:
    """What a page knew when it was opened: the section's version, and which page it is."""

    version: int
    tab: str


# --- read ---------------------------------------------------------------------------------------
def about(opinion_request: OpinionRequest) -> Answers:
    patient = opinion_request.case_file.patient
    facts = SafetyFacts.objects.filter(case_file=opinion_request.case_file_id).first()
    answers = {name: getattr(patient, name) for name in PERSON}
    return answers | {name: getattr(facts, name, "") for name in SAFETY}


def told(opinion_request: OpinionRequest) -> Answers:
    row = OriginalDiagnosis.objects.filter(case_file=opinion_request.case_file_id).first()
    answers = {name: getattr(row, name, "") for name in TOLD}
    return answers if row else answers | {"was_not_named": False, "told_on": None,
                                          "treatment_planned_on": None}  # fmt: skip


def questions(opinion_request: OpinionRequest) -> Answers:
    statements = dict(
        PatientStatement.objects.filter(opinion_request=opinion_request).values_list(
            "topic", "wording__text"
        )
    )
    reason = PrivateReason.objects.filter(opinion_request=opinion_request).first()
    return {
        "purposes": list(opinion_request.purposes),
        "question": [
            text or "" for text in opinion_request.questions.values_list("wording__text", flat=True)
        ],
        "story": statements.get("story") or "",
        "what_matters": statements.get("what_matters") or "",
        "private_reason": reason.text if reason else "",
    }


def review(opinion_request: OpinionRequest) -> Answers:
    return {"review_mode": opinion_request.review_mode}


READ: Mapping[str, Callable[[OpinionRequest], Answers]] = {
    "about": about,
    "told": told,
    "questions": questions,
    "review": review,
}


# --- save ---------------------------------------------------------------------------------------
def opened(opinion_request: OpinionRequest, section: str) -> SectionSave | None:
    rows = SectionSave.objects.select_related("by")
    return rows.filter(opinion_request=opinion_request, section=section).first()


@transaction.atomic
def save(
    opinion_request: OpinionRequest,
    section: str,
    answers: Answers,
    *,
    since: Opened,
    by: Any,
    is_finished: bool,
) -> SectionSave:
    """Keep `answers` (any part of the section). `is_finished`: the person pressed a button.

    Raises: ChangedMeanwhileError when a different page saved the section since `since`.
    Raises: Refused when the request is with the clinic.
    """
    opinion_request = lock(opinion_request)
    rules.may_edit(by, opinion_request).or_raise()
    row, _created = SectionSave.objects.select_related("by").get_or_create(
        opinion_request=opinion_request,
        section=section,
        defaults={"clinic_id": opinion_request.clinic_id, "by": by},
    )
    stored = READ[section](opinion_request)
    changed = {name: value for name, value in answers.items() if stored[name] != value}
    if changed:
        if row.version != since.version and row.tab != since.tab:
            raise ChangedMeanwhileError(row)
        WRITE[section](opinion_request, changed)
        row.version, row.tab, row.by, row.at = row.version + 1, since.tab, by, timezone.now()
        if opinion_request.submitted_at:  # a first submission searches everything anyway
            search_case_file(opinion_request.case_file)
    if is_finished and row.noted_version != row.version:
        row.noted_version = row.version
        touch(opinion_request, by=by)
        patient = opinion_request.case_file.patient
        if section == "about":  # while somebody types, nothing is compared
            recheck_patient(patient)
        note(
            "request.answered",
            by=by,
            about=opinion_request,
            on_behalf_of=on_behalf_of(by, patient),
            section=section,
        )
    row.save()
    return row


def _write_about(opinion_request: OpinionRequest, changed: Answers) -> None:
    patient = opinion_request.case_file.patient
    if person := {name: changed[name] for name in PERSON if name in changed}:
        type(patient).objects.filter(pk=patient.pk).update(**person)
    if safety := {name: changed[name] for name in SAFETY if name in changed}:
        SafetyFacts.objects.update_or_create(
            case_file_id=opinion_request.case_file_id,
            defaults=safety,
            create_defaults=safety | {"clinic_id": opinion_request.clinic_id},
        )


def _write_told(opinion_request: OpinionRequest, changed: Answers) -> None:
    OriginalDiagnosis.objects.update_or_create(
        case_file_id=opinion_request.case_file_id,
        defaults=changed,
        create_defaults=changed | {"clinic_id": opinion_request.clinic_id},
    )


def _write_review(opinion_request: OpinionRequest, changed: Answers) -> None:
    if opinion_request.status != OpinionRequest.Status.DRAFT:
        not_now(
            _("The kind of review is fixed once you have sent it. To change it, write to us.")
        ).or_raise()
    opinion_request.review_mode = changed["review_mode"]
    opinion_request.save(update_fields=["review_mode"])


def _write_questions(opinion_request: OpinionRequest, changed: Answers) -> None:
    if "purposes" in changed:
        opinion_request.purposes = changed["purposes"]
        opinion_request.save(update_fields=["purposes"])
    if "question" in changed:
        _write_list(opinion_request, changed["question"])
    for topic in PatientStatement.Topic.values:
        if topic in changed:
            _write_statement(opinion_request, topic, changed[topic])
    if "private_reason" in changed:
        _write_private_reason(opinion_request, changed["private_reason"])


def _write_list(opinion_request: OpinionRequest, texts: list[str]) -> None:
    """Make the questions read `texts`, in this order.

    SECURITY: a question whose words stay the same keeps its blinding class; new or changed words
    have none, and what is not classified is withheld.
    """
    rows = list(opinion_request.questions.select_related("wording").select_for_update(of=("self",)))
    same = {row.wording.text: row for row in rows}
    kept = [same.pop(text, None) for text in texts]
    spare = [row for row in rows if row not in kept]
    for position, (text, row) in enumerate(zip(texts, kept, strict=True), start=1):
        if row is None and spare:
            row = spare.pop(0)
            Wording.objects.filter(question=row).update(text=text)
            row.blinding_class, row.neutral_text = "", ""
        if row is None:
            _new_question(opinion_request, text, position)
        else:
            row.position = position
            row.save(update_fields=["position", "blinding_class", "neutral_text"])
    for row in spare:
        _delete_question(row)


def _new_question(opinion_request: OpinionRequest, text: str, position: int) -> None:
    row = Question.objects.create(
        clinic_id=opinion_request.clinic_id, opinion_request=opinion_request, position=position
    )
    Wording.objects.create(
        clinic_id=opinion_request.clinic_id,
        case_file_id=opinion_request.case_file_id,
        question=row,
        text=text,
    )


def _delete_question(row: Question) -> None:
    try:
        row.delete()
    except ProtectedError:
        sentence = _("A specialist has begun to answer one of these questions, so it must stay.")
        not_now(sentence).or_raise()


def _write_statement(opinion_request: OpinionRequest, topic: str, text: str) -> None:
    """SECURITY: new words lose the class that was given to the old ones."""
    rows = PatientStatement.objects.filter(opinion_request=opinion_request, topic=topic)
    if not text:
        rows.delete()
        return
    row = rows.first() or PatientStatement(
        clinic_id=opinion_request.clinic_id, opinion_request=opinion_request, topic=topic
    )
    row.blinding_class, row.neutral_text = "", ""
    row.save()
    Wording.objects.update_or_create(
        statement=row,
        defaults={"text": text},
        create_defaults={
            "clinic_id": opinion_request.clinic_id,
            "case_file_id": opinion_request.case_file_id,
            "text": text,
        },
    )


def _write_private_reason(opinion_request: OpinionRequest, text: str) -> None:
    if not text:
        PrivateReason.objects.filter(opinion_request=opinion_request).delete()
        return
    PrivateReason.objects.update_or_create(
        opinion_request=opinion_request,
        defaults={"text": text},
        create_defaults={"text": text, "clinic_id": opinion_request.clinic_id},
    )


WRITE: Mapping[str, Callable[[OpinionRequest, Answers], None]] = {
    "about": _write_about,
    "told": _write_told,
    "questions": _write_questions,
    "review": _write_review,
}


def has_begun(opinion_request: OpinionRequest, section: str) -> bool:
    """Whether anything at all is written there."""
    if section == "records":
        return opinion_request.case_file.documents.exclude(status="removed").exists()
    return any(READ[section](opinion_request).values())


def last_changed_at(opinion_request: OpinionRequest) -> datetime:
    latest = opinion_request.section_saves.order_by("-at").values_list("at", flat=True).first()
    return latest or opinion_request.created_at
