"""WADO-RS: metadata, frames, whole objects, bulk data. Source: PS3.18 section 10.4."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from records import imaging_lane
from records.dicom import metadata, packs, retrieval, zipping
from records.dicom.projection import PALETTES, PIXEL_TAGS
from records.imaging import View, view_of
from records.models import ImagingInstance, ImagingSeries
from secondop.api.dicomweb import accept, measurements
from secondop.api.dicomweb.accept import DICOM, DICOM_JSON, OCTETS
from secondop.api.dicomweb.answers import (
    dicom_json,
    edge,
    in_parts,
    is_unchanged,
    unchanged,
)
from secondop.api.dicomweb.frame_answers import KEPT as KEPT
from secondop.api.dicomweb.frame_answers import frame_answer, frame_types
from secondop.api.dicomweb.query import BadQuery
from secondop.api.dicomweb.store import store

MAX_FRAMES = 1000
ZIP = "application/zip"  # as supplement 211 has it


def _root(pk: UUID) -> str:
    return reverse("dicomweb:studies", args=[pk]).removesuffix("/studies")


# --- metadata ------------------------------------------------------------------------------------
@transaction.non_atomic_requests
@edge
def series_metadata(request: HttpRequest, pk: UUID, study: str, series: str) -> HttpResponseBase:
    """The stored document as it is; it was built by the first who asked after a batch."""
    view = view_of(request.user, pk)
    imaging_lane.remember(view, request.session.session_key)
    return tell_series_metadata(request, view, study, series)


def tell_series_metadata(
    request: HttpRequest, view: View, study: str, series: str
) -> HttpResponseBase:
    """The answer to somebody whose view of the case file is known."""
    pk = view.case_file.pk
    accept.choose(request, DICOM_JSON, "application/json")
    try:
        found = view.one_series(study, series)
    except Http404:
        return measurements.metadata(view, study, series)
    view.note_opened(found.study)
    document = metadata.for_series(view, found, _root(pk))
    etag = document.pk.hex
    if is_unchanged(request, etag):
        return unchanged(etag)
    body = packs.read(document.key, 0, document.size_bytes)
    response = HttpResponse(body, content_type=DICOM_JSON)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response["Content-Encoding"] = "gzip"
    else:
        response.content = metadata.unpacked(body)
    response["ETag"] = f'"{etag}"'
    return response


@edge
def study_metadata(request: HttpRequest, pk: UUID, study: str) -> HttpResponseBase:
    view = view_of(request.user, pk)
    accept.choose(request, DICOM_JSON, "application/json")
    found = view.study(study)
    view.note_opened(found)
    every = view.series().filter(study=found).select_related("study").order_by("pk")
    texts = [metadata.text_of(view, one, _root(pk))[1:-1] for one in every]
    return dicom_json("[" + ",".join(filter(None, texts)) + "]")


@edge
def instance_metadata(
    request: HttpRequest, pk: UUID, study: str, series: str, instance: str
) -> HttpResponseBase:
    view = view_of(request.user, pk)
    accept.choose(request, DICOM_JSON, "application/json")
    try:
        found = view.instance(study, series, instance)
    except Http404:
        return measurements.metadata(view, study, series, instance)
    one = ImagingSeries.objects.select_related("study").filter(pk=found.series_id)[0]
    view.note_opened(one.study)
    return dicom_json("[" + metadata.lines_of(view, one, [found], _root(pk))[0] + "]")


# --- frames --------------------------------------------------------------------------------------
@edge
def frames(
    request: HttpRequest, pk: UUID, study: str, series: str, instance: str, numbers: str
) -> HttpResponseBase:
    """Stored byte ranges, never decoded, under their true media type."""
    view = view_of(request.user, pk)
    found = view.instance(study, series, instance)
    wanted = _numbers(numbers)
    imaging_lane.remember(view, request.session.session_key)
    try:
        places = [retrieval.frame(found, number) for number in wanted]
    except retrieval.NoSuchFrame:
        raise Http404 from None
    syntax = found.TransferSyntaxUID
    if len(places) == 1:
        return frame_answer(
            request, found.pk, found.pack.key, syntax, places[0], is_sealed=view.is_sealed,
            pixels=retrieval.pixels_of(found),
        )  # fmt: skip
    media_type, full_type = frame_types(syntax)
    if not accept.wants_multipart(request, media_type, OCTETS):
        raise accept.NotAcceptable
    base = request.path.rpartition("/")[0]
    if view.is_sealed:
        retrieval.may_be_given(found, places)
    pixels = retrieval.pixels_of(found)
    each = (
        (full_type, f"{base}/{number}", retrieval.frame_blocks(
            found.pack.key, place, syntax, is_sealed=view.is_sealed, pixels=pixels
        ))
        for number, place in zip(wanted, places, strict=True)
    )  # fmt: skip
    return in_parts(each, media_type)


def _numbers(text: str) -> list[int]:
    if not re.fullmatch(r"[0-9]{1,7}(,[0-9]{1,7})*", text) or text.count(",") >= MAX_FRAMES:
        raise BadQuery
    return [int(number) for number in text.split(",")]


# --- whole objects -------------------------------------------------------------------------------
@csrf_exempt  # see `store`
@transaction.non_atomic_requests
def study_or_store(request: HttpRequest, pk: UUID, study: str) -> HttpResponseBase:
    """GET retrieves the study, POST stores into it."""
    if request.method == "POST":
        return store(request, pk, study)
    return _study(request, pk, study)


@edge
def _study(request: HttpRequest, pk: UUID, study: str) -> HttpResponseBase:
    view = view_of(request.user, pk)
    found = view.study(study)
    return _whole(request, view, view.instances().filter(study=found), found)


@edge
def series(request: HttpRequest, pk: UUID, study: str, series: str) -> HttpResponseBase:
    view = view_of(request.user, pk)
    found = view.one_series(study, series)
    return _whole(request, view, view.instances().filter(series=found), found.study)


@edge
def instance(
    request: HttpRequest, pk: UUID, study: str, series: str, instance: str
) -> HttpResponseBase:
    view = view_of(request.user, pk)
    found = view.instance(study, series, instance)
    if accept.wants_multipart(request, DICOM):
        rows = view.instances().filter(pk=found.pk)
        return _whole(request, view, rows, view.study(study))
    view.note_opened(view.study(study))
    size, blocks = retrieval.whole(view, found)
    response = StreamingHttpResponse(blocks, content_type=_dicom_type(found))
    response["Content-Length"] = str(size)
    response["ETag"] = f'"{found.pk.hex}"'
    return response


def _whole(request: HttpRequest, view: View, rows: Any, study: Any) -> HttpResponseBase:
    as_zip = accept.wanted(request)[0].media_type == ZIP
    if not as_zip and not accept.wants_multipart(request, DICOM):
        raise accept.NotAcceptable
    view.note_opened(study)
    # Rows before streaming begins: nothing is asked of the database meanwhile.
    rows = rows.select_related("pack").defer("search").order_by()
    chosen = zipping.in_order(view, [one for one in rows if retrieval.is_given(view, one)])
    if not as_zip:
        parts = ((_dicom_type(one), "", each) for one, each in retrieval.whole_each(view, chosen))
        return in_parts(parts, DICOM)
    found = zipping.members(view, chosen)
    response = StreamingHttpResponse(zipping.stream(found), content_type=ZIP)
    response["Content-Length"] = str(zipping.size_of(found))
    response["Content-Disposition"] = 'attachment; filename="images.zip"'
    return response


def _dicom_type(instance: ImagingInstance) -> str:
    return f"{DICOM}; transfer-syntax={instance.TransferSyntaxUID}"


# --- bulk data -----------------------------------------------------------------------------------
@edge
def bulk_data(
    request: HttpRequest, pk: UUID, study: str, series: str, instance: str, path: str
) -> HttpResponseBase:
    """One value of the header or of the pixels, as stored."""
    view = view_of(request.user, pk)
    found = view.instance(study, series, instance)
    if view.is_sealed and path not in PIXEL_TAGS | PALETTES:
        raise Http404
    if view.is_sealed and path in PIXEL_TAGS and not found.frame_count:
        raise Http404  # as they stand they may be more than pixels
    if path in PIXEL_TAGS and found.frame_count:
        numbers = ",".join(str(n) for n in range(1, min(found.frame_count, MAX_FRAMES) + 1))
        return frames(request, pk, study, series, instance, numbers)
    place = retrieval.bulk(found, path)
    if view.is_sealed and place:
        place = place[0], min(place[1], retrieval.palette_bytes(view, found, path))
    if place is None:
        raise Http404
    media_type = "application/pdf" if path == "00420011" else OCTETS
    as_parts = accept.wants_multipart(request, media_type, OCTETS)
    if as_parts:
        blocks = packs.blocks(found.pack.key, *place)
        return in_parts([(media_type, request.path, blocks)], media_type)
    response = StreamingHttpResponse(packs.blocks(found.pack.key, *place), content_type=media_type)
    response["Content-Length"] = str(place[1])
    return response
