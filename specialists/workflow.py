"""Every change of a referral's state, and what it does to the request beneath it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from records.grants import grant, revoke, widen
from requests_app.models import Message, OpinionRequest, StaffTask
from requests_app.workflow import coordinators_of, move, people_of_patient, staff_path, touch
from secondop.accounts.models import User
from secondop.accounts.roles import QUALITY_REVIEWER, SPECIALIST
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.lib.verdicts import not_now
from secondop.notifications.outbox import tell
from specialists import rules
from specialists.models import (
    Answer,
    Comparison,
    Opinion,
    OpinionRevision,
    QualityCheck,
    Referral,
    Specialist,
    TreatmentOption,
)
from specialists.reporting import issue_report
from specialists.sealing import write_seal

RequestStatus = OpinionRequest.Status
Status = Referral.Status
READING_MARGIN = timedelta(days=30)  # how long after its deadline a taken case stays readable


@transition
def refer(
    opinion_request: OpinionRequest,
    *,
    to: Specialist,
    by: Any,
    summary: str = "",
    answer_by: datetime | None = None,
    review_by: datetime | None = None,
) -> None:
    """Offer the request to one specialist. The case file stays closed until they take it."""
    rules.may_refer(by, opinion_request, to).or_raise()
    now, clinic = timezone.now(), opinion_request.clinic
    answer_by = answer_by or now + timedelta(hours=clinic.offer_hours)
    referral = Referral.objects.create(
        clinic_id=opinion_request.clinic_id,
        opinion_request=opinion_request,
        specialist=to,
        review_mode=opinion_request.review_mode,
        offered_by=by,
        offer_summary=summary,
        answer_by=answer_by,
        review_by=review_by or answer_by + timedelta(hours=clinic.review_hours),
    )
    if opinion_request.status == RequestStatus.READY:
        move(opinion_request, RequestStatus.REFERRED, by=by, verb="request.referred")
    else:
        touch(opinion_request, by=by)
    note("referral.offered", by=by, about=referral, specialist=str(to.pk))
    tell([to.user], "referral_offered", about=referral)


@transition
def take(referral: Referral, *, by: Any) -> None:
    """The specialist agrees; the case file opens to them, sealed unless the review is open."""
    rules.may_take(by, referral).or_raise()
    opinion_request = referral.opinion_request
    referral.move_to(Status.TAKEN)
    referral.taken_at = timezone.now()
    referral.save(update_fields=["taken_at"])
    grant(
        opinion_request.case_file,
        to=by,
        as_role=SPECIALIST,
        sight="sealed" if referral.review_mode == "sealed" else "full",
        until=referral.review_by + READING_MARGIN,
        by=by,
    )
    opinion = Opinion.objects.create(referral=referral, clinic_id=referral.clinic_id)
    if referral.review_mode != "sealed":
        _lay_out_comparison(opinion)
    note("referral.taken", by=by, about=referral)
    if opinion_request.status == RequestStatus.REFERRED:
        move(opinion_request, RequestStatus.IN_REVIEW, by=by, verb="request.in_review")
        opinion_request.due_at = referral.review_by
        opinion_request.save(update_fields=["due_at"])
        tell(people_of_patient(opinion_request), "specialist_found", about=opinion_request)
    tell(
        coordinators_of(opinion_request),
        "referral_taken",
        about=opinion_request,
        path=staff_path(opinion_request),
    )


@transition
def decline(referral: Referral, *, reason: str, text: str = "", by: Any) -> None:
    rules.may_decline(by, referral).or_raise()
    referral.decline_reason, referral.decline_note = reason, text
    referral.save(update_fields=["decline_reason", "decline_note"])
    _end_early(referral, Status.DECLINED, by=by, verb="referral.declined", message="referral_declined")


@transition
def expire_offer(referral: Referral) -> None:
    """Nobody answered in time. Asked by the deadline sweep only."""
    if referral.status != Status.OFFERED or referral.answer_by > timezone.now():
        return
    _end_early(referral, Status.EXPIRED, by=None, verb="referral.expired", message="referral_expired")


@transition
def recall(referral: Referral, *, by: Any) -> None:
    """The clinic takes an open referral back."""
    _end_early(referral, Status.RECALLED, by=by, verb="referral.recalled", message="")
    tell([referral.specialist.user], "referral_recalled", about=referral)


def _end_early(referral: Referral, new: str, *, by: Any, verb: str, message: str) -> None:
    """Close the referral and its reader; a request that nobody reads any more waits again."""
    opinion_request = referral.opinion_request
    referral.move_to(new)
    revoke(opinion_request.case_file, to=referral.specialist.user, by=by)
    note(verb, by=by, about=referral)
    others = opinion_request.referrals.exclude(pk=referral.pk)
    in_hand = (RequestStatus.REFERRED, RequestStatus.IN_REVIEW)
    if opinion_request.status in in_hand and not others.open().exists():
        if others.filter(status=Status.SIGNED).exists():
            _hand_to_quality_check(opinion_request, by=by)
        else:
            move(opinion_request, RequestStatus.READY, by=by, verb="request.ready")
    if message:
        tell(
            coordinators_of(opinion_request),
            message,
            about=opinion_request,
            path=staff_path(opinion_request),
        )


@transition
def save_independent(referral: Referral, *, version: int, by: Any, **fields: str) -> None:
    """Save typed text of the part that will be sealed."""
    rules.may_write_independent(by, referral).or_raise()
    _save(referral.opinion, version, {k: fields[k] for k in Opinion.SEALED_FIELDS if k in fields})


@transition
def save_completion(referral: Referral, *, version: int, by: Any, **fields: str) -> None:
    """Save typed text of the part that follows the reveal (summary, limits, conflicts)."""
    rules.may_complete(by, referral).or_raise()
    names = ("plain_summary", "limits", "conflicts")
    _save(referral.opinion, version, {k: fields[k] for k in names if k in fields})


def _save(opinion: Opinion, version: int, fields: dict[str, str]) -> None:
    if opinion.version != version:
        not_now(
            "This opinion was changed in another window. Reload to see it; copy your text first."
        ).or_raise()
    for name, value in fields.items():
        setattr(opinion, name, value)
    opinion.version += 1
    opinion.save(update_fields=[*fields, "version", "saved_at"])


@transition
def seal(referral: Referral, *, by: Any) -> None:
    """Lock the independent opinion: canonical JSON, SHA-256, the database's time."""
    rules.may_seal(by, referral).or_raise()
    opinion = referral.opinion
    referral.move_to(Status.SEALED)
    written = write_seal(opinion, sealed_at=referral.status_since)
    note("opinion.sealed", by=by, about=opinion, sha256=written.sha256)


