"""How long a session lives. The clock is moved, the pages are real."""

import time

import pytest
from django.urls import reverse

from secondop.accounts import middleware
from tests.factories import UserFactory, administrator
from tests.secondop.accounts.people import code, sign_in, verified, with_app

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = time.time()

        def forward(self, minutes: float) -> None:
            self.now += minutes * 60

    moved = Clock()
    monkeypatch.setattr(middleware.time, "time", lambda: moved.now)
    return moved


@pytest.fixture
def patient(client):
    sign_in(client, verified(UserFactory()))
    client.get(reverse("accounts:profile"))
    return client


@pytest.fixture
def staff(client):
    sign_in(client, with_app(administrator()))
    client.post(reverse("mfa_authenticate"), {"code": code()})
    client.get(reverse("accounts:profile"))
    return client


def is_in(client) -> bool:
    return client.get(reverse("accounts:profile")).status_code == 200


def test_staff_are_out_after_15_idle_minutes(clock, staff):
    clock.forward(14.9)
    assert is_in(staff)
    clock.forward(15.1)
    assert not is_in(staff)


def test_a_patient_has_30_minutes(clock, patient):
    clock.forward(29.9)
    assert is_in(patient)
    clock.forward(30.1)
    assert not is_in(patient)


def test_a_page_now_and_then_keeps_it_alive_but_not_longer_than_12_hours(clock, patient):
    for _step in range(35):
        clock.forward(20)
        assert is_in(patient)
    clock.forward(21)  # 12 hours and 1 minute
    assert not is_in(patient)


def test_the_sign_in_page_says_why_and_goes_back_where_the_person_was(clock, patient):
    clock.forward(31)
    answer = patient.get(reverse("accounts:profile"), HTTP_ACCEPT="text/html", follow=True)
    assert answer.redirect_chain == [
        (f"{reverse('account_login')}?next={reverse('accounts:profile')}", 302)
    ]
    assert b"nothing happened here for a while" in answer.content


def test_a_script_that_saves_text_is_told_401_so_that_the_text_stays_in_the_tab(clock, patient):
    clock.forward(31)
    answer = patient.post(
        reverse("accounts:profile"), {"full_name": "x"}, HTTP_ACCEPT="application/json"
    )
    assert answer.status_code == 401


def test_a_person_who_is_switched_off_is_out_at_the_next_request(patient):
    from secondop.accounts.models import User

    User.objects.update(is_active=False)
    assert not is_in(patient)


def test_signing_in_again_begins_a_new_12_hours(clock, patient):
    from secondop.accounts.models import User

    clock.forward(12 * 60 + 1)
    assert not is_in(patient)
    sign_in(patient, User.objects.get())
    assert is_in(patient)
