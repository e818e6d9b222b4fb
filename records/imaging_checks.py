"""Stored images against their hashes: nightly, and by `manage.py verify_packs`."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from django.db.models import F

from records.imaging_workflow import check_pack
from records.models import ImagingPack
from secondop.accounts.models import Clinic
from secondop.audit.trail import note

NIGHTLY_SECONDS = 45 * 60  # well within the time a task may take


def check_for(seconds: float = 0, *, most: int = 0) -> list[ImagingPack]:
    """Check packs, the longest unchecked first, for about `seconds` (0: all); return the damaged.

    Each clinic's trail says how many were looked at and how many were damaged.
    """
    packs: Any = ImagingPack.objects.filter(quarantined_at=None)
    packs = packs.order_by(F("checked_at").asc(nulls_first=True), "pk")
    if most:
        packs = packs[:most]
    began, damaged = time.monotonic(), list[ImagingPack]()
    looked, bad = Counter[Any](), Counter[Any]()
    for pack in packs.iterator(chunk_size=200):
        looked[pack.clinic_id] += 1
        if not check_pack(pack):
            bad[pack.clinic_id] += 1
            damaged.append(pack)
        if seconds and time.monotonic() - began > seconds:
            break
    for clinic in Clinic.objects.filter(pk__in=looked).order_by("pk"):
        note(
            "imaging.packs_checked",
            by=None,
            about=clinic,
            packs=looked[clinic.pk],
            damaged=bad[clinic.pk],
        )
    return damaged
