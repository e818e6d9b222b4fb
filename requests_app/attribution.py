"""Whose time it was: the days of a request, divided among the people who had the ball."""

from __future__ import annotations

from datetime import datetime, timedelta

from requests_app.models import OpinionRequest

GROUPS = {
    "patient": "patient",
    "coordinator": "clinic",
    "quality_reviewer": "clinic",
    "specialist": "specialist",
    "record_holder": "record_holder",
}  # "nobody": the request had ended, that is nobody's time


def time_by_ball(opinion_request: OpinionRequest, now: datetime) -> dict[str, timedelta]:
    """Wall time from the beginning to `now`, each instant given to exactly one group.

    The parts, with the time after an end under "nobody", add up to `now - created_at` exactly.
    """
    parts = dict.fromkeys((*dict.fromkeys(GROUPS.values()), "nobody"), timedelta(0))
    ball, since = "patient", opinion_request.created_at
    for change in opinion_request.status_changes.order_by("id"):
        at = min(max(change.at, since), now)  # clocks may step back; time is never counted twice
        parts[GROUPS.get(ball, "nobody")] += at - since
        ball, since = change.ball_with, at
    parts[GROUPS.get(ball, "nobody")] += max(now - since, timedelta(0))
    return parts


def days_by_ball(opinion_request: OpinionRequest, now: datetime) -> dict[str, float]:
    """The same in days: patient, clinic, specialist, record_holder, nobody."""
    return {
        group: part / timedelta(days=1)
        for group, part in time_by_ball(opinion_request, now).items()
    }
