"""Checklists of a clinic, the ones a request is held to, and what people said about their items."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from requests_app.models.opinion_request import OpinionRequest
from secondop.accounts.models import Clinic


class ChecklistVersionQuerySet(models.QuerySet["ChecklistVersion"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """Staff of the clinic; what came with SecondOp belongs to every clinic's copy."""
        if not user.is_authenticated or kind not in ("coordinator", "administrator"):
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as(kind))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("coordinator", user) | self.visible_as("administrator", user)


class ChecklistVersion(models.Model):
    """One version of one checklist at one clinic. What was signed is never changed again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="checklists", db_index=False)
    key = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    content = models.TextField()  # YAML, as requests_app.completeness.definition reads it
    sha256 = models.CharField(max_length=64)
    made_by = models.ForeignKey(  # empty: came with SecondOp
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField(db_default=Now())
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_name = models.CharField(max_length=150, blank=True)  # the clinician who answers for it
    is_current = models.BooleanField(default=False)  # what a new request is held to

    objects = ChecklistVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "key", "version"], name="checklist_once"),
            models.UniqueConstraint(
                fields=["clinic", "key"], condition=Q(is_current=True), name="checklist_current"
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, signed_name="")
                | (Q(signed_at__isnull=False, signed_by__isnull=False) & ~Q(signed_name="")),
                name="checklist_signed_whole",
            ),
        ]

    class Privacy:
        private: set[str] = set()
        plain = {
            "id",
            "clinic",
            "key",
            "version",
            "content",
            "sha256",
            "made_by",
            "made_at",
            "signed_by",
            "signed_at",
            "signed_name",
            "is_current",
        }

    def __str__(self) -> str:
        return f"{self.key} {self.version}"


class RequestChecklist(models.Model):
    """A checklist a request is held to, in the version of the day it was chosen."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest,
        models.CASCADE,
        related_name="request_checklists",
        db_index=False,
    )
    checklist = models.ForeignKey(ChecklistVersion, models.PROTECT, related_name="+")
    chosen_by = models.ForeignKey(  # empty: by the diagnosis code or the purpose
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    chosen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["opinion_request", "checklist"], name="request_checklist_once"
            )
        ]

    class Privacy:
        # SECURITY: which checklist it is tells the original diagnosis.
        private = {"checklist"}
        plain = {"id", "clinic", "opinion_request", "chosen_by", "chosen_at"}

    def __str__(self) -> str:
        return f"checklist of a request {str(self.pk)[:8]}"


class ItemStatement(models.Model):
    """What the patient or the clinic said about one item: it applies, it does not, here it is."""

    class Applies(models.TextChoices):
        YES = "yes", _("Yes")
        NO = "no", _("No")
        UNKNOWN = "unknown", _("I do not know")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest,
        models.CASCADE,
        related_name="item_statements",
        db_index=False,
    )
    item = models.CharField(max_length=90)  # "breast_cancer.mri"
    applies = models.CharField(max_length=10, choices=Applies.choices, blank=True)
    words = models.TextField(max_length=2000, blank=True)  # an answer that is text
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opinion_request", "item"], name="item_statement_once")
        ]

    class Privacy:
        private = {"item", "applies", "words"}
        plain = {"id", "clinic", "opinion_request", "by", "at"}

    def __str__(self) -> str:
        return f"statement about an item {str(self.pk)[:8]}"


class Waiver(models.Model):
    """The clinic goes on without an item, for a reason that the patient reads."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest, models.CASCADE, related_name="waivers", db_index=False
    )
    item = models.CharField(max_length=90)
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opinion_request", "item"], name="waiver_once")
        ]

    class Privacy:
        private = {"item", "reason"}
        plain = {"id", "clinic", "opinion_request", "by", "at"}

    def __str__(self) -> str:
        return f"waiver {str(self.pk)[:8]}"
