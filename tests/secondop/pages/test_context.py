"""What every page shows around its content, and what it costs."""

import pytest
from django.contrib.auth.models import AnonymousUser

from secondop.accounts.models import Clinic, Membership, User
from secondop.notifications.models import Notification
from secondop.pages.context import page


@pytest.fixture
def clinics(db):
    lake = Clinic.objects.create(name="Lake", slug="lake", phone="1", emergency_number="112")
    hill = Clinic.objects.create(name="Hill", slug="hill", phone="2")
    return lake, hill


@pytest.fixture
def coordinator(clinics):
    user = User.objects.create_user("ana@example.com", full_name="Ana Example")
    Membership.objects.create(user=user, clinic=clinics[0], role="coordinator")
    return user


def shown_to(user, rf):
    request = rf.get("/")
    request.user = user
    return page(request)


class TestPage:
    def test_staff_see_their_own_clinic_and_its_emergency_number(self, coordinator, rf):
        shown = shown_to(coordinator, rf)
        assert shown["clinic"].name == "Lake"
        assert shown["emergency_phone"] == "112"
        assert shown["account"]["role"] == "Coordinator"

    def test_a_stranger_at_two_clinics_sees_neither(self, clinics, rf):
        shown = shown_to(AnonymousUser(), rf)
        assert not shown["clinic"]
        assert shown["emergency_phone"] == "911"
        assert not shown["navigation"]

    def test_only_ones_own_unread_messages_count(self, coordinator, rf):
        other = User.objects.create_user("bo@example.com")
        for to in (coordinator, other, other):
            Notification.objects.create(to=to, message="request_submitted", path="/")
        assert shown_to(coordinator, rf)["unread_count"] == 1

    def test_what_is_not_shown_is_not_asked(self, coordinator, rf, django_assert_num_queries):
        with django_assert_num_queries(0):
            shown_to(coordinator, rf)

    def test_each_fact_is_asked_once_however_often_it_is_shown(
        self, coordinator, rf, django_assert_num_queries
    ):
        shown = shown_to(coordinator, rf)
        coordinator.roles  # noqa: B018  (asked once for this person)
        with django_assert_num_queries(2):  # the clinic, the count
            for _ in range(3):
                assert shown["clinic"].name
                assert shown["unread_count"] == 0
                assert list(shown["navigation"]) is not None

    def test_a_page_made_before_anybody_was_asked_who_they_are(self, clinics, rf):
        shown = page(rf.get("/"))
        assert not shown["navigation"]
        assert shown["unread_count"] == 0
