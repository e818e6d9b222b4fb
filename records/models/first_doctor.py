"""The letter that tells the first doctor, and where a clinic says that they must take part.

SECURITY: who the first doctor is, is sealed: no row here is visible to a specialist.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from records.models.case_file import CaseFile
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job, JobQuerySet


class FirstDoctorLetterQuerySet(JobQuerySet):
    def visible_as(self, kind: str, user: Any) -> Self:
        """The patient's side and the clinic; "desk" is the staff page of jobs."""
        if kind == "desk":
            return super().visible_as(kind, user)
        if kind not in ("patient", "coordinator"):
            return self.none()
        return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("patient", user) | self.visible_as("coordinator", user)


class FirstDoctorLetter(Job):
    """One letter as PDF: the patient has a second opinion and wants the first doctor to know.

    It is made by a worker and sent by a person. Without a `key` when done: the patient had changed
    their mind before it was made, or nobody knows to whom it goes.
    """

    TASK = "records.tasks.write_first_doctor_letter"
    QUEUE = "records"
    TITLE = "Letter to the first doctor"

    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="first_doctor_letters", db_index=False
    )
    number = models.PositiveSmallIntegerField()  # 1, 2 ...: written again, the newest counts
    delivered_on = models.DateField()  # the day the patient got the report
    written_on = models.DateField()  # the day the letter bears
    key = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)  # a person says: it went out
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = FirstDoctorLetterQuerySet.as_manager()  # type: ignore[misc]

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["case_file", "number"], name="first_doctor_letter_once"
            ),
            models.CheckConstraint(
                condition=Q(sent_at=None, sent_by=None)
                | (Q(sent_at__isnull=False, sent_by__isnull=False) & ~Q(key="")),
                name="first_doctor_letter_sent_pair",
            ),
        ]

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {
            "case_file", "number", "delivered_on", "written_on", "key", "sha256", "size_bytes",
            "sent_at", "sent_by",
        }  # fmt: skip


class FirstDoctorDutyQuerySet(models.QuerySet[Any]):
    def visible_as(self, kind: str, user: Any) -> Self:
        if kind != "administrator" or not user.is_authenticated:
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as(kind))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("administrator", user)


class FirstDoctorDuty(models.Model):
    """A country of which the clinic says, with its source, that the first doctor must take part."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(
        Clinic, models.CASCADE, related_name="first_doctor_duties", db_index=False
    )
    country = models.CharField(max_length=2)  # ISO 3166-1 alpha-2: where the patient lives
    source = models.CharField(max_length=300)  # the law, the rule of a board, counsel's advice
    stated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    stated_at = models.DateTimeField(db_default=Now())

    objects = FirstDoctorDutyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "first doctor duties"
        constraints = [
            models.UniqueConstraint(fields=["clinic", "country"], name="first_doctor_duty_once"),
            models.CheckConstraint(condition=~Q(source=""), name="first_doctor_duty_has_source"),
        ]

    class Privacy:
        private: set[str] = set()
        plain = {"id", "clinic", "country", "source", "stated_by", "stated_at"}

    def __str__(self) -> str:
        return f"duty {str(self.pk)[:8]}"
