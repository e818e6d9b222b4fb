"""Inviting staff, accepting, and ending a role."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from secondop.accounts import workflow
from secondop.accounts.letters import token_of
from secondop.accounts.models import Clinic, Invitation, InvitationMail, Membership, User
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from tests.factories import (
    PASSWORD,
    ClinicFactory,
    UserFactory,
    administrator,
    coordinator,
    member,
)
from tests.secondop.accounts.people import link_in_last_mail, sign_in, verified

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return administrator()


@pytest.fixture
def here(admin) -> Clinic:
    return admin.memberships.get().clinic


@pytest.fixture
def invitation(admin, here) -> Invitation:
    return workflow.invite(here, email="New@example.org", role="coordinator", by=admin)


def open_link(client, invitation):
    return client.get(reverse("accounts:invitation", args=[token_of(invitation)]))


class TestInvite:
    def test_it_sends_a_link_whose_token_is_stored_only_as_a_hash(
        self, client, admin, here, run_jobs
    ):
        client.force_login(admin)
        data = {"email": "New@example.org", "role": "specialist"}
        answer = client.post(reverse("accounts:invite"), data, follow=True)
        assert b"We send an invitation to new@example.org" in answer.content
        invitation = Invitation.objects.get()
        assert run_jobs() == 1
        assert mail.outbox[0].to == ["new@example.org"]
        token = link_in_last_mail().rstrip("/").rsplit("/", 1)[1]
        assert token == token_of(invitation) and len(token) == 43
        assert token not in str(list(Invitation.objects.values()))
        assert token not in str(list(InvitationMail.objects.values()))
        assert AuditEvent.objects.filter(verb="invitation.sent", clinic_id=here.pk).exists()

    def test_somebody_who_has_the_role_is_not_invited_again(self, client, admin, here):
        worker = coordinator(here)
        client.force_login(admin)
        data = {"email": worker.email.upper(), "role": "coordinator"}
        answer = client.post(reverse("accounts:invite"), data)
        assert b"This person has this role already." in answer.content
        assert not Invitation.objects.exists()

    def test_a_wrong_address_gets_a_sentence_and_is_kept(self, client, admin):
        client.force_login(admin)
        data = {"email": "not an address", "role": "coordinator"}
        answer = client.post(reverse("accounts:invite"), data)
        assert b"name@example.com" in answer.content
        assert b'value="not an address"' in answer.content

    def test_a_coordinator_may_not(self, client, here):
        client.force_login(coordinator(here))
        assert client.get(reverse("accounts:invite")).status_code == 404
        with pytest.raises(Refused):
            workflow.invite(here, email="x@y.org", role="administrator", by=coordinator(here))

    def test_another_clinics_administrator_may_not(self, here):
        with pytest.raises(Refused):
            workflow.invite(here, email="x@y.org", role="auditor", by=administrator())

    def test_an_invitation_taken_back_before_the_mail_left_is_not_sent(
        self, admin, invitation, run_jobs
    ):
        workflow.revoke(invitation, by=admin)
        run_jobs()
        assert not mail.outbox


class TestTheLink:
    def test_the_token_is_exchanged_at_once_and_is_in_no_later_address(self, client, invitation):
        answer = open_link(client, invitation)
        assert answer.url == reverse("accounts:join")
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]
        page = client.get(answer.url)
        assert token_of(invitation) not in page.content.decode()
        assert token_of(invitation) not in str(dict(client.session))

    def test_opening_it_uses_nothing_up(self, client, invitation):
        open_link(Client(), invitation)  # a mail scanner
        assert open_link(client, invitation).status_code == 302

    @pytest.mark.parametrize("how", ["expired", "revoked", "accepted", "unknown"])
    def test_one_that_no_longer_works_says_what_to_do(self, client, admin, invitation, how):
        now = timezone.now()
        if how == "expired":
            Invitation.objects.update(expires_at=now - timedelta(seconds=1))
        elif how == "revoked":
            workflow.revoke(invitation, by=admin)
        elif how == "accepted":
            workflow.join_as_new(invitation, full_name="N", password=PASSWORD)
        token = "x" * 43 if how == "unknown" else token_of(invitation)
        answer = client.get(reverse("accounts:invitation", args=[token]), follow=True)
        assert answer.redirect_chain == [(reverse("accounts:join"), 302)]
        assert answer.status_code == 404
        assert b"Ask the person who invited you to send it again." in answer.content
        assert client.get(reverse("accounts:join")).status_code == 404

    def test_guessing_is_slowed_down(self, client):
        url = reverse("accounts:invitation", args=["guess"])
        assert {client.get(url).status_code for _try in range(25)} == {302, 429}


class TestJoin:
    def test_a_new_person_makes_an_account_and_goes_on_to_the_second_step(self, client, invitation):
        open_link(client, invitation)
        data = {"full_name": "Nora New", "password": PASSWORD}
        answer = client.post(reverse("accounts:join"), data)
        assert answer.url == reverse("accounts:second_factor")
        user = User.objects.get(email="new@example.org")
        assert user.works_as("coordinator", invitation.clinic_id)
        assert user.emailaddress_set.get().verified
        assert client.session["_auth_user_id"] == str(user.pk)
        assert client.get(reverse("accounts:roles")).url == reverse("accounts:second_factor")
        assert AuditEvent.objects.filter(verb="membership.began").exists()

    def test_it_works_once(self, invitation):
        workflow.join_as_new(invitation, full_name="N", password=PASSWORD)
        other = UserFactory(email="other@example.org")
        with pytest.raises(Refused):
            workflow.join(invitation, by=other)
        assert Membership.objects.filter(role="coordinator").count() == 1

    def test_a_weak_password_is_refused_and_the_name_is_kept(self, client, invitation):
        open_link(client, invitation)
        data = {"full_name": "Nora New", "password": "short"}
        answer = client.post(reverse("accounts:join"), data)
        assert answer.status_code == 200 and b'value="Nora New"' in answer.content
        assert not User.objects.filter(email="new@example.org").exists()

    def test_somebody_with_an_account_signs_in_first_and_accepts(self, client, invitation):
        user = verified(UserFactory(email="new@example.org"))
        open_link(client, invitation)
        page = client.get(reverse("accounts:join"))
        assert b"You have an account already" in page.content
        answer = sign_in(client, user, next=reverse("accounts:join"))
        assert answer.url == reverse("accounts:join")
        assert b"Accept" in client.get(answer.url).content
        assert client.post(answer.url).url == reverse("accounts:start")
        assert User.objects.get(pk=user.pk).works_as("coordinator", invitation.clinic_id)

    def test_posting_a_password_does_not_take_over_an_existing_account(self, client, invitation):
        user = verified(UserFactory(email="new@example.org"))
        open_link(client, invitation)
        data = {"full_name": "Mallory", "password": "another pass phrase"}
        client.post(reverse("accounts:join"), data)
        assert "_auth_user_id" not in client.session
        assert User.objects.get(pk=user.pk).check_password(PASSWORD)
        assert not Membership.objects.filter(user=user).exists()

    def test_somebody_else_who_is_signed_in_cannot_take_it(self, client, invitation):
        other = UserFactory()
        client.force_login(other)
        open_link(client, invitation)
        answer = client.post(reverse("accounts:join"))
        assert b"This invitation is for another person" in answer.content
        assert not Membership.objects.filter(user=other).exists()

    def test_without_a_link_there_is_nothing(self, client):
        assert client.get(reverse("accounts:join")).status_code == 404


class TestTheList:
    def test_sending_again_makes_a_new_link_and_switches_the_old_one_off(
        self, client, admin, invitation
    ):
        client.force_login(admin)
        client.post(reverse("accounts:resend_invitation", args=[invitation.pk]))
        newer = Invitation.objects.open().get()
        assert newer.pk != invitation.pk and newer.email == invitation.email
        for which, expected in ((invitation, 404), (newer, 200)):
            visitor = Client()
            open_link(visitor, which)
            assert visitor.get(reverse("accounts:join")).status_code == expected

    def test_another_clinics_administrator_cannot_touch_it(self, client, invitation):
        client.force_login(administrator())
        for name in ("revoke_invitation", "resend_invitation"):
            url = reverse(f"accounts:{name}", args=[invitation.pk])
            assert client.post(url).status_code == 404
        assert Invitation.objects.open().count() == 1

    def test_it_shows_people_by_role_of_this_clinic_alone(
        self, client, admin, here, invitation, django_assert_max_num_queries
    ):
        mine, theirs = coordinator(here), coordinator()
        client.force_login(admin)
        client.get(reverse("accounts:members"))
        with django_assert_max_num_queries(14) as few:
            page = client.get(reverse("accounts:members")).content.decode()
        assert mine.email in page and invitation.email in page and theirs.email not in page
        for _more in range(5):
            coordinator(here)
        with django_assert_max_num_queries(len(few)):
            client.get(reverse("accounts:members"))

    def test_an_administrator_of_two_clinics_chooses(self, client, admin):
        second = ClinicFactory(name="Zebra clinic")
        Membership.objects.create(user=admin, clinic=second, role="administrator")
        client.force_login(admin)
        page = client.get(f"{reverse('accounts:members')}?clinic={second.slug}")
        assert page.context["here"] == second


class TestEndingARole:
    def test_the_person_is_out_at_once_and_signed_out_everywhere(self, client, admin, here):
        worker = coordinator(here)
        theirs = Client()
        theirs.force_login(worker)
        assert theirs.get(reverse("jobs:list")).status_code != 404
        client.force_login(admin)
        url = reverse("accounts:end_membership", args=[worker.memberships.get().pk])
        assert b"signed out everywhere" in client.get(url).content
        client.post(url)
        assert theirs.get(reverse("jobs:list")).status_code in (302, 404)
        theirs.force_login(User.objects.get(pk=worker.pk))
        assert theirs.get(reverse("jobs:list")).status_code == 404
        assert AuditEvent.objects.filter(verb="membership.ended").exists()

    def test_the_last_administrator_stays(self, client, admin, here):
        client.force_login(admin)
        url = reverse("accounts:end_membership", args=[admin.memberships.get().pk])
        assert b"at least one administrator" in client.get(url).content
        assert client.post(url).status_code == 409
        administrator(here)
        assert client.post(url).status_code == 302

    def test_another_clinics_administrator_gets_404(self, client, admin):
        client.force_login(administrator())
        url = reverse("accounts:end_membership", args=[admin.memberships.get().pk])
        assert client.post(url).status_code == 404


class TestClinicSettings:
    def test_it_saves_and_notes_what_changed_without_the_values(self, client, admin, here):
        client.force_login(admin)
        page = client.get(reverse("accounts:clinic"))
        data = {k: v for k, v in page.context["form"].initial.items() if v is not None}
        client.post(reverse("accounts:clinic"), {**data, "name": "A new name"})
        here.refresh_from_db()
        assert here.name == "A new name"
        assert AuditEvent.objects.get(verb="clinic.changed").details == {"fields": ["name"]}

    def test_zero_hours_are_refused(self, client, admin, here):
        client.force_login(admin)
        page = client.get(reverse("accounts:clinic"))
        data = {k: v for k, v in page.context["form"].initial.items() if v is not None}
        answer = client.post(reverse("accounts:clinic"), {**data, "offer_hours": "0"})
        assert b"a number from 1 to 720" in answer.content
        here.refresh_from_db()
        assert here.offer_hours == 12


class TestProfile:
    def test_it_saves_and_speaks_the_chosen_language_at_once(self, client):
        user = UserFactory()
        client.force_login(user)
        data = {"full_name": "Ann", "phone": "", "language": "es", "time_zone": "America/Chicago"}
        answer = client.post(reverse("accounts:profile"), data)
        assert answer.cookies["django_language"].value == "es"
        user.refresh_from_db()
        assert (user.full_name, user.language, user.time_zone) == ("Ann", "es", "America/Chicago")

    def test_an_unknown_time_zone_is_refused(self, client):
        client.force_login(UserFactory())
        data = {"full_name": "Ann", "language": "en", "time_zone": "Mars/Olympus"}
        assert client.post(reverse("accounts:profile"), data).status_code == 200
        assert User.objects.get().time_zone == "UTC"


class TestStart:
    @pytest.mark.parametrize(
        ("role", "page"),
        [("coordinator", "requests:queue"), ("specialist", "specialists:desk"),
         ("quality_reviewer", "specialists:checks"), ("administrator", "accounts:members"),
         ("auditor", "audit:trail")],
    )  # fmt: skip
    def test_each_role_begins_at_its_own_desk(self, client, role, page):
        client.force_login(member(role))
        assert client.get(reverse("accounts:start")).url == reverse(page)
