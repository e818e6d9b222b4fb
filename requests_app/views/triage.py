"""Placeholder: its owner writes this page."""

from typing import Any

from django.http import HttpRequest, HttpResponse


def triage(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def accept(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def ask_patient(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def return_with_advice(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def mark_ready(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def staff_messages(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def staff_reopen(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)
