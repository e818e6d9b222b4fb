"""Every change of a document's status. Each step: ask the rule, move, note, tell."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from records import arrivals, rules
from records.blinding_search.asking import search_item
from records.facts.asking import read_facts
from records.models import (
    CaseFile,
    Document,
    DocumentName,
    ImagingIngest,
    RecordRequest,
    Screening,
    Upload,
)
from records.models.document import IMAGING_ARCHIVE
from records.proxies import on_behalf_of
from secondop.audit.trail import note
from secondop.jobs.ring import ring
from secondop.lib.transitions import lock, transition
from secondop.notifications.outbox import tell

Status = Document.Status


@transaction.atomic
def receive(upload: Upload) -> Document | None:
    """Turn a whole upload into a document and its screening; None when that was done before.

    An archive of images becomes no document but a job that takes the images out of it.
    The stored bytes must stand under `upload.key` already.
    """
    upload = Upload.objects.select_for_update().get(pk=upload.pk)
    if upload.finished_at:
        return None
    door = upload.record_request_id  # empty unless it came through a record holder's door
    record_request = arrivals.admit(door) if door else None
    if upload.kind == IMAGING_ARCHIVE:
        _receive_archive(upload, record_request)
        return None
    document = Document.objects.create(
        clinic_id=upload.clinic_id,
        case_file_id=upload.case_file_id,
        by_id=upload.by_id,
        record_request_id=upload.record_request_id,
        kind=upload.kind,
        size_bytes=upload.size_bytes,
        key=upload.key,
        findings={"sent_sha256": upload.sent_sha256} if upload.sent_sha256 else {},
    )
    DocumentName.objects.create(
        document=document,
        clinic_id=upload.clinic_id,
        case_file_id=upload.case_file_id,
        file_name=upload.file_name,
    )
    ring(Screening.objects.create(document=document, clinic_id=upload.clinic_id))
    _is_done(upload)
    note(
        "document.received",
        by=upload.by,
        about=document,
        role=arrivals.RECORD_HOLDER if record_request else "",
        on_behalf_of=on_behalf_of(upload.by, upload.case_file.patient),
        size_bytes=upload.size_bytes,
    )
    if record_request:
        arrivals.arrived(record_request, count=1, size_bytes=upload.size_bytes, what="document")
    return document


def _receive_archive(upload: Upload, record_request: RecordRequest | None) -> None:
    job = ImagingIngest.objects.create(
        clinic_id=upload.clinic_id, case_file_id=upload.case_file_id, by_id=upload.by_id,
        record_request=record_request, key=upload.key,
    )  # fmt: skip
    ring(job)
    _is_done(upload)
    note(
        "imaging.archive_received",
        by=upload.by,
        about=job,
        role=arrivals.RECORD_HOLDER if record_request else "",
        on_behalf_of=on_behalf_of(upload.by, upload.case_file.patient),
        size_bytes=upload.size_bytes,
    )


def _is_done(upload: Upload) -> None:
    upload.file_name, upload.finished_at = "", Now()  # type: ignore[assignment]
    upload.save(update_fields=["file_name", "finished_at"])


@transition
def unpack(document: Document, *, facts: dict[str, Any]) -> None:
    """What was sent as a file is a ZIP, or an image: a job takes out what is in it.

    Called with the screening's closing transaction open. The bytes become the job's, so they are
    neither erased with the row nor kept twice.
    """
    if document.status != Status.SCREENING:
        return  # removed meanwhile
    job = ImagingIngest.objects.create(
        clinic_id=document.clinic_id, case_file_id=document.case_file_id, by_id=document.by_id,
        record_request_id=document.record_request_id, key=document.key,
    )  # fmt: skip
    document.move_to(Status.REMOVED)
    document.key, document.media_type = "", facts["media_type"]
    document.findings = facts["findings"] | {"unpacked": str(job.pk)}
    document.save(update_fields=["key", "media_type", "findings"])
    DocumentName.objects.filter(document=document).delete()
    note("document.unpacked", by=None, about=document)
    ring(job)


@transition
def screened(document: Document, new: str, *, problem: str = "", facts: dict[str, Any]) -> None:
    """Write what screening found. Called with the screening's closing transaction open."""
    if document.status != Status.SCREENING:
        return  # removed meanwhile
    document.move_to(new)  # first: a rejected copy may have the hash of the one that is kept
    for name, value in facts.items():
        setattr(document, name, value)
    document.problem = problem
    document.save(update_fields=[*facts, "problem"])
    note("document.screened", by=None, about=document, status=str(new), problem=problem)
    if new == Status.AVAILABLE:
        search_item("document", document.pk, document.case_file)
        read_facts(document)
    if problem:
        path = reverse("records:documents", args=[document.case_file_id])
        people = [document.by] if document.by else arrivals.clinic_people(document.record_request)
        tell(people, "file_problem", about=document, path=path)


@transition
def set_kind(document: Document, kind: str, *, by: Any) -> None:
    """Say what the document is; the name and the bytes stay as they were sent."""
    rules.may_describe(by, document).or_raise()
    document.kind = kind
    document.save(update_fields=["kind"])
    note("document.described", by=by, about=document, kind=kind)


@transition
def remove(document: Document, *, by: Any) -> None:
    """Take a document back. Its bytes, pages and name are erased by the hourly task."""
    rules.may_remove(by, document).or_raise()
    document.move_to(Status.REMOVED)
    acting_for = on_behalf_of(by, document.case_file.patient)
    note("document.removed", by=by, about=document, on_behalf_of=acting_for)


@transition
def remove_copy(copy: Document, *, by: Any) -> None:
    """Take a copy with covered places back. The original stays."""
    copy.move_to(Document.Status.REMOVED)
    note("document.copy_removed", by=by, about=copy)


def discard_files(case_file: CaseFile, *, by: Any) -> None:
    """Nobody will ever read this case file: take every document back, let unfinished uploads end.

    Inside the caller's transaction. `by` is None when a deadline passed.
    """
    acting_for = on_behalf_of(by, case_file.patient)
    for document in Document.objects.filter(case_file=case_file).order_by("pk"):
        document = lock(document)
        if document.status != Status.REMOVED:
            document.move_to(Status.REMOVED)
            note("document.removed", by=by, about=document, on_behalf_of=acting_for)
    unfinished = Upload.objects.filter(case_file=case_file, finished_at=None)
    unfinished.update(expires_at=Now())


@transition
def quarantine(document: Document, *, reason: str, by: Any = None) -> None:
    """Set a document aside at once, out of every reader's sight."""
    document.problem = reason
    document.save(update_fields=["problem"])
    document.move_to(Status.QUARANTINED)
    note("document.quarantined", by=by, about=document, reason=reason)
