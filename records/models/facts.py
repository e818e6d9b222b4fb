"""What records say in single statements: laboratory values, problems, medicines, and so on.

SECURITY: facts come from documents that may be withheld, so a fact is seen as its document is. One
that belongs to no document is for full sight alone.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.case_file import AccessGrant, CaseFile
from records.models.document import Document
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job


class ClinicalFactQuerySet(models.QuerySet["ClinicalFact"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        if kind in ("patient", "coordinator", "filler"):
            return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))
        if kind not in ("specialist", "quality_reviewer") or not user.is_authenticated:
            return self.none()
        full = AccessGrant.objects.live().filter(
            to=user, as_role=kind, sight=AccessGrant.Sight.FULL,
            clinic_id__in=user.clinics_as(kind),
        )  # fmt: skip
        shown = Document.objects.visible_as(kind, user)
        unbound = Q(document=None, case_file__in=full.values("case_file"))
        return self.filter(Q(document__in=shown) | unbound)

    def visible_to(self, user: Any) -> Self:
        rows = self.visible_as("patient", user)
        for kind in ("coordinator", "specialist", "quality_reviewer"):
            rows = rows | self.visible_as(kind, user)
        return rows


class ClinicalFact(models.Model):
    """One statement with its date and its source, as FHIR would put it in one resource."""

    class Kind(models.TextChoices):
        LAB = "lab", _("Laboratory value")  # FHIR Observation, category laboratory
        PROBLEM = "problem", _("Problem")  # Condition
        MEDICINE = "medicine", _("Medicine")  # MedicationStatement, MedicationRequest
        ALLERGY = "allergy", _("Allergy")  # AllergyIntolerance
        PROCEDURE = "procedure", _("Procedure")  # Procedure
        IMMUNIZATION = "immunization", _("Vaccination")  # Immunization
        REPORT = "report", _("Report")  # DiagnosticReport without a file of its own

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="facts", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    text = models.CharField(max_length=300)  # as the source calls it
    code_system = models.CharField(max_length=100, blank=True)  # a URI, for example LOINC's
    code = models.CharField(max_length=40, blank=True)
    analyte = models.CharField(max_length=40, blank=True)  # key of records.analytes, when known
    value = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    value_text = models.CharField(max_length=200, blank=True)  # "positive", "< 0.01"
    unit = models.CharField(max_length=40, blank=True)  # as written
    reference_range = models.CharField(max_length=100, blank=True)
    on = models.DateField(null=True, blank=True)  # taken, begun or done
    until = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=30, blank=True)  # as FHIR codes it: active, completed
    document = models.ForeignKey(
        Document, models.CASCADE, null=True, blank=True, related_name="facts"
    )
    page = models.PositiveIntegerField(null=True, blank=True)
    place = models.CharField(max_length=200, blank=True)  # where in the source: Observation/17
    by = models.ForeignKey(  # who read it off a paper; empty when a machine did
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    same_as = models.CharField(max_length=64)  # digest of what makes two facts the same one
    created_at = models.DateTimeField(db_default=Now())

    objects = ClinicalFactQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["case_file", "kind", "on"], name="fact_of_case_file"),
            models.Index(fields=["case_file", "analyte", "on"], name="fact_by_analyte"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["case_file", "document", "place", "same_as"],
                name="fact_once_per_source",
                nulls_distinct=False,
            )
        ]

    class Privacy:
        private = {
            "text",
            "code",
            "analyte",
            "value",
            "value_text",
            "unit",
            "reference_range",
            "on",
            "until",
            "place",
        }
        plain = {
            "id",
            "clinic",
            "case_file",
            "kind",
            "code_system",
            "status",
            "document",
            "page",
            "by",
            "same_as",
            "created_at",
        }

    def __str__(self) -> str:
        return f"fact {str(self.pk)[:8]}"


class FactsReading(Job):
    """Read the facts of an electronic record, and take out the files that are packed inside."""

    TASK = "records.tasks.read_facts"
    QUEUE = "records"
    TITLE = "Facts of an electronic record"
    LEASE = 2 * Job.LEASE

    document = models.OneToOneField(Document, models.CASCADE, related_name="facts_reading")
    # Counts and codes only: {"version": "R4", "facts": 120, "files": 2, "passed": {"withdrawn": 1}}
    outcome = models.JSONField(default=dict, blank=True)

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {"document", "outcome"}
