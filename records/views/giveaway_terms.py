"""The clinic's page of words that give a diagnosis away: read, add, switch on and off."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records import giveaway_terms as steps
from records.giveaway_forms import TermForm
from secondop.accounts.models import Clinic


def giveaway_terms(request: HttpRequest) -> HttpResponse:
    clinic, concept = _chosen(request)
    concepts = steps.concepts(clinic)
    form = TermForm(
        request.POST if request.POST.get("step") == "add" else None,
        concepts=concepts, initial={"concept": concept},
    )  # fmt: skip
    if request.method == "POST":
        if request.POST.get("step") == "switch":
            return _switch(request, clinic, concept)
        if form.is_valid():
            return _add(request, clinic, form.cleaned_data)
    clinics = steps.clinics_of(request.user)
    context = {
        "clinic_shown": clinic,
        "clinics": clinics if len(clinics) > 1 else [],
        "concept": concept,
        "title": dict(concepts)[concept],
        "concepts": [(key, title, _address(clinic, key)) for key, title in concepts],
        "lines": steps.lines(clinic, concept),
        "form": form,
    }
    return render(request, "records/giveaway_terms.html", context)


def _chosen(request: HttpRequest) -> tuple[Clinic, str]:
    """The clinic and the list that the address names; the first ones when it names none."""
    clinics = steps.clinics_of(request.user)
    wanted = request.GET.get("clinic", "")
    clinic = next((one for one in clinics if str(one.pk) == wanted), clinics[0])
    known = [key for key, _title in steps.concepts(clinic)]
    concept = request.GET.get("list", "")
    return clinic, concept if concept in known else known[0]


def _address(clinic: Clinic, concept: str) -> str:
    query = urlencode({"clinic": clinic.pk, "list": concept})
    return f"{reverse('records:giveaway_terms')}?{query}"


def _add(request: HttpRequest, clinic: Clinic, typed: dict[str, Any]) -> HttpResponse:
    steps.add(
        clinic, concept=typed["concept"], kind=typed["kind"], language=typed["language"],
        term=typed["term"], prefixes=typed["icd10_prefixes"], by=request.user,
    )  # fmt: skip
    messages.success(request, _("Added. Records at the desk are being searched again."))
    return redirect(_address(clinic, typed["concept"]))


def _switch(request: HttpRequest, clinic: Clinic, concept: str) -> HttpResponse:
    active = set(request.POST.getlist("active"))
    changed = steps.switch(clinic, concept, active=active, by=request.user)
    said = ngettext("%(n)d word was changed.", "%(n)d words were changed.", changed)
    messages.success(request, said % {"n": changed})
    return redirect(_address(clinic, concept))
