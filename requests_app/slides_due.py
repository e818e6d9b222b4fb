"""Slides that should be back become tasks for staff, once for each parcel and date."""

from __future__ import annotations

from datetime import datetime, time

from django.db import transaction
from django.utils import timezone

from records.specimen_workflow import overdue
from requests_app.models import OpinionRequest, StaffTask


@transaction.atomic
def open_tasks_about_slides() -> int:
    """One task for each request and day on which something was due; return how many are new."""
    late = list(overdue(timezone.localdate()))
    requests = {
        request.case_file_id: request
        for request in OpinionRequest.objects.filter(
            case_file__in=[specimen.case_file_id for specimen in late]
        ).order_by("pk")
    }
    known = StaffTask.objects.filter(kind=StaffTask.Kind.SLIDES_DUE).count()
    StaffTask.objects.bulk_create(
        (
            StaffTask(
                clinic_id=specimen.clinic_id,
                opinion_request=requests[specimen.case_file_id],
                kind=StaffTask.Kind.SLIDES_DUE,
                about_due_at=timezone.make_aware(datetime.combine(specimen.return_due_on, time())),
            )
            for specimen in late
            if specimen.case_file_id in requests and specimen.return_due_on
        ),
        ignore_conflicts=True,
    )
    return StaffTask.objects.filter(kind=StaffTask.Kind.SLIDES_DUE).count() - known
