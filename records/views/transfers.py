"""Pages of other systems: set them up, fetch images from them, send images to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from records.imaging import view_of
from records.models import CaseFile, Peer, Transfer
from records.transfers import pages, workflow
from records.transfers.forms import FetchForm, PeerForm, SendForm
from secondop.accounts.models import Clinic
from secondop.lib.access import get_visible
from secondop.lib.pages import page_or_part


def peers(request: HttpRequest) -> HttpResponse:
    """The administrator's list of other systems, and the form for one more."""
    ids = request.user.clinics_as("administrator")  # type: ignore[union-attr]
    clinics = list(Clinic.objects.filter(pk__in=ids).order_by("name"))
    wanted = request.GET.get("clinic", "")
    clinic = next((one for one in clinics if str(one.pk) == wanted), clinics[0])
    form = PeerForm(request.POST or None, instance=Peer(clinic=clinic))
    if request.method == "POST" and form.is_valid():
        workflow.add_peer(clinic, form.cleaned_data, by=request.user)
        messages.success(request, _("The system is set up."))
        return redirect(request.get_full_path())
    rows = Peer.objects.in_use().filter(clinic=clinic).order_by("title")
    context = {"form": form, "peers": rows, "clinic_shown": clinic,
               "clinics": clinics if len(clinics) > 1 else []}  # fmt: skip
    return render(request, "records/peers.html", context, status=400 if form.is_bound else 200)


def peer_retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    workflow.retire_peer(get_visible(Peer, request.user, pk, as_="administrator"), by=request.user)
    messages.success(request, _("The system is out of use."))
    return redirect("records:peers")


def _case_file(request: HttpRequest, pk: UUID) -> CaseFile:
    case_file = get_visible(CaseFile, request.user, pk, as_="coordinator")
    if view_of(request.user, pk).is_sealed:
        raise Http404  # SECURITY: a hospital's name may give the first doctor away
    return case_file


def fetch(request: HttpRequest, pk: UUID) -> HttpResponse:
    case_file = _case_file(request, pk)
    form = FetchForm(
        request.POST or None, case_file=case_file, initial=pages.likely_query(case_file)
    )
    if request.method == "POST" and form.is_valid():
        transfer = workflow.search(
            case_file,
            form.cleaned_data["peer"],
            form.query(),
            by=request.user,
            record_request=form.cleaned_data["record_request"],
        )
        return redirect("records:transfer", pk=transfer.pk)
    context = {
        "case_file": case_file,
        "form": form,
        "verdict": workflow.may_fetch(request.user, case_file),
        "has_peers": Peer.objects.in_use().filter(clinic=case_file.clinic_id).exists(),
        "transfers": pages.rows_of(case_file),
    }
    return render(request, "records/fetch.html", context, status=400 if form.is_bound else 200)


def send(request: HttpRequest, pk: UUID) -> HttpResponse:
    case_file = _case_file(request, pk)
    form = SendForm(request.POST or None, case_file=case_file)
    if request.method == "POST" and form.is_valid():
        transfer = workflow.send(
            case_file, form.cleaned_data["peer"], form.cleaned_data["studies"], by=request.user
        )
        return redirect("records:transfer", pk=transfer.pk)
    context = {
        "case_file": case_file,
        "form": form,
        "verdict": workflow.may_send(request.user, case_file),
        "has_peers": Peer.objects.in_use().filter(clinic=case_file.clinic_id).exists(),
    }
    return render(request, "records/send.html", context, status=400 if form.is_bound else 200)


def _transfer(request: HttpRequest, pk: UUID) -> Transfer:
    rows = Transfer.objects.select_related("case_file__patient", "peer", "by")
    transfer: Transfer = get_visible(rows, request.user, pk, as_="coordinator")
    _case_file(request, transfer.case_file_id)
    return transfer


def transfer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What was found, to choose from; then how far the copying is."""
    row = _transfer(request, pk)
    if request.method == "POST":
        workflow.choose(row, _uuids(request.POST.getlist("study")), by=request.user)
        return redirect("records:transfer", pk=pk)
    context: dict[str, Any] = {"page": pages.page_of(row, request.user)}
    return page_or_part(request, "records/transfer.html", "records/_transfer.html", context)


def _uuids(texts: list[str]) -> list[UUID]:
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise Http404 from None


def transfer_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    workflow.cancel(_transfer(request, pk), by=request.user)
    return redirect("records:transfer", pk=pk)


def transfer_retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    workflow.retry(_transfer(request, pk), by=request.user)
    return redirect("records:transfer", pk=pk)
