"""Rendered frames and thumbnails. Source: PS3.18 sections 10.4.3.2 and 10.4.4. JPEG only."""

from __future__ import annotations

import re
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from records.dicom import packs, retrieval, thumbnails
from records.dicom.values import VIDEO
from records.imaging import view_of
from records.models import ImagingInstance
from secondop.api.dicomweb import accept
from secondop.api.dicomweb.answers import edge, failure, is_unchanged, unchanged
from secondop.api.dicomweb.query import BadQuery
from secondop.api.dicomweb.retrieve import KEPT

JPEG, PDF = "image/jpeg", "application/pdf"
ENCAPSULATED_PDF, PDF_TAG = "1.2.840.10008.5.1.4.1.1.104.1", "00420011"
PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
VIDEOS = ("video/mp4", "video/mpeg")
EDGES = (64, 128, 256, 512, 1024, 2048)


@transaction.non_atomic_requests
@edge
def thumbnail(
    request: HttpRequest,
    pk: UUID,
    study: str,
    series: str = "",
    instance: str = "",
    number: int = 0,
) -> HttpResponseBase:
    """A small picture of a frame, an instance, a series or a study."""
    chosen = _chosen(request, pk, study, series, instance)
    return _picture(request, chosen, number, _edge_asked(request) or thumbnails.EDGE)


@transaction.non_atomic_requests
@edge
def rendered(
    request: HttpRequest,
    pk: UUID,
    study: str,
    series: str = "",
    instance: str = "",
    number: int = 0,
) -> HttpResponseBase:
    """A frame in the window of its file, in full size unless a viewport is asked; a letter as PDF.

    Source of the latter: PS3.18 table 8.7.4-1, encapsulated documents.
    """
    chosen = _chosen(request, pk, study, series, instance, JPEG, PDF, *VIDEOS)
    if chosen.SOPClassUID == ENCAPSULATED_PDF:
        return _letter(chosen)
    if VIDEO.match(chosen.TransferSyntaxUID):
        return _video(request, chosen)
    accept.choose(request, JPEG)
    return _picture(request, chosen, number, _edge_asked(request))


def _video(request: HttpRequest, instance: ImagingInstance) -> HttpResponseBase:
    """A video is rendered by who plays it: its stored stream, under its own type (8.7.4)."""
    try:
        offset, length = retrieval.frame(instance, 1)
    except retrieval.NoSuchFrame:
        raise Http404 from None
    kind = VIDEOS[0 if packs.read(instance.pack.key, offset, 12)[4:8] == b"ftyp" else 1]
    try:
        accept.choose(request, kind)
    except accept.NotAcceptable:
        return failure(406, f"No preview: this is a video, which is sent as {kind}.")
    response = StreamingHttpResponse(
        packs.blocks(instance.pack.key, offset, length), content_type=kind
    )
    response["Content-Length"] = str(length)
    response["Cache-Control"] = KEPT
    return response


def _chosen(
    request: HttpRequest, pk: UUID, study: str, series: str, instance: str, *types: str
) -> ImagingInstance:
    view = view_of(request.user, pk)
    accept.choose(request, *(types or (JPEG,)))
    if instance:
        return view.instance(study, series, instance)
    if series:
        rows = view.instances().filter(series=view.one_series(study, series))
    else:
        rows = view.instances().filter(study=view.study(study))
    found = thumbnails.representative(rows)
    if found is None:
        raise Http404
    return found


def _letter(instance: ImagingInstance) -> HttpResponseBase:
    """The PDF inside an object, for the viewer's frame. Sealed readers never come here.

    SECURITY: foreign bytes in our origin. The browser's own PDF program shows them; the policy lets
    them ask for nothing, and only our pages may frame them.
    """
    place = retrieval.bulk(instance, PDF_TAG)
    if place is None:
        raise Http404
    response = StreamingHttpResponse(packs.blocks(instance.pack.key, *place), content_type=PDF)
    response["Content-Length"] = str(place[1])
    response["Content-Disposition"] = 'inline; filename="letter.pdf"'
    response["Content-Security-Policy"] = PDF_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _edge_asked(request: HttpRequest) -> int:
    """The longest side of the viewport asked for, in one of a few steps; 0 for none."""
    asked = request.GET.get("viewport", "")
    if not asked:
        return 0
    found = re.fullmatch(r"([0-9]{1,5}),([0-9]{1,5})(,.*)?", asked)
    if not found:
        raise BadQuery
    longest = max(int(found[1]), int(found[2]))
    return next((edge for edge in EDGES if edge >= longest), EDGES[-1])


def _picture(
    request: HttpRequest, instance: ImagingInstance, number: int, longest: int
) -> HttpResponseBase:
    if number > instance.frame_count:
        raise Http404
    made = thumbnails.picture(instance, number or (instance.frame_count + 1) // 2, longest)
    if not made.key:
        return failure(406, "No preview: nothing here decodes this image. The original is kept.")
    if is_unchanged(request, made.pk.hex):
        return unchanged(made.pk.hex)
    response = HttpResponse(packs.read(made.key, 0, made.size_bytes), content_type=JPEG)
    response["ETag"] = f'"{made.pk.hex}"'
    response["Cache-Control"] = KEPT
    return response
