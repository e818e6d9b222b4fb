"""What happens to a report once it is with the patient: opened, acknowledged, asked about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.models import AccessGrant, Patient
from records.proxies import on_behalf_of
from requests_app import rules
from requests_app.models import FollowUpQuestion, OpinionRequest, Report
from requests_app.workflow import coordinators_of, staff_path
from secondop.accounts.models import User
from secondop.accounts.roles import SPECIALIST
from secondop.audit.trail import note
from secondop.lib.transitions import lock
from secondop.lib.verdicts import Verdict, not_now
from secondop.notifications.outbox import tell

ANSWER_WITHIN = timedelta(days=2)  # domain/WORKFLOWS 4.3, state 15
MAX_OPEN_QUESTIONS = 10


@transaction.atomic
def open_report(report: Report, *, by: Any) -> None:
    """The patient sees it for the first time. Staff who look at a report never call this."""
    first = Report.objects.filter(pk=report.pk, opened_at=None).update(opened_at=timezone.now())
    if first and report.delivered_at:
        report.refresh_from_db(fields=["opened_at"])
        # Nobody need call any more: the next date is the end of the time for questions.
        end = report.delivered_at + timedelta(days=report.clinic.follow_up_days)
        delivered = OpinionRequest.objects.filter(pk=report.opinion_request_id, status="delivered")
        delivered.update(due_at=end)
        acting_for = on_behalf_of(by, _patient_of(report))
        note("report.opened", by=by, about=report, on_behalf_of=acting_for, version=report.version)


@transaction.atomic
def acknowledge(report: Report, *, by: Any) -> None:
    """The patient says: I have read it. A second click changes nothing."""
    now, acting_for = timezone.now(), on_behalf_of(by, _patient_of(report))
    first = Report.objects.filter(pk=report.pk, acknowledged_at=None).update(
        acknowledged_at=now, acknowledged_by=by, acknowledged_on_behalf_of=acting_for
    )
    if first:
        report.refresh_from_db(
            fields=["acknowledged_at", "acknowledged_by", "acknowledged_on_behalf_of"]
        )
        note("report.acknowledged", by=by, about=report, on_behalf_of=acting_for,
             version=report.version)  # fmt: skip


def _patient_of(report: Report) -> Patient:
    return report.opinion_request.case_file.patient


def may_ask(user: Any, report: Report) -> Verdict:
    """Ask about this report: in its follow-up days, and not more than can be answered."""
    if not (verdict := rules.may_ask_follow_up(user, report.opinion_request)):
        return verdict
    if report.follow_up_questions.filter(answered_at=None).count() >= MAX_OPEN_QUESTIONS:
        return not_now(
            _("You have asked a lot already. Please wait for the answers before you ask more.")
        )
    return verdict


@transaction.atomic
def ask_follow_up(report: Report, *, text: str, by: Any) -> FollowUpQuestion:
    """Hand a question to the specialists who wrote the report, and to the clinic."""
    opinion_request = lock(report.opinion_request)
    report.opinion_request = opinion_request
    may_ask(by, report).or_raise()
    acting_for = on_behalf_of(by, _patient_of(report))
    question = FollowUpQuestion.objects.create(
        clinic_id=report.clinic_id,
        report=report,
        asked_by=by,
        on_behalf_of=acting_for,
        text=text,
        due_at=timezone.now() + ANSWER_WITHIN,
    )
    note("follow_up.asked", by=by, about=question, on_behalf_of=acting_for)
    path = reverse("specialists:answer_follow_up", args=[question.pk])
    tell(authors_of(opinion_request), "follow_up_asked", about=opinion_request, path=path)
    tell(
        coordinators_of(opinion_request),
        "message_for_clinic",
        about=opinion_request,
        path=staff_path(opinion_request),
    )
    return question


def authors_of(opinion_request: OpinionRequest) -> list[User]:
    """The specialists who may still read the case file: their grants outlive the signature."""
    live = AccessGrant.objects.live().filter(
        case_file=opinion_request.case_file_id, as_role=SPECIALIST, sight=AccessGrant.Sight.FULL
    )
    return list(User.objects.filter(pk__in=live.values("to")))
