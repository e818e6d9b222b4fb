"""The specialist's desk: offers, reviews, one referral, its thread, the own entry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from requests_app.models import Message
from secondop.accounts.models import Clinic
from secondop.accounts.roles import SPECIALIST
from secondop.audit.trail import note
from secondop.lib.access import get_visible
from specialists import desk as lists
from specialists import rules, workflow
from specialists.forms.deciding import DeclineForm, ToClinicForm
from specialists.forms.profile import ProfileForm
from specialists.models import Referral, Specialist


def desk(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if not Specialist.objects.visible_as(SPECIALIST, user).exists():
        return redirect("specialists:profile")
    context = {
        "offers": lists.offers(user),
        "reviews": lists.reviews(user),
        "finished": lists.finished(user),
        "follow_ups": lists.open_follow_ups(user),
        "minutes": lists.EXPECTED_MINUTES,
        "parts": lists.PARTS,
    }
    return render(request, "specialists/desk.html", context)


def profile(request: HttpRequest) -> HttpResponse:
    """The own entry at one clinic; it is made here the first time."""
    clinic = _clinic_of(request)
    user: Any = request.user
    entry = Specialist.objects.visible_as(SPECIALIST, user).filter(clinic=clinic).first()
    form = ProfileForm(
        request.POST if request.method == "POST" else None,
        instance=entry or Specialist(clinic=clinic, user=user),
    )
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your entry is saved."))
        return redirect("specialists:desk")
    context = {"form": form, "clinic": clinic, "is_new": entry is None}
    return render(request, "specialists/profile.html", context)


def _clinic_of(request: HttpRequest) -> Clinic:
    """The clinic named by `?clinic=<id>`, else the first without an entry, else the first."""
    user: Any = request.user
    mine = list(Clinic.objects.filter(pk__in=user.clinics_as(SPECIALIST)))
    named = [clinic for clinic in mine if str(clinic.pk) == request.GET.get("clinic")]
    done = set(Specialist.objects.visible_as(SPECIALIST, user).values_list("clinic", flat=True))
    return (named or [clinic for clinic in mine if clinic.pk not in done] or mine)[0]


def referral(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The offer, or where the review stands."""
    user: Any = request.user
    row = get_visible(lists.one(user), user, pk, as_=SPECIALIST)
    context = {
        "row": lists.row_of(row, with_grade=True),
        "referral": row,
        "may_take": rules.may_take(user, row),
        "may_decline": rules.may_decline(user, row),
        "may_write": rules.may_write_to_clinic(user, row),
        "next_url": lists.next_url(row),
        "minutes": lists.EXPECTED_MINUTES,
        "parts": lists.PARTS,
    }
    return render(request, "specialists/referral.html", context)


def take(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = get_visible(Referral, request.user, pk, as_=SPECIALIST)
    if row.status != Referral.Status.TAKEN:  # a double click lands where the first one did
        workflow.take(row, by=request.user)
        messages.success(request, _("The case is yours. Its file is open to you now."))
    return redirect("specialists:case_file", pk=pk)


def decline(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = get_visible(Referral, request.user, pk, as_=SPECIALIST)
    rules.may_decline(request.user, row).or_raise()
    form = DeclineForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        reason, text = form.cleaned_data["reason"], form.cleaned_data["note"]
        workflow.decline(row, reason=reason, text=text, by=request.user)
        messages.success(
            request, _("Thank you for saying so early. The clinic asks somebody else.")
        )
        return redirect("specialists:desk")
    return render(request, "specialists/decline.html", {"form": form, "referral": row})


def thread(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Messages with the clinic; the patient is never part of them."""
    row = get_visible(Referral, request.user, pk, as_=SPECIALIST)
    rules.may_write_to_clinic(request.user, row).or_raise()
    form = ToClinicForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        write = workflow.write_to_clinic
        if form.cleaned_data["needs_records"]:
            write = workflow.ask_for_more
        write(row, text=form.cleaned_data["text"], by=request.user)
        messages.success(request, _("Your message is with the clinic."))
        return redirect("specialists:thread", pk=pk)
    said = Message.objects.visible_as(SPECIALIST, request.user)
    said = said.filter(opinion_request=row.opinion_request_id)
    # Locked, so that nobody withholds what is on its way to the reader as if it were unopened.
    shown = list(said.select_related("author").select_for_update(of=("self",)))
    _opened([one for one in shown if one.from_clinic and not one.read_at], by=request.user)
    context = {
        "form": form,
        "referral": row,
        "said": shown,
        "may_ask": rules.may_ask_for_more(request.user, row),
    }
    return render(request, "specialists/thread.html", context)


def _opened(new: list[Message], *, by: Any) -> None:
    """The blinding statement of a report is made of these events."""
    Message.objects.filter(pk__in=[one.pk for one in new]).update(read_at=timezone.now())
    for message in new:
        note("message.opened", by=by, about=message)
