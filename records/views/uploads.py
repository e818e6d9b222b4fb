"""The tus 1.0 protocol over `records.uploads`, and the plain form for browsers without JavaScript.

Extensions: creation, termination, expiration, checksum. CSRF protected like every page: the client
sends the token. Source: https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import http_date, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from records import uploads
from records.models import CaseFile, Upload
from secondop.lib.access import get_visible
from secondop.lib.verdicts import Refused

VERSION = "1.0.0"
ALGORITHMS = ("sha1", "sha256")
View = Callable[..., HttpResponse]


def tus(view: View) -> View:
    """Speak the protocol's headers; answer refusals with the bare sentence the uploader shows."""

    @wraps(view)
    def speaking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
            response["Tus-Extension"] = "creation,termination,expiration,checksum"
            response["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
            response["Tus-Max-Size"] = str(settings.MAX_DOCUMENT_BYTES)
            response["Tus-Version"] = VERSION
        elif request.headers.get("Tus-Resumable") != VERSION:
            response = _sentence(_("This page is out of date. Reload it and try again."), 412)
            response["Tus-Version"] = VERSION
        else:
            try:
                response = view(request, *args, **kwargs)
            except Refused as refused:
                response = _sentence(refused.reason, refused.status)
        response["Tus-Resumable"] = VERSION
        response["Cache-Control"] = "no-store"
        return response

    return speaking


def _sentence(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


@transaction.non_atomic_requests
@tus
def upload_create(request: HttpRequest, pk: UUID) -> HttpResponse:
    case_file = get_visible(CaseFile, request.user, pk, as_="filler")
    upload = uploads.begin(case_file, by=request.user, **announced(request))
    return created(upload, reverse("records:upload", args=[upload.pk]))


def announced(request: HttpRequest) -> dict[str, Any]:
    """What the creation request says of the file. Raises Refused."""
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    length = request.headers.get("Upload-Length", "")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise Refused(_("The size of the file was not told."), 400)
    return {
        "file_name": told.get("filename", ""),
        "size_bytes": int(length),
        "kind": told.get("kind", ""),
        "sent_sha256": _hex64(told.get("sha256", "")),
    }


def created(upload: Upload, address: str) -> HttpResponse:
    response = HttpResponse(status=201)
    response["Location"] = address
    return _with_expiry(response, upload)


@transaction.non_atomic_requests
@tus
def upload(request: HttpRequest, pk: UUID) -> HttpResponse:
    return go_on(request, get_visible(Upload, request.user, pk))


def go_on(request: HttpRequest, row: Upload) -> HttpResponse:
    """HEAD, PATCH or DELETE of an upload; whose it is was asked by the caller."""
    if request.method == "HEAD":
        return _tell_offset(row)
    if request.method == "DELETE":
        uploads.cancel(row)
        return HttpResponse(status=204)
    return _take_bytes(request, row)


def _tell_offset(upload: Upload) -> HttpResponse:
    uploads.resume(upload)  # never say "all here" before it is a document
    response = HttpResponse(status=200)
    response["Upload-Offset"] = str(upload.offset_bytes)
    response["Upload-Length"] = str(upload.size_bytes)
    return _with_expiry(response, upload)


def _take_bytes(request: HttpRequest, upload: Upload) -> HttpResponse:
    if request.content_type != "application/offset+octet-stream":
        raise Refused(_("This page is out of date. Reload it and try again."), 415)
    offset = request.headers.get("Upload-Offset", "")
    length = request.headers.get("Content-Length", "")
    if not re.fullmatch(r"[0-9]{1,18}", offset) or not re.fullmatch(r"[0-9]{1,18}", length):
        raise Refused(_("The place in the file was not told."), 400)
    try:
        uploads.append(
            upload, request, offset=int(offset), length=int(length), checksum=_checksum(request)
        )
    except uploads.WrongOffset as wrong:
        response = _sentence(_("The file goes on at another place."), 409)
        response["Upload-Offset"] = str(wrong.offset)
        return response
    except uploads.ChecksumMismatch:
        return _sentence(_("A piece of the file changed on the way. It will be sent again."), 460)
    except UnreadablePostError:
        return _sentence(_("The connection was cut. It will go on from there."), 408)
    response = HttpResponse(status=204)
    response["Upload-Offset"] = str(upload.offset_bytes)
    return _with_expiry(response, upload)


def _with_expiry(response: HttpResponse, upload: Upload) -> HttpResponse:
    if not upload.finished_at:
        response["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    return response


def _metadata(header: str) -> dict[str, str]:
    """Read `Upload-Metadata: name base64,name base64`. What cannot be read is left out."""
    found = {}
    for pair in header.split(",")[:20]:
        name, _space, value = pair.strip().partition(" ")
        try:
            found[name] = b64decode(value, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            continue
    return found


def _hex64(text: str) -> str:
    return text.lower() if re.fullmatch(r"[0-9a-fA-F]{64}", text) else ""


def _checksum(request: HttpRequest) -> uploads.Checksum | None:
    header = request.headers.get("Upload-Checksum", "")
    if not header:
        return None
    algorithm, _space, value = header.partition(" ")
    if algorithm not in ALGORITHMS:
        raise Refused(_("This kind of checksum is not known here."), 400)
    try:
        return uploads.Checksum(algorithm, b64decode(value, validate=True))
    except binascii.Error:
        raise Refused(_("The checksum cannot be read."), 400) from None


@transaction.non_atomic_requests
def upload_simple(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The form without JavaScript: Django has streamed each file to disk; the rest is the same."""
    case_file = get_visible(CaseFile, request.user, pk, as_="filler")
    back = _back(request, case_file)
    files = request.FILES.getlist("files")
    if not files:
        messages.error(request, _("Choose a file first."))
    for file in files:
        _take_file(request, case_file, file)
    return redirect(back)


def _take_file(request: HttpRequest, case_file: CaseFile, file: UploadedFile[Any]) -> None:
    name = uploads.clean_name(file.name or "")
    try:
        upload = uploads.begin(
            case_file,
            by=request.user,
            file_name=name,
            size_bytes=file.size or 0,
            kind=request.POST.get("kind", ""),
        )
        uploads.append(upload, file, offset=0, length=upload.size_bytes)
    except Refused as refused:
        messages.error(request, f"{name}: {refused.reason}")
    else:
        messages.success(request, _("%(name)s is here and is being checked.") % {"name": name})


def _back(request: HttpRequest, case_file: CaseFile) -> str:
    """The page the form stood on, if it is ours; else the list of documents."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return reverse("records:documents", args=[case_file.pk])
