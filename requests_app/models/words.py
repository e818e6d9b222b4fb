"""What people wrote. SECURITY: the patient's own wording is sealed, in tables of its own."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models import AccessGrant, CaseFile, Patient
from records.models.case_file import BlindingClass
from requests_app.models.opinion_request import OpinionRequest
from secondop.accounts.models import Clinic


class Blindable(models.Model):
    """Text of the patient that a sealed reader sees as written, in neutral words, or not at all."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest, models.CASCADE, related_name="%(class)ss", db_index=False
    )
    blinding_class = models.CharField(max_length=10, choices=BlindingClass.choices, blank=True)
    neutral_text = models.TextField(max_length=1000, blank=True)  # a coordinator's wording

    class Meta:
        abstract = True

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.opinion_request.case_file_id


class Question(Blindable):
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["opinion_request", "position"],
                name="question_position_once",
                deferrable=models.Deferrable.DEFERRED,
            )
        ]

    class Privacy:
        private = {"neutral_text"}
        plain = {"id", "clinic", "opinion_request", "blinding_class", "position"}

    def __str__(self) -> str:
        return f"question {str(self.pk)[:8]}"


class PatientStatement(Blindable):
    """The patient's answers in free text that belong to the request."""

    class Topic(models.TextChoices):
        STORY = "story", _("What has happened so far")
        WHAT_MATTERS = "what_matters", _("What matters to me")

    topic = models.CharField(max_length=20, choices=Topic.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opinion_request", "topic"], name="statement_once")
        ]

    class Privacy:
        private = {"neutral_text"}
        plain = {"id", "clinic", "opinion_request", "blinding_class", "topic"}

    def __str__(self) -> str:
        return f"statement {str(self.pk)[:8]}"


class Wording(models.Model):
    """SECURITY: sealed. The patient's own words of one question or statement."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    question = models.OneToOneField(
        Question, models.CASCADE, null=True, blank=True, related_name="wording"
    )
    statement = models.OneToOneField(
        PatientStatement, models.CASCADE, null=True, blank=True, related_name="wording"
    )
    text = models.TextField(max_length=4000)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(question__isnull=False, statement=None)
                | Q(question=None, statement__isnull=False),
                name="wording_of_one_thing",
            )
        ]

    class Privacy:
        private = {"text"}
        plain = {"id", "clinic", "case_file", "question", "statement"}

    def __str__(self) -> str:
        return f"wording {str(self.pk)[:8]}"


class PrivateReason(models.Model):
    """PRIVACY: why the patient really asks. Read by the patient and by matching, never shown to
    any clinician, coordinator or auditor."""

    opinion_request = models.OneToOneField(
        OpinionRequest, models.CASCADE, primary_key=True, related_name="private_reason"
    )
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    text = models.TextField(max_length=2000)

    class Privacy:
        private = {"text"}
        plain = {"opinion_request", "clinic"}

    def __str__(self) -> str:
        return f"private reason {str(self.pk)[:8]}"


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        if kind == "specialist":  # the own thread with the clinic, nothing else
            return self.filter(thread=Message.Thread.SPECIALIST, specialist=user).shown_to(user)
        if kind == "patient":
            own = OpinionRequest.objects.visible_as("patient", user)
            return self.filter(thread=Message.Thread.PATIENT, opinion_request__in=own)
        if kind == "coordinator":
            return self.filter(clinic_id__in=user.clinics_as("coordinator"))
        return self.none()

    def shown_to(self, user: Any) -> Self:
        """Without what the clinic withheld, until this reader has full sight of the case file.

        SECURITY: a live sealed grant wins over a full one, as in `records.blinding`.
        """
        mine = AccessGrant.objects.live().filter(to=user)
        full = mine.filter(sight=AccessGrant.Sight.FULL).values("case_file")
        sealed = mine.filter(sight=AccessGrant.Sight.SEALED).values("case_file")
        opened = Q(opinion_request__case_file__in=full) & ~Q(opinion_request__case_file__in=sealed)
        return self.filter(Q(withheld_at=None) | opened)

    def visible_to(self, user: Any) -> Self:
        rows = self.visible_as("patient", user)
        return rows | self.visible_as("coordinator", user) | self.visible_as("specialist", user)


class Message(models.Model):
    """A line between the patient and the clinic, or between one specialist and the clinic.

    SECURITY: patient and specialist never write to each other: a coordinator screens between.
    """

    class Thread(models.TextChoices):
        PATIENT = "patient", _("With the patient")
        SPECIALIST = "specialist", _("With the specialist")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest, models.PROTECT, related_name="messages", db_index=False
    )
    thread = models.CharField(max_length=10, choices=Thread.choices)
    specialist = models.ForeignKey(  # whose thread it is
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey(  # when somebody who acts for the patient wrote it
        Patient, models.PROTECT, null=True, blank=True, related_name="+"
    )
    from_clinic = models.BooleanField()
    text = models.TextField(max_length=4000)
    sent_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True, blank=True)  # by the other side
    # Taken out of a sealed reader's thread; by nobody when the search found something in it.
    withheld_at = models.DateTimeField(null=True, blank=True)
    withheld_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["sent_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(thread="patient", specialist=None)
                | Q(thread="specialist", specialist__isnull=False),
                name="message_thread_pair",
            )
        ]
        indexes = [models.Index(fields=["opinion_request", "sent_at"], name="message_of_request")]

    class Privacy:
        private = {"text"}
        plain = {
            "id",
            "clinic",
            "opinion_request",
            "thread",
            "specialist",
            "author",
            "on_behalf_of",
            "from_clinic",
            "sent_at",
            "read_at",
            "withheld_at",
            "withheld_by",
        }

    def __str__(self) -> str:
        return f"message {str(self.pk)[:8]}"

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.opinion_request.case_file_id
