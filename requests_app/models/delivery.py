"""How the answer reaches the patient: report versions, follow-up questions, calls to make."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from records.models import Patient
from requests_app.models.opinion_request import OpinionRequest
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job


class ReportQuerySet(models.QuerySet["Report"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """The patient sees delivered versions; readers with full sight see them too."""
        if not user.is_authenticated:
            return self.none()
        if kind == "patient":
            own = OpinionRequest.objects.visible_as("patient", user)
            return self.filter(opinion_request__in=own, delivered_at__isnull=False)
        if kind == "coordinator":
            return self.filter(clinic_id__in=user.clinics_as("coordinator"))
        return self.none()

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("patient", user) | self.visible_as("coordinator", user)


class Report(models.Model):
    """One version of what the patient receives, rebuilt at any time from its snapshot alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest, models.PROTECT, related_name="reports", db_index=False
    )
    version = models.PositiveSmallIntegerField()
    snapshot = models.JSONField()  # everything printed, see specialists.reporting
    snapshot_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    pdf_key = models.CharField(max_length=100, blank=True)
    pdf_sha256 = models.CharField(max_length=64, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_on_behalf_of = models.ForeignKey(  # when somebody acts for the patient
        Patient, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["version"]
        constraints = [
            models.UniqueConstraint(
                fields=["opinion_request", "version"], name="report_version_once"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="report_acknowledged_pair",
            ),
        ]

    class Privacy:
        private = {"snapshot"}
        plain = {
            "id",
            "clinic",
            "opinion_request",
            "version",
            "snapshot_sha256",
            "created_at",
            "approved_by",
            "pdf_key",
            "pdf_sha256",
            "delivered_at",
            "opened_at",
            "acknowledged_at",
            "acknowledged_by",
            "acknowledged_on_behalf_of",
        }

    def __str__(self) -> str:
        return f"report {str(self.pk)[:8]} version {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("requests:report", args=[self.pk])

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.opinion_request.case_file_id


class Rendering(Job):
    """Make the tagged PDF of one report version."""

    TASK = "requests_app.tasks.render_report"
    QUEUE = "records"
    TITLE = "Making a report's PDF"

    report = models.OneToOneField(Report, models.CASCADE, related_name="rendering")

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {"report"}


class FollowUpQuestion(models.Model):
    """A question about a delivered report, asked within the clinic's follow-up days."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    report = models.ForeignKey(Report, models.PROTECT, related_name="follow_up_questions")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey(  # when somebody who acts for the patient asked
        Patient, models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(db_default=Now())
    text = models.TextField(max_length=2000)
    due_at = models.DateTimeField()
    answer = models.TextField(max_length=4000, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None, answered_by=None)
                | (~Q(answer="") & Q(answered_at__isnull=False, answered_by__isnull=False)),
                name="follow_up_answered_group",
            )
        ]

    class Privacy:
        private = {"text", "answer"}
        plain = {
            "id",
            "clinic",
            "report",
            "asked_by",
            "on_behalf_of",
            "asked_at",
            "due_at",
            "answered_at",
            "answered_by",
        }

    def __str__(self) -> str:
        return f"follow-up question {str(self.pk)[:8]}"

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.report.case_file_id


class StaffTaskQuerySet(models.QuerySet["StaffTask"]):
    def open(self) -> Self:
        return self.filter(done_at=None)

    def visible_to(self, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as("coordinator"))


class StaffTask(models.Model):
    """Something a person at the clinic must do: a call, a look at what is overdue."""

    class Kind(models.TextChoices):
        CALL_UNOPENED = "call_unopened", _("Call: the report has not been opened")
        CALL_BOUNCED = "call_bounced", _("Call: our mail did not arrive")
        OVERDUE = "overdue", _("Overdue")
        SEAL_BROKEN = "seal_broken", _("Safety finding: the seal was opened")
        DAMAGED_IMAGES = "damaged_images", _("Stored images are damaged: ask for a new copy")
        SLIDES_DUE = "slides_due", _("Slides or blocks should be back by now")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest, models.PROTECT, related_name="staff_tasks", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    about_due_at = models.DateTimeField()  # the deadline it escalates: one task for each breach
    opened_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    outcome = models.CharField(max_length=500, blank=True)

    objects = StaffTaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["opinion_request", "kind", "about_due_at"], name="staff_task_once"
            ),
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None)
                | Q(done_at__isnull=False, done_by__isnull=False),
                name="staff_task_done_pair",
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "opened_at", "id"],
                condition=Q(done_at=None),
                name="staff_task_open",
            )
        ]

    class Privacy:
        private = {"outcome"}
        plain = {
            "id",
            "clinic",
            "opinion_request",
            "kind",
            "about_due_at",
            "opened_at",
            "done_at",
            "done_by",
        }

    def __str__(self) -> str:
        return f"task {str(self.pk)[:8]}"

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.opinion_request.case_file_id
