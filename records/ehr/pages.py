"""What people see of record systems: whom they can ask, how far it is, what came and what not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records import arrivals, identity
from records.analytes import folded
from records.ehr import workflow
from records.ehr.searches import FILE, SEARCHES
from records.first_doctor import is_same_place
from records.identity import Comparison, Person, person_of_dicom
from records.models import CaseFile, Ehr, EhrPage, EhrPull, RecordHolder, RecordRequest
from records.transfers.pages import BADGES, STATES, masked
from secondop.jobs.reasons import reason_in_words
from secondop.lib.verdicts import Verdict

SHOWN = 20
PROBLEMS: dict[str, str | Promise] = {
    "not_allowed": _("The hospital does not give this to us."),
    "not_offered": _("The hospital's system does not have this."),
    "loop": _("The hospital's list went round in circles. We kept what was there."),
    "elsewhere": _("A part is kept at another address. We do not go there."),
    "too_much": _("There was more than we can take at once. Ask us about the rest."),
    "file_missing": _("A file was listed there but could not be opened."),
    "file_too_large": _("A file is larger than we can take."),
}
NOT_OURS = _("Some entries were about another person. We left them out.")


@dataclass
class Line:
    """One kind of records: how many came, and what the hospital kept back."""

    words: str | Promise
    count: int = 0
    is_over: bool = False
    problems: list[str | Promise] = field(default_factory=list)
    said: str = ""


@dataclass(frozen=True)
class Someone:
    """A person who was found there, masked, beside how alike the patient is."""

    number: str
    name: str
    born: str
    comparison: Comparison
    badge: tuple[str, Any]
    reasons: list[Any]


@dataclass(frozen=True)
class Page:
    pull: EhrPull
    kind: str  # "patient" or "coordinator"
    state: tuple[str, Any]
    is_open: bool
    reason: Any
    lines: list[Line]
    total: int
    people: list[Someone]
    images: list[dict[str, Any]]
    link: str
    may_cancel: Verdict
    may_go_on: Verdict
    goes_on_by_signing_in: bool


def offered_to(user: Any, case_file: CaseFile) -> QuerySet[Ehr]:
    """Hospitals where this patient can sign in. Nothing for anybody else."""
    rows = Ehr.objects.in_use().filter(clinic=case_file.clinic_id, way=Ehr.Way.SMART)
    is_own = CaseFile.objects.visible_as("patient", user).filter(pk=case_file.pk).exists()
    return rows.order_by("title") if is_own else rows.none()


def systems_of(holder: RecordHolder) -> list[Ehr]:
    """Systems of this very place that can be asked at once; by the name, rather once too often."""
    rows = Ehr.objects.in_use().filter(clinic=holder.clinic_id).order_by("title")
    return [ehr for ehr in rows if is_same_place(ehr.title, holder.name)]


def asked_of(ehr: Ehr, case_file: CaseFile) -> RecordRequest | None:
    """The open ask of this very hospital, if there is one: the pull answers it."""
    rows = RecordRequest.objects.filter(case_file=case_file).waiting().select_related("holder")
    row: RecordRequest
    for row in rows.order_by("sent_at"):
        if folded(row.holder.name) == folded(ehr.title) and arrivals.is_open(row.pk):
            return row
    return None


def state_of(pull: EhrPull) -> tuple[str, Any]:
    if pull.awaits_answer:
        return ("wait", _("Waits for you") if pull.ehr.way == "smart" else _("Choose who it is"))
    if pull.status == EhrPull.Status.RUNNING and pull.cancelled_at:
        return ("now", _("Stopping"))
    if pull.is_complete:
        return ("done", _("Complete"))
    return STATES[pull.status]


def rows_of(case_file: CaseFile) -> list[tuple[EhrPull, tuple[str, Any]]]:
    rows = case_file.ehr_pulls.select_related("ehr").order_by("-created_at")[:SHOWN]
    return [(row, state_of(row)) for row in rows]


def page_of(pull: EhrPull, user: Any, session: Any) -> Page:
    kind = workflow.acts_as(user, pull.case_file_id)
    lines = lines_of(pull)
    is_own = user.pk == pull.by_id
    return Page(
        pull,
        kind,
        state_of(pull),
        pull.status in workflow.OPEN,
        reason_in_words(pull.last_error) if pull.last_error else "",
        lines,
        sum(line.count for line in lines),
        _people(pull) if kind == "coordinator" and pull.awaits_answer else [],
        [one | {"day": identity.date_of(one["on"])} for one in pull.images],
        workflow.sign_in_link(session, pull) if is_own else "",
        workflow.may_cancel(user, pull),
        workflow.may_go_on(user, pull),
        pull.ehr.way == Ehr.Way.SMART,
    )


def lines_of(pull: EhrPull) -> list[Line]:
    if pull.step != EhrPull.Step.COPY:
        return []
    lines = {search.name: Line(search.words) for search in SEARCHES}
    lines[FILE] = Line(_("Files that belong to reports and letters"))
    for row in EhrPage.objects.filter(pull=pull).order_by("pk"):
        if (line := lines.get(row.search)) is None:
            continue
        line.count += row.entry_count
        line.is_over |= not row.next_url
        line.said = line.said or row.said
        for problem in [PROBLEMS.get(row.problem), NOT_OURS if row.foreign_count else None]:
            if problem and problem not in line.problems:
                line.problems.append(problem)
    lines[FILE].is_over = bool(lines[FILE].count or lines[FILE].problems) and pull.is_complete
    return list(lines.values())


def _people(pull: EhrPull) -> list[Someone]:
    patient = pull.case_file.patient
    ours = Person(name=patient.full_name, born_on=patient.born_on, sex=patient.sex)
    found = []
    for told in pull.told.get("people", []):
        theirs = person_of_dicom({**told, "id": told["id"]})
        compared = identity.compare(theirs, ours)
        born = str(theirs.born_on.year) if theirs.born_on else ""
        found.append(Someone(
            told["id"], masked(theirs.name), born, compared, BADGES[compared.verdict],
            [identity.REASONS[key] for key in compared.reasons],
        ))  # fmt: skip
    return sorted(found, key=lambda one: -one.comparison.score)
