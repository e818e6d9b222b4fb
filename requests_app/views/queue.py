"""Placeholder: its owner writes this page."""

from typing import Any

from django.http import HttpRequest, HttpResponse


def queue(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def queue_csv(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def tasks(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def task_done(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)
