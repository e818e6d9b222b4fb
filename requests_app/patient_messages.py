"""The patient's side of the thread with the clinic: read, write, mark as read."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from records.blinding_search.asking import search_item
from records.proxies import on_behalf_of
from requests_app import rules
from requests_app.models import Message, OpinionRequest
from requests_app.workflow import coordinators_of, staff_path
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.notifications.outbox import tell


def thread(opinion_request: OpinionRequest) -> QuerySet[Message]:
    rows = opinion_request.messages.filter(thread=Message.Thread.PATIENT)
    return rows.select_related("author").order_by("sent_at", "id")


def unread(opinion_request: OpinionRequest) -> int:
    return thread(opinion_request).filter(from_clinic=True, read_at=None).count()


def mark_read(opinion_request: OpinionRequest) -> None:
    """The patient has the clinic's messages on screen."""
    new = thread(opinion_request).filter(from_clinic=True, read_at=None)
    new.update(read_at=timezone.now())


@transition
def write(opinion_request: OpinionRequest, *, text: str, by: Any) -> None:
    """A message to the clinic. It moves nothing. The same text within a minute is sent once."""
    rules.may_write_message(by, opinion_request).or_raise()
    last = thread(opinion_request).filter(author=by, from_clinic=False).last()
    if last and last.text == text and (timezone.now() - last.sent_at).total_seconds() < 60:
        return
    acting_for = on_behalf_of(by, opinion_request.case_file.patient)
    message = Message.objects.create(
        clinic_id=opinion_request.clinic_id,
        opinion_request=opinion_request,
        thread=Message.Thread.PATIENT,
        author=by,
        on_behalf_of=acting_for,
        from_clinic=False,
        text=text,
    )
    note("message.sent", by=by, about=message, on_behalf_of=acting_for, thread="patient")
    search_item("message", message.pk, opinion_request.case_file)
    tell(
        coordinators_of(opinion_request),
        "message_for_clinic",
        about=opinion_request,
        path=staff_path(opinion_request),
    )
