"""The coordinators' working list: filters, search, capped counts, flags. For the queue's views.

Nothing here costs more as the installation ages: the list and its counts read the partial index
over open requests of one clinic, a search looks at no more than `MATCH_CAP` candidates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.models import AccessGrant, Document, Patient
from requests_app.models import Message, OpinionRequest, StaffTask
from requests_app.models.opinion_request import Ball, Purpose
from secondop.accounts.models import Clinic
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.verdicts import not_now

Status = OpinionRequest.Status
ORDER = ("due_at", "id")
PAGE_SIZE = 50
COUNT_CAP = 1000  # "1000+" is as good as a number, and costs the same in every clinic
MATCH_CAP = 200
NOT_OPEN = ("draft", "closed", "returned", "withdrawn", "expired")  # as in the partial index
OPEN_STATUSES = tuple(status for status in Status if status not in NOT_OPEN)
TROUBLED = ("held", "quarantined", "rejected")

BALL_WORDS: dict[str, str | Promise] = {
    Ball.PATIENT: _("Patient"),
    Ball.COORDINATOR: _("Us, the clinic"),
    Ball.RECORD_HOLDER: _("Record holder"),
    Ball.SPECIALIST: _("Specialist"),
    Ball.QUALITY_REVIEWER: _("Quality reviewer"),
    Ball.NOBODY: _("Nobody"),
}


@dataclass(frozen=True)
class Filters:
    """What the list shows. `matches` is None without a search, else the ids that were found."""

    clinic_id: UUID
    status: str = ""
    ball: str = ""
    who: str = ""  # "mine" or "nobody"
    review_mode: str = ""
    overdue: bool = False
    urgent: bool = False
    matches: list[UUID] | None = None


@dataclass(frozen=True)
class Row:
    opinion_request: OpinionRequest
    patient_name: str
    age: int | None
    purposes: list[str]
    state: str
    ball: str
    days_open: int
    looked_after_by: str
    unread: int
    troubled_files: int


@dataclass
class Counts:
    by_status: dict[str, str] = field(default_factory=dict)
    overdue: str = "0"


def clinics_of(user: Any) -> list[Clinic]:
    """The clinics this person coordinates for. The list shows one at a time: one index scan."""
    return list(Clinic.objects.filter(pk__in=user.clinics_as(COORDINATOR)))


def listed(user: Any, filters: Filters) -> QuerySet[OpinionRequest]:
    """The requests of the list, unordered. Without a search only open ones."""
    rows = _workable(user).filter(clinic_id=filters.clinic_id)
    if filters.matches is not None:
        rows = rows.filter(pk__in=filters.matches)
    else:
        rows = rows.exclude(status__in=NOT_OPEN)
    if filters.status:
        rows = rows.filter(status=filters.status)
    if filters.ball:
        rows = rows.filter(ball_with=filters.ball)
    if filters.who == "mine":
        rows = rows.filter(coordinator=user)
    elif filters.who == "nobody":
        rows = rows.filter(coordinator=None)
    if filters.review_mode:
        rows = rows.filter(review_mode=filters.review_mode)
    if filters.overdue:
        rows = rows.filter(due_at__lt=timezone.now())
    if filters.urgent:
        rows = rows.filter(urgency=OpinionRequest.Urgency.URGENT)
    return rows.select_related("case_file__patient", "coordinator")


def _workable(user: Any) -> QuerySet[OpinionRequest]:
    """SECURITY: who reviews a case sealed does not meet it here, not even by its patient's name."""
    sealed = AccessGrant.objects.live().filter(to=user, sight=AccessGrant.Sight.SEALED)
    rows = OpinionRequest.objects.visible_as(COORDINATOR, user)
    return rows.exclude(case_file__in=sealed.values("case_file"))


def find(user: Any, clinic_id: UUID, text: str) -> list[UUID]:
    """Ids of requests, ended ones too, by reference, alias or words of the patient's name.

    At most `MATCH_CAP` + 1 of them: whoever gets more should type more.
    """
    rows = _workable(user).filter(clinic_id=clinic_id)
    found: list[QuerySet[OpinionRequest, Any]] = []
    if code := _code(text):
        found.append(rows.filter(reference__startswith=f"SO-{code}"))
        found.append(rows.filter(case_file__alias__startswith=f"CF-{code}"))
    words = text.split()
    if any(len(word) >= 3 for word in words):  # a trigram needs three letters
        patients = Patient.objects.filter(clinic_id=clinic_id)
        for word in words:
            patients = patients.filter(full_name__icontains=word)
        few = patients.values("pk")[: MATCH_CAP + 1]
        found.append(rows.filter(case_file__patient__in=few))
    if not found:
        return []
    first, *others = [
        part.order_by().values_list("pk", flat=True)[: MATCH_CAP + 1] for part in found
    ]
    return list(first.union(*others))[: MATCH_CAP + 1] if others else list(first)


