"""Is this the right patient? The coordinator's page, and the patient's answer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from records import identity_pages as pages
from records import identity_workflow as workflow
from records.identity_forms import DecisionForm
from records.models import CaseFile, IdentityCheck
from records.views.documents import next_path
from secondop.audit.trail import note
from secondop.lib.access import get_visible
from secondop.lib.verdicts import never


def right_patient(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Records in question beside the patient. `?names=full` unmasks them, and says so in the
    trail."""
    case_file = get_visible(CaseFile.objects.select_related("patient"), request.user, pk,
                            as_="coordinator")  # fmt: skip
    if CaseFile.objects.visible_as("patient", request.user).filter(pk=pk).exists():
        never(_("Nobody works on their own request.")).or_raise()
    in_full = request.GET.get("names") == "full"
    lines = pages.open_lines(case_file, request.user, in_full=in_full)
    if in_full and lines:
        note("identity.opened", by=request.user, about=case_file, records=len(lines))
    context = {
        "case_file": case_file,
        "patient": pages.side_of_patient(case_file.patient),
        "lines": lines,
        "decided": pages.decided_lines(case_file, request.user),
        "in_full": in_full,
        "next_url": next_path(request, ""),
    }
    return render(request, "records/right_patient.html", context)


def identity_decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One record: whose is it, and why. GET is the page of one with its form."""
    rows = IdentityCheck.objects.select_related("case_file__patient", "document", "study")
    check = get_visible(rows, request.user, pk, as_="coordinator")
    form = DecisionForm(request.POST or None)
    verdict = workflow.may_decide(request.user, check)
    if request.method == "POST" and form.is_valid():
        belongs = form.cleaned_data["decision"] == IdentityCheck.Decision.BELONGS
        workflow.decide(check, belongs=belongs, reason=form.cleaned_data["reason"], by=request.user)
        said = _("The record is part of the case file now.")
        messages.success(request, said if belongs else _("The record was taken out."))
        return redirect("records:right_patient", check.case_file_id)
    if verdict.status == 403:
        verdict.or_raise()
    context = {
        "line": pages.line_of(check, request.user, in_full=False),
        "patient": pages.side_of_patient(check.case_file.patient),
        "form": form,
        "verdict": verdict,
    }
    return render(
        request, "records/identity_decide.html", context, status=400 if form.is_bound else 200
    )


def identity_answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The patient says yes or no."""
    check = get_visible(IdentityCheck, request.user, pk, as_="patient")
    said = request.POST.get("answer", "")
    if said not in IdentityCheck.Answer.values:
        messages.error(request, _("Please answer yes or no."))
        return redirect(next_path(request, "/requests/"))
    workflow.answer(check, said, by=request.user)
    messages.success(request, _("Thank you. The clinic will look at it."))
    return redirect(next_path(request, "/requests/"))
