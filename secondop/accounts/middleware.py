"""Sessions end after idle time: sooner for staff than for a patient writing a long answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

LAST_SEEN = "last_seen"
REFRESH_SECONDS = 60  # write the session at most once a minute


class end_idle_sessions:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            staff = request.user.is_clinic_staff
            limit = settings.IDLE_SECONDS_STAFF if staff else settings.IDLE_SECONDS_PATIENT
            now, seen = time.time(), request.session.get(LAST_SEEN)
            if seen is not None and now - seen > limit:
                logout(request)
            elif seen is None or now - seen > REFRESH_SECONDS:
                request.session[LAST_SEEN] = now
        return self.get_response(request)
