"""Areas to cover on a document, and the job that burns a copy without them.

SECURITY: for the blinding desk. A sealed reader gets the finished copy as any other document; no
row here, and nothing of the parent, is ever shown to them.
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
from records.models.hits import BlindingHit
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job, JobQuerySet


class RedactionArea(models.Model):
    """A box on one page, or a phrase wherever it stands in a text. Kept when the copy is made."""

    class Source(models.TextChoices):
        HIT = "hit", _("Found by the search")
        HAND = "hand", _("Drawn or chosen by a person")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    document = models.ForeignKey(
        Document, models.CASCADE, related_name="redaction_areas", db_index=False
    )
    page = models.PositiveIntegerField(null=True, blank=True)  # from 1
    # Fractions of the page as it is shown, origin at its top left
    x0 = models.FloatField(null=True, blank=True)
    y0 = models.FloatField(null=True, blank=True)
    x1 = models.FloatField(null=True, blank=True)
    y1 = models.FloatField(null=True, blank=True)
    phrase = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    why = models.CharField(max_length=20, choices=BlindingHit.Why.choices, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["page", "y0", "x0", "at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(phrase="", page__gte=1, x0__gte=0, y0__gte=0, x1__lte=1, y1__lte=1)
                & Q(x0__lt=models.F("x1"), y0__lt=models.F("y1"))
                | (~Q(phrase="") & Q(page=None, x0=None, y0=None, x1=None, y1=None)),
                name="redaction_area_box_or_phrase",
            ),
            models.UniqueConstraint(
                fields=["document", "page", "x0", "y0", "x1", "y1", "phrase"],
                name="redaction_area_once",
                nulls_distinct=False,
            ),
        ]

    class Privacy:
        private = {"phrase", "why"}
        plain = {"id", "clinic", "case_file", "document", "page", "x0", "y0", "x1", "y1", "source",
                 "by", "at"}  # fmt: skip

    def __str__(self) -> str:
        return f"redaction area {str(self.pk)[:8]}"

    @property
    def box(self) -> list[float]:
        """[x0, y0, x1, y1]; empty for a phrase."""
        edges = (self.x0, self.y0, self.x1, self.y1)
        return [edge for edge in edges if edge is not None]


class BurningQuerySet(JobQuerySet):
    def due(self) -> Self:
        return super().due().filter(cancelled_at=None)

    def current(self) -> Self:
        """Asked for and neither taken back nor made."""
        return self.filter(cancelled_at=None).exclude(status=Job.Status.DONE)


class Burning(Job):
    """Make the redacted copy of one document. The original is never changed."""

    TASK = "records.tasks.burn_redaction"
    QUEUE = "records"
    TITLE = "Redacted copy of a document"
    LEASE = 4 * Job.LEASE

    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, models.CASCADE, related_name="burnings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    copy = models.OneToOneField(
        Document, models.PROTECT, null=True, blank=True, related_name="made_by_burning"
    )
    # What the copy still said when it was read again, page by page, and pages nobody could read.
    left = models.JSONField(default=list, blank=True)
    unread_pages = models.JSONField(default=list, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = BurningQuerySet.as_manager()  # type: ignore[misc]

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(cancelled_at=None) & ~Q(status__in=["done", "dead"]),
                name="burning_one_at_a_time",
            )
        ]

    class Privacy:
        private = {"left"}
        plain = Job.JOB_FIELDS | {"case_file", "document", "by", "copy", "unread_pages",
                                  "cancelled_at"}  # fmt: skip

    def _mine(self) -> models.QuerySet[Any]:
        """A job that was taken back is nobody's: it stops at its next step and leaves nothing."""
        return super()._mine().filter(cancelled_at=None)
