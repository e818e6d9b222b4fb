"""Open and close a case file to somebody. The only writer of AccessGrant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from records.models import AccessGrant, CaseFile
from secondop.audit.trail import note
from secondop.lib.verdicts import not_now


def grant(
    case_file: CaseFile, *, to: Any, as_role: str, sight: str, until: datetime, by: Any
) -> AccessGrant:
    """Let `to` read `case_file` with `sight` until `until` (aware, UTC).

    SECURITY: who has once had full sight can never again be a sealed reader of the same file.
    Raises: Refused (409) in that case.
    """
    earlier = AccessGrant.objects.filter(case_file=case_file, to=to)
    if sight == AccessGrant.Sight.SEALED and earlier.filter(sight="full").exists():
        not_now("This person already knows the original diagnosis of this case.").or_raise()
    earlier.filter(revoked_at=None).update(revoked_at=timezone.now())
    opened = AccessGrant.objects.create(
        clinic_id=case_file.clinic_id,
        case_file=case_file,
        to=to,
        as_role=as_role,
        sight=sight,
        until=until,
    )
    note("case_file.opened", by=by, about=opened, to=str(to.pk), sight=str(sight))
    return opened


def widen(case_file: CaseFile, *, to: Any, until: datetime, by: Any) -> AccessGrant:
    """End the sealed grant of `to` and open a full one: the reveal."""
    as_role = AccessGrant.objects.live().get(case_file=case_file, to=to).as_role
    return grant(
        case_file, to=to, as_role=as_role, sight=AccessGrant.Sight.FULL, until=until, by=by
    )


def revoke(case_file: CaseFile, *, to: Any, by: Any) -> None:
    """End the live grant `to` holds on `case_file`; a no-op when there is none."""
    for live in AccessGrant.objects.filter(case_file=case_file, to=to, revoked_at=None):
        live.revoked_at = timezone.now()
        live.save(update_fields=["revoked_at"])
        note("case_file.closed", by=by, about=live, to=str(to.pk))


def revoke_all(case_file: CaseFile, *, by: Any) -> None:
    """Shut out every reader: the patient stopped, or the request is closed."""
    for live in AccessGrant.objects.filter(case_file=case_file, revoked_at=None).select_related(
        "to"
    ):
        revoke(case_file, to=live.to, by=by)
