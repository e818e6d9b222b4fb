"""Whether a received record is about the patient of the case file: what was compared and decided.

One row for each document that names somebody and for each imaging study. While `is_holding`, the
record waits for a coordinator and no reader sees it.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.case_file import CaseFile
from records.models.document import Document
from records.models.imaging import ImagingStudy
from secondop.accounts.models import Clinic


class IdentityCheckQuerySet(models.QuerySet["IdentityCheck"]):
    def open(self) -> Self:
        """Those that a person must decide."""
        held = Q(document__status="held") | Q(study__status="held")
        return self.filter(held, is_holding=True, decision="")

    def visible_as(self, kind: str, user: Any) -> Self:
        """The patient's side and the clinic. SECURITY: readers never, a name gives people away."""
        if kind not in ("patient", "coordinator", "filler"):
            return self.none()
        return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("patient", user) | self.visible_as("coordinator", user)


class IdentityCheck(models.Model):
    class Source(models.TextChoices):
        DICOM = "dicom", _("Images")
        FHIR = "fhir", _("Electronic record (FHIR)")
        CDA = "cda", _("Electronic document (CDA)")
        TEXT = "text", _("Words on the first page")  # weak: counts only when it contradicts

    class Verdict(models.TextChoices):
        SAME = "same", _("This patient")
        UNSURE = "unsure", _("Not sure")
        DIFFERENT = "different", _("Somebody else")
        UNNAMED = "unnamed", _("Names nobody")
        WAITING = "waiting", _("Waits for the patient's name and date of birth")

    class Decision(models.TextChoices):
        BELONGS = "belongs", _("It belongs to this patient")
        NOT_OURS = "not_ours", _("It is of somebody else")

    class Answer(models.TextChoices):
        YES = "yes", _("Yes, this is about me")
        NO = "no", _("No, this is not about me")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="identity_checks", db_index=False
    )
    document = models.OneToOneField(
        Document, models.CASCADE, null=True, blank=True, related_name="identity_check"
    )
    study = models.OneToOneField(
        ImagingStudy, models.CASCADE, null=True, blank=True, related_name="identity_check"
    )
    source = models.CharField(max_length=10, choices=Source.choices)
    told = models.JSONField(default=list)  # whom it names: [{name, born, sex, id}]
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    score = models.PositiveSmallIntegerField(default=0)  # 0 to 100
    reasons = models.JSONField(default=list)  # keys of records.identity_checks.REASONS
    is_holding = models.BooleanField(default=False)
    compared_at = models.DateTimeField(db_default=Now())
    answer = models.CharField(max_length=5, choices=Answer.choices, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    objects = IdentityCheckQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(document=None) | Q(study=None), name="identity_check_of_one_thing"
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_at=None, decided_by=None)
                | Q(decided_at__isnull=False, decided_by__isnull=False) & ~Q(decision=""),
                name="identity_check_decided_pair",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer=""),
                name="identity_check_answered_pair",
            ),
        ]
        indexes = [models.Index(fields=["case_file"], name="identity_of_case_file")]

    class Privacy:
        private = {"told", "reason"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "document",
            "study",
            "source",
            "verdict",
            "score",
            "reasons",
            "is_holding",
            "compared_at",
            "answer",
            "answered_by",
            "answered_at",
            "decision",
            "decided_by",
            "decided_at",
        }

    def __str__(self) -> str:
        return f"identity check {str(self.pk)[:8]}"
