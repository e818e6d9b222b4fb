"""What people read of record requests: the clinic's list of open asks, the ledger, the patient's
"whom we wait for". All sentences; nothing is changed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.legal_clocks import clock_of
from records.models import Authorization, CaseFile, RecordRequest, RecordRequestEvent
from records.models.record_request import RecordHolder
from secondop.accounts.models import Clinic
from secondop.accounts.roles import COORDINATOR

ORDER = ("due_at", "id")
PAGE_SIZE = 50
Words = str | Promise
Status = RecordRequest.Status
BADGES = {
    "drafted": "wait", "authorized": "todo", "sent": "now", "acknowledged": "now",
    "promised": "now", "partly_received": "now", "received": "done", "refused": "bad",
    "not_held": "plain", "stopped": "plain",
}  # fmt: skip
BALL: dict[str, Words] = {
    "drafted": gettext_lazy("Patient"), "authorized": gettext_lazy("Us, the clinic"),
}  # fmt: skip
STEPS: dict[str, Words] = {
    "day 7": gettext_lazy("Reminder of day 7"), "day 14": gettext_lazy("Reminder of day 14"),
    "day 25": gettext_lazy("Reminder of day 25"), "due": gettext_lazy("The term has passed"),
    "due again": gettext_lazy("The longer term has passed"),
}  # fmt: skip
NOTES: dict[str, Words] = {
    "reminded": gettext_lazy("Reminded"), "escalation": gettext_lazy("Letter that presses"),
    "complaint": gettext_lazy("Complaint written"),
}  # fmt: skip
ARRIVED: dict[str, Words] = {
    "document": gettext_lazy("A file arrived"), "images": gettext_lazy("Images arrived"),
    "archive": gettext_lazy("An archive of images arrived"),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One row of a list: an ask in words."""

    it: RecordRequest
    badge: str
    who: Words  # who acts next
    is_late: bool
    days: int  # since it was asked, or drafted


def line_of(record_request: RecordRequest) -> Line:
    now = timezone.now()
    return Line(
        it=record_request,
        badge=BADGES[record_request.status],
        who=BALL.get(record_request.status, record_request.holder.name),
        is_late=not record_request.has_ended and record_request.due_at < now,
        days=max(0, (now - (record_request.sent_at or record_request.created_at)).days),
    )


def clinics_of(user: Any) -> list[Clinic]:
    return list(Clinic.objects.filter(pk__in=user.clinics_as(COORDINATOR)))


def listed(user: Any, clinic_id: UUID, *, status: str = "", late: bool = False,
           mine: bool = False) -> QuerySet[RecordRequest]:  # fmt: skip
    """Open asks of one clinic: read straight from one partial index, the most overdue first."""
    rows = RecordRequest.objects.visible_as(COORDINATOR, user).filter(clinic_id=clinic_id)
    rows = rows.exclude(status__in=RecordRequest.ENDED)
    if status:
        rows = rows.filter(status=status)
    if late:
        rows = rows.filter(due_at__lt=timezone.now())
    if mine:
        rows = rows.filter(created_by=user)
    found: QuerySet[RecordRequest] = rows.select_related("holder", "case_file__patient")
    return found


def of_case_file(case_file: CaseFile) -> list[RecordHolder]:
    """Every place that has records of the case, each with what was asked of it, newest first."""
    asked = RecordRequest.objects.select_related("holder").order_by("-created_at")
    rows = RecordHolder.objects.filter(case_file=case_file).order_by("created_at")
    holders = list(rows.prefetch_related(Prefetch("record_requests", queryset=asked)))
    for holder in holders:
        holder.lines = [line_of(one) for one in holder.record_requests.all()]  # type: ignore[attr-defined]
    return holders


def ledger(record_request: RecordRequest) -> list[dict[str, Any]]:
    """The ledger in sentences, newest first."""
    events = record_request.events.select_related("by").order_by("-at", "-id")
    holder = record_request.holder.name
    return [
        {
            "at": event.at,
            "what": event_in_words(event),
            "who": holder if event.by_holder else _who(event),
            "text": event.text,
        }
        for event in events[:500]
    ]


