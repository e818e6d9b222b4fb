"""The page of values and history: what electronic records and papers say, for each sight."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from records import rules
from records.blinding import sight_of
from records.facts import entering, showing
from records.models import CaseFile, ClinicalFact
from secondop.lib.access import get_visible

ON_A_PAGE = 50


def facts(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One series per analyte and one timeline; who fills the case file can add a value."""
    if request.method == "POST":
        return _change(request, pk)
    case_file = get_visible(CaseFile, request.user, pk)
    return _page(request, case_file, None)


def _page(
    request: HttpRequest, case_file: CaseFile, form: entering.ValueForm | None, status: int = 200
) -> HttpResponse:
    sight = sight_of(request.user, case_file)
    if not sight:
        raise Http404
    may_add = sight == "full" and bool(rules.may_add_records(request.user, case_file))
    only, kind = request.GET.get("series", ""), request.GET.get("kind", "")
    found = showing.shown(case_file, sight, only=only, may_remove=may_add)
    kinds = list(dict.fromkeys(entry.fact.kind for entry in found.timeline))
    timeline = [one for one in found.timeline if kind not in kinds or one.fact.kind == kind]
    documents = entering.documents_of(case_file) if may_add else []
    context: dict[str, Any] = {
        "case_file": case_file,
        "found": found,
        "page": Paginator(timeline, ON_A_PAGE).get_page(request.GET.get("page")),
        "kinds": [one for one in ClinicalFact.Kind.choices if one[0] in kinds],
        "kind": kind if kind in kinds else "",
        "only": only,
        "form": form or (entering.ValueForm(documents=documents) if documents else None),
        "may_add": may_add,
        "here": request.path,
        "next_url": _next(request),
    }
    return render(request, "records/facts.html", context, status=status)


def _change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add a value, or take back one that was typed by hand."""
    case_file = get_visible(CaseFile, request.user, pk, as_="filler")
    rules.may_add_records(request.user, case_file).or_raise()
    here = reverse("records:facts", args=[case_file.pk])
    if request.POST.get("step") == "remove":
        rows = ClinicalFact.objects.filter(case_file=case_file, by__isnull=False)
        fact = get_visible(rows, request.user, request.POST.get("fact", ""), as_="filler")
        entering.take_back(fact, by=request.user)
        messages.success(request, _("The value was removed."))
        return redirect(here)
    form = entering.ValueForm(request.POST, documents=entering.documents_of(case_file))
    if not form.is_valid():
        return _page(request, case_file, form, status=422)
    typed = form.cleaned_data
    entering.add_value(case_file, typed, form.documents[typed["document"]], by=request.user)
    messages.success(request, _("The value is on the list now."))
    return redirect(here)


def _next(request: HttpRequest) -> str:
    """Where the person came from. SECURITY: never an address elsewhere."""
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if ours else ""
