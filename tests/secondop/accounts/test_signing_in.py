"""The way in: account, password, second step, lock-out. Through the pages, nothing replaced."""

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.test import Client
from django.urls import reverse

from secondop.accounts.models import Letter, Membership, User
from tests.factories import PASSWORD, ClinicFactory, UserFactory, coordinator, member
from tests.secondop.accounts.people import (
    SECRET,
    code,
    link_in_last_mail,
    sign_in,
    verified,
    with_app,
)

pytestmark = pytest.mark.django_db

A_STAFF_PAGE = "accounts:roles"


class TestSigningUp:
    def test_an_account_works_once_the_address_is_confirmed(self, client, run_jobs):
        answer = client.post(
            reverse("account_signup"), {"email": "New@Example.org", "password1": PASSWORD}
        )
        assert answer.url == reverse("account_email_verification_sent")
        assert run_jobs() == 1
        user = User.objects.get(email="new@example.org")
        path = link_in_last_mail()
        assert b"Is this your address?" in client.get(path).content
        assert client.post(path).status_code == 302
        answer = sign_in(client, user) if not client.session.get("_auth_user_id") else None
        assert client.session["_auth_user_id"] == str(user.pk), answer

    def test_signing_in_before_that_is_refused(self, client, run_jobs):
        client.post(reverse("account_signup"), {"email": "new@example.org", "password1": PASSWORD})
        client.cookies.clear()
        answer = sign_in(client, User.objects.get())
        assert answer.url == reverse("account_email_verification_sent")
        assert client.get(reverse("accounts:profile")).status_code == 302

    def test_a_short_password_is_refused_with_a_sentence_and_the_address_is_kept(self, client):
        answer = client.post(reverse("account_signup"), {"email": "a@b.org", "password1": "short"})
        assert b"at least 12 characters" in answer.content
        assert b'value="a@b.org"' in answer.content
        assert not User.objects.exists()

    def test_an_address_that_has_an_account_gets_the_same_answer(self, client, run_jobs):
        taken = verified(UserFactory(email="taken@example.org"))
        data = {"email": taken.email, "password1": "another long password"}
        known = client.post(reverse("account_signup"), data, follow=True)
        client.cookies.clear()
        unknown = client.post(
            reverse("account_signup"), {**data, "email": "free@example.org"}, follow=True
        )
        assert known.redirect_chain == unknown.redirect_chain
        run_jobs()
        assert {m.to[0]: m.subject for m in mail.outbox} == {
            "taken@example.org": "You have an account already",
            "free@example.org": "Please confirm your e-mail address",
        }


class TestSigningIn:
    def test_a_patient_lands_on_their_requests(self, client):
        user = verified(UserFactory())
        assert sign_in(client, user).url == reverse("accounts:start")
        assert client.get(reverse("accounts:start")).url == reverse("requests:mine")

    def test_the_language_of_the_person_is_applied(self, client):
        user = verified(UserFactory(language="es"))
        assert sign_in(client, user).cookies["django_language"].value == "es"

    def test_it_goes_on_where_the_person_wanted_to_go(self, client):
        user = verified(UserFactory())
        after = reverse("accounts:profile")
        answer = client.get(after)
        assert answer.url == f"{reverse('account_login')}?next={after}"
        assert sign_in(client, user, next=after).url == after

    def test_it_never_leads_to_another_site(self, client):
        user = verified(UserFactory())
        answer = sign_in(client, user, next="https://evil.example/")
        assert answer.url == reverse("accounts:start")

    def test_a_wrong_password_and_an_unknown_address_read_the_same(self, client):
        user = verified(UserFactory())
        known = sign_in(client, user, password="wrong")
        unknown = sign_in(client, UserFactory.build(email="nobody@example.org"))
        sentence = b"The e-mail address or the password is not right."
        assert sentence in known.content and sentence in unknown.content

    def test_a_person_who_is_switched_off_stays_out(self, client):
        user = verified(UserFactory(is_active=False))
        sign_in(client, user)
        assert client.get(reverse("accounts:profile")).status_code == 302


