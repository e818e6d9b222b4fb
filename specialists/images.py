"""The images of a case file on the page where a specialist reads it, as far as their sight goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from records import imaging_pages, measurements
from records.imaging import View
from records.models import CaseFile, MeasurementReport


@dataclass(frozen=True)
class StudyChoice:
    id: Any
    title: str


@dataclass(frozen=True)
class Images:
    case_file_id: Any
    studies: list[StudyChoice]
    measured: list[MeasurementReport]


def images_for(user: Any, case_file: CaseFile, *, is_sealed: bool) -> Images | None:
    """None when no image is open to this reader. A fixed number of queries."""
    view = View(case_file, user, "sealed" if is_sealed else "full", fills=False)
    studies = list(view.studies())
    if not studies:
        return None
    rows = imaging_pages.told(view, studies)
    choices = [
        StudyChoice(row.study.pk, f"{row.title} ({', '.join(s.title for s in row.series[:3])})")
        for row in rows
    ]
    saved = measurements.seen_by(view).select_related("by").order_by("-saved_at", "pk")
    return Images(case_file.pk, choices, list(saved[:50]))
