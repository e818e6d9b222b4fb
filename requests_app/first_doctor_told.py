"""The first doctor is told after delivery, where the patient wants it: a worker writes the letter.

A person sends it: nothing goes to the doctor by itself. Asked hourly, told of once.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Min
from django.urls import reverse
from django.utils import timezone

from records import first_doctor_letters
from requests_app.models import OpinionRequest
from requests_app.workflow import coordinators_of
from secondop.notifications.outbox import tell


def tell_coordinators() -> None:
    rows = OpinionRequest.objects.filter(
        status=OpinionRequest.Status.DELIVERED,
        case_file__first_doctor__choice__in=first_doctor_letters.TELLING,
        reports__delivered_at__isnull=False,
    ).exclude(case_file__first_doctor_letters__key__gt="")
    told: Any = rows.annotate(delivered_at=Min("reports__delivered_at"))
    for opinion_request in told.select_related("case_file__clinic", "coordinator").iterator():
        case_file = opinion_request.case_file
        zone = ZoneInfo(case_file.clinic.time_zone)
        delivered_on = timezone.localdate(opinion_request.delivered_at, zone)
        first_doctor_letters.write_after_delivery(case_file, delivered_on=delivered_on)
        tell(
            coordinators_of(opinion_request),
            "first_doctor_to_tell",
            about=opinion_request,
            path=reverse("holders:of_case_file", args=[case_file.pk]),
            once=f"first-doctor:{opinion_request.pk}",
        )
