"""Several readers of one request: a further reader when they differ, a panel and its joint answer.

Each reader is blind to the others until all have sealed; see `rules.may_compare`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from requests_app.models import OpinionRequest
from requests_app.workflow import move, people_of_patient, touch
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.lib.verdicts import not_now
from secondop.notifications.outbox import tell
from specialists import rules
from specialists.comparing import differing, opinions_of
from specialists.models import EarlierOpinion, Panel, PanelSeat, Referral, Specialist

RequestStatus = OpinionRequest.Status
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@transition
def ask_further_reader(
    opinion_request: OpinionRequest,
    *,
    to: Specialist,
    axes: Sequence[str],
    reason: str,
    by: Any,
    summary: str = "",
    answer_by: datetime | None = None,
) -> None:
    """The readers differ and it matters: one more seals an own view, then sees A and B."""
    rules.may_ask_further_reader(by, opinion_request).or_raise()
    rules.may_be_asked(to, opinion_request, rules.involved_in(opinion_request)).or_raise()
    open_axes = {axis.key for axis in differing(opinions_of(opinion_request))}
    if not axes or not set(axes) <= open_axes:
        not_now(_("Choose at least one point on which the readers differ.")).or_raise()
    if not reason.strip():
        not_now(_("Write why it matters. It becomes part of the history.")).or_raise()
    if opinion_request.status == RequestStatus.QUALITY_CHECK:
        move(opinion_request, RequestStatus.IN_REVIEW, by=by, verb="request.further_reader",
             reason=reason)  # fmt: skip
    else:
        touch(opinion_request, by=by)
        note("request.further_reader", by=by, about=opinion_request, axes=sorted(axes))
    clinic = opinion_request.clinic
    answer_by = answer_by or timezone.now() + timedelta(hours=clinic.offer_hours)
    referral = Referral.objects.create(
        clinic_id=opinion_request.clinic_id,
        opinion_request=opinion_request,
        specialist=to,
        part=Referral.Part.FURTHER,
        review_mode=opinion_request.review_mode,
        offered_by=by,
        offer_summary=summary,
        answer_by=answer_by,
        review_by=answer_by + timedelta(hours=clinic.review_hours),
    )
    opinion_request.due_at = max(opinion_request.due_at, answer_by)
    opinion_request.save(update_fields=["due_at"])
    note("referral.offered", by=by, about=referral, specialist=str(to.pk), part="further")
    tell([to.user], "referral_offered", about=referral)


def draw_letters(referral: Referral, *, by: Any) -> None:
    """Lay the earlier opinions before a further reader in an order that chance draws, once.

    Called by the reveal, in its transaction. The order is kept and audited: it can be checked
    later that names and the order of asking played no part.
    """
    earlier = [one for one in opinions_of(referral.opinion_request) if one.pk != referral.pk]
    secrets.SystemRandom().shuffle(earlier)
    EarlierOpinion.objects.bulk_create(
        EarlierOpinion(clinic_id=referral.clinic_id, referral=referral, earlier=one, letter=letter)
        for letter, one in zip(LETTERS, earlier, strict=False)
    )
    note("opinions.shown", by=by, about=referral.opinion, order=[str(one.pk) for one in earlier])


@transition
def make_panel(
    opinion_request: OpinionRequest, *, lead: Specialist, quorum: dict[str, int], by: Any
) -> None:
    """Name who leads, and how many sealed opinions of which specialty the answer needs."""
    rules.may_make_panel(by, opinion_request).or_raise()
    involved = rules.involved_in(opinion_request)
    if lead.pk not in involved.asked:
        rules.may_be_asked(lead, opinion_request, involved).or_raise()
    wanted = {specialty: n for specialty, n in quorum.items() if n > 0}
    if not wanted:
        not_now(_("Say how many opinions of which specialty are needed.")).or_raise()
    panel, _made = Panel.objects.update_or_create(
        opinion_request=opinion_request,
        defaults={"clinic_id": opinion_request.clinic_id, "lead": lead, "made_by": by},
    )
    panel.seats.all().delete()
    PanelSeat.objects.bulk_create(
        PanelSeat(clinic_id=panel.clinic_id, panel=panel, specialty=specialty, needed=n)
        for specialty, n in wanted.items()
    )
    opinion_request.referrals.open().update(panel=panel)
    touch(opinion_request, by=by)
    note("panel.made", by=by, about=panel, lead=str(lead.pk), needed=sum(wanted.values()))


@transition
def answer_jointly(referral: Referral, *, text: str, by: Any) -> None:
    """The lead writes what the panel says together, after everybody has sealed."""
    rules.may_answer_jointly(by, referral).or_raise()
    if not text.strip():
        not_now(_("Write the joint answer first.")).or_raise()
    panel = Panel.objects.select_for_update(of=("self",)).get(referrals=referral)
    panel.joint_answer, panel.answered_at = text, timezone.now()
    panel.save(update_fields=["joint_answer", "answered_at"])
    note("panel.answered", by=by, about=panel)


@transition
def stop_looking(opinion_request: OpinionRequest, *, by: Any) -> None:
    """Nobody was found for one more opinion: the delivered report stands as it is."""
    rules.may_stop_looking(by, opinion_request).or_raise()
    move(opinion_request, RequestStatus.DELIVERED, by=by, verb="request.stopped_looking")
    tell(people_of_patient(opinion_request), "further_stopped", about=opinion_request)
