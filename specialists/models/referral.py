"""Who can give a second opinion, and what each has been asked."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from requests_app.models import OpinionRequest
from secondop.accounts.models import Clinic
from secondop.lib.transitions import StatusModel


class SpecialistQuerySet(models.QuerySet["Specialist"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        if kind == "specialist":
            return self.filter(user=user, clinic_id__in=user.clinics_as("specialist"))
        if kind == "coordinator":
            return self.filter(clinic_id__in=user.clinics_as("coordinator"))
        return self.none()

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("specialist", user) | self.visible_as("coordinator", user)


class Specialist(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="specialists", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="specialist_at")
    title = models.CharField(max_length=60, blank=True)  # Dr, Prof
    specialty = models.CharField(max_length=100)
    interests = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    languages = ArrayField(models.CharField(max_length=5), default=list, blank=True)
    licence = models.CharField(max_length=120, blank=True)  # number and where it is valid
    institution = models.CharField(max_length=200, blank=True)
    capacity = models.PositiveSmallIntegerField(default=3)  # open referrals at a time
    is_available = models.BooleanField(default=True)
    biography = models.TextField(max_length=2000, blank=True)

    objects = SpecialistQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "user"], name="specialist_once_per_clinic")
        ]

    class Privacy:
        private: set[str] = set()
        plain = {
            "id",
            "clinic",
            "user",
            "title",
            "specialty",
            "interests",
            "languages",
            "licence",
            "institution",
            "capacity",
            "is_available",
            "biography",
        }

    def __str__(self) -> str:
        return f"specialist {str(self.pk)[:8]}"

    @property
    def signature_name(self) -> str:
        return f"{self.title} {self.user.full_name}".strip()


class ReferralQuerySet(models.QuerySet["Referral"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        if kind == "specialist":
            return self.filter(specialist__user=user, clinic_id__in=user.clinics_as("specialist"))
        if kind == "coordinator":
            return self.filter(clinic_id__in=user.clinics_as("coordinator"))
        if kind == "quality_reviewer":
            checkable = OpinionRequest.objects.visible_as("quality_reviewer", user)
            return self.filter(opinion_request__in=checkable, status=Referral.Status.SIGNED)
        return self.none()

    def visible_to(self, user: Any) -> Self:
        rows = self.visible_as("specialist", user)
        return (
            rows | self.visible_as("coordinator", user) | self.visible_as("quality_reviewer", user)
        )

    def open(self) -> Self:
        return self.filter(status__in=Referral.OPEN)


class Referral(StatusModel):
    """One opinion request offered to one specialist."""

    class Status(models.TextChoices):
        OFFERED = "offered", _("Offered")
        TAKEN = "taken", _("Taken")
        SEALED = "sealed", _("Sealed")
        SIGNED = "signed", _("Signed")
        DECLINED = "declined", _("Declined")
        EXPIRED = "expired", _("Expired")
        RECALLED = "recalled", _("Taken back")

    TRANSITIONS = {
        Status.OFFERED: {Status.TAKEN, Status.DECLINED, Status.EXPIRED, Status.RECALLED},
        # In open review mode there is nothing to seal.
        Status.TAKEN: {Status.SEALED, Status.SIGNED, Status.DECLINED, Status.RECALLED},
        Status.SEALED: {Status.SIGNED, Status.RECALLED},
        Status.SIGNED: {Status.SEALED, Status.TAKEN},  # sent back by the quality check
    }
    OPEN = (Status.OFFERED, Status.TAKEN, Status.SEALED)
    LOCKED_AFTER = "opinion_request"

    class Part(models.TextChoices):
        """Why this specialist was asked. Both seal an own view before they see anything else."""

        READER = "reader", _("Reader")
        FURTHER = "further", _("Further reader, because the readers differ")

    class DeclineReason(models.TextChoices):
        NO_TIME = "no_time", _("No time")
        NOT_MY_FIELD = "not_my_field", _("Not my field")
        CONFLICT = "conflict", _("Conflict of interest")
        KNOWS_PATIENT = "knows_patient", _("I know the patient or the case")
        NOT_ENOUGH = "not_enough", _("Not enough to work with")
        OTHER = "other", _("Another reason")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(OpinionRequest, models.PROTECT, related_name="referrals")
    specialist = models.ForeignKey(
        Specialist, models.PROTECT, related_name="referrals", db_index=False
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.OFFERED)
    review_mode = models.CharField(max_length=10, choices=OpinionRequest.ReviewMode.choices)
    part = models.CharField(max_length=10, choices=Part.choices, default=Part.READER)
    panel = models.ForeignKey(
        "specialists.Panel", models.PROTECT, null=True, blank=True, related_name="referrals"
    )
    offered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    offered_at = models.DateTimeField(db_default=Now())
    offer_summary = models.TextField(max_length=1000, blank=True)  # neutral words of the clinic
    answer_by = models.DateTimeField()  # take or decline until then
    review_by = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)
    decline_reason = models.CharField(max_length=20, choices=DeclineReason.choices, blank=True)
    decline_note = models.CharField(max_length=500, blank=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["opinion_request", "specialist"],
                condition=Q(status__in=["offered", "taken", "sealed"]),
                name="referral_one_open_per_specialist",
            )
        ]
        indexes = [
            models.Index(fields=["specialist", "review_by", "id"], name="referral_of_specialist"),
            models.Index(
                fields=["answer_by"], condition=Q(status="offered"), name="referral_offer_due"
            ),
            models.Index(
                fields=["review_by"],
                condition=Q(status__in=["taken", "sealed"]),
                name="referral_review_due",
            ),
        ]

    class Privacy:
        private = {"offer_summary", "decline_note"}
        plain = {
            "id",
            "clinic",
            "opinion_request",
            "specialist",
            "status",
            "status_since",
            "review_mode",
            "part",
            "panel",
            "offered_by",
            "offered_at",
            "answer_by",
            "review_by",
            "taken_at",
            "decline_reason",
        }

    def __str__(self) -> str:
        return f"referral {str(self.pk)[:8]}"

    def get_absolute_url(self) -> str:
        return reverse("specialists:referral", args=[self.pk])

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.opinion_request.case_file_id