class TestSecondStep:
    def test_the_password_alone_opens_no_staff_page(self, client):
        user = with_app(coordinator())
        assert sign_in(client, user).url.startswith(reverse("mfa_authenticate"))
        assert client.get(reverse(A_STAFF_PAGE)).url.startswith(reverse("account_login"))

    def test_password_and_code_do(self, client):
        user = with_app(coordinator())
        sign_in(client, user)
        assert client.post(reverse("mfa_authenticate"), {"code": code()}).status_code == 302
        assert client.get(reverse(A_STAFF_PAGE)).status_code == 200

    def test_a_wrong_code_does_not(self, client):
        user = with_app(coordinator())
        sign_in(client, user)
        answer = client.post(reverse("mfa_authenticate"), {"code": "000000"})
        assert b"This code is not right" in answer.content
        assert client.get(reverse(A_STAFF_PAGE)).status_code == 302

    def test_a_code_works_once(self, client):
        user = with_app(coordinator())
        sign_in(client, user)
        used = code()
        client.post(reverse("mfa_authenticate"), {"code": used})
        client.post(reverse("account_logout"))
        sign_in(client, user)
        assert client.post(reverse("mfa_authenticate"), {"code": used}).status_code == 200
        assert client.get(reverse(A_STAFF_PAGE)).status_code == 302

    def test_staff_without_one_are_sent_to_set_it_up_and_see_nothing_before(self, client):
        user = verified(member("coordinator", second_factor=False))
        sign_in(client, user)
        assert client.get(reverse(A_STAFF_PAGE)).url == reverse("accounts:second_factor")
        assert (
            b"passwords are guessed and stolen"
            in client.get(reverse("accounts:second_factor")).content
        )

    def test_setting_up_an_app_shows_recovery_codes_once_and_opens_the_door(self, client):
        user = verified(member("coordinator", second_factor=False))
        sign_in(client, user)
        page = client.get(reverse("mfa_activate_totp"))
        if page.status_code == 302:  # the password once more
            client.post(page.url, {"password": PASSWORD})
            page = client.get(reverse("mfa_activate_totp"))
        assert b"data:image/svg" in page.content
        secret = page.context["form"].secret
        answer = client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
        assert answer.url == reverse("mfa_view_recovery_codes")
        shown = client.get(answer.url)
        codes = shown.context["unused_codes"]
        assert len(codes) == 10 and codes[0].encode() in shown.content
        assert codes[0].encode() not in client.get(answer.url).content
        assert client.get(reverse(A_STAFF_PAGE)).status_code == 200

    def test_a_recovery_code_lets_somebody_in_once(self, client):
        user = with_app(coordinator())
        spare = RecoveryCodes.activate(user).get_unused_codes()[0]
        for expected in (200, 302):
            sign_in(client, user)
            client.post(reverse("mfa_authenticate"), {"code": spare})
            assert client.get(reverse(A_STAFF_PAGE)).status_code == expected
            client.post(reverse("account_logout"))

    def test_a_session_older_than_the_second_factor_ends(self, client):
        """From it one could add a passkey of one's own and so walk around the second factor."""
        user = verified(UserFactory())
        sign_in(client, user)
        assert client.get(reverse("accounts:profile")).status_code == 200
        Membership.objects.create(user=user, clinic=ClinicFactory(), role="coordinator")
        TOTP.activate(user, SECRET)
        assert client.get(reverse("mfa_add_webauthn")).url.startswith(reverse("account_login"))
        assert "_auth_user_id" not in client.session

    def test_a_patient_needs_none(self, client):
        sign_in(client, verified(UserFactory()))
        assert client.get(reverse("accounts:profile")).status_code == 200


class TestNewPassword:
    def _reset(self, client, user, run_jobs) -> None:
        client.post(reverse("account_reset_password"), {"email": user.email})
        run_jobs()
        page = client.get(link_in_last_mail(), follow=True)
        data = {"password1": "a brand new pass phrase", "password2": "a brand new pass phrase"}
        answer = client.post(page.redirect_chain[-1][0], data)
        assert answer.url == reverse("account_reset_password_from_key_done")

    def test_the_link_of_the_mail_changes_it(self, client, run_jobs):
        user = verified(UserFactory())
        self._reset(client, user, run_jobs)
        assert sign_in(client, user, password=PASSWORD).status_code == 200
        assert sign_in(client, user, password="a brand new pass phrase").status_code == 302

    def test_it_does_not_walk_around_the_second_step(self, client, run_jobs):
        user = with_app(coordinator())
        self._reset(client, user, run_jobs)
        assert client.get(reverse(A_STAFF_PAGE)).status_code == 302
        answer = sign_in(client, user, password="a brand new pass phrase")
        assert answer.url.startswith(reverse("mfa_authenticate"))

    def test_it_ends_every_other_session(self, client, run_jobs):
        user = verified(UserFactory())
        elsewhere = Client()
        sign_in(elsewhere, user)
        self._reset(client, user, run_jobs)
        assert elsewhere.get(reverse("accounts:profile")).status_code == 302

    def test_a_link_works_once(self, client, run_jobs):
        user = verified(UserFactory())
        self._reset(client, user, run_jobs)
        reset = [m for m in mail.outbox if m.subject == "Choose a new password"][-1]
        mail.outbox = [reset]
        assert b"This link no longer works" in client.get(link_in_last_mail(), follow=True).content

    def test_an_unknown_address_gets_the_same_page(self, client, run_jobs):
        user = verified(UserFactory())
        known = client.post(reverse("account_reset_password"), {"email": user.email}, follow=True)
        other = client.post(reverse("account_reset_password"), {"email": "x@y.org"}, follow=True)
        assert known.redirect_chain == other.redirect_chain
        assert run_jobs() == 2

    def test_what_a_letter_said_is_forgotten_once_it_is_sent(self, client, run_jobs):
        client.post(reverse("account_reset_password"), {"email": "x@y.org"})
        assert Letter.objects.get().body
        run_jobs()
        letter = Letter.objects.get()
        assert (letter.status, letter.to, letter.body) == ("done", "", "")