def _who(event: RecordRequestEvent) -> str:
    return event.by.display_name if event.by else _("The system")


def event_in_words(event: RecordRequestEvent) -> str:
    day = date_format(event.day, "DATE_FORMAT") if event.day else ""
    kind = event.kind
    if kind == "moved":
        words = str(Status(event.new).label)
        return f"{words} ({_('by')} {day})" if day else words
    if kind == "arrived":
        words = str(ARRIVED.get(event.new, event.new))
        return f"{words} ({event.count})" if event.count > 1 else words
    if kind == "step":
        return str(STEPS.get(event.new, event.new))
    plain = {
        "promised": _("They named a day: %(day)s") % {"day": day},
        "extended": _("The term was extended to %(day)s") % {"day": day},
        "opened": _("They opened the page"),
        "refused_at_door": _("Something came after the permission had ended; it was not kept"),
        "noted": str(NOTES.get(event.new, _("Note"))),
    }
    return str(plain[kind])


# --- the patient -------------------------------------------------------------------------------
PATIENT_WORDS: dict[str, Words] = {
    "drafted": gettext_lazy("Waits for your signature"),
    "authorized": gettext_lazy("Signed. The clinic sends it next"),
    "sent": gettext_lazy("Asked"), "acknowledged": gettext_lazy("Asked. They have read it"),
    "promised": gettext_lazy("Asked. They named a day"),
    "partly_received": gettext_lazy("A part has come"),
    "received": gettext_lazy("It has come"), "refused": gettext_lazy("They said no"),
    "not_held": gettext_lazy("They do not have it"), "stopped": gettext_lazy("Stopped"),
}  # fmt: skip


@dataclass(frozen=True)
class Waiting:
    """One place, as its patient reads it."""

    name: str
    words: Words
    badge: str
    since: datetime
    is_waiting: bool
    promised_on: Any
    authorization: Authorization | None
    to_sign: bool
    refused_because: str
    can_do: list[str]


def waiting_for(case_file: CaseFile) -> list[Waiting]:
    """Whom we wait for and since when; what is to be signed comes first."""
    rows = RecordRequest.objects.filter(case_file=case_file).select_related("holder")
    rows = rows.prefetch_related("authorizations").order_by("created_at")
    found = [_waiting(one) for one in rows]
    return sorted(found, key=lambda one: (not one.to_sign, not one.is_waiting))


def _waiting(one: RecordRequest) -> Waiting:
    papers = sorted(one.authorizations.all(), key=lambda paper: paper.offered_at)
    paper = papers[-1] if papers else None
    to_sign = one.status == Status.DRAFTED and paper is not None and paper.revoked_at is None
    refused = one.status == Status.REFUSED
    return Waiting(
        name=one.holder.name,
        words=PATIENT_WORDS[one.status],
        badge=BADGES[one.status],
        since=one.sent_at or one.created_at,
        is_waiting=one.is_waiting,
        promised_on=one.promised_on,
        authorization=paper,
        to_sign=to_sign,
        refused_because=_why(one) if refused else "",
        can_do=what_to_do(one) if refused else [],
    )


def _why(one: RecordRequest) -> str:
    last = one.events.filter(kind="moved", new="refused").order_by("-at").first()
    return last.text if last else ""


def what_to_do(record_request: RecordRequest) -> list[str]:
    """After a refusal, for the patient: what they can do, and who hears a complaint."""
    clock = clock_of(record_request.holder.country, record_request.basis)
    points = [
        _("You can ask for the copy yourself, at their records desk. Take your ID with you."),
        _("The clinic can ask once more, with a letter that names the rule."),
    ]
    if clock.office:
        points.append(
            _("You can complain to: %(office)s, %(address)s")
            % {"office": clock.office, "address": clock.office_address}
        )
    return points
