"""Signing in, the second step, and the desks of administrator and auditor in a real browser."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from django.utils import timezone

from records import proxies
from records.models import ProxyInvitation
from secondop.accounts import workflow
from secondop.accounts.letters import token_of
from secondop.accounts.models import Invitation
from secondop.audit.trail import note
from secondop.jobs.models import PermanentFailure
from secondop.notifications.models import Notification
from tests.factories import (
    PASSWORD,
    ClinicFactory,
    PatientFactory,
    UserFactory,
    administrator,
    auditor,
    coordinator,
)
from tests.secondop.accounts.people import code, verified, with_app

pytestmark = pytest.mark.django_db(transaction=True)


def picture(visitor, name: str) -> None:
    visitor.look(name)
    if folder := os.environ.get("SHOTS"):
        for width in (1280, 390):
            visitor.page.set_viewport_size({"width": width, "height": 900})
            visitor.page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
        visitor.page.set_viewport_size({"width": 1280, "height": 900})


class TestTheWayIn:
    def test_every_page_keeps_its_promises(self, visitor):
        for name in ("account_login", "account_signup", "account_reset_password",
                     "account_email_verification_sent", "account_reset_password_done",
                     "account_reset_password_from_key_done", "accounts:join"):  # fmt: skip
            visitor.go(reverse(name))
            picture(visitor, name.replace(":", "-"))

    def test_staff_join_by_invitation_and_set_an_app_up(self, visitor):
        admin = administrator()
        clinic = admin.memberships.get().clinic
        invitation = workflow.invite(clinic, email="n@x.org", role="coordinator", by=admin)
        page = visitor.go(reverse("accounts:invitation", args=[token_of(invitation)])).page
        picture(visitor, "join")
        page.get_by_label("Your full name").fill("Nora New")
        page.get_by_label("Choose a password").fill(PASSWORD)
        page.get_by_role("button", name="Make my account").click()
        page.wait_for_url("**" + reverse("accounts:second_factor"))
        picture(visitor, "second-factor")
        page.get_by_role("link", name="Set up an app").click()
        if "reauthenticate" in page.url:
            picture(visitor, "reauthenticate")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Go on").click()
        picture(visitor, "set-up-app")
        page.get_by_text("I cannot scan it").click()
        secret = page.locator("details .so-hash").inner_text()
        page.get_by_label("Code").fill(code(secret))
        page.get_by_role("button", name="Switch it on").click()
        page.wait_for_url("**" + reverse("mfa_view_recovery_codes"))
        picture(visitor, "recovery-codes")
        assert page.locator(".so-codes li").count() == 10
        page.get_by_role("link", name="I have kept them").click()
        page.wait_for_url("**" + reverse("requests:queue"))

    def test_a_passkey_is_set_up_and_signs_in_alone(self, visitor):
        user = verified(UserFactory())
        page = visitor.page
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True,
        }})  # fmt: skip
        visitor.go(reverse("account_login"))
        page.get_by_label("E-mail address").fill(user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        visitor.go(reverse("mfa_add_webauthn"))
        if "reauthenticate" in page.url:
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Go on").click()
        picture(visitor, "set-up-passkey")
        page.get_by_text("Let me sign in with this passkey alone").click()
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url("**" + reverse("mfa_view_recovery_codes"))
        assert Authenticator.objects.filter(user=user, type="webauthn").count() == 1
        visitor.go(reverse("mfa_list_webauthn"))
        picture(visitor, "passkeys")
        page.context.clear_cookies()
        visitor.go(reverse("account_login"))
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url("**" + reverse("requests:mine"))

    def test_a_passkey_that_does_not_work_is_said_in_words(self, visitor):
        page = visitor.go(reverse("account_login")).page
        page.route("**" + reverse("mfa_login_webauthn"), lambda route: route.abort())
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_text("That did not work").wait_for(timeout=10_000)

    def test_the_second_step(self, visitor):
        user = with_app(coordinator())
        page = visitor.go(reverse("account_login")).page
        page.get_by_label("E-mail address").fill(user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**" + reverse("mfa_authenticate") + "*")
        picture(visitor, "second-step")
        page.get_by_label("Code").fill(code())
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**" + reverse("requests:queue"))
        for name in ("mfa_index", "usersessions_list", "account_change_password",
                     "account_email", "accounts:profile", "accounts:roles"):  # fmt: skip
            visitor.go(reverse(name))
            picture(visitor, name.replace(":", "-"))


class TestDesks:
    def test_administrator(self, visitor):
        clinic = ClinicFactory()
        admin, member = administrator(clinic), coordinator(clinic)
        workflow.invite(clinic, email="open@x.org", role="specialist", by=admin)
        Invitation.objects.create(
            clinic=clinic, email="late@x.org", role="auditor", token_sha256="x", invited_by=admin,
            expires_at="2020-01-01T00:00:00Z",
        )  # fmt: skip
        row = Notification.objects.create(to=member, clinic_id=clinic.pk, message="new_request")
        claimed = Notification.claim(row.pk)
        with claimed.attempt():
            raise PermanentFailure("address refused")
        visitor.sign_in(admin)
        for name in ("accounts:members", "accounts:invite", "accounts:clinic", "jobs:list"):
            visitor.go(reverse(name))
            picture(visitor, name.replace(":", "-"))
        visitor.go(reverse("accounts:end_membership", args=[member.memberships.get().pk]))
        picture(visitor, "end-membership")

    def test_auditor(self, visitor):
        user = auditor()
        clinic = user.memberships.get().clinic
        note("clinic.changed", by=coordinator(clinic), about=clinic, fields=["name"])
        visitor.sign_in(user).go(reverse("audit:trail"))
        picture(visitor, "audit-trail")

    def test_inbox_and_proxies(self, visitor):
        patient = PatientFactory()
        for _one in range(3):
            Notification.objects.create(
                to=patient.user, message="report_ready", path="/", reference="SO-7KQ-3MF"
            )
        visitor.sign_in(patient.user).go(reverse("notifications:inbox"))
        picture(visitor, "inbox")
        helper = verified(UserFactory())
        proxies.invite(
            patient, email=helper.email, authority="permission",
            until=timezone.localdate() + timedelta(days=30), reason="", by=patient.user,
        )  # fmt: skip
        visitor.go(reverse("records:proxies", args=[patient.pk]))
        picture(visitor, "proxies")
        visitor.sign_in(helper)
        visitor.go(reverse("records:proxy_accept", args=[ProxyInvitation.objects.get().pk]))
        picture(visitor, "proxies-accept")
