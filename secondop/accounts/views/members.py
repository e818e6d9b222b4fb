"""Placeholder: its owner writes this page."""

from typing import Any

from django.http import HttpRequest, HttpResponse


def members(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def invite(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def revoke_invitation(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def end_membership(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)


def clinic(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("not written yet", status=501)
