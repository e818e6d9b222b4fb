"""What a report says: one snapshot, from which every page and PDF of that version is rebuilt.

Codes stand beside the words they were printed with, so a report never changes with our wording.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import override

from records.grading import grade_of
from records.models import Document
from requests_app.models import OpinionRequest, Rendering, Report
from requests_app.models.opinion_request import Purpose
from secondop.jobs.ring import ring
from secondop.lib.canonical import canonical_json, sha256_of
from specialists.blinding_statement import blinding_statement, sealed_fields
from specialists.models import Comparison, Opinion, Panel, Referral
from specialists.verifying import REPORT as FORMAT
from specialists.verifying import RULE

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NOT_USED = ("held", "quarantined", "rejected", "screening")


def build_snapshot(opinion_request: OpinionRequest, *, approved_by: Any = None) -> dict[str, Any]:
    """Return everything the report prints, as plain JSON values (no floats)."""
    with override(language_of(opinion_request)):
        snapshot = _snapshot(opinion_request, approved_by)
    # The file checks itself: a fingerprint of everything else in it (`specialists.verifying`).
    whole = {"rule": RULE, "sha256": sha256_of(canonical_json(snapshot))}
    return {**snapshot, "integrity": whole}


def language_of(opinion_request: OpinionRequest) -> str:
    """The patient's language, or that of whoever began the request for them."""
    patient = opinion_request.case_file.patient
    return (patient.user or opinion_request.started_by).language


def _snapshot(opinion_request: OpinionRequest, approved_by: Any) -> dict[str, Any]:
    case_file, clinic = opinion_request.case_file, opinion_request.clinic
    usable = list(
        case_file.documents.available().select_related("name").order_by("received_at", "id")
    )
    numbers = {str(document.pk): place for place, document in enumerate(usable, 1)}
    grade = grade_of(case_file)
    questions = list(opinion_request.questions.select_related("wording"))
    signed = list(signed_referrals(opinion_request))
    letters = {one.pk: LETTERS[place % len(LETTERS)] for place, one in enumerate(signed)}
    return {
        "format": FORMAT,
        "language": language_of(opinion_request),
        "reference": opinion_request.reference,
        "version": opinion_request.reports.count() + 1,
        "approved_at": _iso(timezone.now()),
        "earlier_versions": _earlier_versions(opinion_request),
        "clinic": {
            "name": clinic.name,
            "phone": clinic.phone,
            "emergency_number": clinic.emergency_number,
            "time_zone": clinic.time_zone,
            "follow_up_days": clinic.follow_up_days,
        },
        "patient": {
            "name": case_file.patient.full_name,
            "born_on": _iso(case_file.patient.born_on),
            "alias": case_file.alias,
        },
        "purposes": [
            _word(purpose, Purpose(purpose).label) for purpose in opinion_request.purposes
        ],
        "what_matters": _what_matters(opinion_request),
        "told": _told(case_file),
        "review": {
            **_word(opinion_request.review_mode, opinion_request.get_review_mode_display()),
            "grade": _word(grade.code, grade.label),
            "reasons": [str(reason) for reason in grade.reasons],
        },
        "questions": [
            {"number": place, "text": question.wording.text}
            for place, question in enumerate(questions, 1)
        ],
        "opinions": [
            _opinion(referral, letters[referral.pk], numbers, _shown(referral, letters))
            for referral in signed
        ],
        "panel": _panel(opinion_request),
        "documents": [_document(document, numbers) for document in usable],
        "not_used": _not_used(case_file),
        "gaps": _gaps(opinion_request),
        "checked_by": {"name": getattr(approved_by, "full_name", "")},
    }


def signed_referrals(opinion_request: OpinionRequest) -> Iterable[Referral]:
    """The opinions that make up the report, in the order in which they were asked for."""
    signed = opinion_request.referrals.filter(status=Referral.Status.SIGNED)
    return (
        signed.select_related("specialist__user", "opinion__seal", "opinion_request__case_file")
        .prefetch_related("opinion__options", "opinion__comparisons", "opinion__revisions")
        .order_by("offered_at", "id")
    )


def _shown(referral: Referral, letters: dict[Any, str]) -> list[dict[str, str]]:
    """What a further reader saw after the own seal: their letter, and the letter in this report."""
    return [
        {"letter": row.letter, "opinion": letters[row.earlier_id]}
        for row in referral.earlier_opinions.all()
        if row.earlier_id in letters
    ]


def _opinion(
    referral: Referral, letter: str, numbers: dict[str, int], shown: list[dict[str, str]]
) -> dict[str, Any]:
    opinion, specialist = referral.opinion, referral.specialist
    return {
        "letter": letter,
        "specialist": {
            "name": specialist.signature_name,
            "specialty": specialist.specialty,
            "licence": specialist.licence,
            "institution": specialist.institution,
        },
        "part": _word(referral.part, referral.get_part_display()),
        "signed_at": _iso(opinion.signed_at),
        "summary": opinion.plain_summary,
        **{name: getattr(opinion, name) for name in Opinion.SEALED_FIELDS},
        "certainty": _word(opinion.certainty, opinion.get_certainty_display()),
        "sealed": sealed_fields(opinion),
        "comparisons": _comparisons(opinion),
        "revisions": [
            {
                "field": str(row.field).replace("_", " "),
                "name": row.field,
                "before_code": row.before,
                "after_code": row.after,
                "before": _revised(row.field, row.before),
                "after": _revised(row.field, row.after),
                "reason": row.reason,
                "at": _iso(row.at),
            }
            for row in opinion.revisions.all()
        ],
        "options": [
            {
                "is_first_doctors_plan": option.is_first_doctors_plan,
                "is_recommended": option.is_recommended,
                "name": option.name,
                "what_it_involves": option.what_it_involves,
                "benefits": option.benefits,
                "harms": option.harms,
                "fits_priorities": option.fits_priorities,
                "evidence": option.evidence,
            }
            for option in opinion.options.all()
        ],
        "answers": [
            {"number": place, "cannot": answer.cannot_be_answered, "text": answer.text}
            for place, answer in enumerate(opinion.answers.order_by("question__position"), 1)
        ],
        "limits": opinion.limits,
        "conflicts": opinion.conflicts,
        "blinding": {**blinding_statement(referral, numbers), "shown": shown},
    }


