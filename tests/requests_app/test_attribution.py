"""The days of a request are divided without rest: no instant is counted twice or lost."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records import record_requests
from requests_app.attribution import GROUPS, Waits, days_by_ball, time_by_ball
from requests_app.models.opinion_request import Ball
from tests.factories import opinion_request_at
from tests.records import asking

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BALLS = st.sampled_from(Ball.values)
STATUSES = st.sampled_from(["collecting", "submitted", "in_review", "closed"])
MOMENTS = st.integers(-(10**10), 10**13)
STRETCHES = st.lists(st.tuples(MOMENTS, st.none() | MOMENTS), max_size=5)


def moments(stretches):
    """Pairs of microseconds as times, in order; whoever asks for no end waits still."""
    found = []
    for one, other in stretches:
        first, last = sorted((one, one if other is None else other))
        begin, end = (BEGAN + timedelta(microseconds=n) for n in (first, last))
        found.append((begin, None if other is None else end))
    return found


class Changes:
    """The rows of a request's history, as the manager gives them."""

    def __init__(self, rows):
        self.rows = rows

    def order_by(self, _name):
        return self.rows


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine too
@given(
    steps=st.lists(st.tuples(st.integers(-(10**9), 10**12), BALLS, STATUSES), max_size=12),
    until=st.integers(0, 10**13),
    holders=STRETCHES,
    patient=STRETCHES,
)
def test_the_parts_add_up_to_the_whole_whatever_happened(steps, until, holders, patient):
    at, rows = BEGAN, []
    for microseconds, ball, new in steps:  # steps back in time too: clocks do that
        at += timedelta(microseconds=microseconds)
        rows.append(SimpleNamespace(at=at, ball_with=ball, new=new))
    now = BEGAN + timedelta(microseconds=until)
    request = SimpleNamespace(created_at=BEGAN, status_changes=Changes(rows))
    waits = Waits(moments(holders), moments(patient))
    parts = time_by_ball(request, now, waits)
    assert sum(parts.values(), timedelta(0)) == now - BEGAN
    assert all(part >= timedelta(0) for part in parts.values())
    assert set(parts) == {*GROUPS.values(), "nobody"}


def test_each_stretch_goes_to_who_had_the_ball():
    day = timedelta(days=1)
    rows = [
        SimpleNamespace(at=BEGAN + 2 * day, ball_with="coordinator", new="submitted"),
        SimpleNamespace(at=BEGAN + 5 * day, ball_with="specialist", new="in_review"),
        SimpleNamespace(at=BEGAN + 6 * day, ball_with="quality_reviewer", new="quality_check"),
        SimpleNamespace(at=BEGAN + 7 * day, ball_with="nobody", new="closed"),
    ]
    request = SimpleNamespace(created_at=BEGAN, status_changes=Changes(rows))
    assert days_by_ball(request, BEGAN + 10 * day) == {
        "patient": 2, "clinic": 4, "specialist": 1, "record_holder": 0, "nobody": 3,
    }  # fmt: skip


@pytest.mark.django_db
def test_a_real_history_adds_up_too():
    opinion_request = opinion_request_at("delivered")
    now = datetime.now(UTC) + timedelta(days=3)
    parts = time_by_ball(opinion_request, now)
    assert sum(parts.values(), timedelta(0)) == now - opinion_request.created_at
    assert parts["patient"] > timedelta(days=2)


def test_while_gathering_the_hospitals_wait_is_the_hospitals():
    day = timedelta(days=1)
    rows = [
        SimpleNamespace(at=BEGAN, ball_with="coordinator", new="collecting"),
        SimpleNamespace(at=BEGAN + 10 * day, ball_with="specialist", new="in_review"),
    ]
    request = SimpleNamespace(created_at=BEGAN, status_changes=Changes(rows))
    waits = Waits(
        holders=[(BEGAN + 2 * day, BEGAN + 5 * day), (BEGAN + 4 * day, BEGAN + 6 * day),
                 (BEGAN + 9 * day, None)],  # two at once are one wait; one waits still
        patient=[(BEGAN + day, BEGAN + 3 * day)],
    )  # fmt: skip
    parts = time_by_ball(request, BEGAN + 12 * day, waits)
    assert {group: part / day for group, part in parts.items()} == {
        "patient": 1, "record_holder": 5, "clinic": 4, "specialist": 2, "nobody": 0,
    }  # fmt: skip


@pytest.mark.django_db
def test_a_real_ask_gives_its_days_to_the_record_holder_until_it_has_ended():
    it = asking.sent()
    opinion_request = it.case_file.opinion_request
    now = datetime.now(UTC) + timedelta(days=3)
    parts = time_by_ball(opinion_request, now)
    assert parts["record_holder"] > timedelta(days=2)
    assert sum(parts.values(), timedelta(0)) == now - opinion_request.created_at
    record_requests.resolve(it, outcome="received", by=it.created_by)
    after = time_by_ball(opinion_request, now)
    assert after["record_holder"] < timedelta(hours=1)
    assert after["clinic"] > timedelta(days=2)
    assert sum(after.values(), timedelta(0)) == now - opinion_request.created_at
