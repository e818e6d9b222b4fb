"""What comes through a record holder's door: whether it may still come in, and the ledger's line.

Asked by the workflows of documents and images inside the transaction that stores something.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from records.ledger_workflow import move, write
from records.models import CaseFile, HolderLink, RecordRequest, RecordRequestEvent
from secondop.accounts.models import User
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.verdicts import Refused
from secondop.notifications.outbox import tell

__all__ = [
    "ENDED",
    "GONE",
    "RECORD_HOLDER",
    "admit",
    "arrived",
    "clinic_people",
    "is_open",
    "move",
    "note_by_holder",
    "refused",
    "tell_clinic",
    "write",
]
Kind = RecordRequestEvent.Kind
Status = RecordRequest.Status
GONE = 410
ENDED = _("This link has ended, so nothing more can be sent. Please call the clinic.")
NOT_NEEDED = _(
    "The clinic needs no more records for this. Thank you. Please call if you are unsure."
)
RECORD_HOLDER = "record_holder"  # the role that the audit trail names


def is_open(record_request_id: Any) -> bool:
    """Whether the door stands open now: signed, not taken back, not too late."""
    return HolderLink.objects.live().filter(record_request=record_request_id).exists()


def admit(record_request_id: Any) -> RecordRequest:
    """Lock the ask and let one thing in. Raises Refused (410): nothing of it may be kept.

    SECURITY: whoever takes a permission back locks the same row first, so that a thing is either
    stored and in the ledger before, or refused after.
    """
    rows = RecordRequest.objects.select_for_update(of=("self",))
    record_request: RecordRequest = rows.get(pk=record_request_id)
    if not is_open(record_request_id):
        raise Refused(ENDED, GONE)
    if not CaseFile.objects.filter(
        pk=record_request.case_file_id, is_open_for_records=True
    ).exists():
        raise Refused(NOT_NEEDED, GONE)
    return record_request


def arrived(record_request: RecordRequest, *, count: int, size_bytes: int, what: str) -> None:
    """One file, or one batch of images, is stored. `what`: "document", "images" or "archive"."""
    first = record_request.status in (Status.SENT, Status.ACKNOWLEDGED, Status.PROMISED)
    write(
        record_request, Kind.ARRIVED, by_holder=True, count=count, size_bytes=size_bytes, new=what
    )
    if first:
        move(record_request, Status.PARTLY_RECEIVED, by_holder=True)
        tell_clinic(record_request, "record_arrived", once=f"arrived:{record_request.pk}")


def refused(record_request_id: Any) -> None:
    """Something came after the end: the ledger says so, without saying what it was."""
    record_request = RecordRequest.objects.get(pk=record_request_id)
    write(record_request, Kind.REFUSED_AT_DOOR, by_holder=True)


def clinic_people(record_request: RecordRequest | None) -> list[User]:
    """Whoever asked, if they still work there; else every coordinator of the clinic."""
    if record_request is None:
        return []
    person = record_request.created_by
    if person.is_active and person.works_as(COORDINATOR, record_request.clinic_id):
        return [person]
    return list(User.objects.working_as(COORDINATOR, clinic_id=record_request.clinic_id))


def tell_clinic(record_request: RecordRequest, message: str, *, once: str = "") -> None:
    tell(clinic_people(record_request), message, about=record_request, once=once)


def note_by_holder(verb: str, about: Any, **details: Any) -> None:
    """Nobody with an account did it: the trail names the role, and the ask as a detail."""
    note(verb, by=None, about=about, role=RECORD_HOLDER, **details)
