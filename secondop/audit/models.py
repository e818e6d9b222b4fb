"""What happened, who did it, to what. Rows are only ever added; a trigger refuses anything else."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: Any) -> Self:
        """Auditors read their clinics' events. Patients read theirs through their case file."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as("auditor"))

    def about_case_file(self, case_file_id: Any) -> Self:
        return self.filter(case_file_id=case_file_id)


class AuditEvent(models.Model):
    """One link of a hash chain. There is one chain per case file, and one per clinic for the rest.

    PRIVACY: `details` holds ids, counts and status words, never what a record says, so erasing a
    person never breaks a chain. Ids are plain values, not foreign keys: deleting never breaks it
    either.
    """

    chain = models.CharField(max_length=60)
    number = models.PositiveIntegerField()  # position in the chain, from 1
    at = models.DateTimeField()
    verb = models.CharField(max_length=60)
    actor_id = models.UUIDField(null=True)  # empty when the system acted
    actor_role = models.CharField(max_length=20, blank=True)
    on_behalf_of_id = models.UUIDField(null=True)  # the patient, when a proxy acted
    clinic_id = models.UUIDField(null=True)
    case_file_id = models.UUIDField(null=True)
    about_type = models.CharField(max_length=60)
    about_id = models.CharField(max_length=60)
    details = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "number"], name="audit_event_number_once")
        ]
        indexes = [
            models.Index(
                fields=["case_file_id", "at"],
                condition=~Q(case_file_id=None),
                name="audit_event_of_case_file",
            ),
            models.Index(fields=["clinic_id", "id"], name="audit_event_of_clinic"),
            models.Index(fields=["about_type", "about_id"], name="audit_event_about"),
        ]

    class Privacy:
        private: set[str] = set()
        plain = {
            "id",
            "chain",
            "number",
            "at",
            "verb",
            "actor_id",
            "actor_role",
            "on_behalf_of_id",
            "clinic_id",
            "case_file_id",
            "about_type",
            "about_id",
            "details",
            "previous_hash",
            "hash",
        }

    def __str__(self) -> str:
        return f"audit event {self.pk}"
