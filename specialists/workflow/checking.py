"""The quality check: begun, sent back, approved. Delivery begins with an approval."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from records.grants import grant, revoke
from requests_app.models import OpinionRequest
from requests_app.workflow import move, people_of_patient
from secondop.accounts.models import User
from secondop.accounts.roles import QUALITY_REVIEWER
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.notifications.outbox import tell
from specialists import rules
from specialists.models import QualityCheck
from specialists.reporting import issue_report
from specialists.workflow.amending import reopen_opinions

RequestStatus = OpinionRequest.Status
CHECKING_TIME = timedelta(days=30)  # how long a case file stays open to a check that was begun


def hand_to_quality_check(opinion_request: OpinionRequest, *, by: Any) -> None:
    move(opinion_request, RequestStatus.QUALITY_CHECK, by=by, verb="request.quality_check")
    authors = opinion_request.referrals.values("specialist__user")
    reviewers = User.objects.working_as(QUALITY_REVIEWER, clinic_id=opinion_request.clinic_id)
    tell(
        reviewers.exclude(pk__in=authors),
        "quality_check_waiting",
        about=opinion_request,
        path=reverse("specialists:check", args=[opinion_request.pk]),
    )


@transition
def begin_check(opinion_request: OpinionRequest, *, by: Any) -> None:
    """Take the quality check; the case file opens to the reviewer. Twice changes nothing."""
    rules.may_check(by, opinion_request).or_raise()
    check, is_new = QualityCheck.objects.get_or_create(
        opinion_request=opinion_request,
        ended_at=None,
        reviewer=by,
        defaults={"clinic_id": opinion_request.clinic_id},
    )
    if is_new:
        until = timezone.now() + CHECKING_TIME
        grant(
            opinion_request.case_file,
            to=by,
            as_role=QUALITY_REVIEWER,
            sight="full",
            until=until,
            by=by,
        )
        note("quality_check.begun", by=by, about=check)


@transition
def send_back(opinion_request: OpinionRequest, *, comments: str, by: Any) -> None:
    """The check asks for a change; each signed opinion is open to its author again."""
    rules.may_end_check(by, opinion_request).or_raise()
    check = _end_check(opinion_request, QualityCheck.Outcome.SENT_BACK, comments, by=by)
    move(opinion_request, RequestStatus.IN_REVIEW, by=by, verb="request.sent_back")
    reopen_opinions(opinion_request, by=by)
    note("quality_check.sent_back", by=by, about=check)


@transition
def approve(opinion_request: OpinionRequest, *, comments: str = "", by: Any) -> None:
    """Deliver: a report version is written from a snapshot and the patient is told."""
    rules.may_end_check(by, opinion_request).or_raise()
    check = _end_check(opinion_request, QualityCheck.Outcome.APPROVED, comments, by=by)
    note("quality_check.approved", by=by, about=check)
    report = issue_report(opinion_request, approved_by=by)
    move(opinion_request, RequestStatus.DELIVERED, by=by, verb="request.delivered")
    note("report.delivered", by=by, about=report, version=report.version)
    tell(people_of_patient(opinion_request), "report_ready", about=report)


def _end_check(
    opinion_request: OpinionRequest, outcome: str, comments: str, *, by: Any
) -> QualityCheck:
    check = opinion_request.quality_checks.get(ended_at=None, reviewer=by)
    check.outcome, check.comments, check.ended_at = outcome, comments, timezone.now()
    check.save(update_fields=["outcome", "comments", "ended_at"])
    revoke(opinion_request.case_file, to=by, by=by)
    return check