class TestLockOut:
    def test_five_wrong_passwords_lock_with_a_page_that_says_how_long(self, client, caplog):
        user = verified(UserFactory())
        for _try in range(4):
            assert sign_in(client, user, password="wrong").status_code == 200
        answer = sign_in(client, user, password="wrong")
        assert answer.status_code == 429
        assert b"You can try again in 15 minutes" in answer.content
        assert answer["Retry-After"] == "900"
        assert sign_in(client, user).status_code in (200, 429)
        assert "_auth_user_id" not in client.session
        assert user.email not in caplog.text

    def test_an_address_without_an_account_is_locked_alike(self, client):
        nobody = UserFactory.build(email="nobody@example.org")
        answers = [sign_in(client, nobody).status_code for _try in range(5)]
        assert answers == [200, 200, 200, 200, 429]

    def test_somebody_else_may_still_sign_in(self, client):
        user, other = verified(UserFactory()), verified(UserFactory())
        for _try in range(5):
            sign_in(client, user, password="wrong")
        assert sign_in(client, other).status_code == 302

    def test_asking_again_and_again_for_a_new_password_is_slowed_down(self, client):
        answers = {
            client.post(reverse("account_reset_password"), {"email": "x@y.org"}).status_code
            for _try in range(7)
        }
        assert 429 in answers


class TestChangingTheAddress:
    def test_the_new_one_counts_once_it_is_confirmed(self, client, run_jobs):
        user = verified(UserFactory())
        old = user.email
        sign_in(client, user)
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        client.post(reverse("account_email"), {"action_add": "", "email": "new@example.org"})
        assert User.objects.get().email == old
        run_jobs()
        confirm = next(m for m in mail.outbox if m.to == ["new@example.org"])
        mail.outbox = [confirm]
        client.post(link_in_last_mail())
        assert User.objects.get().email == "new@example.org"
        run_jobs()

    def test_it_asks_for_the_password_again(self, client):
        user = verified(UserFactory())
        client.force_login(user)
        data = {"action_add": "", "email": "new@example.org"}
        answer = client.post(reverse("account_email"), data)
        assert answer.url.startswith(reverse("account_reauthenticate"))
        assert not Letter.objects.exists()


class TestRoutes:
    @pytest.mark.parametrize("name", ["account_set_password", "account_confirm_login_code"])
    def test_what_is_not_declared_is_refused(self, client, name):
        client.force_login(UserFactory())
        assert client.get(reverse(name)).status_code == 403

    @pytest.mark.parametrize(
        "name",
        ["account_login", "account_signup", "account_reset_password", "account_reset_password_done",
         "account_email_verification_sent", "account_reset_password_from_key_done",
         "account_inactive"],
    )  # fmt: skip
    def test_the_pages_of_the_way_in_open_for_everybody(self, client, name):
        page = client.get(reverse(name))
        assert page.status_code == 200
        assert b"so-header" in page.content

    @pytest.mark.parametrize(
        "name", ["account_logout", "account_change_password", "mfa_index", "usersessions_list"]
    )
    def test_the_pages_of_ones_own_account_open(self, client, name):
        sign_in(client, verified(UserFactory()))
        assert client.get(reverse(name)).status_code == 200

    @pytest.mark.parametrize(
        "name",
        ["mfa_index", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_generate_recovery_codes",
         "mfa_deactivate_totp", "mfa_reauthenticate"],
    )  # fmt: skip
    def test_the_pages_of_the_second_step_open(self, client, name):
        user = with_app(UserFactory())
        sign_in(client, user)
        client.post(reverse("mfa_authenticate"), {"code": code()})
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        assert client.get(reverse(name)).status_code == 200
