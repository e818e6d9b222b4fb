"""Who may invite, take back and end. Asked by the pages and by `workflow.py`."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from secondop.accounts.models import Invitation, Membership
from secondop.accounts.roles import ADMINISTRATOR
from secondop.lib.verdicts import YES, Verdict, never, not_now

ONLY_ADMINISTRATORS = _("Only an administrator of this clinic can do this.")


def may_invite(user: Any, clinic_id: Any) -> Verdict:
    return YES if user.works_as(ADMINISTRATOR, clinic_id) else never(ONLY_ADMINISTRATORS)


def may_revoke(user: Any, invitation: Invitation) -> Verdict:
    if not user.works_as(ADMINISTRATOR, invitation.clinic_id):
        return never(ONLY_ADMINISTRATORS)
    if invitation.accepted_at:
        return not_now(_("This invitation was used already. You can end the role instead."))
    if invitation.revoked_at:
        return not_now(_("This invitation was taken back already."))
    return YES


def may_end(user: Any, membership: Membership) -> Verdict:
    if not user.works_as(ADMINISTRATOR, membership.clinic_id):
        return never(ONLY_ADMINISTRATORS)
    if membership.ended_at:
        return not_now(_("This role has ended already."))
    if membership.role == ADMINISTRATOR and not _others_like(membership):
        return not_now(
            _("A clinic needs at least one administrator. Invite another one before you end this.")
        )
    return YES


def _others_like(membership: Membership) -> bool:
    same = Membership.objects.live().filter(clinic_id=membership.clinic_id, role=membership.role)
    return same.filter(user__is_active=True).exclude(pk=membership.pk).exists()
