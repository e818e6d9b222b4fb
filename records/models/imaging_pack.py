"""The packs that hold the bytes of images, and who gets rows of imaging."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from records.models.case_file import AccessGrant, CaseFile
from secondop.accounts.models import Clinic


def _granted(user: Any, kind: str, sight: str) -> Any:
    grants = AccessGrant.objects.live().filter(to=user, as_role=kind, sight=sight)
    return grants.filter(clinic_id__in=user.clinics_as(kind)).values("case_file")


class InCaseFile(models.QuerySet[Any]):
    """Rows that are seen as their case file is seen; for sealed readers see `SEALED`."""

    FULL = Q()  # what a reader with full sight gets of the granted case files
    SEALED: Q | None = None  # what a sealed reader gets; None is nothing

    def visible_as(self, kind: str, user: Any) -> Self:
        """SECURITY: who reviews a file sealed sees only its cleared pictures, by any role."""
        if not user.is_authenticated:
            return self.none()
        if kind in ("patient", "coordinator", "filler"):
            return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))
        if kind not in ("specialist", "quality_reviewer"):
            return self.none()
        full = Q(case_file__in=_granted(user, kind, AccessGrant.Sight.FULL)) & self.FULL
        if self.SEALED is None:
            return self.filter(full)
        sealed = Q(case_file__in=_granted(user, kind, AccessGrant.Sight.SEALED)) & self.SEALED
        return self.filter(full | sealed)

    def visible_to(self, user: Any) -> Self:
        rows = self.visible_as("patient", user)
        for kind in ("coordinator", "specialist", "quality_reviewer"):
            rows = rows | self.visible_as(kind, user)
        return rows


class ImagingPack(models.Model):
    """One immutable object: the instances of one batch, then their headers as JSON.

    An archive whose members are stored as they are is such an object itself; their headers are then
    another one, under `headers_key`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    record_request = models.ForeignKey(  # through whose door it came
        "records.RecordRequest", models.PROTECT, null=True, blank=True, related_name="imaging_packs"
    )
    key = models.CharField(max_length=100, unique=True)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)  # over the hashes of its pieces, in order
    headers_offset = models.PositiveBigIntegerField()  # zlib streams of one JSON line an instance
    headers_key = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(null=True, blank=True)
    quarantined_at = models.DateTimeField(null=True, blank=True)

    objects = InCaseFile.as_manager()

    class Privacy:
        private: set[str] = set()
        plain = {
            "id",
            "clinic",
            "case_file",
            "record_request",
            "key",
            "size_bytes",
            "sha256",
            "headers_offset",
            "headers_key",
            "created_at",
            "checked_at",
            "quarantined_at",
        }

    def __str__(self) -> str:
        return f"imaging pack {str(self.pk)[:8]}"
