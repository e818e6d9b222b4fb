"""Ways in for images beside a person's browser, and what was not taken from any of them."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from records.models.case_file import CaseFile
from secondop.accounts.models import Clinic


class InletQuerySet(models.QuerySet[Any]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """SECURITY: for coordinators alone: a hospital's name is sealed from readers."""
        if kind != "coordinator" or not user.is_authenticated:
            return self.none()
        return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("coordinator", user)

    def open(self) -> Self:
        """By the database's clock."""
        return self.filter(revoked_at=None, until__gt=Now())


class ImagingInlet(models.Model):
    """A hospital's permission to push images into one case file, by a token told once.

    SECURITY: only a hash of the token is kept. It stores; it reads nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="imaging_inlets", db_index=False
    )
    name = models.CharField(max_length=120)  # of the hospital, as the coordinator wrote it
    token_sha256 = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    instance_count = models.PositiveIntegerField(default=0)

    objects = InletQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["case_file", "made_at"], name="inlet_of_case_file")]

    class Privacy:
        private = {"name", "token_sha256"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "made_by",
            "made_at",
            "until",
            "revoked_at",
            "last_used_at",
            "instance_count",
        }

    def __str__(self) -> str:
        return f"imaging inlet {str(self.pk)[:8]}"


class ImagingRefusal(models.Model):
    """How many files of one batch were not taken for one reason. Told to who fills the file."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="imaging_refusals", db_index=False
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    inlet = models.ForeignKey(
        ImagingInlet, models.CASCADE, null=True, blank=True, related_name="refusals"
    )
    code = models.CharField(max_length=30)  # of records.dicom.problems
    count = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["case_file", "at"], name="imaging_refusal_of_case_file")]
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0), name="imaging_refusal_counts")
        ]

    class Privacy:
        private: set[str] = set()
        plain = {"id", "clinic", "case_file", "by", "inlet", "code", "count", "at"}

    def __str__(self) -> str:
        return f"imaging refusal {str(self.pk)[:8]}"
