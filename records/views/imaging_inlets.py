"""The coordinator's page of a case file's ways in for hospitals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from records import imaging_inlets
from records.imaging import view_of
from records.imaging_forms import InletForm
from records.models import CaseFile, ImagingInlet
from secondop.lib.access import get_visible

SHOWN = 50


def inlets(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a way in, whose token is shown on this answer alone; the list of all."""
    case_file = get_visible(CaseFile, request.user, pk, as_="coordinator")
    if view_of(request.user, pk).is_sealed:
        raise Http404  # SECURITY: a hospital's name may give the first doctor away
    verdict = imaging_inlets.may_make(request.user, case_file)
    form, token = InletForm(request.POST or None), ""
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        made, token = imaging_inlets.make(
            case_file,
            name=form.cleaned_data["name"],
            until=form.until(),
            by=request.user,
        )
        form = InletForm()
        context["made"] = made
    studies = reverse("dicomweb:studies", args=[pk])
    context |= {
        "case_file": case_file,
        "form": form,
        "verdict": verdict,
        "token": token,
        "address": request.build_absolute_uri(studies.removesuffix("/studies")),
        "inlets": case_file.imaging_inlets.select_related("made_by").order_by("-made_at")[:SHOWN],
    }
    status = 400 if form.is_bound else 200
    return render(request, "records/images_inlets.html", context, status=status)


def inlet_revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    inlet = get_visible(ImagingInlet, request.user, pk, as_="coordinator")
    if view_of(request.user, inlet.case_file_id).is_sealed:
        raise Http404
    imaging_inlets.revoke(inlet, by=request.user)
    messages.success(request, _("This way in is closed."))
    return redirect("records:inlets", pk=inlet.case_file_id)
