"""Acting for a patient: ask somebody by e-mail, accept, end. Pages of every app may ask
`acting_for`; the steps are for the views of this app.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.models import Patient, Proxy, ProxyInvitation
from secondop.accounts.letters import send_letter
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.verdicts import CONFLICT, YES, Refused, Verdict, never, not_now

INVITATION_LIVES = timedelta(days=14)
LONGEST = timedelta(days=2 * 365 + 1)


def acting_for(user: Any, patient: Patient) -> Proxy | None:
    """The live row by which `user` acts for `patient`; None for the patient, staff, strangers."""
    if not user.is_authenticated or patient.user_id == user.pk:
        return None
    return Proxy.objects.live().filter(user=user, patient=patient).first()


def on_behalf_of(user: Any, patient: Patient) -> Patient | None:
    """What a step gives to `note(..., on_behalf_of=...)`: the patient when a proxy acts."""
    return patient if user is not None and acting_for(user, patient) else None


def may_let_act(user: Any, patient: Patient) -> Verdict:
    """The patient, or the clinic with a paper at hand. Never a proxy: no proxy of a proxy."""
    if patient.user_id == user.pk or user.works_as(COORDINATOR, patient.clinic_id):
        return YES
    return never(gettext_lazy("Only the patient or the clinic can let somebody else act."))


def may_end(user: Any, proxy: Proxy) -> Verdict:
    """Those who may let act, and the person who acts."""
    if proxy.revoked_at:
        return not_now(gettext_lazy("This has ended already."))
    return YES if proxy.user_id == user.pk else may_let_act(user, proxy.patient)


@transaction.atomic
def invite(
    patient: Patient, *, email: str, authority: str, until: date, reason: str, by: Any
) -> ProxyInvitation:
    """Ask the owner of an address. The same for people with and without an account."""
    may_let_act(by, patient).or_raise()
    patient = Patient.objects.select_for_update(of=("self",)).get(pk=patient.pk)
    email = email.strip().lower()
    waiting = patient.proxy_invitations.filter(email=email, accepted_at=None, revoked_at=None)
    waiting.update(revoked_at=timezone.now())
    invitation = ProxyInvitation.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        email=email,
        authority=authority,
        note=reason,
        until=until,
        invited_by=by,
        expires_at=timezone.now() + INVITATION_LIVES,
    )
    note("proxy.invited", by=by, about=invitation, authority=authority, until=until.isoformat())
    _write_to(invitation)
    return invitation


def _write_to(invitation: ProxyInvitation) -> None:
    """PRIVACY: the mail names nobody and says nothing about health."""
    path = reverse("records:proxy_accept", args=[invitation.pk])
    lines = [
        _("Somebody who trusts you asks you to act for them at %(clinic)s.")
        % {"clinic": invitation.clinic.name},
        _("If you have no account yet, make one first, with this e-mail address. Then open:"),
        f"{settings.SITE_URL}{path}",
        _("You have 14 days. If you do not know what this is about, you need not do anything."),
    ]
    send_letter(
        to=invitation.email,
        subject=_("Will you act for somebody?"),
        body="\n\n".join(lines) + "\n",
        clinic_id=invitation.clinic_id,
    )


@transaction.atomic
def accept(invitation: ProxyInvitation, *, by: Any) -> Proxy:
    """Begin to act. SECURITY: only the confirmed owner of the address, asked again under lock."""
    mine = ProxyInvitation.objects.visible_to(by).select_for_update(of=("self",))
    locked = mine.filter(pk=invitation.pk).first()
    if locked is None:
        raise Refused(gettext_lazy("This invitation no longer works."), CONFLICT)
    now = timezone.now()
    Proxy.objects.filter(patient=locked.patient, user=by, revoked_at=None).update(revoked_at=now)
    proxy = Proxy.objects.create(
        clinic_id=locked.clinic_id,
        patient=locked.patient,
        user=by,
        authority=locked.authority,
        note=locked.note,
        until=locked.until,
        recorded_by=locked.invited_by,
    )
    locked.accepted_at = now
    locked.save(update_fields=["accepted_at"])
    note("proxy.recorded", by=by, about=proxy, on_behalf_of=locked.patient)
    return proxy


@transaction.atomic
def take_back(invitation: ProxyInvitation, *, by: Any) -> None:
    may_let_act(by, invitation.patient).or_raise()
    waiting = ProxyInvitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if waiting.update(revoked_at=timezone.now()):
        note("proxy.invitation_revoked", by=by, about=invitation)


@transaction.atomic
def end(proxy: Proxy, *, by: Any) -> None:
    """From the next request on this person sees nothing of the patient."""
    proxy = Proxy.objects.select_for_update(of=("self",)).get(pk=proxy.pk)
    may_end(by, proxy).or_raise()
    proxy.revoked_at = timezone.now()
    proxy.save(update_fields=["revoked_at"])
    note("proxy.ended", by=by, about=proxy)
