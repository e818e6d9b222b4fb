"""The whole case file to take away: what it holds, and the ZIP. For who fills the case file.

PRIVACY: everything under its own name, so nobody who reviews gets it, sealed or not: a specialist
knows the patient by an alias. For them these addresses do not exist.
"""

from __future__ import annotations

import re
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render

from records.blinding import sight_of
from records.documents import role_in
from records.export.contents import Contents
from records.export.streaming import Copy
from records.models import CaseFile
from records.proxies import on_behalf_of
from records.views.documents import next_path
from secondop.accounts.roles import PATIENT
from secondop.audit.trail import note
from secondop.lib.access import get_visible

RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?")


def _contents(request: HttpRequest, pk: UUID) -> Contents:
    rows = CaseFile.objects.select_related("patient", "clinic")
    case_file = get_visible(rows, request.user, pk, as_="filler")
    if sight_of(request.user, case_file) != "full":
        raise Http404
    return Contents(case_file, request.user)


def export(request: HttpRequest, pk: UUID) -> HttpResponse:
    contents = _contents(request, pk)
    context = {
        "case_file": contents.case_file,
        "contents": contents,
        "totals": contents.totals,
        "next_url": next_path(request, ""),
    }
    return render(request, "records/export/export.html", context)


@transaction.non_atomic_requests
def export_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Straight from storage: rows are read before, bytes while they leave."""
    with transaction.atomic():
        contents = _contents(request, pk)
        copy = Copy(contents)
        if request.method == "GET":
            _note(request, contents)
    start, end = _wanted(request, copy)
    is_part = (start, end) != (0, copy.size_bytes)
    if not 0 <= start < end <= copy.size_bytes:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{copy.size_bytes}"
        return response
    response = StreamingHttpResponse(
        copy.blocks(start, end), content_type="application/zip", status=206 if is_part else 200
    )
    response["Content-Length"] = str(end - start)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = copy.etag
    if is_part:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{copy.size_bytes}"
    alias = contents.case_file.alias
    response["Content-Disposition"] = f'attachment; filename="case-file-{alias}.zip"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _wanted(request: HttpRequest, copy: Copy) -> tuple[int, int]:
    """First byte, and the one behind the last. A download that broke off goes on from there.

    Only behind the tag of the same copy (`If-Range`): after any change it begins anew.
    """
    found = RANGE.fullmatch(request.headers.get("Range", ""))
    if not found or request.headers.get("If-Range", "") != copy.etag:
        return 0, copy.size_bytes
    end = int(found[2]) + 1 if found[2] else copy.size_bytes
    return int(found[1]), min(end, copy.size_bytes)


def _note(request: HttpRequest, contents: Contents) -> None:
    case_file = contents.case_file
    role = role_in(case_file, request.user)
    acting_for = on_behalf_of(request.user, case_file.patient) if role == PATIENT else None
    note(
        "case_file.copied",
        by=request.user,
        about=case_file,
        role=role,
        on_behalf_of=acting_for,
        documents=len(contents.originals),
        images=contents.image_count,
    )
