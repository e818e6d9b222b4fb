"""The administrator's pages: who works here, invitations, the clinic's settings."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from secondop.accounts import rules, workflow
from secondop.accounts.forms import ClinicForm, InviteForm
from secondop.accounts.models import Clinic, Invitation, Membership, User
from secondop.accounts.roles import ADMINISTRATOR, ROLES
from secondop.audit.trail import note
from secondop.lib.access import get_visible


def _clinic(request: HttpRequest) -> Clinic:
    """The clinic this person runs; with several, the one named in `?clinic=`, else the first."""
    runs = _clinics(request)
    wanted = request.GET.get("clinic", "")
    return next((clinic for clinic in runs if clinic.slug == wanted), runs[0])


def _clinics(request: HttpRequest) -> list[Clinic]:
    mine = cast(User, request.user).clinics_as(ADMINISTRATOR)
    return list(Clinic.objects.filter(pk__in=mine))


def _people(clinic: Clinic) -> str:
    return f"{reverse('accounts:members')}?clinic={clinic.slug}"


def members(request: HttpRequest) -> HttpResponse:
    clinic = _clinic(request)
    here = Membership.objects.live().filter(clinic=clinic).select_related("user")
    groups: dict[str, list[Membership]] = {role: [] for role in ROLES}
    for membership in here.order_by("user__full_name", "user__email"):
        groups[membership.role].append(membership)
    context = {
        "here": clinic,
        "clinics": _clinics(request),
        "groups": [(role, ROLES[role], groups[role]) for role in ROLES],
        "invitations": Invitation.objects.open().filter(clinic=clinic).order_by("-created_at"),
        "expired": Invitation.objects.expired().filter(clinic=clinic).order_by("-expires_at")[:20],
    }
    return render(request, "accounts/members.html", context)


def invite(request: HttpRequest) -> HttpResponse:
    clinic = _clinic(request)
    form = InviteForm(request.POST or None, clinic=clinic)
    if request.method == "POST" and form.is_valid():
        invitation = workflow.invite(clinic, by=request.user, **form.cleaned_data)
        sent = _("We send an invitation to %(email)s. It is open for 7 days.")
        messages.success(request, sent % {"email": invitation.email})
        return redirect(_people(clinic))
    return render(request, "accounts/invite.html", {"form": form, "here": clinic})


def revoke_invitation(request: HttpRequest, pk: UUID) -> HttpResponse:
    invitation = get_visible(Invitation, request.user, pk)
    workflow.revoke(invitation, by=request.user)
    messages.success(request, _("The invitation is taken back. Its link no longer works."))
    return redirect(_people(invitation.clinic))


def resend_invitation(request: HttpRequest, pk: UUID) -> HttpResponse:
    invitation = get_visible(Invitation, request.user, pk)
    workflow.resend(invitation, by=request.user)
    messages.success(request, _("A new invitation is on its way. The earlier link is off."))
    return redirect(_people(invitation.clinic))


def end_membership(request: HttpRequest, pk: UUID) -> HttpResponse:
    membership = get_visible(Membership.objects.select_related("user", "clinic"), request.user, pk)
    if request.method == "POST":
        workflow.end_membership(membership, by=request.user)
        ended = _("%(name)s no longer works here as: %(role)s.")
        name, role = membership.user.display_name, membership.get_role_display()
        messages.success(request, ended % {"name": name, "role": role})
        if membership.user_id == cast(User, request.user).pk:
            return redirect("accounts:start")
        return redirect(_people(membership.clinic))
    context = {
        "membership": membership,
        "verdict": rules.may_end(request.user, membership),
        "back_url": _people(membership.clinic),
    }
    return render(request, "accounts/end_membership.html", context)


def clinic(request: HttpRequest) -> HttpResponse:
    here = _clinic(request)
    form = ClinicForm(request.POST or None, instance=get_visible(Clinic, request.user, here.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        if form.changed_data:
            note("clinic.changed", by=request.user, about=here, fields=sorted(form.changed_data))
        messages.success(request, _("The settings are saved."))
        return redirect(f"{reverse('accounts:clinic')}?clinic={here.slug}")
    return render(request, "accounts/clinic.html", {"form": form, "here": here})
