"""After delivery: have the report changed, or ask one more specialist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from requests_app.concurrency import at_version, seen_token
from requests_app.models import OpinionRequest
from requests_app.views.triage import coordinated, told_when_stale
from secondop.lib.verdicts import Verdict
from specialists import rules, workflow
from specialists.forms.referring import AmendForm, FurtherOpinionForm
from specialists.models import Referral


@dataclass(frozen=True)
class Step:
    template: str
    form: type[forms.Form]
    rule: Callable[[Any, OpinionRequest], Verdict]
    change: Callable[..., OpinionRequest]
    done: str


@told_when_stale
def amend(request: HttpRequest, pk: UUID) -> HttpResponse:
    done = _("The authors and the patient have been told. The report stays readable meanwhile.")
    step = Step("specialists/amend.html", AmendForm, rules.may_amend, workflow.amend, done)
    return _with_reason(request, pk, step)


@told_when_stale
def further_opinion(request: HttpRequest, pk: UUID) -> HttpResponse:
    done = _("The patient has been told. Now choose a specialist.")
    step = Step(
        "specialists/further_opinion.html",
        FurtherOpinionForm,
        rules.may_ask_further,
        workflow.further_opinion,
        done,
    )
    return _with_reason(request, pk, step)


def _with_reason(request: HttpRequest, pk: UUID, step: Step) -> HttpResponse:
    opinion_request = coordinated(request, pk)
    step.rule(request.user, opinion_request).or_raise()
    seen, form = seen_token(opinion_request), step.form()
    if request.method == "POST":
        seen, form = request.POST.get("seen", ""), step.form(request.POST)
        if form.is_valid():
            with at_version(opinion_request, seen, by=request.user) as fresh:
                step.change(fresh, reason=form.cleaned_data["text"], by=request.user)
            messages.success(request, step.done)
            return redirect("requests:triage", pk)
    signed = opinion_request.referrals.filter(status=Referral.Status.SIGNED)
    context = {
        "it": opinion_request,
        "form": form,
        "seen": seen,
        "authors": signed.select_related("specialist__user").order_by("offered_at"),
    }
    return render(request, step.template, context)
