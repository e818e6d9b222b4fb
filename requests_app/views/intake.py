"""Placeholder: its owner writes this page."""

from typing import Any

from django.http import HttpRequest, HttpResponse


def task_list(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def about(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def told(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def questions(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def records(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def review(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def check(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def discard(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)
