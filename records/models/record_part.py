"""What an electronic record says, ready for people to read: plain text in a shape of ours.

SECURITY: this is text of the document, so it is seen as its document is: `records.blinding` alone
decides (`parts_for`). No markup of the sender is kept: see `records.readable`.
"""

from __future__ import annotations

import uuid

from django.db import models

from records.models.case_file import CaseFile
from records.models.document import Document
from secondop.accounts.models import Clinic


class RecordPart(models.Model):
    """As much of a record as one page of the application shows."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    # Of the first part: title, on, by, organization, patient, born. SECURITY: full sight only.
    head = models.JSONField(default=dict, blank=True)
    headings = models.JSONField(default=list)  # [{id, depth, title, code, who}]
    content = models.JSONField(default=list)  # sections; `records.readable.foreign` says how

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="record_part_once")
        ]

    class Privacy:
        private = {"head", "headings", "content"}
        plain = {"id", "clinic", "case_file", "document", "number"}

    def __str__(self) -> str:
        return f"record part {str(self.pk)[:8]}"
