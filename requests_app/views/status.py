"""After sending: where the request is, messages, who opened the records, stop and open again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from records import asks
from requests_app import patient_messages, rules, workflow
from requests_app.access_log import opened_lines
from requests_app.attribution import days_by_ball
from requests_app.forms.ending import MessageForm, ReopenForm
from requests_app.models import OpinionRequest, Report, StatusChange
from requests_app.timeline import days_in_words, headline, steps, what_next
from requests_app.views.pieces import own_request, told_about_it
from secondop.lib.pages import page_or_part

Status = OpinionRequest.Status


def status(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page; htmx asks for its moving part once a minute."""
    opinion_request = own_request(request, pk)
    if opinion_request.status == Status.DRAFT and request.method == "GET":
        return redirect("requests:task_list", pk)
    context = _status_context(request, opinion_request)
    return page_or_part(request, "requests_app/status.html", "requests_app/_status.html", context)


def _status_context(request: HttpRequest, opinion_request: OpinionRequest) -> dict[str, Any]:
    user = request.user
    changes = list(opinion_request.status_changes.order_by("id"))
    reports = Report.objects.visible_as("patient", user).filter(opinion_request=opinion_request)
    return {
        "opinion_request": opinion_request,
        "headline": headline(opinion_request),
        "what_next": what_next(opinion_request),
        "steps": steps(opinion_request, changes),
        "days": _days(opinion_request),
        "asked": told_about_it(opinion_request, Status.NEEDS_PATIENT),
        "advice": told_about_it(opinion_request, Status.RETURNED),
        "waiver": _waiver(changes),
        "why_again": _why_again(opinion_request, changes),
        "reports": list(reports.order_by("-version")),
        "unread": patient_messages.unread(opinion_request),
        "may_withdraw": rules.may_withdraw(user, opinion_request),
        "may_reopen": rules.may_reopen(user, opinion_request),
        "may_add_records": rules.may_add_records(user, opinion_request),
        "may_edit": rules.may_edit(user, opinion_request),
        "just_sent": "sent" in request.GET,
        "waiting": asks.waiting_for(opinion_request.case_file),
        "for_other": opinion_request.case_file.patient.user_id != user.pk,
    }


def _waiver(changes: list[StatusChange]) -> str:
    """Why the records were called complete, as long as that is the last word on them."""
    last = next((change for change in reversed(changes) if change.new == Status.READY), None)
    return last.reason if last and last.old == Status.COLLECTING else ""


def _why_again(opinion_request: OpinionRequest, changes: list[StatusChange]) -> str:
    """Why a delivered report is being changed or added to; "" when that is not going on."""
    at_work = (Status.COLLECTING, Status.READY, Status.REFERRED, Status.IN_REVIEW,
               Status.QUALITY_CHECK)  # fmt: skip
    if opinion_request.status not in at_work:
        return ""
    left = (change.reason for change in reversed(changes) if change.old == Status.DELIVERED)
    return next(left, "")


def _days(opinion_request: OpinionRequest) -> list[dict[str, str]]:
    days = days_by_ball(opinion_request, timezone.now())
    names = {
        "patient": _("With you"),
        "clinic": _("With the clinic"),
        "specialist": _("With the specialist"),
        "record_holder": _("With hospitals that have records"),
    }
    return [
        {"who": name, "days": days_in_words(days[group])}
        for group, name in names.items()
        if days[group] > 0
    ]


def messages(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = own_request(request, pk)
    form = MessageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        patient_messages.write(opinion_request, text=form.cleaned_data["text"], by=request.user)
        flash.success(request, _("Your message is with the clinic."))
        return redirect("requests:messages", pk)
    context = {
        "opinion_request": opinion_request,
        "thread": list(patient_messages.thread(opinion_request)),
        "form": form,
        "verdict": rules.may_write_message(request.user, opinion_request),
    }
    if request.method == "GET":
        patient_messages.mark_read(opinion_request)
    code = 422 if form.errors else 200
    return render(request, "requests_app/messages.html", context, status=code)


def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = own_request(request, pk)
    if request.method == "POST":
        workflow.withdraw(opinion_request, by=request.user)
        flash.success(request, _("Your request is stopped. Nobody can read your records now."))
        return redirect(opinion_request)
    context = {
        "opinion_request": opinion_request,
        "verdict": rules.may_withdraw(request.user, opinion_request),
        "points": [
            _("From this moment no specialist can open your records."),
            _("The clinic keeps what you sent, because the law asks for it. It does not use it."),
            _("The list of who opened your records stays, and you can read it."),
            _("You can open the request again later."),
        ],
    }
    return render(request, "requests_app/withdraw.html", context)


def reopen(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = own_request(request, pk)
    form = ReopenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        workflow.reopen(opinion_request, reason=form.cleaned_data["reason"], by=request.user)
        flash.success(request, _("Your request is open again. The clinic reads it next."))
        return redirect(opinion_request)
    context = {
        "opinion_request": opinion_request,
        "form": form,
        "verdict": rules.may_reopen(request.user, opinion_request),
    }
    code = 422 if form.errors else 200
    return render(request, "requests_app/reopen.html", context, status=code)


def access_log(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = own_request(request, pk)
    lines, older_url = opened_lines(request, opinion_request)
    context = {"opinion_request": opinion_request, "lines": lines, "older_url": older_url}
    return render(request, "requests_app/access_log.html", context)
