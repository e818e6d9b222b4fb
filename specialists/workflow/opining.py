"""The opinion from the first word to the signature: write, seal, reveal, complete, revise, sign."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from records.grants import widen
from requests_app.models import Message, OpinionRequest, StaffTask
from requests_app.workflow import coordinators_of, move, staff_path
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
    Referral,
    TreatmentOption,
)
from specialists.sealing import write_seal
from specialists.workflow.checking import hand_to_quality_check

RequestStatus = OpinionRequest.Status
Status = Referral.Status
READING_MARGIN = timedelta(days=30)  # how long after its deadline a taken case stays readable


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
    lay_out_comparison(referral.opinion)


def lay_out_comparison(opinion: Opinion) -> None:
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
        hand_to_quality_check(opinion_request, by=by)
