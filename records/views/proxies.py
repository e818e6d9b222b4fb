"""Who acts for a patient: the list, adding by e-mail, accepting, ending."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from records import proxies as steps
from records.models import Patient, Proxy, ProxyInvitation
from records.proxy_forms import ProxyForm
from secondop.accounts.models import User
from secondop.lib.access import get_visible


def proxies(request: HttpRequest, pk: UUID) -> HttpResponse:
    patient = get_visible(Patient.objects.select_related("user", "clinic"), request.user, pk)
    user = cast(User, request.user)
    is_patient = patient.user_id == user.pk
    form = ProxyForm(request.POST or None, patient=patient, is_patient=is_patient)
    if request.method == "POST":
        steps.may_let_act(user, patient).or_raise()
        if form.is_valid():
            return _invite(request, patient, form)
    context = {
        "patient": patient,
        "is_patient": is_patient,
        "form": form,
        "may_let_act": steps.may_let_act(user, patient),
        "acting": steps.acting_for(user, patient),
        "helpers": Proxy.objects.live().filter(patient=patient).select_related("user"),
        "waiting": ProxyInvitation.objects.open().filter(patient=patient),
    }
    return render(request, "records/proxies.html", context)


def _invite(request: HttpRequest, patient: Patient, form: ProxyForm) -> HttpResponse:
    typed = form.cleaned_data
    invitation = steps.invite(
        patient,
        email=typed["email"],
        authority=typed["authority"],
        until=typed["until"],
        reason=typed["note"],
        by=request.user,
    )
    sent = _("We write to %(email)s. They can act once they accept.")
    messages.success(request, sent % {"email": invitation.email})
    return redirect("records:proxies", pk=patient.pk)


def proxy_accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    invitation = get_visible(
        ProxyInvitation.objects.select_related("patient", "clinic"), request.user, pk
    )
    if request.method == "POST":
        proxy = steps.accept(invitation, by=request.user)
        begun = _("You now act for %(name)s.")
        messages.success(request, begun % {"name": proxy.patient.full_name})
        return redirect("accounts:start")
    return render(request, "records/proxies_accept.html", {"invitation": invitation})


def proxy_take_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    waiting = ProxyInvitation.objects.select_related("patient")
    invitation = get_visible(waiting, request.user, pk, as_="inviter")
    steps.take_back(invitation, by=request.user)
    messages.success(request, _("The invitation is taken back."))
    return redirect("records:proxies", pk=invitation.patient_id)


def proxy_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    proxy = get_visible(Proxy.objects.select_related("patient"), request.user, pk)
    steps.end(proxy, by=request.user)
    messages.success(request, _("This has ended. They see nothing more from now on."))
    try:
        get_visible(Patient, request.user, proxy.patient_id)
    except Http404:  # the helper ended it and sees the patient no more
        return redirect("accounts:start")
    return redirect("records:proxies", pk=proxy.patient_id)
