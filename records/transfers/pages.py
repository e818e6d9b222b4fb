"""What the coordinator sees of a transfer: masked people, a score, and how far it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records import identity
from records.dicom.problems import sentence
from records.identity import Comparison, Person, person_of_dicom
from records.models import CaseFile, Transfer, TransferStudy
from records.transfers import workflow
from secondop.jobs.reasons import reason_in_words
from secondop.lib.verdicts import Verdict

SHOWN = 20
BADGES: dict[str, tuple[str, str | Promise]] = {
    "same": ("done", _("Same patient")),
    "unsure": ("wait", _("Look closely")),
    "different": ("bad", _("Somebody else")),
    "unnamed": ("wait", _("Names nobody")),
}
STATES: dict[str, tuple[str, str | Promise]] = {
    "queued": ("todo", _("Waiting")),
    "running": ("now", _("Under way")),
    "failed": ("wait", _("Tries again")),
    "done": ("done", _("Over")),
    "dead": ("bad", _("Stopped")),
}


@dataclass(frozen=True)
class StudyRow:
    study: TransferStudy
    name: str  # masked
    born: str
    comparison: Comparison
    badge: tuple[str, Any]
    reasons: list[Any]
    problems: list[str]
    day: Any


@dataclass(frozen=True)
class Page:
    transfer: Transfer
    state: tuple[str, Any]
    is_open: bool
    chooses: bool
    reason: Any
    rows: list[StudyRow]
    may_cancel: Verdict
    may_retry: Verdict


def likely_query(case_file: CaseFile) -> dict[str, Any]:
    """What to look for: the family name alone, since archives spell the rest in their own ways."""
    words = case_file.patient.full_name.split()
    name = f"{words[-1]}*" if words else ""
    return {"PatientName": name, "PatientBirthDate": case_file.patient.born_on}


def rows_of(case_file: CaseFile) -> list[tuple[Transfer, tuple[str, Any]]]:
    rows = case_file.transfers.select_related("peer").order_by("-created_at")[:SHOWN]
    return [(row, STATES[row.status]) for row in rows]


def page_of(transfer: Transfer, user: Any) -> Page:
    chooses = transfer.step == Transfer.Step.SEARCH and transfer.status == Transfer.Status.DONE
    rows = transfer.studies.all() if chooses else transfer.studies.chosen()
    patient = transfer.case_file.patient
    ours = Person(name=patient.full_name, born_on=patient.born_on, sex=patient.sex)
    shown = [_row(study, ours) for study in rows]
    return Page(
        transfer,
        STATES[transfer.status],
        transfer.status in workflow.OPEN,
        chooses,
        reason_in_words(transfer.last_error) if transfer.last_error else "",
        sorted(shown, key=lambda row: -row.comparison.score),
        workflow.may_cancel(user, transfer),
        workflow.may_retry(user, transfer),
    )


def _row(study: TransferStudy, ours: Person) -> StudyRow:
    theirs = person_of_dicom(study.person)
    compared = identity.compare(theirs, ours)
    return StudyRow(
        study,
        masked(theirs.name),
        str(theirs.born_on.year) if theirs.born_on else "",
        compared,
        BADGES[compared.verdict],
        [identity.REASONS[key] for key in compared.reasons],
        [f"{count}: {sentence(code)}" for code, count in sorted(study.refused.items())],
        identity.date_of(str(study.told.get("date", ""))),
    )


def masked(name: str) -> str:
    """PRIVACY: a search finds strangers, too: the first letter of each part of a name is enough."""
    return " ".join(f"{word[0]}…" for word in re.split(r"[\s^=,]+", name) if word)