def _panel(opinion_request: OpinionRequest) -> dict[str, Any]:
    """The joint answer; empty when no panel was formed."""
    panel = Panel.objects.filter(opinion_request=opinion_request).first()
    if panel is None or not panel.answered_at:
        return {}
    return {
        "lead": panel.lead.signature_name,
        "answer": panel.joint_answer,
        "answered_at": _iso(panel.answered_at),
        "needed": [
            {"specialty": seat.specialty, "opinions": seat.needed} for seat in panel.seats.all()
        ],
    }


def _comparisons(opinion: Opinion) -> list[dict[str, Any]]:
    order = list(Comparison.Axis.values)
    rows = sorted(opinion.comparisons.all(), key=lambda row: order.index(row.axis))
    return [
        {
            "axis": _word(row.axis, row.get_axis_display()),
            "result": _word(row.result, row.get_result_display()),
            "why": row.why,
        }
        for row in rows
    ]


def _revised(field: str, value: str) -> str:
    """A revised value as people read it: certainty is kept as a code."""
    words = dict(Opinion.Certainty.choices)
    return str(words.get(value, value)) if field == "certainty" else value


def _told(case_file: Any) -> dict[str, Any]:
    told = getattr(case_file, "original_diagnosis", None)
    if told is None:
        return {}
    return {
        "was_not_named": told.was_not_named,
        "diagnosis": told.diagnosis,
        "icd10_code": told.icd10_code,
        "treatment": told.treatment,
        "treatment_state": _word(told.treatment_state, told.get_treatment_state_display()),
        "doctor_name": told.doctor_name,
        "hospital_name": told.hospital_name,
        "told_on": _iso(told.told_on),
    }


def _what_matters(opinion_request: OpinionRequest) -> str:
    rows = opinion_request.patientstatements.filter(topic="what_matters")
    row = rows.select_related("wording").first()
    return row.wording.text if row else ""


def _document(document: Document, numbers: dict[str, int]) -> dict[str, Any]:
    """`copy_of`: the number of the record of which this is the copy with places covered, or 0."""
    return {
        "number": numbers[str(document.pk)],
        "copy_of": numbers.get(str(document.parent_id), 0),
        "title": document.name.file_name,
        "kind": _word(document.kind, document.get_kind_display()),
        "dated_on": _iso(document.dated_on),
        "pages": document.page_count or 0,
        "sha256": document.sha256,
        "seen_when_sealed": document.blinding_class == "clear",
    }


def _not_used(case_file: Any) -> list[dict[str, Any]]:
    """Files we were sent that no specialist could read, with the state they are in."""
    rows = case_file.documents.filter(status__in=NOT_USED).select_related("name")
    return [
        {
            "title": document.name.file_name,
            "kind": _word(document.kind, document.get_kind_display()),
            "state": _word(document.status, document.get_status_display()),
        }
        for document in rows.order_by("received_at", "id")
    ]


def _gaps(opinion_request: OpinionRequest) -> list[str]:
    """Why the clinic went on without a record: the reasons the patient was given."""
    rows = opinion_request.status_changes.filter(old="collecting", new="ready").exclude(reason="")
    return list(rows.values_list("reason", flat=True))


def _earlier_versions(opinion_request: OpinionRequest) -> list[dict[str, Any]]:
    return [
        {
            "version": report.version,
            "delivered_at": _iso(report.delivered_at),
            "sha256": report.snapshot_sha256,
        }
        for report in opinion_request.reports.order_by("version")
    ]


def _word(code: str, label: Any) -> dict[str, str]:
    return {"code": str(code), "label": str(label)}


def _iso(moment: Any) -> str:
    """Dates as 2026-03-14, times in UTC to the second; "" when there is none."""
    if not moment:
        return ""
    return str(
        moment.isoformat(timespec="seconds") if hasattr(moment, "hour") else moment.isoformat()
    )


def issue_report(opinion_request: OpinionRequest, *, approved_by: Any) -> Report:
    """Write the next version and queue its PDF. Call inside the approving transaction."""
    last = opinion_request.reports.order_by("-version").first()
    snapshot = build_snapshot(opinion_request, approved_by=approved_by)
    report = Report.objects.create(
        clinic_id=opinion_request.clinic_id,
        opinion_request=opinion_request,
        version=last.version + 1 if last else 1,
        snapshot=snapshot,
        snapshot_sha256=sha256_of(canonical_json(snapshot)),
        approved_by=approved_by,
        delivered_at=timezone.now(),
    )
    ring(Rendering.objects.create(report=report, clinic_id=opinion_request.clinic_id))
    return report
