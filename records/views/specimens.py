"""Slides and blocks: where each parcel is, for the clinic."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from records import specimen_workflow as workflow
from records.models import CaseFile, RecordHolder, Specimen
from records.specimen_forms import SpecimenForm, StepForm
from records.views.documents import next_path
from secondop.lib.access import get_visible


def specimens(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The parcels of one case file, and one more."""
    case_file = get_visible(CaseFile, request.user, pk, as_="coordinator")
    workflow.may_change(request.user, case_file).or_raise()
    holders = RecordHolder.objects.filter(case_file=case_file).order_by("name")
    form = SpecimenForm(request.POST or None, holders=holders)
    if request.method == "POST" and form.is_valid():
        workflow.add(case_file, by=request.user, **form.cleaned_data)
        messages.success(request, _("Written down. Note here when it is on its way."))
        return redirect("records:specimens", pk)
    rows = case_file.specimens.select_related("holder").order_by("made_at", "pk")
    context = {
        "case_file": case_file, "lines": [_line(row) for row in rows], "form": form,
        "next_url": next_path(request, ""),
    }  # fmt: skip
    return render(request, "records/specimens.html", context, status=400 if form.is_bound else 200)


def _line(specimen: Specimen) -> dict[str, object]:
    steps = [(new, Specimen.Status(new).label) for new in workflow.FIELDS
             if new in Specimen.TRANSITIONS.get(Specimen.Status(specimen.status), ())]  # fmt: skip
    due = specimen.return_due_on
    is_out = specimen.status in ("received", "returning")
    return {
        "it": specimen, "steps": steps, "missing": workflow.missing_of(specimen),
        "is_late": bool(is_out and due and due < timezone.localdate()),
    }  # fmt: skip


def specimen_step(request: HttpRequest, pk: UUID, new: str) -> HttpResponse:
    """What happened to one parcel."""
    rows = Specimen.objects.select_related("case_file", "holder")
    specimen = get_visible(rows, request.user, pk, as_="coordinator")
    workflow.may_change(request.user, specimen.case_file).or_raise()
    if new not in workflow.FIELDS:
        raise Http404
    form = StepForm(request.POST or None, new=new)
    if request.method == "POST" and (form.is_valid() or not form.fields):
        told = form.told() if form.fields else {}
        workflow.step(specimen, new, by=request.user, **told)
        messages.success(request, _("Written down."))
        return redirect("records:specimens", specimen.case_file_id)
    context = {"it": specimen, "form": form, "step": Specimen.Status(new).label}
    return render(
        request, "records/specimen_step.html", context, status=400 if form.is_bound else 200
    )
