"""Signing in as people do: through the pages, with codes of a real authenticator."""

from __future__ import annotations

import re
import time

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from secondop.accounts.models import User
from tests.factories import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def verified(user: User) -> User:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def with_app(user: User) -> User:
    """Give the person an authenticator app whose secret the test knows."""
    Authenticator.objects.filter(user=user).delete()
    TOTP.activate(user, SECRET)
    return verified(user)


def code(secret: str = SECRET) -> str:
    cache.clear()  # a code works once; a test may need it twice within 30 seconds
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def sign_in(client: Client, user: User, *, password: str = PASSWORD, follow: bool = False, **query):
    data = {"login": user.email, "password": password, **query}
    return client.post(reverse("account_login"), data, follow=follow)


def link_in_last_mail() -> str:
    """The path of the link in the newest mail."""
    found = re.search(r"https?://[^/\s]+(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]
