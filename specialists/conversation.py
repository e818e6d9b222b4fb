"""What the clinic writes to one specialist. For the coordinators' pages."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from requests_app.models import Message
from requests_app.rules import may_coordinate
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.notifications.outbox import tell
from specialists.models import Referral


@transition
def write_to_specialist(referral: Referral, *, text: str, by: Any) -> None:
    """A message from the clinic in the thread with this specialist alone."""
    may_coordinate(by, referral.opinion_request).or_raise()
    message = Message.objects.create(
        clinic_id=referral.clinic_id,
        opinion_request=referral.opinion_request,
        thread=Message.Thread.SPECIALIST,
        specialist=referral.specialist.user,
        author=by,
        from_clinic=True,
        text=text,
    )
    note("message.sent", by=by, about=message, role=COORDINATOR, thread="specialist")
    path = reverse("specialists:thread", args=[referral.pk])
    tell([referral.specialist.user], "message_for_specialist", about=referral, path=path)
