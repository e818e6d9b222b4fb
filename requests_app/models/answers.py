"""When each part of a request was last saved, so that two tabs never undo each other's work."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from requests_app.models.opinion_request import OpinionRequest
from secondop.accounts.models import Clinic


class SectionSave(models.Model):
    """One row for each section of a request that somebody has written in."""

    id = models.BigAutoField(primary_key=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest,
        models.CASCADE,
        related_name="section_saves",
        db_index=False,
    )
    section = models.CharField(max_length=20)  # key of requests_app.sections.SECTIONS
    version = models.PositiveIntegerField(default=0)  # grows with every change
    noted_version = models.PositiveIntegerField(default=0)  # what the audit trail knows of
    tab = models.CharField(max_length=32, blank=True)  # which opened page wrote last
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opinion_request", "section"], name="section_save_once")
        ]

    class Privacy:
        private: set[str] = set()
        plain = {
            "id",
            "clinic",
            "opinion_request",
            "section",
            "version",
            "noted_version",
            "tab",
            "by",
            "at",
        }

    def __str__(self) -> str:
        return f"section save {self.pk}"
