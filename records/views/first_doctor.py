"""The letter to the first doctor, and where a clinic says that they must take part."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from records import first_doctor_duties as duties
from records import first_doctor_letters as letters
from records.models import CaseFile, FirstDoctorDuty, FirstDoctorLetter
from records.record_request_forms import DutyForm
from records.serving import send
from secondop.accounts.models import Clinic
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.access import get_visible

LETTERS = FirstDoctorLetter.objects.select_related("case_file__patient", "case_file__clinic")


def letter(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """SECURITY: asked again now whether the patient still wants it; that it was opened is noted."""
    role = ""
    try:
        found: FirstDoctorLetter = get_visible(LETTERS, request.user, pk, as_="patient")
    except Http404:
        found = get_visible(LETTERS, request.user, pk, as_="coordinator")
        role = COORDINATOR
    letters.may_open(found).or_raise()
    note("first_doctor.letter_opened", by=request.user, about=found, role=role)
    return send(
        request, found.key, size_bytes=found.size_bytes, media_type="application/pdf",
        etag=found.pk.hex, file_name=f"{_('letter')}-{found.number}.pdf", sha256=found.sha256,
    )  # fmt: skip


def letter_step(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The clinic: it went out, or it must be written again."""
    rows = CaseFile.objects.select_related("patient", "clinic")
    case_file = get_visible(rows, request.user, pk, as_="coordinator")
    step = request.POST.get("step", "")
    if step == "again":
        letters.write_again(case_file, by=request.user)
        messages.success(request, _("It is written again. It is here in a moment."))
    elif step == "sent":
        shown = letters.newest_of(case_file)
        if shown is None or str(shown.pk) != request.POST.get("letter", ""):
            messages.error(request, _("There is a newer letter. Please send that one."))
        else:
            letters.say_sent(shown, by=request.user)
            messages.success(request, _("Thank you. The patient sees that it was sent."))
    return redirect("holders:of_case_file", pk)


# --- for administrators ----------------------------------------------------------------------
def duties_page(request: HttpRequest) -> HttpResponse:
    ids = request.user.clinics_as("administrator")  # type: ignore[union-attr]
    clinics = list(Clinic.objects.filter(pk__in=ids).order_by("name"))
    wanted = request.GET.get("clinic", "")
    clinic = next((one for one in clinics if str(one.pk) == wanted), clinics[0])
    form = DutyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        duties.state(clinic, by=request.user, **form.cleaned_data)
        messages.success(request, _("It is stated. New and open requests follow it from now on."))
        return redirect(request.get_full_path())
    context = {
        "form": form,
        "duties": duties.of(clinic),
        "clinic_shown": clinic,
        "clinics": clinics if len(clinics) > 1 else [],
    }
    return render(
        request, "records/first_doctor_duties.html", context, status=422 if form.errors else 200
    )


def duty_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    duty: FirstDoctorDuty = get_visible(
        FirstDoctorDuty.objects.all(), request.user, pk, as_="administrator"
    )
    duties.end(duty, by=request.user)
    messages.success(request, _("It is taken back. Patients decide again by themselves."))
    return redirect("holders:duties")
