"""Ways in for a hospital's machine: make one, close one, and recognise its token.

SECURITY: a token opens STOW-RS of one case file and nothing else; it reads nothing. It is told once
and kept as a hash. See `secondop.api.dicomweb.inlet` for the door itself.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records import imaging_rules as rules
from records.models import CaseFile, ImagingInlet
from secondop.audit.trail import note
from secondop.lib.verdicts import YES, Verdict, not_now

TOKEN_BYTES = 32
OPEN_AT_MOST = 20


def hash_of(token: str) -> str:
    """The token is 256 random bits: one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def may_make(user: Any, case_file: CaseFile) -> Verdict:
    if not (verdict := rules.may_decide(user, case_file.pk)):
        return verdict
    if not case_file.is_open_for_records:
        return not_now(_("A specialist is already looking at the records."))
    if case_file.imaging_inlets.open().count() >= OPEN_AT_MOST:
        return not_now(_("There are twenty ways in already. Close one first."))
    return YES


@transaction.atomic
def make(case_file: CaseFile, *, name: str, until: datetime, by: Any) -> tuple[ImagingInlet, str]:
    """Return the row and its token, which nobody can be told again. Raises Refused."""
    may_make(by, case_file).or_raise()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    inlet = ImagingInlet.objects.create(
        clinic_id=case_file.clinic_id,
        case_file=case_file,
        name=name,
        token_sha256=hash_of(token),
        made_by=by,
        until=until,
    )
    note("imaging_inlet.made", by=by, about=inlet)
    return inlet, token


@transaction.atomic
def revoke(inlet: ImagingInlet, *, by: Any) -> None:
    """Close a way in at once; a no-op when it is closed. Raises Refused."""
    rules.may_decide(by, inlet.case_file_id).or_raise()
    if ImagingInlet.objects.filter(pk=inlet.pk, revoked_at=None).update(revoked_at=Now()):
        note("imaging_inlet.revoked", by=by, about=inlet)


def find(case_file_id: UUID, token: str) -> ImagingInlet | None:
    """The open way in of this case file that the token opens. By the database's clock."""
    rows = ImagingInlet.objects.open().select_related("case_file", "made_by")
    found: ImagingInlet | None = rows.filter(
        case_file=case_file_id, token_sha256=hash_of(token)
    ).first()
    return found


@transaction.atomic
def note_used(inlet: ImagingInlet, *, stored: int) -> None:
    """Count what came, for the coordinator and the trail."""
    ImagingInlet.objects.filter(pk=inlet.pk).update(
        last_used_at=Now(), instance_count=F("instance_count") + stored
    )
    note("imaging_inlet.used", by=None, about=inlet, instances=stored)
