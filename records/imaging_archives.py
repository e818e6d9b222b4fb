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
    result: str  # "812 images were added. 14 other files were left out."
    problems: list[str]  # each with its count


def rows_of(case_file: CaseFile) -> list[ArchiveRow]:
    """Newest first."""
    jobs = ImagingIngest.objects.filter(case_file=case_file).order_by("-created_at")
    return [row_of(job) for job in jobs[:SHOWN]]


def row_of(job: ImagingIngest) -> ArchiveRow:
    outcome, done = job.outcome, job.status == ImagingIngest.Status.DONE
    dead = job.status == ImagingIngest.Status.DEAD
    if dead:
        code = outcome.get("archive", "")
        words = sentence(code) if code else _("This could not be unpacked. The clinic looks at it.")
        if member := outcome.get("member"):
            words = f"{words} ({member})"
        return ArchiveRow(job, is_open=False, is_refused=True, result=words, problems=[])
    if not done:
        return ArchiveRow(job, is_open=True, is_refused=False, result="", problems=[])
    refused: dict[str, Any] = outcome.get("refused", {})
    others = sum(refused.get(code, 0) for code in NOT_IMAGES)
    stored, known = outcome.get("stored", 0), outcome.get("known", 0)
    problems = [
        f"{count}: {sentence(code)}"
        for code, count in sorted(refused.items())
        if code not in NOT_IMAGES
    ]
    documents = outcome.get("documents", 0) + outcome.get("documents_known", 0)
    words = _in_words(stored, known, others, outcome)
    return ArchiveRow(job, False, not (stored or known or documents), words, problems)


def _in_words(stored: int, known: int, others: int, outcome: dict[str, Any]) -> str:
    words = []
    if outcome.get("is_copy"):
        words.append(_("This is a copy of a case file, and it is whole."))
    if count := outcome.get("documents"):
        text = ngettext("%(n)s document was added.", "%(n)s documents were added.", count)
        words.append(text % {"n": count})
    if count := outcome.get("documents_known"):
        text = ngettext(
            "%(n)s document was here before.", "%(n)s documents were here before.", count
        )
        words.append(text % {"n": count})
    if stored:
        text = ngettext("%(n)s image was added.", "%(n)s images were added.", stored)
        words.append(text % {"n": stored})
    if known:
        text = ngettext(
            "%(n)s image was here before, or was in it twice.",
            "%(n)s images were here before, or were in it twice.",
            known,
        )
        words.append(text % {"n": known})
    if not words:
        words.append(_("There was no image in it that we can read."))
    if others:
        text = ngettext(
            "%(n)s other file was left out.", "%(n)s other files were left out.", others
        )
        words.append(text % {"n": others})
    return " ".join(words)
