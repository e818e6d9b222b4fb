"""Several readers of one request: a panel with its quorum, and what a further reader was shown."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from requests_app.models import OpinionRequest
from secondop.accounts.models import Clinic
from specialists.models.referral import Referral, Specialist


class Panel(models.Model):
    """Specialists of several fields who read one request; the lead writes the joint answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.OneToOneField(OpinionRequest, models.PROTECT, related_name="panel")
    lead = models.ForeignKey(Specialist, models.PROTECT, related_name="+")
    joint_answer = models.TextField(max_length=8000, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(joint_answer="", answered_at=None)
                | (~Q(joint_answer="") & Q(answered_at__isnull=False)),
                name="panel_answered_pair",
            )
        ]

    class Privacy:
        private = {"joint_answer"}
        plain = {"id", "clinic", "opinion_request", "lead", "answered_at", "made_by", "made_at"}

    def __str__(self) -> str:
        return f"panel {str(self.pk)[:8]}"

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.opinion_request.case_file_id


class PanelSeat(models.Model):
    """The quorum: so many sealed opinions of one specialty are needed for a joint answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    panel = models.ForeignKey(Panel, models.CASCADE, related_name="seats", db_index=False)
    specialty = models.CharField(max_length=100)
    needed = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["specialty"]
        constraints = [
            models.UniqueConstraint(fields=["panel", "specialty"], name="panel_seat_once")
        ]

    class Privacy:
        private: set[str] = set()
        plain = {"id", "clinic", "panel", "specialty", "needed"}

    def __str__(self) -> str:
        return f"panel seat {str(self.pk)[:8]}"


class EarlierOpinion(models.Model):
    """The letter under which a further reader met an earlier opinion. Drawn once; append-only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    referral = models.ForeignKey(
        Referral, models.PROTECT, related_name="earlier_opinions", db_index=False
    )
    earlier = models.ForeignKey(Referral, models.PROTECT, related_name="+")
    letter = models.CharField(max_length=1)
    drawn_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["letter"]
        constraints = [
            models.UniqueConstraint(fields=["referral", "letter"], name="earlier_letter_once"),
            models.UniqueConstraint(fields=["referral", "earlier"], name="earlier_opinion_once"),
        ]

    class Privacy:
        private: set[str] = set()
        plain = {"id", "clinic", "referral", "earlier", "letter", "drawn_at"}

    def __str__(self) -> str:
        return f"earlier opinion {str(self.pk)[:8]}"
