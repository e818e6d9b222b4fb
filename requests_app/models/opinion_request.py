"""A patient's request for a second opinion and the states it passes through."""

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

from records.models import AccessGrant, CaseFile
from secondop.accounts.models import Clinic
from secondop.lib.codes import spoken_code
from secondop.lib.transitions import StatusModel


def new_reference() -> str:
    return spoken_code("SO")


class Purpose(models.TextChoices):
    """Why people ask; the options are the commonest reason (41 % against 35 %, domain/FACTS)."""

    CONFIRM_DIAGNOSIS = "confirm_diagnosis", _("Is the diagnosis right?")
    OPTIONS = "options", _("What are my treatment options?")
    PLANNED_TREATMENT = "planned_treatment", _("Is the planned treatment right for me?")
    NEED_SURGERY = "need_surgery", _("Do I need this operation?")
    NO_DIAGNOSIS = "no_diagnosis", _("Nobody has found out what I have")


class Ball(models.TextChoices):
    """Who must act next."""

    PATIENT = "patient", _("You")
    COORDINATOR = "coordinator", _("The clinic")
    RECORD_HOLDER = "record_holder", _("A hospital or practice")
    SPECIALIST = "specialist", _("The specialist")
    QUALITY_REVIEWER = "quality_reviewer", _("A second clinician")
    NOBODY = "nobody", _("Nobody")


class OpinionRequestQuerySet(models.QuerySet["OpinionRequest"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """Whoever may open the case file may see the request about it; drafts are the patient's."""
        if not user.is_authenticated:
            return self.none()
        rows = self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))
        if kind == "coordinator":
            rows = self.filter(clinic_id__in=user.clinics_as("coordinator")).exclude(status="draft")
            # SECURITY: who reviews a case sealed does not read it as a coordinator meanwhile.
            sealed = AccessGrant.objects.live().filter(to=user, sight="sealed")
            mine = list(sealed.values_list("case_file", flat=True))
            # Ids, not a subquery: the queue must read its list straight from one index.
            return rows.exclude(case_file__in=mine) if mine else rows
        if kind == "quality_reviewer":
            waiting = self.filter(
                clinic_id__in=user.clinics_as("quality_reviewer"), status="quality_check"
            )
            return waiting | rows
        return rows

    def visible_to(self, user: Any) -> Self:
        rows = self.visible_as("patient", user)
        for kind in ("coordinator", "specialist", "quality_reviewer"):
            rows = rows | self.visible_as(kind, user)
        return rows

    def open(self) -> Self:
        return self.exclude(status__in=OpinionRequest.ENDED)


