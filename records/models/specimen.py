"""Glass slides and tissue blocks on their way: who has them, how many, in which condition."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.case_file import CaseFile
from records.models.record_request import RecordHolder
from secondop.accounts.models import Clinic
from secondop.lib.transitions import StatusModel


class SpecimenQuerySet(models.QuerySet["Specimen"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """The patient's side and the clinic. Readers see images of slides, not parcels."""
        if kind not in ("patient", "coordinator", "filler"):
            return self.none()
        return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("patient", user) | self.visible_as("coordinator", user)


class Specimen(StatusModel):
    """One parcel of slides or blocks of one accession, there and back."""

    class Kind(models.TextChoices):
        SLIDES = "slides", _("Glass slides")
        BLOCKS = "blocks", _("Tissue blocks")

    class Status(models.TextChoices):
        ASKED = "asked", _("Asked for")
        SHIPPED = "shipped", _("On the way to us")
        RECEIVED = "received", _("With the clinic")
        RETURNING = "returning", _("On the way back")
        RETURNED = "returned", _("Back where they belong")
        LOST = "lost", _("Lost")
        CANCELLED = "cancelled", _("Not needed any more")

    TRANSITIONS = {
        Status.ASKED: {Status.SHIPPED, Status.RECEIVED, Status.CANCELLED},
        Status.SHIPPED: {Status.RECEIVED, Status.LOST, Status.CANCELLED},
        Status.RECEIVED: {Status.RETURNING, Status.LOST},
        Status.RETURNING: {Status.RETURNED, Status.LOST},
        Status.LOST: {Status.RECEIVED, Status.RETURNED},  # found again
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="specimens", db_index=False
    )
    holder = models.ForeignKey(
        RecordHolder, models.PROTECT, null=True, blank=True, related_name="specimens"
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ASKED)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SLIDES)
    accession = models.CharField(max_length=60)  # the laboratory's number of the case
    label = models.CharField(max_length=200, blank=True)  # stains, sites, as the laboratory says
    count_sent = models.PositiveSmallIntegerField(null=True, blank=True)
    count_received = models.PositiveSmallIntegerField(null=True, blank=True)
    count_returned = models.PositiveSmallIntegerField(null=True, blank=True)
    condition = models.CharField(max_length=300, blank=True)  # on arrival; "one slide cracked"
    courier = models.CharField(max_length=60, blank=True)
    tracking = models.CharField(max_length=60, blank=True)
    return_courier = models.CharField(max_length=60, blank=True)
    return_tracking = models.CharField(max_length=60, blank=True)
    return_due_on = models.DateField(null=True, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())

    objects = SpecimenQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["return_due_on"],
                condition=Q(status__in=["received", "returning"]),
                name="specimen_due_back",
            ),
            models.Index(fields=["case_file"], name="specimen_of_case_file"),
        ]

    class Privacy:
        private = {"accession", "label", "condition", "tracking", "return_tracking"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "holder",
            "status",
            "status_since",
            "kind",
            "count_sent",
            "count_received",
            "count_returned",
            "courier",
            "return_courier",
            "return_due_on",
            "made_by",
            "made_at",
        }

    def __str__(self) -> str:
        return f"specimen {str(self.pk)[:8]}"
