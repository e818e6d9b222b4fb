"""Who must act in each state, and by when. One table; the status page, queue and sweeps read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from requests_app.models import OpinionRequest
from requests_app.models.opinion_request import Ball
from secondop.accounts.models import Clinic

Status = OpinionRequest.Status
SATURDAY = 5


@dataclass(frozen=True)
class Deadline:
    ball_with: str
    working_days: int = 0
    hours: int = 0  # by the clock, weekends included
    urgent_hours: int = 0  # instead, when the request is urgent
    days: int = 0  # by the calendar


# DESIGN section 4; the reasons for the figures are in domain/WORKFLOWS 4.3.
DEADLINES: dict[str, Deadline] = {
    Status.DRAFT: Deadline(Ball.PATIENT, days=60),
    Status.SUBMITTED: Deadline(Ball.COORDINATOR, working_days=1, urgent_hours=4),
    Status.NEEDS_PATIENT: Deadline(Ball.PATIENT, days=21),
    Status.COLLECTING: Deadline(Ball.COORDINATOR, working_days=5, urgent_hours=24),
    Status.READY: Deadline(Ball.COORDINATOR, working_days=1, urgent_hours=4),
    Status.REFERRED: Deadline(Ball.SPECIALIST, hours=12),
    Status.IN_REVIEW: Deadline(Ball.SPECIALIST, hours=48),
    Status.QUALITY_CHECK: Deadline(Ball.QUALITY_REVIEWER, working_days=1, urgent_hours=4),
    Status.DELIVERED: Deadline(Ball.PATIENT, hours=72),
    Status.CLOSED: Deadline(Ball.NOBODY),
    Status.RETURNED: Deadline(Ball.NOBODY),
    Status.WITHDRAWN: Deadline(Ball.NOBODY),
    Status.EXPIRED: Deadline(Ball.NOBODY),
}


def add_working_days(start: datetime, days: int, *, time_zone: str) -> datetime:
    """Return `start` moved by `days` Mondays to Fridays, same wall-clock time in `time_zone`.

    A start on a weekend counts from Monday's midnight. Public holidays are not known.
    """
    zone = ZoneInfo(time_zone)
    moment = start.astimezone(zone)
    while moment.weekday() >= SATURDAY:
        moment = (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(days):
        moment += timedelta(days=1)
        while moment.weekday() >= SATURDAY:
            moment += timedelta(days=1)
    return moment.astimezone(start.tzinfo)


def due_at(status: str, *, urgent: bool, clinic: Clinic, start: datetime) -> datetime:
    """Return when the person with the ball must have acted."""
    deadline = DEADLINES[status]
    if urgent and deadline.urgent_hours:
        return start + timedelta(hours=deadline.urgent_hours)
    if deadline.working_days:
        return add_working_days(start, deadline.working_days, time_zone=clinic.time_zone)
    hours = deadline.hours
    if status == Status.REFERRED:
        hours = clinic.offer_hours
    elif status == Status.IN_REVIEW:
        hours = clinic.review_hours
    elif status == Status.DELIVERED:
        hours = clinic.unopened_call_hours
    return start + timedelta(hours=hours, days=deadline.days)
