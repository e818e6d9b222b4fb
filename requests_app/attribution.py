"""Whose time it was: the days of a request, divided among the people who had the ball.

While records are gathered, the time belongs to a record holder as long as one was asked and has
not answered, and to the patient while a permission waits for a signature; the rest is the clinic's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from records.models import RecordRequest, RecordRequestEvent
from requests_app.models import OpinionRequest

GROUPS = {
    "patient": "patient",
    "coordinator": "clinic",
    "quality_reviewer": "clinic",
    "specialist": "specialist",
    "record_holder": "record_holder",
}  # "nobody": the request had ended, that is nobody's time
Stretch = tuple[datetime, datetime | None]  # without an end: it lasts still


@dataclass(frozen=True)
class Waits:
    """When somebody outside was waited for while records were gathered."""

    holders: list[Stretch] = field(default_factory=list)
    patient: list[Stretch] = field(default_factory=list)


def waits_of(opinion_request: OpinionRequest) -> Waits:
    """From the ledger of every ask of the case file, in one query."""
    moves = RecordRequestEvent.objects.filter(
        case_file=opinion_request.case_file_id, kind=RecordRequestEvent.Kind.MOVED
    )
    by_ask: dict[object, list[tuple[datetime, str]]] = {}
    for ask, at, new in moves.order_by("at", "id").values_list("record_request", "at", "new"):
        by_ask.setdefault(ask, []).append((at, new))
    found = Waits()
    for history in by_ask.values():
        found.holders.extend(_stretches(history, RecordRequest.WAITING))
        found.patient.extend(_stretches(history, ("drafted",)))
    return found


def _stretches(history: list[tuple[datetime, str]], statuses: Iterable[str]) -> list[Stretch]:
    """The stretches in which an ask had one of these statuses."""
    inside, since, found = set(statuses), None, list[Stretch]()
    for at, new in history:
        if new in inside and since is None:
            since = at
        elif new not in inside and since is not None:
            found.append((since, at))
            since = None
    return [*found, (since, None)] if since else found


def time_by_ball(
    opinion_request: OpinionRequest, now: datetime, waits: Waits | None = None
) -> dict[str, timedelta]:
    """Wall time from the beginning to `now`, each instant given to exactly one group.

    The parts, with the time after an end under "nobody", add up to `now - created_at` exactly.
    """
    parts = dict.fromkeys((*dict.fromkeys(GROUPS.values()), "nobody"), timedelta(0))
    changes = list(opinion_request.status_changes.order_by("id"))
    if waits is None:
        gathered = any(change.new == "collecting" for change in changes)
        waits = waits_of(opinion_request) if gathered else Waits()
    ball, status, since = "patient", "", opinion_request.created_at
    for change in changes:
        at = min(max(change.at, since), now)  # clocks may step back; time is never counted twice
        _give(parts, ball, status, since, at, waits)
        ball, status, since = change.ball_with, change.new, at
    _give(parts, ball, status, since, max(now, since), waits)
    return parts


def _give(
    parts: dict[str, timedelta], ball: str, status: str, start: datetime, end: datetime,
    waits: Waits,
) -> None:  # fmt: skip
    """One stretch of one status; while gathering, split where somebody outside was waited for."""
    if status != "collecting" or ball != "coordinator":
        parts[GROUPS.get(ball, "nobody")] += end - start
        return
    edges = {start, end}
    for since, until in (*waits.holders, *waits.patient):
        edges |= {min(max(edge, start), end) for edge in (since, until or end)}
    ordered = sorted(edges)
    for left, right in pairwise(ordered):
        parts[_whose(left, right, waits)] += right - left


def _whose(left: datetime, right: datetime, waits: Waits) -> str:
    """Between two neighbouring edges nothing changes. A hospital's wait outweighs a signature's."""

    def covers(stretches: list[Stretch]) -> bool:
        return any(
            since <= left and (until is None or right <= until) for since, until in stretches
        )

    if covers(waits.holders):
        return "record_holder"
    return "patient" if covers(waits.patient) else "clinic"


def days_by_ball(opinion_request: OpinionRequest, now: datetime) -> dict[str, float]:
    """The same in days: patient, clinic, specialist, record_holder, nobody."""
    return {
        group: part / timedelta(days=1)
        for group, part in time_by_ball(opinion_request, now).items()
    }
