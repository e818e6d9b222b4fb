"""The first pages: safety questions, honest limits, the clinic, and the list of own requests."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from requests_app.beginning import begin_for_other, begin_for_self
from requests_app.emergency import numbers
from requests_app.forms.start import BeginForm, SafetyForm
from requests_app.models import OpinionRequest, Report
from requests_app.timeline import headline
from secondop.accounts.models import Clinic


def start(request: HttpRequest) -> HttpResponse:
    """PRIVACY: answers come in a body, decide the next page and are written nowhere."""
    form = SafetyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("requests:emergency" if form.is_emergency else "requests:begin")
    return render(request, "requests_app/start.html", {"form": form}, status=_status(form))


def emergency(request: HttpRequest) -> HttpResponse:
    found = numbers(Clinic.objects.filter(is_open=True))
    return render(request, "requests_app/emergency.html", {"numbers": found})


def begin(request: HttpRequest) -> HttpResponse:
    form = BeginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("requests:task_list", _begin(request.user, form.cleaned_data).pk)
    open_requests = [_line(row) for row in _own(request.user) if row.status not in row.ENDED]
    context = {"form": form, "open_requests": open_requests}
    return render(request, "requests_app/begin.html", context, status=_status(form))


def _begin(user: Any, answers: dict[str, Any]) -> OpinionRequest:
    if answers["for_whom"] == "me":
        return begin_for_self(user, answers["clinic"])
    return begin_for_other(
        user,
        answers["clinic"],
        name=answers["patient_name"],
        authority=answers["authority"],
        until=answers["until"],
    )


def mine(request: HttpRequest) -> HttpResponse:
    lines = [_line(row) for row in _own(request.user)]
    context = {
        "open_requests": [line for line in lines if not line["has_ended"]],
        "ended_requests": [line for line in lines if line["has_ended"]],
    }
    return render(request, "requests_app/mine.html", context)


def _own(user: Any) -> Any:
    unread = Q(messages__thread="patient", messages__from_clinic=True, messages__read_at=None)
    delivered = Report.objects.filter(opinion_request=OuterRef("pk"), delivered_at__isnull=False)
    return (
        OpinionRequest.objects.visible_as("patient", user)
        .select_related("clinic", "case_file__patient")
        .annotate(unread=Count("messages", filter=unread), has_report=Exists(delivered))
        .order_by("-changed_at", "pk")
    )


def _line(opinion_request: Any) -> dict[str, Any]:
    is_draft = opinion_request.status == OpinionRequest.Status.DRAFT
    return {
        "opinion_request": opinion_request,
        "headline": headline(opinion_request),
        "is_draft": is_draft,
        "has_ended": opinion_request.status in OpinionRequest.ENDED,
        "is_with_patient": opinion_request.ball_with == "patient",
        "patient_name": opinion_request.case_file.patient.full_name,
    }


def _status(form: Any) -> int:
    return 422 if form.errors else 200
