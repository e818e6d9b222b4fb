"""What the plain pages tell of images: studies, series with key facts, one picture after another.

Everything comes from `records.imaging.View`, so that a sealed reader meets neutral titles, aliases
and cleared series alone. What is not shown here is told nowhere: no counts of what is withheld, no
sizes of originals, no dates, no descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.dicom.problems import sentence
from records.dicom.reports import REPORTS
from records.dicom.thumbnails import EDGE
from records.dicom.values import VIDEO, Attributes, first, text
from records.imaging import View
from records.models import (
    ImagingIngest,
    ImagingPicture,
    ImagingRemoval,
    ImagingSeries,
    ImagingStudy,
)
from secondop.lib.keyset import Page, keyset_page
from secondop.lib.templatetags.ui import byte_size

STUDIES_A_PAGE = 20
LETTER = "1.2.840.10008.5.1.4.1.1.104.1"  # Encapsulated PDF Storage
READ = Q(SOPClassUID__startswith=REPORTS) | Q(SOPClassUID=LETTER)  # has a page of words
REFUSALS_SHOWN = 30
MODALITIES = {
    "CT": gettext_lazy("CT scan"), "MR": gettext_lazy("MRI scan"), "PT": gettext_lazy("PET scan"),
    "NM": gettext_lazy("Nuclear scan"), "US": gettext_lazy("Ultrasound"),
    "MG": gettext_lazy("Mammogram"), "CR": gettext_lazy("X-ray"), "DX": gettext_lazy("X-ray"),
    "RG": gettext_lazy("X-ray"), "XA": gettext_lazy("Vessel X-ray"),
    "RF": gettext_lazy("X-ray film"), "SR": gettext_lazy("Report"), "DOC": gettext_lazy("Report"),
    "SM": gettext_lazy("Tissue slides"), "ES": gettext_lazy("Endoscopy"),
    "XC": gettext_lazy("Photo"), "RTPLAN": gettext_lazy("Radiotherapy"),
    "RTDOSE": gettext_lazy("Radiotherapy"), "RTSTRUCT": gettext_lazy("Radiotherapy"),
    "SEG": gettext_lazy("Outlines"), "ECG": gettext_lazy("Heart tracing"),
    "OT": gettext_lazy("Other images"),
}  # fmt: skip
# PRIVACY: not even described to the patient's side until the clinic has looked at them.
STRANGERS = Q(study__status="held", study__problem="other_patient")
BADGES = {
    "uploading": "now", "screening": "now", "available": "done", "held": "wait",
    "quarantined": "bad", "rejected": "bad",
}  # fmt: skip
SHOWN = ("available", "held")  # what DICOMweb gives pictures of to who fills the case file


@dataclass(frozen=True)
class SeriesRow:
    """One series in words. `thumbnail_url` is empty when no picture can be had: see `why_not`."""

    series: ImagingSeries
    title: str
    facts: list[dict[str, str]]
    thumbnail_url: str
    why_not: str
    page_url: str


@dataclass(frozen=True)
class StudyRow:
    study: ImagingStudy
    title: str
    badge: str  # kind of the badge; empty for a reader, who sees only what is available
    problem: str
    notes: list[str]
    series: list[SeriesRow] = field(default_factory=list)
    zip_url: str = ""  # every image of it that this person may have, in one file
    zip_bytes: int = 0  # 0 for a sealed reader: sizes of originals are told to nobody else


def page_of(view: View, cursor: str) -> tuple[Page[ImagingStudy], list[StudyRow]]:
    """A page of studies, oldest first."""
    rows: QuerySet[ImagingStudy] = view.studies()
    if view.fills:  # who fills the file is told of what is damaged and refused, too
        rows = ImagingStudy.objects.filter(case_file=view.case_file).exclude(status="removed")
    rows = rows.select_related("inlet").order_by()
    page = keyset_page(rows, order=("received_at", "id"), cursor=cursor, size=STUDIES_A_PAGE)
    return page, told(view, page.rows)


def told(view: View, studies: list[ImagingStudy]) -> list[StudyRow]:
    """These studies in words. A fixed number of queries, however many they are."""
    series = list(_series_of(view, studies))
    seen = _seen(view, series)
    pictures = _pictures(series)
    by_study: dict[Any, list[SeriesRow]] = {}
    for number, one in enumerate(sorted(series, key=_place), start=1):
        one.study = next(study for study in studies if study.pk == one.study_id)
        row = _series_row(view, one, number, seen.get(one.pk, {}), pictures.get(one.pk))
        by_study.setdefault(one.study_id, []).append(row)
    rows = (
        _study_row(view, study, number, by_study.get(study.pk, []))
        for number, study in enumerate(studies, start=1)
    )
    return [_with_zip(view, row, seen) for row in rows]


def _with_zip(view: View, row: StudyRow, seen: dict[Any, dict[str, int]]) -> StudyRow:
    """Where to get all images of the study at once; nothing when there are none to give."""
    given = [seen[one.series.pk] for one in row.series if one.series.pk in seen]
    if not given:
        return row
    uid = row.study.alias_uid if view.is_sealed else row.study.StudyInstanceUID
    try:
        url = reverse("dicomweb:study", args=[view.case_file.pk, uid])
    except NoReverseMatch:
        return row
    size = 0 if view.is_sealed else sum(one["size_bytes"] for one in given)
    return replace(row, zip_url=f"{url}?accept=application/zip", zip_bytes=size)


def _series_of(view: View, studies: list[ImagingStudy]) -> Iterable[ImagingSeries]:
    rows: QuerySet[ImagingSeries] = view.series()
    if view.fills:  # also what is damaged and refused
        every = ImagingSeries.objects.filter(case_file=view.case_file)
        rows = every if view.is_staff else every.exclude(STRANGERS)
    return rows.filter(study__in=studies)


def _place(series: ImagingSeries) -> tuple[str, int, str]:
    number = first(series.search, "00200011", 0)
    return str(series.study_id), number if isinstance(number, int) else 0, str(series.pk)


def _seen(view: View, series: list[ImagingSeries]) -> dict[Any, dict[str, int]]:
    """Objects, pictures and bytes of each series, of what this person may have."""
    rows = view.instances().filter(series__in=series).order_by().values("series")
    counted = rows.annotate(
        objects=Count("pk"),
        frames=Sum("frame_count"),
        size_bytes=Sum("size_bytes"),
        videos=Count("pk", filter=Q(TransferSyntaxUID__regex=VIDEO.pattern)),
        reports=Count("pk", filter=READ),
    )
    return {row["series"]: row for row in counted}


def _pictures(series: list[ImagingSeries]) -> dict[Any, bool]:
    """Series -> whether its thumbnail could be made; absent when nobody tried yet."""
    rows = ImagingPicture.objects.filter(instance__series__in=series, edge=EDGE)
    made: dict[Any, bool] = {}
    for pk, key in rows.values_list("instance__series", "key"):
        made[pk] = made.get(pk, False) or bool(key)
    return made


def _series_row(
    view: View, series: ImagingSeries, number: int, seen: dict[str, int], is_made: bool | None
) -> SeriesRow:
    why_not = _why_no_picture(seen, is_made)
    return SeriesRow(
        series=series,
        title=title_of(view, series, number),
        facts=_facts(view, series, seen),
        thumbnail_url="" if why_not else address(view, "series_thumbnail", series),
        why_not=why_not,
        page_url=_page_url(view, series, seen),
    )


def _page_url(view: View, series: ImagingSeries, seen: dict[str, int]) -> str:
    has_page = seen.get("frames") or (seen.get("reports") and not view.is_sealed)
    return reverse("records:images_series", args=[series.pk]) if has_page else ""


def _why_no_picture(seen: dict[str, int], is_made: bool | None) -> str:
    if not seen:
        return _("Not shown")
    if not seen["frames"]:
        if seen["reports"]:
            return _("No pictures: this is text. Open it by its title.")
        return _("No pictures: this holds findings or measures")
    if seen["videos"]:
        return _("Video: no preview")
    return _("No preview") if is_made is False else ""


def names(view: View, series: ImagingSeries) -> tuple[str, str]:
    """The UIDs of study and series as this person knows them."""
    if view.is_sealed:
        return series.study.alias_uid, series.alias_uid
    return series.study.StudyInstanceUID, series.SeriesInstanceUID


def address(view: View, route: str, series: ImagingSeries, *more: Any) -> str:
    """The DICOMweb address of something of a series, under the names of this sight."""
    return reverse(f"dicomweb:{route}", args=[view.case_file.pk, *names(view, series), *more])


def title_of(view: View, series: ImagingSeries, number: int = 0) -> str:
    """What a series is called: for a sealed reader its kind and its number among those shown."""
    kind = MODALITIES.get(series.modality)
    neutral = str(kind or _("Series"))
    if number:
        neutral = f"{neutral} {number_format(number)}"
    if view.is_sealed:
        return neutral
    title = text(series.search, "0008103E").strip() or neutral
    return _("%(title)s, places covered") % {"title": title} if series.parent_id else title


def _facts(view: View, series: ImagingSeries, seen: dict[str, int]) -> list[dict[str, str]]:
    told = view.header(series.search)
    thickness = first(told, "00180050", None)
    found: list[tuple[str, str]] = [
        (_("Kind"), str(MODALITIES.get(series.modality, series.modality))),
        (_("Part of the body"), text(told, "00180015").capitalize()),
        (_("Date"), day_of(told, "00080021")),
        (_("Files") if _is_text(seen) else _("Images"), number_format(_count(view, series, seen))),
        (_("Slice thickness"), _millimetres(thickness)),
        (_("Contrast"), text(told, "00180010")),
    ]
    if seen and not view.is_sealed:  # an original's size tells how much is in its header
        found.append((_("Size"), byte_size(seen["size_bytes"])))
    return [{"label": str(label), "value": value} for label, value in found if value]


def _is_text(seen: dict[str, int]) -> bool:
    return bool(seen) and not seen["frames"]


def _count(view: View, series: ImagingSeries, seen: dict[str, int]) -> int:
    """Pictures, else objects; of what is set aside, how many had come."""
    if not seen and view.fills:
        return series.instance_count
    return seen.get("frames") or seen.get("objects") or 0


def _millimetres(value: Any) -> str:
    if not isinstance(value, int | float) or not 0 < value < 1000:
        return ""
    return _("%(n)s mm") % {"n": number_format(value, 1)}


def day_of(attributes: Attributes, tag: str) -> str:
    """A DA value such as 20240115 as people write it; "" for anything that is none."""
    raw = text(attributes, tag)
    try:
        return date_format(date(int(raw[:4]), int(raw[4:6]), int(raw[6:8]))) if raw else ""
    except ValueError:
        return ""


def _study_row(view: View, study: ImagingStudy, number: int, series: list[SeriesRow]) -> StudyRow:
    if not view.fills:
        return StudyRow(study, _reader_title(view, study, number), "", "", [], series)
    if not view.is_staff and (study.status, study.problem) == ("held", "other_patient"):
        title = _("Images that may be another person's")
        return StudyRow(study, title, BADGES["held"], sentence(study.problem), [])
    notes = []
    if study.names_missing:
        notes.append(_("A file here did not say which study it belongs to."))
    if study.inlet:
        notes.append(_("Sent by %(name)s.") % {"name": study.inlet.name})
    problem = sentence(study.problem) if study.problem else ""
    if study.status == "rejected":
        problem = _("The clinic looked at these images and cannot use them.")
    return StudyRow(study, _full_title(study), BADGES[study.status], problem, notes, series)


def _reader_title(view: View, study: ImagingStudy, number: int) -> str:
    if not view.is_sealed:
        return _full_title(study)
    return _("Study %(n)s") % {"n": number_format(number)}


def _full_title(study: ImagingStudy) -> str:
    parts = (text(study.search, "00081030").strip(), day_of(study.search, "00080020"))
    return " · ".join(filter(None, parts)) or _("Study without a title")


def viewer_url(view: View, studies: Iterable[ImagingStudy]) -> str:
    """Where the viewer opens this case file; "" without a viewer, or with nothing to open."""
    if not any(study.status in SHOWN for study in studies):
        return ""
    try:
        return reverse("viewer:open", args=[view.case_file.pk])
    except NoReverseMatch:
        return ""


# --- what did not come in -------------------------------------------------------------------------
@dataclass(frozen=True)
class NotTaken:
    at: Any
    words: str
    sentence: str


def not_taken(view: View) -> list[NotTaken]:
    """What was not taken, newest first, with the sentence for it. For who fills the case file."""
    if not view.fills:
        return []
    rows = view.case_file.imaging_refusals.order_by("-at", "pk")[:REFUSALS_SHOWN]
    found = [_not_taken(row.at, row.count, row.code) for row in rows]
    jobs = ImagingIngest.objects.filter(case_file=view.case_file).exclude(outcome={})
    for job in jobs.order_by("-created_at")[:REFUSALS_SHOWN]:
        if code := job.outcome.get("archive"):
            found.append(_not_taken(job.created_at, 1, code))
        for code, count in sorted(job.outcome.get("refused", {}).items()):
            found.append(_not_taken(job.created_at, count, code))
    return sorted(found, key=lambda row: row.at, reverse=True)[:REFUSALS_SHOWN]


def _not_taken(at: Any, count: int, code: str) -> NotTaken:
    words = ngettext("%(n)s file", "%(n)s files", count) % {"n": number_format(count)}
    return NotTaken(at, words, sentence(code))


def taken_back(view: View) -> list[ImagingRemoval]:
    """Studies that somebody took back, with the reason. For who fills the case file."""
    if not view.fills:
        return []
    rows = view.case_file.imaging_removals.select_related("by").order_by("-created_at")
    return list(rows[:REFUSALS_SHOWN])
