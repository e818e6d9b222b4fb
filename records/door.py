"""What a record holder does at the door: sends files, asks for time, says no, says "that is all".

Nobody signed in: each step takes the link they came in by. SECURITY: nothing of the case file is
read here but what this very link brought: how many, not what.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import arrivals, record_requests, uploads
from records.imaging_archives import ArchiveRow, row_of
from records.legal_clocks import clock_of
from records.models import (
    Document,
    HolderLink,
    ImagingIngest,
    ImagingInstance,
    RecordRequest,
    RecordRequestEvent,
    Upload,
)
from records.problems import problem_of
from secondop.lib.transitions import lock
from secondop.lib.verdicts import YES, Refused, Verdict, not_now

Status = RecordRequest.Status
Kind = RecordRequestEvent.Kind
OPENED_AGAIN = timedelta(hours=1)
ARCHIVES_SHOWN = 20


@dataclass(frozen=True)
class Sent:
    """One thing that came through this link, without its name."""

    number: int
    kind: str
    size_bytes: int
    at: Any
    state: str
    badge: str
    problem: str = ""


def may_send(link: HolderLink) -> Verdict:
    if link.record_request.case_file.is_open_for_records:
        return YES
    return not_now(gettext_lazy("The clinic needs no more records for this. Thank you."))


@transaction.atomic
def opened(link: HolderLink) -> None:
    """Somebody read it: the ask is acknowledged. The same hour is one line of the ledger."""
    record_request = lock(link.record_request)
    since = timezone.now() - OPENED_AGAIN
    if not record_request.events.filter(kind=Kind.OPENED, at__gt=since).exists():
        arrivals.write(record_request, Kind.OPENED, by_holder=True)
        arrivals.note_by_holder("door.opened", link)
    if record_request.status == Status.SENT:
        arrivals.move(record_request, Status.ACKNOWLEDGED, by_holder=True)


def begin_upload(link: HolderLink, *, file_name: str, size_bytes: int, **told: str) -> Upload:
    """Announce a file. Raises Refused with a sentence when it cannot be taken."""
    with transaction.atomic():
        arrivals.admit(link.record_request_id)
    return uploads.begin(
        link.record_request.case_file,
        by=None,
        record_request=link.record_request,
        file_name=file_name,
        size_bytes=size_bytes,
        **told,
    )


def upload_of(link: HolderLink, pk: Any) -> Upload | None:
    """SECURITY: an upload that was begun through this very ask, nobody else's."""
    rows = Upload.objects.filter(by=None, record_request=link.record_request_id)
    return rows.filter(pk=pk).first()


def sent_so_far(link: HolderLink) -> list[Sent]:
    """What this ask brought, oldest first. PRIVACY: numbers in place of names."""
    rows = Document.objects.filter(record_request=link.record_request_id)
    rows = rows.exclude(status=Document.Status.REMOVED).order_by("received_at", "pk")
    sent = [_sent(number, document) for number, document in enumerate(rows[:200], start=1)]
    jobs = ImagingIngest.objects.filter(record_request=link.record_request_id)
    packed = [row_of(job) for job in jobs.order_by("created_at", "pk")[:ARCHIVES_SHOWN]]
    return sent + [
        _archive(number, row)
        for number, row in enumerate(packed, start=len(sent) + 1)
        if row.is_open or row.is_refused or row.problems
    ]


def _archive(number: int, row: ArchiveRow) -> Sent:
    """A ZIP that is being opened, or of which something could not be taken.

    PRIVACY: what came out of it whole is among the files and images: there is no line for it.
    """
    if row.is_open:
        state, badge, why = _("Being checked"), "now", ""
    elif row.is_refused:
        state, badge, why = _("Could not be used"), "bad", row.result
    else:
        state, badge, why = _("A part could not be used"), "wait", " ".join(row.problems)
    return Sent(number, "application/zip", 0, row.job.created_at, state, badge, why)


