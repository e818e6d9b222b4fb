"""The days of a request are divided without rest: no instant is counted twice or lost."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_app.attribution import GROUPS, days_by_ball, time_by_ball
from requests_app.models.opinion_request import Ball
from tests.factories import opinion_request_at

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BALLS = st.sampled_from(Ball.values)


class Changes:
    """The rows of a request's history, as the manager gives them."""

    def __init__(self, rows):
        self.rows = rows

    def order_by(self, _name):
        return self.rows


@given(
    steps=st.lists(st.tuples(st.integers(-(10**9), 10**12), BALLS), max_size=12),
    until=st.integers(0, 10**13),
)
def test_the_parts_add_up_to_the_whole_whatever_happened(steps, until):
    at, rows = BEGAN, []
    for microseconds, ball in steps:  # steps back in time too: clocks do that
        at += timedelta(microseconds=microseconds)
        rows.append(SimpleNamespace(at=at, ball_with=ball))
    now = BEGAN + timedelta(microseconds=until)
    request = SimpleNamespace(created_at=BEGAN, status_changes=Changes(rows))
    parts = time_by_ball(request, now)
    assert sum(parts.values(), timedelta(0)) == now - BEGAN
    assert all(part >= timedelta(0) for part in parts.values())
    assert set(parts) == {*GROUPS.values(), "nobody"}


def test_each_stretch_goes_to_who_had_the_ball():
    day = timedelta(days=1)
    rows = [
        SimpleNamespace(at=BEGAN + 2 * day, ball_with="coordinator"),
        SimpleNamespace(at=BEGAN + 5 * day, ball_with="specialist"),
        SimpleNamespace(at=BEGAN + 6 * day, ball_with="quality_reviewer"),
        SimpleNamespace(at=BEGAN + 7 * day, ball_with="nobody"),
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