@transition
def reveal(referral: Referral, *, by: Any) -> None:
    """Open the original diagnosis to the specialist whose seal verifies."""
    rules.may_reveal(by, referral).or_raise()
    opinion = referral.opinion
    if not rules.seal_is_intact(opinion):
        not_now("The seal does not match its hash. Nothing was opened; call the clinic.").or_raise()
    _open_original(referral, by=by)
    opinion.revealed_at = timezone.now()
    opinion.save(update_fields=["revealed_at"])
    note("opinion.revealed", by=by, about=opinion, sha256=opinion.seal.sha256)


@transition
def break_seal(referral: Referral, *, reason: str, by: Any) -> None:
    """A danger seen while sealed: open at once, alert the clinic, mark the report."""
    rules.may_break_seal(by, referral).or_raise()
    opinion, opinion_request = referral.opinion, referral.opinion_request
    _open_original(referral, by=by)
    opinion.seal_broken_at, opinion.seal_broken_reason = timezone.now(), reason
    opinion.save(update_fields=["seal_broken_at", "seal_broken_reason"])
    StaffTask.objects.create(
        clinic_id=referral.clinic_id,
        opinion_request=opinion_request,
        kind=StaffTask.Kind.SEAL_BROKEN,
        about_due_at=opinion.seal_broken_at,
    )
    note("opinion.seal_broken", by=by, about=opinion)
    tell(
        coordinators_of(opinion_request),
        "seal_broken",
        about=opinion_request,
        path=staff_path(opinion_request),
    )


def _open_original(referral: Referral, *, by: Any) -> None:
    until = referral.review_by + READING_MARGIN
    widen(referral.opinion_request.case_file, to=referral.specialist.user, until=until, by=by)
    _lay_out_comparison(referral.opinion)


