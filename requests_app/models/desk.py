"""What was decided at the blinding desk, item by item: who, when, from what, and a second look.

SECURITY: for coordinators alone. What a sealed reader gets stands on the item itself, and only
once a decision is in force.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models import CaseFile
from secondop.accounts.models import Clinic


class DeskDecisionQuerySet(models.QuerySet["DeskDecision"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        if kind != "coordinator":
            return self.none()
        return self.filter(case_file__in=CaseFile.objects.visible_as("coordinator", user))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("coordinator", user)

    def standing(self) -> Self:
        """Neither taken back nor refused by the second person."""
        return self.exclude(state__in=["undone", "refused"])


class DeskDecision(models.Model):
    class About(models.TextChoices):
        DOCUMENT = "document", _("Document")
        QUESTION = "question", _("Question")
        STATEMENT = "statement", _("What the patient wrote")
        SERIES = "imaging_series", _("Image series")

    class Choice(models.TextChoices):
        RELEASE = "release", _("Released")
        NEUTRAL = "neutral", _("Released in neutral words")
        REDACT = "redact", _("Released as a redacted copy")
        UNSURE = "unsure", _("Not sure yet")
        WITHHOLD = "withhold", _("Withheld")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for a second look")
        IN_FORCE = "in_force", _("In force")
        UNDONE = "undone", _("Taken back")
        REFUSED = "refused", _("Not agreed by the second person")

    SHOWS = (Choice.RELEASE, Choice.NEUTRAL, Choice.REDACT)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="desk_decisions", db_index=False
    )
    about_type = models.CharField(max_length=20, choices=About.choices)
    about_id = models.UUIDField()
    choice = models.CharField(max_length=10, choices=Choice.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IN_FORCE)
    neutral = models.TextField(max_length=1000, blank=True)  # title or wording that goes with it
    class_before = models.CharField(max_length=10, blank=True)
    neutral_before = models.TextField(max_length=1000, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    second_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    second_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = DeskDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(second_by=None, second_at=None)
                | (Q(second_by__isnull=False, second_at__isnull=False)),
                name="desk_decision_second_pair",
            ),
            models.CheckConstraint(
                condition=Q(second_by=None) | ~Q(second_by=models.F("by")),
                name="desk_decision_second_is_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="undone") | Q(undone_by__isnull=False, undone_at__isnull=False),
                name="desk_decision_undone_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["about_type", "about_id"],
                condition=Q(state="waiting"),
                name="desk_decision_one_open",
            ),
        ]
        indexes = [
            models.Index(fields=["case_file", "at"], name="desk_decision_of_case_file"),
            models.Index(fields=["about_type", "about_id", "at"], name="desk_decision_of_item"),
        ]

    class Privacy:
        private = {"neutral", "neutral_before"}
        plain = {"id", "clinic", "case_file", "about_type", "about_id", "choice", "state",
                 "class_before", "by", "at", "second_by", "second_at", "undone_by",
                 "undone_at"}  # fmt: skip

    def __str__(self) -> str:
        return f"desk decision {str(self.pk)[:8]}"

    @property
    def shows_something(self) -> bool:
        return self.choice in self.SHOWS
