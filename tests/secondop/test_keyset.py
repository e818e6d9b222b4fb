"""Keyset pagination: every row exactly once, forwards and back, whatever the address says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from secondop.lib.keyset import keyset_page
from secondop.notifications.models import Notification
from tests.factories import UserFactory

START = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = ("created_at", "id")


def rows_at(minutes):
    person = UserFactory()
    return Notification.objects.bulk_create(
        Notification(to=person, message="x", path="/", created_at=START + timedelta(minutes=m))
        for m in minutes
    )


def walk(size):
    """All pages forwards, then all pages back from the last."""
    forwards, cursor = [], ""
    while True:
        page = keyset_page(Notification.objects.all(), order=ORDER, cursor=cursor, size=size)
        forwards.append(page)
        if not page.next_cursor:
            break
        cursor = page.next_cursor
    backwards, page = [forwards[-1]], forwards[-1]
    while page.previous_cursor:
        page = keyset_page(
            Notification.objects.all(), order=ORDER, cursor=page.previous_cursor, size=size
        )
        backwards.append(page)
    return forwards, backwards[::-1]


class TestKeyset(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.integers(0, 5), max_size=14), st.integers(1, 5))
    def test_every_row_once_in_both_directions_with_ties(self, minutes, size):
        made = rows_at(minutes)
        expected = [row.pk for row in sorted(made, key=lambda r: (r.created_at, r.pk))]
        for pages in walk(size):
            assert [row.pk for page in pages for row in page.rows] == expected

    def test_an_unreadable_cursor_is_the_first_page(self):
        rows_at(range(3))
        for cursor in ("!!!", "e30", "WzAsMV0", "x" * 400):
            page = keyset_page(Notification.objects.all(), order=ORDER, cursor=cursor, size=2)
            assert len(page.rows) == 2


@pytest.mark.django_db
def test_one_page_is_one_query(django_assert_num_queries):
    rows_at(range(9))
    with django_assert_num_queries(1):
        keyset_page(Notification.objects.all(), order=ORDER, cursor="", size=3)
