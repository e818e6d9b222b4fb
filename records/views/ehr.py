"""Pages of record systems: set them up, get one's own records from one, see how far it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from records.ehr import pages, smart, workflow
from records.ehr.forms import EhrForm, EhrSearchForm
from records.imaging import view_of
from records.models import CaseFile, Ehr, EhrPull
from secondop.accounts.models import Clinic
from secondop.lib.access import get_visible
from secondop.lib.pages import page_or_part


# --- for administrators ----------------------------------------------------------------------
def ehrs(request: HttpRequest) -> HttpResponse:
    """The list of record systems, and the form for one more."""
    ids = request.user.clinics_as("administrator")  # type: ignore[union-attr]
    clinics = list(Clinic.objects.filter(pk__in=ids).order_by("name"))
    wanted = request.GET.get("clinic", "")
    clinic = next((one for one in clinics if str(one.pk) == wanted), clinics[0])
    form = EhrForm(request.POST or None, instance=Ehr(clinic=clinic))
    if request.method == "POST" and form.is_valid():
        workflow.add(clinic, form.cleaned_data, by=request.user)
        messages.success(request, _("The system is set up."))
        return redirect(request.get_full_path())
    context = {
        "form": form,
        "ehrs": Ehr.objects.in_use().filter(clinic=clinic).order_by("title"),
        "clinic_shown": clinic,
        "clinics": clinics if len(clinics) > 1 else [],
        "redirect_uri": smart.redirect_uri(),
    }
    return render(request, "records/ehrs.html", context, status=400 if form.is_bound else 200)


def ehr_retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    workflow.retire(get_visible(Ehr, request.user, pk, as_="administrator"), by=request.user)
    messages.success(request, _("The system is out of use."))
    return redirect("records:ehrs")


# --- for patients and coordinators -----------------------------------------------------------
def _case_file(request: HttpRequest, pk: Any) -> tuple[CaseFile, str]:
    """With whether the person acts for the patient or for the clinic."""
    kind = workflow.acts_as(request.user, pk)
    if not kind or view_of(request.user, pk).is_sealed:
        raise Http404  # SECURITY: a hospital's name may give the first doctor away
    return get_visible(CaseFile, request.user, pk, as_=kind), kind


def ehr(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Which hospitals can be asked. The patient signs in there; the clinic looks by token."""
    case_file, kind = _case_file(request, pk)
    if kind == "patient":
        return _for_patient(request, case_file)
    form = EhrSearchForm(request.POST or None, case_file=case_file, initial=_likely(case_file))
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        pull = workflow.begin(
            case_file, told["ehr"], by=request.user, query=form.query(),
            record_request=told["record_request"],
        )  # fmt: skip
        return redirect("records:ehr_pull", pk=pull.pk)
    context = {
        "case_file": case_file,
        "kind": kind,
        "form": form,
        "has_systems": form.fields["ehr"].queryset.exists(),  # type: ignore[attr-defined]
        "verdict": workflow.may_begin(request.user, case_file),
        "pulls": pages.rows_of(case_file),
    }
    return render(request, "records/ehr.html", context, status=400 if form.is_bound else 200)


def _likely(case_file: CaseFile) -> dict[str, Any]:
    words = case_file.patient.full_name.split()
    return {"name": words[-1] if words else "", "born_on": case_file.patient.born_on}


def _for_patient(request: HttpRequest, case_file: CaseFile) -> HttpResponse:
    offered = pages.offered_to(request.user, case_file)
    if request.method == "POST":
        chosen = _one_of(offered, request.POST.get("ehr", ""))
        if chosen is None:
            messages.error(request, _("Choose one of the hospitals in the list."))
            return redirect("records:ehr", pk=case_file.pk)
        asked = pages.asked_of(chosen, case_file)
        pull = workflow.begin(case_file, chosen, by=request.user, record_request=asked)
        workflow.remember(request.session, pull)
        return redirect("records:ehr_pull", pk=pull.pk)
    context = {
        "case_file": case_file,
        "kind": "patient",
        "ehrs": list(offered),
        "verdict": workflow.may_begin(request.user, case_file),
        "pulls": pages.rows_of(case_file),
    }
    return render(request, "records/ehr.html", context)


def _one_of(offered: QuerySet[Ehr], text: str) -> Ehr | None:
    """SECURITY: an id from a form counts only if the row was offered to this person."""
    try:
        return offered.filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _pull(request: HttpRequest, pk: Any) -> EhrPull:
    rows = EhrPull.objects.select_related("case_file__patient", "ehr", "by", "record_request")
    pull: EhrPull = get_visible(rows, request.user, pk)
    _case_file(request, pull.case_file_id)
    return pull


@never_cache
def ehr_pull(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Sign in now, how far it is, what came."""
    pull = _pull(request, pk)
    context = {"page": pages.page_of(pull, request.user, request.session)}
    return page_or_part(request, "records/ehr_pull.html", "records/_ehr_pull.html", context)


def ehr_choose(request: HttpRequest, pk: UUID) -> HttpResponse:
    rows = EhrPull.objects.select_related("case_file__patient", "ehr")
    pull: EhrPull = get_visible(rows, request.user, pk, as_="coordinator")
    _case_file(request, pull.case_file_id)
    workflow.choose(pull, request.POST.get("person", ""), by=request.user)
    return redirect("records:ehr_pull", pk=pk)


def ehr_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    workflow.cancel(_pull(request, pk), by=request.user)
    return redirect("records:ehr_pull", pk=pk)


def ehr_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    pull = workflow.go_on(_pull(request, pk), by=request.user)
    if pull.ehr.way == Ehr.Way.SMART:
        workflow.remember(request.session, pull)
    return redirect("records:ehr_pull", pk=pk)


@never_cache
def ehr_back(request: HttpRequest) -> HttpResponse:
    """The hospital sends the patient's browser here. PRIVACY: the address holds a one-time code."""
    pk = workflow.returned(request.session, request.GET.get("state", ""))
    if not pk:
        return render(request, "records/ehr_back.html", status=400)
    pull = _pull(request, pk)
    code = request.GET.get("code", "")
    if code and len(code) <= 4000 and "error" not in request.GET:
        workflow.signed_in(pull, code=code, issuer=request.GET.get("iss", ""), by=request.user)
    else:
        workflow.declined(pull, error=request.GET.get("error", ""), by=request.user)
    return redirect("records:ehr_pull", pk=pull.pk)
