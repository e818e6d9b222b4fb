"""The first doctor is told after delivery, where the patient wants it: a person writes the letter.

Nothing is sent from here to the doctor. Asked hourly; each request is told of once.
"""

from __future__ import annotations

from django.urls import reverse

from records.models import FirstDoctor
from requests_app.models import OpinionRequest
from requests_app.workflow import coordinators_of
from secondop.notifications.outbox import tell


def tell_coordinators() -> None:
    rows = OpinionRequest.objects.filter(
        status=OpinionRequest.Status.DELIVERED,
        case_file__first_doctor__choice=FirstDoctor.Choice.TOLD_AFTER,
    )
    for opinion_request in rows.select_related("case_file", "coordinator").iterator():
        tell(
            coordinators_of(opinion_request),
            "first_doctor_to_tell",
            about=opinion_request,
            path=reverse("holders:of_case_file", args=[opinion_request.case_file_id]),
            once=f"first-doctor:{opinion_request.pk}",
        )
