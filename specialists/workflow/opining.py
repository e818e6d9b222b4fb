"""The independent opinion from the first word to the reveal, and words with the clinic."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Value
from django.db.models.functions import Greatest, Now
from django.utils import timezone
from django.utils.translation import gettext as _

from records.grants import widen
from records.models import AccessGrant
from records.models.case_file import BlindingClass
from requests_app.models import Message, OpinionRequest, StaffTask
from requests_app.workflow import coordinators_of, move, staff_path
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.lib.verdicts import CONFLICT, Refused, not_now
from secondop.notifications.outbox import tell
from specialists import rules
from specialists.models import Opinion, Referral
from specialists.sealing import write_seal
from specialists.workflow.amending import READING_MARGIN
from specialists.workflow.completing import lay_out_comparison, save_opinion
from specialists.workflow.several import draw_letters

RequestStatus = OpinionRequest.Status
Status = Referral.Status


@transition
def save_independent(referral: Referral, /, *, version: int, by: Any, **fields: str) -> None:
    """Save typed text of the part that will be sealed."""
    rules.may_write_independent(by, referral).or_raise()
    kept = {name: fields[name] for name in Opinion.SEALED_FIELDS if name in fields}
    save_opinion(referral.opinion, version, kept)


class ChangedMeanwhile(Refused):
    """Another window saved after the page that was to be sealed had been shown."""


@transition
def seal(referral: Referral, *, by: Any, version: int | None = None) -> None:
    """Lock the independent opinion: canonical JSON, SHA-256, the database's time.

    `version` is that of the text the person read: nobody seals words they have not seen.
    """
    rules.may_seal(by, referral).or_raise()
    opinion = referral.opinion
    if version is not None and version != opinion.version:
        raise ChangedMeanwhile(_("This opinion was changed in another window"), CONFLICT)
    referral.move_to(Status.SEALED)
    written = write_seal(opinion, sealed_at=referral.status_since)
    note("opinion.sealed", by=by, about=opinion, sha256=written.sha256)


@transition
def reveal(referral: Referral, *, by: Any) -> None:
    """Open the original diagnosis to the specialist whose seal verifies."""
    rules.may_reveal(by, referral).or_raise()
    opinion = referral.opinion
    if not rules.seal_is_intact(opinion):
        not_now(
            _("The seal does not match its hash. Nothing was opened. Please call the clinic.")
        ).or_raise()
    _open_original(referral, by=by)
    # The database's clock, as for the seal; one that was set back cannot turn the two round.
    opinion.revealed_at = Greatest(Now(), Value(opinion.seal.sealed_at))
    opinion.save(update_fields=["revealed_at"])
    opinion.refresh_from_db(fields=["revealed_at"])
    if referral.part == Referral.Part.FURTHER:
        draw_letters(referral, by=by)
    note("opinion.revealed", by=by, about=opinion, sha256=opinion.seal.sha256)


@transition
def break_seal(referral: Referral, *, reason: str, by: Any) -> None:
    """A danger seen while sealed: open at once, alert the clinic, mark the report."""
    rules.may_break_seal(by, referral).or_raise()
    if not reason.strip():
        not_now(_("Say what danger you see.")).or_raise()
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
    if not AccessGrant.objects.live().filter(case_file=referral.case_file_id,
                                             to=referral.specialist.user_id).exists():  # fmt: skip
        not_now(_("This review has ended, so the case file is closed to you.")).or_raise()
    until = referral.review_by + READING_MARGIN
    widen(referral.opinion_request.case_file, to=referral.specialist.user, until=until, by=by)
    lay_out_comparison(referral.opinion)


@transition
def ask_for_more(referral: Referral, *, text: str, by: Any) -> None:
    """The specialist needs a record; the clinic gathers it while the referral stays theirs."""
    rules.may_ask_for_more(by, referral).or_raise()
    opinion_request = referral.opinion_request
    _write(referral, text, by=by)
    if opinion_request.status == RequestStatus.IN_REVIEW:
        move(opinion_request, RequestStatus.COLLECTING, by=by, verb="request.more_needed")
    tell(
        coordinators_of(opinion_request),
        "more_needed",
        about=opinion_request,
        path=staff_path(opinion_request),
    )


@transition
def write_to_clinic(referral: Referral, *, text: str, by: Any) -> None:
    """A line to the clinic that changes nothing else."""
    rules.may_write_to_clinic(by, referral).or_raise()
    opinion_request = referral.opinion_request
    _write(referral, text, by=by)
    tell(
        coordinators_of(opinion_request),
        "message_for_clinic",
        about=opinion_request,
        path=staff_path(opinion_request),
    )


def _write(referral: Referral, text: str, *, by: Any) -> None:
    Message.objects.create(
        clinic_id=referral.clinic_id,
        opinion_request=referral.opinion_request,
        thread=Message.Thread.SPECIALIST,
        specialist=by,
        author=by,
        from_clinic=False,
        text=text,
    )


@transition
def resume(opinion_request: OpinionRequest, *, by: Any) -> None:
    """Hand the case back to the specialists who were reading it.

    SECURITY: who did not ask is told only when there is more to read: a message about nothing
    would say that somebody else reads this case.
    """
    rules.may_resume(by, opinion_request).or_raise()
    asked = opinion_request.status_changes.filter(new=RequestStatus.COLLECTING).last()
    move(opinion_request, RequestStatus.IN_REVIEW, by=by, verb="request.in_review")
    for referral in opinion_request.referrals.filter(status__in=[Status.TAKEN, Status.SEALED]):
        if asked is None or asked.by_id == referral.specialist.user_id:
            tell([referral.specialist.user], "message_for_specialist", about=referral)
        elif _has_more_to_read(referral, since=asked.at):
            tell([referral.specialist.user], "records_added", about=referral)


def _has_more_to_read(referral: Referral, *, since: datetime) -> bool:
    """Whether anything opened to this reader since then, as far as their sight goes."""
    documents = referral.opinion_request.case_file.documents.available()
    if not rules.is_sealed_now(referral):
        return documents.filter(received_at__gt=since).exists()
    cleared = documents.filter(blinding_class=BlindingClass.CLEAR)
    return cleared.filter(classified_at__gt=since).exists()
