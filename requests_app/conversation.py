"""What the clinic writes to the patient, and what was read. For the pages of clinic staff."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from records.blinding_search.asking import search_item
from requests_app import rules
from requests_app.models import Message, OpinionRequest
from requests_app.workflow import people_of_patient
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.notifications.outbox import tell


@transition
def write_to_patient(opinion_request: OpinionRequest, *, text: str, by: Any) -> None:
    """A message from the clinic. It moves nothing: asking for something is `ask_patient`."""
    rules.may_coordinate(by, opinion_request).or_raise()
    rules.may_write_message(by, opinion_request).or_raise()
    message = Message.objects.create(
        clinic_id=opinion_request.clinic_id,
        opinion_request=opinion_request,
        thread=Message.Thread.PATIENT,
        author=by,
        from_clinic=True,
        text=text,
    )
    note("message.sent", by=by, about=message, role=COORDINATOR, thread="patient")
    search_item("message", message.pk, opinion_request.case_file)
    path = reverse("requests:messages", args=[opinion_request.pk])
    tell(
        people_of_patient(opinion_request), "message_for_patient", about=opinion_request, path=path
    )


def mark_read_by_clinic(messages: QuerySet[Message]) -> int:
    """What the other side wrote counts as read once somebody at the clinic has it on screen."""
    return messages.filter(from_clinic=False, read_at=None).update(read_at=timezone.now())
