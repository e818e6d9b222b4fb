"""How long a session lives, and whose time zone the pages speak.

Idle: sooner for staff than for a patient writing a long answer. Absolute: 12 hours, whatever
happens in it. A person who is switched off, or whose role ended, is out at the next request:
both are read from the database each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from secondop.accounts.second_factor import is_older_than_second_factor

BEGAN, LAST_SEEN = "began", "last_seen"  # seconds since 1970, in the session
REFRESH_SECONDS = 60  # write the session at most once a minute

WAS_IDLE = _(
    "You were signed out because nothing happened here for a while. "
    "Sign in again to go on where you were."
)
WAS_LONG = _("You were signed out because you signed in 12 hours ago. Sign in again to go on.")
WAS_HALF = _("Your account has a second step now. Please sign in again, and use it.")


class end_idle_sessions:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = time.time()
            if why := self._why_over(request, now):
                logout(request)
                messages.info(request, str(why))
            else:
                self._keep(request, now)
        return self.get_response(request)

    @staticmethod
    def _why_over(request: HttpRequest, now: float) -> str | Promise:
        began, seen = request.session.get(BEGAN, now), request.session.get(LAST_SEEN, now)
        if now - began > settings.SESSION_COOKIE_AGE:
            return WAS_LONG
        if now - seen > settings.IDLE_SECONDS_STAFF:
            staff = request.user.is_clinic_staff  # type: ignore[union-attr]
            if staff or now - seen > settings.IDLE_SECONDS_PATIENT:
                return WAS_IDLE
        return WAS_HALF if is_older_than_second_factor(request) else ""

    @staticmethod
    def _keep(request: HttpRequest, now: float) -> None:
        request.session.setdefault(BEGAN, now)
        if now - request.session.get(LAST_SEEN, 0) > REFRESH_SECONDS:
            request.session[LAST_SEEN] = now


class speak_in_their_time:
    """Times on pages are in the person's own zone; for visitors in the installation's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(ZoneInfo(request.user.time_zone)):
            return self.get_response(request)
