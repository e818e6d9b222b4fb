"""How allauth behaves here: mail leaves through the outbox, sentences are plain.

Named in `ACCOUNT_ADAPTER` and `MFA_ADAPTER`; nobody imports it.
"""

from __future__ import annotations

import base64
import logging
import secrets
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from secondop.accounts.language import remember_language
from secondop.accounts.letters import send_letter
from secondop.accounts.seeds import PURPOSE
from secondop.lib.ciphers import KeyLost, decrypted, encrypted

log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "The e-mail address or the password is not right. Check both and try again."
        ),
        "too_many_login_attempts": _(
            "Too many tries. Wait five minutes, then try again, or choose a new password."
        ),
        "incorrect_password": _("This password is not right."),
        "enter_current_password": _("This is not your present password."),
        "duplicate_email": _("This is your address already."),
        "rate_limited": _("Too many tries. Wait a minute, then try again."),
        "invalid_password_reset": _("This link no longer works. Ask for a new one."),
    }

    def format_email_subject(self, subject: str) -> str:
        return subject

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put the mail into the outbox: it leaves after the commit, and again if it fails."""
        request = allauth_context.request
        site = get_current_site(request)
        message = self.render_mail(
            template_prefix,
            email,
            {"request": request, "email": email, "current_site": site, **context},
        )
        send_letter(to=email, subject=message.subject, body=str(message.body))

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_language(response, user.language)
        return response


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "This code is not right. Codes change every 30 seconds: use the new one."
        ),
        "cannot_generate_recovery_codes": _("Set up an app or a passkey first."),
        "unverified_email": _("Confirm your e-mail address first: open the link we sent there."),
    }

    def encrypt(self, text: str) -> str:
        """The seed of an app or of recovery codes, as it is kept."""
        return encrypted(text, PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """The seed; one that nobody knows when its key is lost, so that no code is right."""
        try:
            return decrypted(encrypted_text, PURPOSE)
        except KeyLost:
            log.error("A second factor was encrypted under another SECRET_KEY: see operations.md")
            return base64.b32encode(secrets.token_bytes(20)).decode()
