"""STOW-RS: objects in, as one batch and one pack. Source: PS3.18 section 10.5."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from records import imaging_lane, rules
from records.dicom.ingest import Batch, Result
from records.dicom.problems import sentence
from records.imaging import view_of
from records.imaging_workflow import note_refused
from records.models import CaseFile
from records.uploads import MIN_FREE_BYTES, held_bytes
from secondop.api.dicomweb import measurements, multipart
from secondop.api.dicomweb.answers import dicom_json, edge, failure
from secondop.lib.verdicts import Refused

MAX_BATCH_BYTES = 4 * 1024**3
MAX_PARTS = 20_000
# FailureReason, PS3.18 table I.2-2
REASONS = {"other_bytes": 0x0111, "not_storable": 0x0122, "other_study": 0xC409, "bad_uid": 0xC000}
DICOM_PART = re.compile(
    r"content-type\s*:\s*application/dicom\s*(;|$)", re.IGNORECASE | re.MULTILINE
)


@edge
def store(request: HttpRequest, pk: UUID, study: str = "") -> HttpResponseBase:
    """Take in the objects of a body; each gets its own answer.

    SECURITY: routed without CSRF token, since DICOMweb clients send none: see
    `refuse_foreign_pages`. Outside any transaction: bodies are long.
    """
    refuse_foreign_pages(request)
    case_file = _filled_by_the_short_way(request, pk)
    if case_file is None:
        view = view_of(request.user, pk)
        if not view.fills:
            return measurements.store(request, view)
        case_file = view.case_file
        imaging_lane.remember(view, request.session.session_key)
    measurements.refuse_from_viewer(request)
    rules.are_records_open(case_file).or_raise()
    return take(request, case_file, by=request.user, study=study)[0]


def _filled_by_the_short_way(request: HttpRequest, pk: UUID) -> CaseFile | None:
    """A study comes in many batches: who brought the one before is asked about in one query."""
    view = imaging_lane.view(request.session.session_key or "", pk)
    return view.case_file if view and view.fills else None


def take(
    request: HttpRequest, case_file: CaseFile, *, by: Any, study: str = ""
) -> tuple[HttpResponse, int]:
    """The answer, and how many objects are new. Who may send was decided by the caller."""
    content_type = request.headers.get("Content-Type", "")
    if not content_type.lower().startswith("multipart/related"):
        return failure(415, "Send multipart/related with parts of application/dicom."), 0
    if 'type="application/dicom' in content_type and 'type="application/dicom"' not in content_type:
        return failure(415, "Only application/dicom can be stored."), 0
    body = _body(request, case_file)
    boundary = multipart.boundary_of(content_type)
    with Batch(case_file, by=by, study_uid=study) as batch:
        multipart.feed(body, boundary, _Parts(batch))
        results = batch.close()
    if refused := Counter(r.problem for r in results if r.problem):
        note_refused(case_file, refused, by=by)
    return _answer(results, case_file.pk), sum(r.is_new for r in results)


def refuse_foreign_pages(request: HttpRequest) -> None:
    """Another site's page can send neither this content type nor this origin unasked."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", "")
    foreign = origin and urlsplit(origin).netloc != request.get_host()
    if site not in ("same-origin", "none") or foreign:
        raise Refused(_("This request came from another site."), 403)


def _body(request: HttpRequest, case_file: CaseFile) -> multipart.Readable:
    """The body to read, once it is known to fit; one of unknown length is bounded as it comes."""
    length, room = request.headers.get("Content-Length", ""), _room(case_file)
    if length.isascii() and length.isdigit():
        if int(length) > MAX_BATCH_BYTES:
            raise Refused(_("This is more than we can take at once. Send it in parts."), 413)
        _refuse_more_than(room, int(length))
        return request
    # Archives such as Orthanc send in chunks. The server must say that it marks their end.
    if not request.META.get("wsgi.input_terminated"):
        raise Refused(_("The size of the images was not told."), 411)
    _refuse_more_than(room, 1)
    return _Chunks(request.META["wsgi.input"], min(room, MAX_BATCH_BYTES))


def _room(case_file: CaseFile) -> int:
    """Bytes this case file may still hold."""
    return int(settings.MAX_CASE_FILE_BYTES) - held_bytes(case_file)


def _refuse_more_than(room: int, length: int) -> None:
    if length > room:
        raise Refused(_("There is no room for these images in your case file. Ask us first."), 413)
    settings.UPLOADS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(settings.UPLOADS_DIR).free - length < MIN_FREE_BYTES:
        raise Refused(_("We have no room just now. Please try again later today."), 507)


class _Chunks:
    """A body of unknown length, cut off at the most it may be."""

    def __init__(self, stream: multipart.Readable, most: int) -> None:
        self._stream, self._left = stream, most

    def read(self, size: int, /) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise Refused(_("This is more than we can take at once. Send it in parts."), 413)
        return block


class _Parts:
    """Hands the parts of a body to a batch."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self._is_dicom = batch, True

    def begin(self, headers: str) -> None:
        if len(self.batch.results) >= MAX_PARTS:
            raise multipart.Malformed
        self._is_dicom = not headers or "content-type" not in headers.lower() or bool(
            DICOM_PART.search(headers)
        )  # fmt: skip
        self.batch.begin()

    def write(self, block: memoryview) -> None:
        if self._is_dicom:
            self.batch.write(block)

    def finish(self) -> None:
        if self._is_dicom:
            self.batch.finish()
        else:
            self.batch.refuse("not_dicom")


def _answer(results: list[Result], pk: UUID) -> HttpResponse:
    root = reverse("dicomweb:studies", args=[pk])
    stored = [_reference(r, root) for r in results if not r.problem]
    failed = [_reference(r, root) | _reason(r) for r in results if r.problem and r.received]
    other = [_reason(r) for r in results if r.problem and not r.received]
    body: dict[str, Any] = {}
    for tag, items in (("00081199", stored), ("00081198", failed), ("0008119A", other)):
        if items:
            body[tag] = {"vr": "SQ", "Value": items}
    studies = {r.received.study_uid for r in results if r.received and not r.problem}
    if len(studies) == 1:
        body["00081190"] = {"vr": "UR", "Value": [f"{root}/{studies.pop()}"]}
    status = 200 if not failed and not other else 202 if stored else 409
    if not results:
        return failure(400, "The body held no parts.")
    return dicom_json(json.dumps(body), status=status)


def _reference(result: Result, root: str) -> dict[str, Any]:
    one = result.received
    if one is None:
        return {}
    path = f"{root}/{one.study_uid}/series/{one.series_uid}/instances/{one.instance_uid}"
    named = {
        "00081150": {"vr": "UI", "Value": [one.class_uid]},
        "00081155": {"vr": "UI", "Value": [one.instance_uid]},
    }
    return named if result.problem else named | {"00081190": {"vr": "UR", "Value": [path]}}


def _reason(result: Result) -> dict[str, Any]:
    """The standard's number for machines, and our sentence for the person who sent it."""
    return {
        "00081197": {"vr": "US", "Value": [REASONS.get(result.problem, 0xC000)]},
        "00000902": {"vr": "LO", "Value": [sentence(result.problem)]},
    }
