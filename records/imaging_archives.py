"""The archives of images that were sent whole, as the sender reads about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.dicom.problems import sentence
from records.models import CaseFile, ImagingIngest

SHOWN = 20
NOT_IMAGES = ("not_dicom", "media_directory")


@dataclass(frozen=True)
class ArchiveRow:
    job: ImagingIngest
    is_open: bool  # waiting or being unpacked
    is_refused: bool
    result: str  # "812 images are here. 14 other files were left out."
    problems: list[str]  # each with its count


def rows_of(case_file: CaseFile) -> list[ArchiveRow]:
    """Newest first."""
    jobs = ImagingIngest.objects.filter(case_file=case_file).order_by("-created_at")
    return [_row(job) for job in jobs[:SHOWN]]


def _row(job: ImagingIngest) -> ArchiveRow:
    outcome, done = job.outcome, job.status == ImagingIngest.Status.DONE
    dead = job.status == ImagingIngest.Status.DEAD
    if dead:
        code = outcome.get("archive", "")
        words = sentence(code) if code else _("This could not be unpacked. The clinic looks at it.")
        return ArchiveRow(job, is_open=False, is_refused=True, result=words, problems=[])
    if not done:
        return ArchiveRow(job, is_open=True, is_refused=False, result="", problems=[])
    refused: dict[str, Any] = outcome.get("refused", {})
    others = sum(refused.get(code, 0) for code in NOT_IMAGES)
    here = outcome.get("stored", 0) + outcome.get("known", 0)
    problems = [
        f"{count}: {sentence(code)}"
        for code, count in sorted(refused.items())
        if code not in NOT_IMAGES
    ]
    is_refused = not here
    return ArchiveRow(job, False, is_refused, _in_words(here, others), problems)


def _in_words(here: int, others: int) -> str:
    words = _("There was no image in it that we can read.")
    if here:
        words = ngettext("%(n)s image is here.", "%(n)s images are here.", here) % {"n": here}
    if others:
        left = ngettext(
            "%(n)s other file was left out.", "%(n)s other files were left out.", others
        )
        words += " " + left % {"n": others}
    return words