class OpinionRequest(StatusModel):
    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Submitted")
        NEEDS_PATIENT = "needs_patient", _("Waiting for the patient")
        COLLECTING = "collecting", _("Gathering records")
        READY = "ready", _("Ready for a specialist")
        REFERRED = "referred", _("Specialist asked")
        IN_REVIEW = "in_review", _("In review")
        QUALITY_CHECK = "quality_check", _("Quality check")
        DELIVERED = "delivered", _("Report delivered")
        CLOSED = "closed", _("Closed")
        RETURNED = "returned", _("Returned with advice")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Expired")

    TRANSITIONS = {
        Status.DRAFT: {Status.SUBMITTED, Status.WITHDRAWN},
        Status.SUBMITTED: {
            Status.COLLECTING,
            Status.NEEDS_PATIENT,
            Status.RETURNED,
            Status.WITHDRAWN,
        },
        Status.NEEDS_PATIENT: {Status.SUBMITTED, Status.WITHDRAWN, Status.EXPIRED},
        # Back to review when a specialist who asked for more is still reading.
        Status.COLLECTING: {
            Status.READY,
            Status.IN_REVIEW,
            Status.NEEDS_PATIENT,
            Status.RETURNED,
            Status.WITHDRAWN,
        },
        # Back to delivered when nobody was found for one more opinion.
        Status.READY: {
            Status.REFERRED,
            Status.COLLECTING,
            Status.WITHDRAWN,
            Status.DELIVERED,
        },
        Status.REFERRED: {Status.IN_REVIEW, Status.READY, Status.WITHDRAWN},
        Status.IN_REVIEW: {Status.QUALITY_CHECK, Status.COLLECTING, Status.READY, Status.WITHDRAWN},
        Status.QUALITY_CHECK: {Status.DELIVERED, Status.IN_REVIEW, Status.WITHDRAWN},
        # Back to review when the report must be changed, to ready for one more opinion.
        Status.DELIVERED: {Status.CLOSED, Status.IN_REVIEW, Status.READY},
        Status.CLOSED: {Status.COLLECTING},
        Status.RETURNED: {Status.SUBMITTED},
        Status.WITHDRAWN: {Status.SUBMITTED},
        Status.EXPIRED: {Status.SUBMITTED},
    }
    ENDED = (Status.CLOSED, Status.RETURNED, Status.WITHDRAWN, Status.EXPIRED)

    class ReviewMode(models.TextChoices):
        SEALED = "sealed", _("Sealed: the specialist decides first, then sees what you were told")
        OPEN = "open", _("Open: the specialist sees everything from the start")

    class Urgency(models.TextChoices):
        ROUTINE = "routine", _("Routine")
        URGENT = "urgent", _("Urgent")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(
        Clinic, models.PROTECT, related_name="opinion_requests", db_index=False
    )
    case_file = models.OneToOneField(CaseFile, models.PROTECT, related_name="opinion_request")
    reference = models.CharField(max_length=20, unique=True, default=new_reference)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1)  # grows with every change by staff or patient
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField(db_default=Now())

    purposes = ArrayField(
        models.CharField(max_length=20, choices=Purpose.choices), default=list, blank=True
    )
    review_mode = models.CharField(max_length=10, choices=ReviewMode.choices, blank=True)
    urgency = models.CharField(max_length=10, choices=Urgency.choices, default=Urgency.ROUTINE)
    ball_with = models.CharField(max_length=20, choices=Ball.choices, default=Ball.PATIENT)
    due_at = models.DateTimeField()

    limits_accepted_at = models.DateTimeField(null=True, blank=True)
    truth_name = models.CharField(max_length=150, blank=True)  # typed under the statement of truth
    truth_signed_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    coordinator = models.ForeignKey(  # the one person at the clinic who looks after it
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = OpinionRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "draft",
                        "submitted",
                        "needs_patient",
                        "collecting",
                        "ready",
                        "referred",
                        "in_review",
                        "quality_check",
                        "delivered",
                        "closed",
                        "returned",
                        "withdrawn",
                        "expired",
                    ]
                ),
                name="opinion_request_status_known",
            ),
            models.CheckConstraint(
                condition=Q(truth_name="", truth_signed_at=None)
                | (~Q(truth_name="") & Q(truth_signed_at__isnull=False)),
                name="opinion_request_truth_pair",
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "due_at", "id"],
                condition=~Q(status__in=["draft", "closed", "returned", "withdrawn", "expired"]),
                name="opinion_request_queue",
            ),
            models.Index(
                fields=["clinic", "status", "due_at", "id"], name="opinion_request_by_status"
            ),
            models.Index(fields=["due_at"], name="opinion_request_due"),
        ]

    class Privacy:
        private = {"truth_name", "purposes"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "reference",
            "status",
            "status_since",
            "started_by",
            "created_at",
            "version",
            "changed_by",
            "changed_at",
            "review_mode",
            "urgency",
            "ball_with",
            "due_at",
            "limits_accepted_at",
            "truth_signed_at",
            "submitted_at",
            "coordinator",
        }

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        """Where the patient reads on. Staff have pages of their own."""
        return reverse("requests:status", args=[self.pk])


class StatusChange(models.Model):
    """History, append-only: from what to what, by whom, why, and who had the ball after it."""

    id = models.BigAutoField(primary_key=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest,
        models.PROTECT,
        related_name="status_changes",
        db_index=False,
    )
    old = models.CharField(max_length=20, blank=True)
    new = models.CharField(max_length=20)
    ball_with = models.CharField(max_length=20, choices=Ball.choices)
    at = models.DateTimeField(db_default=Now())
    by = models.ForeignKey(  # empty when a deadline passed
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(max_length=2000, blank=True)  # patient and staff read it

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["opinion_request", "id"], name="status_change_of_request")]

    class Privacy:
        private = {"reason"}
        plain = {"id", "clinic", "opinion_request", "old", "new", "ball_with", "at", "by"}

    def __str__(self) -> str:
        return f"status change {self.pk}"
