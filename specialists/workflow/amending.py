"""After delivery: a correction by the authors of the report, or one more specialist.

Either leads to a further version of the report; what was delivered stays as it was.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from records.grants import grant
from records.models import AccessGrant
from requests_app.models import Message, OpinionRequest
from requests_app.workflow import move, people_of_patient
from secondop.accounts.roles import COORDINATOR, SPECIALIST
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.lib.verdicts import not_now
from secondop.notifications.outbox import tell
from specialists import rules
from specialists.models import Opinion, Referral

RequestStatus = OpinionRequest.Status
Status = Referral.Status
READING_MARGIN = timedelta(days=30)  # how long after its deadline a taken case stays readable


def reopen_opinions(opinion_request: OpinionRequest, *, by: Any) -> list[Referral]:
    """Each signed opinion is open to its author again; the caller has moved the request.

    The time to write is never shorter than the request's own, and the case file is open that long.
    """
    reopened = []
    signed = opinion_request.referrals.filter(status=Status.SIGNED)
    for referral in signed.select_related("opinion__seal", "specialist__user"):
        has_seal = hasattr(referral.opinion, "seal")
        referral.move_to(Status.SEALED if has_seal else Status.TAKEN)
        referral.review_by = max(referral.review_by, opinion_request.due_at)
        referral.save(update_fields=["review_by"])
        Opinion.objects.filter(pk=referral.pk).update(signed_at=None)
        _let_read(referral, by=by)
        tell([referral.specialist.user], "opinion_sent_back", about=referral)
        reopened.append(referral)
    return reopened


def _let_read(referral: Referral, *, by: Any) -> None:
    """Full sight, as whoever has signed already had; nothing when it still lasts long enough."""
    case_file, author = referral.opinion_request.case_file, referral.specialist.user
    live = AccessGrant.objects.live().filter(case_file=case_file, to=author, sight="full")
    until = referral.review_by + READING_MARGIN
    if not live.filter(as_role=SPECIALIST, until__gte=until).exists():
        grant(case_file, to=author, as_role=SPECIALIST, sight="full", until=until, by=by)


@transition
def amend(opinion_request: OpinionRequest, *, reason: str, by: Any) -> None:
    """Something in the delivered report must change: its authors read why, and sign anew."""
    rules.may_amend(by, opinion_request).or_raise()
    _need(reason)
    move(opinion_request, RequestStatus.IN_REVIEW, by=by, verb="request.amended", reason=reason)
    for referral in reopen_opinions(opinion_request, by=by):
        message = Message.objects.create(
            clinic_id=referral.clinic_id,
            opinion_request=opinion_request,
            thread=Message.Thread.SPECIALIST,
            specialist=referral.specialist.user,
            author=by,
            from_clinic=True,
            text=reason,
        )
        note("message.sent", by=by, about=message, role=COORDINATOR, thread="specialist")
    tell(people_of_patient(opinion_request), "report_amending", about=opinion_request)


@transition
def further_opinion(opinion_request: OpinionRequest, *, reason: str, by: Any) -> None:
    """Ask one more specialist; the next version of the report holds every signed opinion."""
    rules.may_ask_further(by, opinion_request).or_raise()
    _need(reason)
    move(opinion_request, RequestStatus.READY, by=by, verb="request.further_opinion", reason=reason)
    tell(people_of_patient(opinion_request), "further_opinion", about=opinion_request)


def _need(reason: str) -> None:
    if not reason.strip():
        not_now(_("Write why. It becomes part of the history.")).or_raise()
