"""Too many wrong passwords: whose they were, and the page that says how long to wait."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def username_of(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Return the e-mail address somebody tried; allauth calls it `email`, its form `login`."""
    given = credentials or {}
    tried = given.get("email") or given.get("username")
    if not tried and request is not None:
        tried = request.POST.get("login")
    return str(tried or "").strip().lower()


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """The answer to a locked address: the same for an account that exists and one that does not."""
    wait = get_cool_off(request)
    seconds = int(wait.total_seconds()) if wait else 0
    context = {"minutes": max(1, seconds // 60)}
    response = render(request, "accounts/locked.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
