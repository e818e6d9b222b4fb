"""One picture of a series after another, for phones and for people who cannot use the viewer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404

from records.dicom.dictionary import keyword_of
from records.dicom.metadata import header_of
from records.dicom.values import VIDEO
from records.imaging import View, view_of
from records.imaging_pages import address
from records.models import ImagingInstance, ImagingPicture, ImagingSeries
from secondop.lib.access import get_visible

SIDE = 1024  # pixels of the longer side, as asked of DICOMweb
SMALL_SIDE = 512
SHEET = 12  # pictures on one sheet
LINES_SHOWN = 60
LINE_LENGTH = 200
SPEAKING = {"LO", "LT", "SH", "ST", "UT", "UC", "PN", "CS", "AE", "DA"}


@dataclass(frozen=True)
class Slice:
    """One picture: the frame of an instance, and its number in the series (from 1)."""

    number: int
    url: str
    small_url: str
    has_picture: bool  # False when it was tried and nothing decodes it


@dataclass(frozen=True)
class Reel:
    """All pictures of a series in order, without their pixels."""

    view: View
    series: ImagingSeries
    total: int
    places: list[tuple[Any, str, int, bool]]  # instance, UID as shown, frames, is a video

    def slices(self, first: int, count: int) -> list[Slice]:
        """`count` pictures from number `first` on."""
        found = list(self._frames(first, first + count - 1))
        tried = _tried([pk for _number, pk, _uid, _frame, _video in found])
        return [
            Slice(
                number,
                f"{self._address(uid, frame)}?viewport={SIDE},{SIDE}",
                f"{self._address(uid, frame)}?viewport={SMALL_SIDE},{SMALL_SIDE}",
                not is_video and tried.get((pk, frame), True),
            )
            for number, pk, uid, frame, is_video in found
        ]

    def _address(self, uid: str, frame: int) -> str:
        return address(self.view, "frame_rendered", self.series, uid, frame)

    def _frames(self, first: int, last: int) -> Iterable[tuple[int, Any, str, int, bool]]:
        before = 0
        for pk, uid, frames, is_video in self.places:
            for frame in range(max(1, first - before), min(frames, last - before) + 1):
                yield before + frame, pk, uid, frame, is_video
            before += frames


def _tried(instances: list[Any]) -> dict[tuple[Any, int], bool]:
    rows = ImagingPicture.objects.filter(instance__in=instances)
    return {
        (pk, frame): bool(key) for pk, frame, key in rows.values_list("instance", "frame", "key")
    }


def open_series(user: Any, pk: UUID) -> Reel:
    """The series as this person may look through it; Http404 when it is not theirs to see.

    SECURITY: found by the door, then once more by sight: a sealed reader who also works at the
    desk sees the series sealed.
    """
    known = get_visible(ImagingSeries, user, pk)
    view = view_of(user, known.case_file_id)
    series = view.series().filter(pk=known.pk).select_related("study").first()
    if series is None:
        raise Http404
    return reel_of(view, series)


def reel_of(view: View, series: ImagingSeries) -> Reel:
    uid = "alias_uid" if view.is_sealed else "SOPInstanceUID"
    rows = view.instances().filter(series=series, frame_count__gt=0)
    rows = rows.order_by("InstanceNumber", "id")
    places = [
        (pk, name, frames, bool(VIDEO.match(syntax)))
        for pk, name, frames, syntax in rows.values_list(
            "pk", uid, "frame_count", "TransferSyntaxUID"
        )
    ]
    return Reel(view, series, sum(place[2] for place in places), places)


def header_lines(view: View, series: ImagingSeries) -> list[dict[str, str]]:
    """What the header of the first object says in words: for who decides at the desk."""
    rows = view.instances().filter(series=series).order_by("InstanceNumber", "id")
    one: ImagingInstance | None = rows.select_related("pack").first()
    if one is None or view.is_sealed:
        return []
    lines = []
    for tag, element in header_of(view, one).items():
        words = _words(element.get("Value", []) if element["vr"] in SPEAKING else [])
        if words and not tag.startswith("0002"):
            lines.append({"label": keyword_of(int(tag, 16)) or tag, "value": words})
    return lines[:LINES_SHOWN]


def _words(values: list[Any]) -> str:
    parts = [
        " ".join(filter(None, value.values())) if isinstance(value, dict) else str(value)
        for value in values
        if value is not None
    ]
    return " · ".join(parts)[:LINE_LENGTH].strip()
