"""Damaged packs of images become tasks for staff. The packs are found by `records`; see there."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef

from records.models import ImagingPack
from requests_app.models import OpinionRequest, StaffTask

AT_ONCE = 500


@transaction.atomic
def open_tasks_about_damage() -> int:
    """One task for each damaged pack, however often this runs; return how many are new."""
    tasks = StaffTask.objects.filter(
        opinion_request__case_file=OuterRef("case_file"),
        kind=StaffTask.Kind.DAMAGED_IMAGES,
        about_due_at=OuterRef("quarantined_at"),
    )
    packs = ImagingPack.objects.exclude(quarantined_at=None).exclude(Exists(tasks))
    packs = packs.order_by("quarantined_at", "pk")[:AT_ONCE]
    requests = {
        request.case_file_id: request
        for request in OpinionRequest.objects.filter(
            case_file__in=[pack.case_file_id for pack in packs]
        ).order_by("pk")
    }
    made = StaffTask.objects.bulk_create(
        (
            StaffTask(
                clinic_id=pack.clinic_id,
                opinion_request=requests[pack.case_file_id],
                kind=StaffTask.Kind.DAMAGED_IMAGES,
                about_due_at=pack.quarantined_at,
            )
            for pack in packs
            if pack.case_file_id in requests and pack.quarantined_at
        ),
        ignore_conflicts=True,
    )
    return len(made)
