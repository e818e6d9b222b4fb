"""The auditor's page: who did what, when, to which case file; and the same as a file."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from secondop.audit.forms import TrailFilterForm
from secondop.audit.models import AuditEvent
from secondop.audit.reading import csv_rows, filtered, lines, staff_of
from secondop.audit.trail import note
from secondop.lib.csv_answer import csv_answer
from secondop.lib.keyset import keyset_page

PAGE_SIZE = 50


def trail(request: HttpRequest) -> HttpResponse:
    form = TrailFilterForm(request.GET, people=staff_of(request.user))
    wanted = form.cleaned_data if form.is_valid() else None
    events = AuditEvent.objects.none() if wanted is None else filtered(request.user, wanted)
    page = keyset_page(
        events,
        order=("id",),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
        newest_first=True,
    )
    context = {
        "form": form,
        "lines": lines(page.rows, request.user),
        "next_url": _page_url(request, page.next_cursor),
        "previous_url": _page_url(request, page.previous_cursor),
        "filter_query": _without_cursor(request).urlencode(),
    }
    return render(request, "audit/trail.html", context)


def export(request: HttpRequest) -> HttpResponseBase:
    """The selection as CSV. Saving it is itself an event of each clinic it covers."""
    form = TrailFilterForm(request.GET, people=staff_of(request.user))
    if not form.is_valid():
        return render(request, "audit/trail.html", {"form": form, "lines": []}, status=400)
    user: Any = request.user
    for clinic in apps.get_model("accounts", "Clinic")._default_manager.filter(
        pk__in=user.clinics_as("auditor")
    ):
        note("audit.exported", by=user, about=clinic, role="auditor")
    return csv_answer(csv_rows(user, form.cleaned_data), "audit-trail.csv")


def _without_cursor(request: HttpRequest) -> Any:
    query = request.GET.copy()
    query.pop("cursor", None)
    return query


def _page_url(request: HttpRequest, cursor: str) -> str:
    if not cursor:
        return ""
    query = _without_cursor(request)
    query["cursor"] = cursor
    return f"?{query.urlencode()}"
