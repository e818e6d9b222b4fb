"""Measurements that a reviewer saves from a viewer; they come back as a series of their own.

STOW-RS of a structured report by somebody who reviews goes here, not among the images. What came is
taken apart and written anew: see `records/measurements.py`, which also decides who sees it.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from records import measurements
from records.dicom import measured
from records.dicom.measured import NotMeasurements
from records.dicom.reader import Header, Unreadable
from records.dicom.values import Attributes, first, text
from records.imaging import View
from records.models import MeasurementReport
from secondop.api.dicomweb import multipart
from secondop.api.dicomweb.answers import dicom_json, failure
from secondop.lib.verdicts import Refused

MAX_BYTES = 2 * 1024**2
MAX_PARTS = 20


class _Reports:
    """Holds the parts of a body: they are small, and bounded."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def begin(self, headers: str) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise multipart.Malformed
        self.parts.append(b"")

    def write(self, block: bytes) -> None:
        self._size += len(block)
        if self._size > MAX_BYTES:
            raise Refused(_("These measurements are larger than we can keep."), 413)
        self.parts[-1] += block

    def finish(self) -> None:
        pass


def refuse_from_viewer(request: HttpRequest) -> None:
    """A patient or coordinator who measures for themselves: it must not become a record.

    Not a wall: whoever adds records may add a structured report of a hospital as well.
    """
    if urlsplit(request.headers.get("Referer", "")).path.startswith("/viewer/"):
        raise Refused(_("Only a doctor who reviews this case can save measurements."), 403)


def store(request: HttpRequest, view: View) -> HttpResponse:
    """Keep each report of the body for this reviewer. Raises Refused, Malformed."""
    measurements.may_save(request.user, view.case_file).or_raise()
    content_type = request.headers.get("Content-Type", "")
    if not content_type.lower().startswith("multipart/related"):
        return failure(415, "Send multipart/related with parts of application/dicom.")
    body = _Reports()
    multipart.feed(request, multipart.boundary_of(content_type), body)
    stored: list[Attributes] = []
    for part in body.parts:
        try:
            report = measured.read(Header(part, 0, len(part)).attributes)
            kept = measurements.save(view, report, by=request.user)
        except (Unreadable, NotMeasurements):
            raise Refused(_("Only measurements on these images can be saved here."), 403) from None
        stored.append(_reference(view, report, kept))
    if not stored:
        return failure(400, "The body held no parts.")
    return dicom_json(json.dumps({"00081199": {"vr": "SQ", "Value": stored}}))


def _reference(view: View, report: measured.Measured, kept: MeasurementReport) -> Attributes:
    """Under the UID by which it was sent; where it is from now on, in the address."""
    url = f"{_address(view, report.study_uid, kept)}/instances/{kept.SOPInstanceUID}"
    return {
        "00081150": {"vr": "UI", "Value": [report.class_uid]},
        "00081155": {"vr": "UI", "Value": [report.instance_uid]},
        "00081190": {"vr": "UR", "Value": [url]},
    }


def _address(view: View, study_uid: str, report: MeasurementReport) -> str:
    root = reverse("dicomweb:studies", args=[view.case_file.pk])
    return f"{root}/{study_uid}/series/{report.SeriesInstanceUID}"


# --- as a series ---------------------------------------------------------------------------------
def series_rows(view: View, study_pk: UUID) -> list[Attributes]:
    """Rows for QIDO, in the order they were saved."""
    reports = measurements.seen_by(view).filter(study=study_pk).select_related("study")
    return [measurements.series_row(view, report) for report in reports.order_by("saved_at", "pk")]


def _of_series(view: View, study: str, series: str) -> list[Attributes]:
    """Raises Http404 when this reader sees no such report."""
    found = view.study(study)
    reports = measurements.seen_by(view).filter(study=found, SeriesInstanceUID=series)
    told = [measurements.whole(view, one) for one in reports.select_related("study", "by")]
    if not told:
        raise Http404
    return told


def metadata(view: View, study: str, series: str, instance: str = "") -> HttpResponseBase:
    """The reports of a series (or one of them) in the JSON model."""
    told = _of_series(view, study, series)
    if instance:
        told = [one for one in told if text(one, "00080018") == instance]
        if not told:
            raise Http404
    response = dicom_json(json.dumps(told))
    response["Cache-Control"] = "private, no-store"
    return response


def instance_rows(view: View, study: str, series: str) -> list[Attributes]:
    """Rows for QIDO of the instances in such a series."""
    tags = ("00080016", "00080018", "0020000D", "0020000E", "00200013", "00083002")
    rows = []
    for one in _of_series(view, study, series):
        address = reverse("dicomweb:studies", args=[view.case_file.pk])
        url = f"{address}/{study}/series/{series}/instances/{first(one, '00080018')}"
        row = {tag: one[tag] for tag in tags} | {"00081190": {"vr": "UR", "Value": [url]}}
        rows.append(row)
    return rows
