"""The first clinic of an installation and its administrator."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.urls import reverse

from secondop.accounts.models import Clinic, User
from secondop.audit.models import AuditEvent
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def add(slug="st-anna", **changes):
    said = {"name": "St Anna", "phone": "+1 555 0100", "administrator": "Ada@Example.org"} | changes
    call_command("add_clinic", slug, **said, stdout=StringIO())


def test_the_administrator_chooses_a_password_and_is_in(client, run_jobs):
    add()
    ada = User.objects.get(email="ada@example.org")
    assert ada.works_as("administrator", Clinic.objects.get().pk)
    assert AuditEvent.objects.get(verb="membership.began").actor_id == ada.pk
    client.post(reverse("account_reset_password"), {"email": ada.email})
    run_jobs()
    (letter,) = mail.outbox
    link = re.search(r"https?://[^/]+(/\S+)", letter.body)
    page = client.get(link.group(1), follow=True)
    assert page.status_code == 200 and "password" in page.content.decode()


def test_somebody_who_has_an_account_keeps_it():
    somebody = UserFactory(email="ada@example.org")
    add()
    assert User.objects.get(email="ada@example.org").pk == somebody.pk


@pytest.mark.parametrize(
    "changes", [{"administrator": "no address"}, {"time_zone": "Mars/Olympus"}, {"slug": "a b"}]
)
def test_what_is_wrong_is_said_and_nothing_is_made(changes):
    with pytest.raises(CommandError):
        add(**changes)
    assert not Clinic.objects.exists() and not User.objects.exists()


def test_a_clinic_is_added_once():
    add()
    with pytest.raises(CommandError, match="already exists"):
        add()