def _code(text: str) -> str:
    """Return `7KQ-3MF` for whatever part of a reference or alias was typed, however spaced."""
    letters = re.sub(r"[^0-9A-Z]", "", text.upper())
    if letters[:2] in ("SO", "CF") and re.match(r"\s*(SO|CF)[^0-9A-Z]", text.upper()):
        letters = letters[2:]
    if not 3 <= len(letters) <= 6:
        return ""
    return letters[:3] + (f"-{letters[3:]}" if letters[3:] else "")


def counts(clinic_id: UUID) -> Counts:
    """How many are open in each state, in one query that never counts past the cap."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.status, (SELECT count(*) FROM (
                SELECT 1 FROM requests_app_opinionrequest
                WHERE clinic_id = %(clinic)s AND status = s.status LIMIT %(cap)s) AS found)
            FROM unnest(%(statuses)s::text[]) AS s(status)
            UNION ALL
            SELECT 'overdue', (SELECT count(*) FROM (
                SELECT 1 FROM requests_app_opinionrequest
                WHERE clinic_id = %(clinic)s AND due_at < statement_timestamp()
                AND NOT (status IN ('draft', 'closed', 'returned', 'withdrawn', 'expired'))
                LIMIT %(cap)s) AS found)
            """,
            {
                "clinic": clinic_id,
                "cap": COUNT_CAP + 1,
                "statuses": [str(status) for status in OPEN_STATUSES],
            },
        )
        found = {name: _capped(number) for name, number in cursor.fetchall()}
    return Counts({status: found[status] for status in OPEN_STATUSES}, found["overdue"])


def _capped(number: int) -> str:
    return f"{COUNT_CAP}+" if number > COUNT_CAP else str(number)


def described(opinion_requests: list[OpinionRequest], today: date) -> list[Row]:
    """Rows in words, with their flags, by two queries however many rows there are."""
    case_files = [row.case_file_id for row in opinion_requests]
    troubled = dict(
        Document.objects.filter(case_file__in=case_files, status__in=TROUBLED)
        .values_list("case_file")
        .annotate(Count("pk"))
    )
    unread = dict(
        Message.objects.filter(
            opinion_request__in=[row.pk for row in opinion_requests],
            from_clinic=False,
            read_at=None,
        )
        .values_list("opinion_request")
        .annotate(Count("pk"))
    )
    return [
        Row(
            opinion_request=row,
            patient_name=row.case_file.patient.full_name,
            age=row.case_file.patient.age_on(today),
            purposes=[str(Purpose(purpose).label) for purpose in row.purposes],
            state=row.get_status_display(),
            ball=str(BALL_WORDS[row.ball_with]),
            days_open=_days(row.submitted_at or row.created_at),
            looked_after_by=row.coordinator.display_name if row.coordinator else "",
            unread=unread.get(row.pk, 0),
            troubled_files=troubled.get(row.case_file_id, 0),
        )
        for row in opinion_requests
    ]


def _days(since: datetime) -> int:
    return max(0, (timezone.now() - since).days)


def open_tasks(user: Any) -> QuerySet[StaffTask]:
    """What people at the clinic must do: dangers first, then calls, then what is overdue."""
    urgency = Case(
        When(kind=StaffTask.Kind.SEAL_BROKEN, then=Value(0)),
        When(kind=StaffTask.Kind.OVERDUE, then=Value(2)),
        default=Value(1),
        output_field=IntegerField(),
    )
    sealed = AccessGrant.objects.live().filter(to=user, sight=AccessGrant.Sight.SEALED)
    return (
        StaffTask.objects.visible_to(user)
        .open()
        .exclude(opinion_request__case_file__in=sealed.values("case_file"))
        .select_related("opinion_request__case_file__patient__user", "opinion_request__coordinator")
        .order_by(urgency, "opened_at", "id")
    )


def finish_task(task: StaffTask, *, outcome: str, by: Any) -> StaffTask:
    """Close a task with what came of it. Raises: Refused (409) when a colleague was faster."""
    with transaction.atomic():
        fresh = StaffTask.objects.select_for_update(of=("self",)).get(pk=task.pk)
        if fresh.done_at:
            who = fresh.done_by.display_name if fresh.done_by else ""
            not_now(_("%(who)s has already closed this task.") % {"who": who}).or_raise()
        fresh.done_at, fresh.done_by, fresh.outcome = timezone.now(), by, outcome
        fresh.save(update_fields=["done_at", "done_by", "outcome"])
        note("task.done", by=by, about=fresh, role=COORDINATOR, kind=str(fresh.kind))
    return fresh
