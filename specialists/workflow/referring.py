"""Offering a request to a specialist, and every way in which an offer or a review ends early."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from records.grants import grant, revoke
from requests_app.models import OpinionRequest
from requests_app.workflow import coordinators_of, move, people_of_patient, staff_path, touch
from secondop.accounts.roles import SPECIALIST
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.notifications.outbox import tell
from specialists import rules
from specialists.models import Opinion, Panel, Referral, Specialist
from specialists.workflow.amending import READING_MARGIN
from specialists.workflow.checking import hand_to_quality_check
from specialists.workflow.completing import lay_out_comparison

RequestStatus = OpinionRequest.Status
Status = Referral.Status


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
        part=_part_in(opinion_request),
        panel=Panel.objects.filter(opinion_request=opinion_request).first(),
        offered_by=by,
        offer_summary=summary,
        answer_by=answer_by,
        review_by=review_by or answer_by + timedelta(hours=clinic.review_hours),
    )
    if opinion_request.status == RequestStatus.READY:
        move(opinion_request, RequestStatus.REFERRED, by=by, verb="request.referred")
        opinion_request.due_at = answer_by
    else:
        opinion_request.due_at = max(opinion_request.due_at, answer_by)
        touch(opinion_request, by=by)
    # Nothing is overdue while an offer is open.
    opinion_request.save(update_fields=["due_at"])
    note("referral.offered", by=by, about=referral, specialist=str(to.pk))
    tell([to.user], "referral_offered", about=referral)


def _part_in(opinion_request: OpinionRequest) -> str:
    """Whoever is asked after others have signed is shown their opinions after the own seal."""
    is_sealed = opinion_request.review_mode == OpinionRequest.ReviewMode.SEALED
    signed = opinion_request.referrals.filter(status=Status.SIGNED)
    return Referral.Part.FURTHER if is_sealed and signed.exists() else Referral.Part.READER


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
        lay_out_comparison(opinion)
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
    _end_early(
        referral, Status.DECLINED, by=by, verb="referral.declined", message="referral_declined"
    )


@transition
def expire_offer(referral: Referral) -> None:
    """Nobody answered in time. Asked by the deadline sweep only."""
    if referral.status != Status.OFFERED or referral.answer_by > timezone.now():
        return
    _end_early(
        referral, Status.EXPIRED, by=None, verb="referral.expired", message="referral_expired"
    )


@transition
def recall(referral: Referral, *, by: Any) -> None:
    """The clinic takes an open referral back."""
    _end_early(referral, Status.RECALLED, by=by, verb="referral.recalled", message="")
    tell([referral.specialist.user], "referral_recalled", about=referral)


def _has_news(opinion_request: OpinionRequest) -> bool:
    """Whether an opinion was signed that no delivered report holds yet."""
    signed = opinion_request.referrals.filter(status=Status.SIGNED)
    last = opinion_request.reports.order_by("-version").first()
    if last:
        signed = signed.filter(opinion__signed_at__gt=last.delivered_at or last.created_at)
    return signed.exists()


def _end_early(referral: Referral, new: str, *, by: Any, verb: str, message: str) -> None:
    """Close the referral and its reader; a request that nobody reads any more waits again."""
    opinion_request = referral.opinion_request
    referral.move_to(new)
    revoke(opinion_request.case_file, to=referral.specialist.user, by=by)
    note(verb, by=by, about=referral)
    others = opinion_request.referrals.exclude(pk=referral.pk)
    in_hand = (RequestStatus.REFERRED, RequestStatus.IN_REVIEW)
    if opinion_request.status in in_hand and not others.open().exists():
        if _has_news(opinion_request):
            hand_to_quality_check(opinion_request, by=by)
        else:
            move(opinion_request, RequestStatus.READY, by=by, verb="request.ready")
    if message:
        tell(
            coordinators_of(opinion_request),
            message,
            about=opinion_request,
            path=staff_path(opinion_request),
        )
