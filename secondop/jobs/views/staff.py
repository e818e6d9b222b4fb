"""Placeholder: its owner writes this page."""

from typing import Any

from django.http import HttpRequest, HttpResponse


def list_jobs(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def retry(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)
