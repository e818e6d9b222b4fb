"""The calendar of an open ask: days 7, 14 and 25, and the end of the term. Each step once.

Asked hourly from beat. A step is a row of the ledger that can exist once: two sweeps at the same
moment, a flushed broker or a worker killed in between change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from records import arrivals
from records.holder_mails import queue_mail
from records.legal_clocks import DUE, DUE_AGAIN, REMINDER_DAYS
from records.models import HolderLetter, RecordRequest, RecordRequestEvent
from records.record_request_rules import may_reach
from records.record_requests import write_letter
from secondop.audit.trail import note

BATCH = 200


def due_step(record_request: RecordRequest) -> str:
    """The end of the term is a step of its own; after the extension there is a second end."""
    return DUE_AGAIN if record_request.is_extended else DUE


def steps_until(record_request: RecordRequest, now: datetime) -> list[str]:
    """The names of the steps whose time has come, in order."""
    if record_request.sent_at is None:
        return []
    days = [day for day in REMINDER_DAYS if record_request.sent_at + timedelta(days=day) <= now]
    return [
        *(f"day {day}" for day in days),
        *([due_step(record_request)] if record_request.due_at <= now else []),
    ]


def chase() -> int:
    """Take every step that is due; return how many were taken."""
    return sum(_take(pk) for pk in _with_steps_due())


def _with_steps_due() -> Iterator[object]:
    """Open asks whose next step has come and is not in the ledger. Reads one partial index."""
    now = timezone.now()
    due = Q()
    for day in REMINDER_DAYS:
        due |= Q(sent_at__lte=now - timedelta(days=day)) & ~Q(pk__in=_done(f"day {day}"))
    for name, extended in ((DUE, False), (DUE_AGAIN, True)):
        due |= Q(due_at__lte=now, is_extended=extended) & ~Q(pk__in=_done(name))
    rows = RecordRequest.objects.waiting().filter(due, case_file__is_open_for_records=True)
    yield from rows.order_by("sent_at").values_list("pk", flat=True)[:BATCH]


def _done(name: str) -> Any:
    steps = RecordRequestEvent.objects.filter(kind="step", new=name)
    return steps.values("record_request")


@transaction.atomic
def _take(pk: object) -> int:
    """The last step that is due. Older ones missed meanwhile are written, not sent one by one."""
    record_request = (
        RecordRequest.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(pk=pk)
        .first()
    )
    if record_request is None or not record_request.is_waiting:
        return 0
    done = set(record_request.events.filter(kind="step").values_list("new", flat=True))
    new = [name for name in steps_until(record_request, timezone.now()) if name not in done]
    if not new:
        return 0
    try:
        with transaction.atomic():
            for name in new:
                arrivals.write(record_request, RecordRequestEvent.Kind.STEP, new=name)
    except IntegrityError:
        return 0
    _act(record_request, new[-1])
    return 1


def _act(record_request: RecordRequest, name: str) -> None:
    is_due = name in (DUE, DUE_AGAIN)
    if may_reach(record_request):
        kind = HolderLetter.Kind.ESCALATION if is_due else HolderLetter.Kind.REMINDER
        write_letter(record_request, kind)
        if record_request.channel == RecordRequest.Channel.EMAIL:
            queue_mail(record_request, "due" if is_due else "reminder", once=f"step:{name}")
    by_mail = record_request.channel == RecordRequest.Channel.EMAIL
    if is_due or not by_mail:  # somebody must print, fax or call
        message = "record_overdue" if is_due else "record_reminder_due"
        arrivals.tell_clinic(record_request, message, once=f"{name}:{record_request.pk}")
    note("record_request.chased", by=None, about=record_request, step=name)