def _lay_out_comparison(opinion: Opinion) -> None:
    """An empty row for each axis and question, and the first doctor's plan as the first option."""
    opinion_request = opinion.referral.opinion_request
    told = getattr(opinion_request.case_file, "original_diagnosis", None)
    common: dict[str, Any] = {"clinic_id": opinion.clinic_id, "opinion": opinion}
    for axis in Comparison.Axis.values:
        Comparison.objects.get_or_create(axis=axis, **common)
    for question in opinion_request.questions.all():
        Answer.objects.get_or_create(question=question, **common)
    TreatmentOption.objects.get_or_create(
        is_first_doctors_plan=True,
        **common,
        defaults={"position": 1, "name": (told.treatment if told else "")[:200]},
    )


@transition
def revise(referral: Referral, *, field: str, after: str, reason: str, by: Any) -> None:
    """Change one sealed field; before, after and the reason are kept and printed."""
    rules.may_revise(by, referral).or_raise()
    opinion = referral.opinion
    if field not in Opinion.SEALED_FIELDS:
        raise ValueError(field)
    if not reason.strip():
        not_now("Say why you change a sealed field.").or_raise()
    before = getattr(opinion, field)
    OpinionRevision.objects.create(
        clinic_id=opinion.clinic_id,
        opinion=opinion,
        field=field,
        before=before,
        after=after,
        reason=reason,
        by=by,
    )
    _save(opinion, opinion.version, {field: after})
    note("opinion.revised", by=by, about=opinion, field=field)


@transition
def ask_for_more(referral: Referral, *, text: str, by: Any) -> None:
    """The specialist needs a record; the clinic gathers it while the referral stays theirs."""
    rules.may_ask_for_more(by, referral).or_raise()
    opinion_request = referral.opinion_request
    Message.objects.create(
        clinic_id=referral.clinic_id,
        opinion_request=opinion_request,
        thread=Message.Thread.SPECIALIST,
        specialist=by,
        author=by,
        from_clinic=False,
        text=text,
    )
    if opinion_request.status == RequestStatus.IN_REVIEW:
        move(opinion_request, RequestStatus.COLLECTING, by=by, verb="request.more_needed")
    tell(
        coordinators_of(opinion_request),
        "more_needed",
        about=opinion_request,
        path=staff_path(opinion_request),
    )


@transition
def resume(opinion_request: OpinionRequest, *, by: Any) -> None:
    """Hand the case back to the specialists who were reading it."""
    rules.may_resume(by, opinion_request).or_raise()
    move(opinion_request, RequestStatus.IN_REVIEW, by=by, verb="request.in_review")
    for referral in opinion_request.referrals.filter(status__in=[Status.TAKEN, Status.SEALED]):
        tell([referral.specialist.user], "message_for_specialist", about=referral)


@transition
def sign(referral: Referral, *, by: Any) -> None:
    """The whole opinion is the specialist's word; a second clinician checks it next."""
    rules.may_sign(by, referral).or_raise()
    opinion_request = referral.opinion_request
    referral.move_to(Status.SIGNED)
    referral.opinion.signed_at = referral.status_since
    referral.opinion.save(update_fields=["signed_at"])
    note("opinion.signed", by=by, about=referral.opinion)
    if opinion_request.status == RequestStatus.IN_REVIEW and not (
        opinion_request.referrals.open().exists()
    ):
        _hand_to_quality_check(opinion_request, by=by)


def _hand_to_quality_check(opinion_request: OpinionRequest, *, by: Any) -> None:
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
    """Take the quality check; the case file opens to the reviewer. A second call changes nothing."""
    rules.may_check(by, opinion_request).or_raise()
    check, is_new = QualityCheck.objects.get_or_create(
        opinion_request=opinion_request,
        ended_at=None,
        reviewer=by,
        defaults={"clinic_id": opinion_request.clinic_id},
    )
    if is_new:
        until = timezone.now() + READING_MARGIN
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
    for referral in opinion_request.referrals.filter(status=Status.SIGNED):
        has_seal = hasattr(referral.opinion, "seal")
        referral.move_to(Status.SEALED if has_seal else Status.TAKEN)
        Opinion.objects.filter(pk=referral.pk).update(signed_at=None)
        tell([referral.specialist.user], "opinion_sent_back", about=referral)
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
