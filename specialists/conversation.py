"""What the clinic writes to one specialist. For the coordinators' pages."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from records.blinding_search.asking import search_item
from requests_app.models import Message
from requests_app.rules import may_coordinate
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.lib.verdicts import not_now
from secondop.notifications.outbox import tell
from specialists import rules
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
    search_item("message", message.pk, referral.opinion_request.case_file)
    path = reverse("specialists:thread", args=[referral.pk])
    tell([referral.specialist.user], "message_for_specialist", about=referral, path=path)


@transition
def withhold_message(referral: Referral, *, pk: Any, by: Any) -> None:
    """Take a message out of a sealed reader's thread. It comes back with the reveal.

    That the reader had opened it already (`read_at`) is kept, graded and printed.
    """
    rules.may_withhold_messages(by, referral).or_raise()
    rows = Message.objects.select_for_update(of=("self",)).filter(
        opinion_request=referral.opinion_request_id, thread=Message.Thread.SPECIALIST,
        specialist=referral.specialist.user_id, from_clinic=True, withheld_at=None,
    )  # fmt: skip
    message = rows.filter(pk=pk).first()
    if message is None:
        not_now(_("This message is withheld already.")).or_raise()
    assert message is not None  # noqa: S101  (or_raise has raised)
    message.withheld_at, message.withheld_by = timezone.now(), by
    message.save(update_fields=["withheld_at", "withheld_by"])
    is_opened = message.read_at is not None
    note("message.withheld", by=by, about=message, role=COORDINATOR, is_opened=is_opened)
