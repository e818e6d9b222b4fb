"""The delivered report and the questions in the copy of a case file (`records.export`)."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from records.export.fhir import attachment
from records.export.registry import Paper, register, register_questions
from records.models import CaseFile
from requests_app import intake, rules
from requests_app.models import OpinionRequest, Question, Report


def register_report() -> None:
    register(reports_of)
    register_questions(questions_of, take_questions)


def questions_of(case_file: CaseFile, user: Any) -> list[str]:
    """The questions in the patient's own words, for the patient's side and the clinic."""
    rows = Question.objects.filter(opinion_request__case_file=case_file)
    rows = rows.filter(opinion_request__in=OpinionRequest.objects.visible_to(user))
    texts = rows.order_by("position").values_list("wording__text", flat=True)
    return [text for text in texts if text]


def take_questions(case_file: CaseFile, texts: list[str], by: Any) -> int:
    """Into a request that is still being written and has no question yet. Returns how many.

    What is not classified is withheld, like every new question.
    """
    draft = OpinionRequest.objects.filter(case_file=case_file, status="draft").first()
    if draft is None or not rules.may_edit(by, draft) or draft.questions.exists():
        return 0
    wanted = [text.strip() for text in texts if text.strip()][: intake.MAX_QUESTIONS]
    before = intake.opened(draft, "questions")
    since = intake.Opened(version=before.version if before else 0, tab="")
    intake.save(draft, "questions", {"question": wanted}, since=since, by=by, is_finished=True)
    return len(wanted)


def reports_of(case_file: CaseFile, user: Any) -> list[Paper]:
    """Every delivered version that this person may read, the newest first."""
    rows = Report.objects.visible_to(user).filter(opinion_request__case_file=case_file)
    rows = rows.exclude(delivered_at=None).exclude(pdf_key="").order_by("-version")
    return [_paper(report) for report in rows]


def _paper(report: Report) -> Paper:
    path = f"report/second-opinion-v{report.version}.pdf"
    title = _("Second opinion, version %(n)s") % {"n": report.version}
    size_bytes = default_storage.size(report.pdf_key)
    delivered_at = report.delivered_at
    on = delivered_at.date() if delivered_at else None
    resource = {
        "resourceType": "DiagnosticReport",
        "id": str(report.pk),
        "status": "final" if report.version == 1 else "amended",
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "11488-4"}],
            "text": title,
        },
        "issued": delivered_at.isoformat() if delivered_at else None,
        "presentedForm": [attachment(path, title, "application/pdf", size_bytes, on)],
    }
    return Paper(
        path=path,
        title=title,
        key=report.pdf_key,
        size_bytes=size_bytes,
        sha256=report.pdf_sha256,
        media_type="application/pdf",
        on=on,
        resources=[resource],
    )
