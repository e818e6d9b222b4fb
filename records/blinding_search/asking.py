"""Ask for a search: an item became readable, a text was written, the diagnosis changed.

A row in the caller's transaction, the bell after commit. Asking again while one is under way makes
the older one worthless: it cannot close (see `BlindingSearch.run`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from records.blinding_search.passages import Passage, search
from records.blinding_search.registry import SOURCES
from records.blinding_search.terms import finder_for
from records.models import BlindingSearch, CaseFile
from secondop.jobs.models import Job
from secondop.jobs.ring import ring

SETTLE = timedelta(seconds=30)  # after a change that may be followed by more


def search_item(about_type: str, about_id: UUID, case_file: CaseFile) -> None:
    """Search one item now. Inside the caller's transaction."""
    _ask(about_type, [about_id], case_file, wait=None)
    ring(BlindingSearch.objects.get(about_type=about_type, about_id=about_id))


def search_case_file(case_file: CaseFile) -> None:
    """Search every item anew because what to look for changed. What was read is not read again."""
    for about_type, source in SOURCES.items():
        _ask(about_type, list(source.items(case_file.pk)), case_file, wait=SETTLE)


def search_clinic(clinic_id: Any) -> None:
    """The clinic's list of words changed: search every case file that is still being worked on."""
    searched = BlindingSearch.objects.filter(clinic_id=clinic_id).values("case_file")
    for case_file in CaseFile.objects.filter(pk__in=searched, clinic_id=clinic_id).iterator():
        if case_file.is_open_for_records or case_file.grants.live().exists():
            search_case_file(case_file)


def _ask(
    about_type: str, about_ids: list[UUID], case_file: CaseFile, *, wait: timedelta | None
) -> None:
    """The sweeper rings for what waits, so that many changes in a row are one search."""
    when: Any = Now() + wait if wait else Now()
    asked = BlindingSearch.objects.of(about_type, *about_ids).update(
        status=Job.Status.QUEUED, attempts=0, run=F("run") + 1, run_after=when,
        leased_until=None, finished_at=None, last_error="", done_count=0, total_count=0,
    )  # fmt: skip
    if asked == len(about_ids):
        return
    BlindingSearch.objects.bulk_create(
        [
            BlindingSearch(
                clinic_id=case_file.clinic_id, case_file=case_file, about_type=about_type,
                about_id=about_id, run_after=when,
            )
            for about_id in about_ids
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def hits_in_words(case_file: CaseFile, text: str) -> list[tuple[str, str]]:
    """What a text being typed right now would give away: (as it stands, the listed phrase).

    For forms that put words before a sealed reader: neutral titles, messages to the specialist.
    """
    found = search(finder_for(case_file), [Passage("neutral", text)])
    return [(one.text, one.match.phrase.text) for one in found]
