"""The language of the pages: a cookie, set from the person's own choice at sign-in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponseBase

ONE_YEAR_SECONDS = 365 * 24 * 3600


def remember_language(response: HttpResponseBase, language: str) -> None:
    """Let Django's LocaleMiddleware find `language` on the next request."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=ONE_YEAR_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
