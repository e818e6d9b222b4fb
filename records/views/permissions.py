"""The patient's side of record requests: sign, take back, name a place, the first doctor."""

from __future__ import annotations

from uuid import UUID

from axes.helpers import get_client_ip_address
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from records import asks, authorizations, first_doctor_letters, record_requests
from records import first_doctor as lane
from records.ehr import pages
from records.models import Authorization, CaseFile
from records.record_request_forms import FirstDoctorForm, HolderForm, SignForm
from secondop.lib.access import get_visible

ROWS = CaseFile.objects.select_related("patient__user", "clinic")


def _own(request: HttpRequest, pk: UUID) -> CaseFile:
    return get_visible(ROWS, request.user, pk, as_="patient")


def mine(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every place, what was asked there, and what waits for a signature."""
    case_file = _own(request, pk)
    waiting = asks.waiting_for(case_file)
    named = {one.name for one in waiting}
    context = {
        "case_file": case_file,
        "waiting": waiting,
        "not_asked": [h for h in case_file.record_holders.all() if h.name not in named],
        "choice": lane.choice_of(case_file),
        "duty": lane.duty_of(case_file),
        "letter": first_doctor_letters.shown(case_file),
        "for_other": case_file.patient.user_id != request.user.pk,
    }
    return render(request, "records/where_treated.html", context)


def add(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where were you treated? The clinic has the same page with more fields."""
    case_file = get_visible(ROWS, request.user, pk, as_="filler")
    try:
        _own(request, pk)
        is_patient = True
    except Http404:
        is_patient = False
    start = record_requests.suggested_holder(case_file)
    form = HolderForm(request.POST or None, initial=start, is_patient=is_patient)
    if request.method == "POST" and form.is_valid():
        holder = record_requests.name_holder(case_file, by=request.user, **form.cleaned_data)
        if is_patient:
            messages.success(request, _("Thank you. The clinic asks them if it needs to."))
            return redirect("holders:mine", pk)
        return redirect("holders:ask", holder.pk)
    context = {"case_file": case_file, "form": form, "is_patient": is_patient}
    status = 422 if form.errors else 200
    return render(request, "records/holder_add.html", context, status=status)


def authorization(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The whole text, and under it the place to sign."""
    rows = Authorization.objects.select_related(
        "record_request__holder", "record_request__clinic", "case_file__patient__user"
    )
    paper = get_visible(rows, request.user, pk, as_="patient")
    asks_consent = lane.needs_consent(paper.record_request.holder)
    form = SignForm(
        request.POST or None, authorization=paper, user=request.user, asks_consent=asks_consent
    )
    verdict = authorizations.may_sign(request.user, paper)
    if request.method == "POST":
        verdict.or_raise()
        if form.is_valid():
            authorizations.sign(
                paper,
                name=form.cleaned_data["name"],
                tells_first_doctor=bool(form.cleaned_data.get("tells_first_doctor")),
                from_ip=get_client_ip_address(request) or "",
                by=request.user,
            )
            messages.success(request, _("Thank you. It is signed. The clinic sends it next."))
            return redirect("holders:mine", paper.case_file_id)
    context = {
        "paper": paper,
        "it": paper.record_request,
        "form": form,
        "verdict": verdict,
        "may_take_back": authorizations.may_take_back(request.user, paper),
        "asks_consent": asks_consent,
        "systems": [one for one in pages.systems_of(paper.record_request.holder) if one.is_smart],
    }
    status = 422 if form.errors else 200
    return render(request, "records/authorization.html", context, status=status)


def take_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    rows = Authorization.objects.select_related("record_request__holder", "case_file__patient")
    paper = get_visible(rows, request.user, pk, as_="patient")
    if request.method == "POST":
        authorizations.take_back(paper, by=request.user)
        messages.success(request, _("It is taken back. Their link has stopped working."))
        return redirect("holders:mine", paper.case_file_id)
    context = {
        "paper": paper,
        "it": paper.record_request,
        "verdict": authorizations.may_take_back(request.user, paper),
        "points": [
            _("From this moment they can send us nothing more."),
            _("What they sent before stays in your case file."),
            _("We may miss records that your specialist needs. We will tell you."),
        ],
    }
    return render(request, "records/authorization_take_back.html", context)


def first_doctor(request: HttpRequest, pk: UUID) -> HttpResponse:
    case_file = _own(request, pk)
    duty = lane.duty_of(case_file)
    form = FirstDoctorForm(
        request.POST or None, initial={"choice": lane.choice_of(case_file)},
        must_take_part=duty is not None,
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        lane.choose(case_file, form.cleaned_data["choice"], by=request.user)
        messages.success(request, _("It is written down. You can change it at any time."))
        return redirect("holders:mine", pk)
    letter = first_doctor_letters.shown(case_file)
    context = {"case_file": case_file, "form": form, "duty": duty, "letter": letter}
    status = 422 if form.errors else 200
    return render(request, "records/first_doctor.html", context, status=status)
