"""What a reviewer measured on images and saved. Never an image of the case file itself.

SECURITY: rows are their author's. Who else may see one, and when, is decided by
`records/measurements.py`; no list of studies, series or instances is made of them.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from records.models.case_file import AccessGrant, CaseFile
from records.models.imaging import ImagingStudy
from secondop.accounts.models import Clinic


class MeasurementReport(models.Model):
    """One saved set of measurements, taken apart: texts, numbers, true UIDs, no foreign bytes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="measurement_reports", db_index=False
    )
    study = models.ForeignKey(ImagingStudy, models.CASCADE, related_name="+", db_index=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    sight = models.CharField(max_length=10, choices=AccessGrant.Sight.choices)  # when it was saved
    saved_at = models.DateTimeField(db_default=Now())
    # Made by us from what the viewer called them: the same again is the same row.
    SOPInstanceUID = models.CharField(max_length=64)
    SeriesInstanceUID = models.CharField(max_length=64)
    SOPClassUID = models.CharField(max_length=64)
    series_number = models.PositiveIntegerField()
    title = models.CharField(max_length=64, blank=True)
    content = models.JSONField()  # the content tree of the SR, in the DICOM JSON model
    evidence = models.JSONField(default=list)  # [study, series, instance, class] measured on
    items = models.JSONField(default=list)  # for pages: [{"label", "values", "image"}]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case_file", "SOPInstanceUID"], name="measurement_report_once"
            )
        ]
        indexes = [
            models.Index(fields=["case_file", "by", "saved_at"], name="measurement_report_by"),
            models.Index(fields=["study"], name="measurement_report_of_study"),
        ]

    class Privacy:
        private = {"title", "content", "evidence", "items"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "study",
            "by",
            "sight",
            "saved_at",
            "SOPInstanceUID",
            "SeriesInstanceUID",
            "SOPClassUID",
            "series_number",
        }

    def __str__(self) -> str:
        return f"measurement report {str(self.pk)[:8]}"