def _sent(number: int, document: Document) -> Sent:
    if document.status == Document.Status.REJECTED:
        problem = problem_of(document.problem)
        state, badge = _("Could not be used"), "bad"
        why = str(problem.what) if problem else ""
    elif document.status == Document.Status.SCREENING:
        state, badge, why = _("Being checked"), "now", ""
    else:  # held or set aside is the clinic's business
        state, badge, why = _("Received"), "done", ""
    return Sent(
        number, document.media_type, document.size_bytes, document.received_at, state, badge, why
    )


def images_of(link: HolderLink) -> dict[str, int]:
    """SOPInstanceUID and size of what came through this ask: so that nothing is sent twice."""
    rows = ImagingInstance.objects.filter(
        case_file=link.case_file_id, pack__record_request=link.record_request_id
    )
    return dict(rows.values_list("SOPInstanceUID", "size_bytes"))


# --- answers -----------------------------------------------------------------------------------
def _taken(link: HolderLink) -> RecordRequest:
    """The ask, locked, if the door still stands open."""
    return arrivals.admit(link.record_request_id)


@transaction.atomic
def say(link: HolderLink, text: str) -> None:
    """A note to the clinic: a line of the ledger."""
    record_request = _taken(link)
    arrivals.write(record_request, Kind.NOTED, text=text, by_holder=True)
    arrivals.tell_clinic(record_request, "record_holder_wrote")


def keep_context(link: HolderLink, text: str) -> None:
    """What an invited first doctor thinks becomes a document of the case file.

    SECURITY: it has no blinding class, so it is withheld from a sealed reader like everything that
    nobody has classified; after the reveal the specialist reads it.
    """
    if link.record_request.wants_context:
        words = text.encode()
        upload = begin_upload(
            link, file_name=_("Note of the first doctor") + ".txt", size_bytes=len(words)
        )
        uploads.append(upload, BytesIO(words), offset=0, length=len(words))


@transaction.atomic
def need_until(link: HolderLink, day: date, text: str = "") -> None:
    """They name a day. Later than the term and with a reason, it takes the one extension."""
    record_request = _waiting(link)
    if day > record_request.due_at.date() and not record_request.is_extended:
        clock = clock_of(record_request.holder.country, record_request.basis)
        if clock.extension is not None and text.strip():  # the law wants the reason in writing
            record_requests.prolong(record_request, text=text, by_holder=True)
    record_requests.promised(record_request, day=day, text=text, by_holder=True)
    arrivals.tell_clinic(record_request, "record_holder_wrote")


@transaction.atomic
def not_held(link: HolderLink, text: str = "") -> None:
    _end(link, Status.NOT_HELD, text)


@transaction.atomic
def refuse(link: HolderLink, text: str) -> None:
    _end(link, Status.REFUSED, text)


@transaction.atomic
def complete(link: HolderLink, text: str = "") -> None:
    """They say that this is everything."""
    record_request = _waiting(link)
    if not has_sent(record_request):
        not_now(
            _("Nothing has come yet. Send the files first, or say what is in the way.")
        ).or_raise()
    _end(link, Status.RECEIVED, text)


def has_sent(record_request: RecordRequest) -> bool:
    return record_request.events.filter(kind=Kind.ARRIVED).exists()


def _waiting(link: HolderLink) -> RecordRequest:
    record_request = _taken(link)
    if not record_request.is_waiting:
        not_now(
            _("You have answered this already. Please call the clinic to change it.")
        ).or_raise()
    return record_request


def _end(link: HolderLink, outcome: str, text: str) -> None:
    record_request = _waiting(link)
    arrivals.move(record_request, outcome, text=text, by_holder=True)
    arrivals.note_by_holder("record_request.answered", record_request, outcome=str(outcome))
    message = "record_complete" if outcome == Status.RECEIVED else "record_refused"
    arrivals.tell_clinic(record_request, message)


def turn_away(upload: Upload) -> None:
    """Forget what came too late, bytes and name, and leave a line in the ledger."""
    record_request_id = upload.record_request_id
    with suppress(Refused):  # somebody else is at it, and will meet the same end
        uploads.cancel(upload)
    arrivals.refused(record_request_id)
