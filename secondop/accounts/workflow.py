"""The one door to change who works where: invite, take back, accept, end a role."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from secondop.accounts import rules
from secondop.accounts.letters import sha256_of, token_of
from secondop.accounts.models import Clinic, Invitation, InvitationMail, Membership, User
from secondop.audit.trail import note
from secondop.jobs.ring import ring
from secondop.lib.verdicts import CONFLICT, Refused, not_now

INVITATION_LIVES = timedelta(days=7)


@transaction.atomic
def invite(clinic: Clinic, *, email: str, role: str, by: Any) -> Invitation:
    """Ask somebody by e-mail to take a role. The mail leaves after the commit."""
    rules.may_invite(by, clinic.pk).or_raise()
    invitation = Invitation(
        clinic=clinic,
        email=email.strip().lower(),
        role=role,
        invited_by=by,
        expires_at=timezone.now() + INVITATION_LIVES,
    )
    invitation.token_sha256 = sha256_of(token_of(invitation))
    invitation.save(force_insert=True)
    mail = InvitationMail.objects.create(
        invitation=invitation, clinic_id=clinic.pk, language=(get_language() or "en")[:2]
    )
    note("invitation.sent", by=by, about=invitation, role=role)
    ring(mail)
    return invitation


@transaction.atomic
def revoke(invitation: Invitation, *, by: Any) -> Invitation:
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    rules.may_revoke(by, invitation).or_raise()
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    note("invitation.revoked", by=by, about=invitation, role=invitation.role)
    return invitation


@transaction.atomic
def resend(invitation: Invitation, *, by: Any) -> Invitation:
    """A new link for seven days; the earlier one stops working."""
    revoke(invitation, by=by)
    return invite(invitation.clinic, email=invitation.email, role=invitation.role, by=by)


@transaction.atomic
def join_as_new(invitation: Invitation, *, full_name: str, password: str) -> User:
    """Make the account of somebody who came by an invitation link; the link proves the address."""
    invitation = _lock_open(invitation)
    if User.objects.filter(email=invitation.email).exists():
        not_now(_("This person has an account already. Sign in first.")).or_raise()
    user = User.objects.create_user(
        invitation.email,
        password,
        full_name=full_name,
        time_zone=invitation.clinic.time_zone,
        language=(get_language() or "en")[:2],
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    _accept(invitation, user)
    return user


@transaction.atomic
def join(invitation: Invitation, *, by: User) -> Membership:
    """Take the role with the account one has already."""
    invitation = _lock_open(invitation)
    if by.email.lower() != invitation.email.lower():
        not_now(_("This invitation is for another e-mail address.")).or_raise()
    return _accept(invitation, by)


@transaction.atomic
def end_membership(membership: Membership, *, by: Any) -> Membership:
    """End a role and every session of that person, at once.

    The clinic's row is the lock: two administrators cannot end each other at the same moment.
    """
    Clinic.objects.select_for_update().get(pk=membership.clinic_id)
    membership = Membership.objects.select_for_update().get(pk=membership.pk)
    rules.may_end(by, membership).or_raise()
    membership.ended_at, membership.ended_by = timezone.now(), by
    membership.save(update_fields=["ended_at", "ended_by"])
    note("membership.ended", by=by, about=membership, role=membership.role)
    if membership.user_id != by.pk:
        end_sessions(membership.user)
    return membership


def end_sessions(user: User) -> None:
    """Sign somebody out everywhere."""
    for session in UserSession.objects.filter(user=user):
        session.end()


def _lock_open(invitation: Invitation) -> Invitation:
    locked = Invitation.objects.open().select_for_update().filter(pk=invitation.pk).first()
    if locked is None:
        raise Refused(_("This invitation no longer works. Ask for a new one."), CONFLICT)
    return locked


def _accept(invitation: Invitation, user: User) -> Membership:
    membership, __ = Membership.objects.get_or_create(
        user=user, clinic=invitation.clinic, role=invitation.role, ended_at=None
    )
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    user.__dict__.pop("roles", None)  # they changed just now
    note("membership.began", by=user, about=membership, role=membership.role)
    return membership
