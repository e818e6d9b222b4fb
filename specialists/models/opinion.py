"""The whole answer of one specialist: independent first, sealed, compared, signed, checked."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from requests_app.models import OpinionRequest, Question
from secondop.accounts.models import Clinic
from specialists.models.referral import Referral


class Opinion(models.Model):
    """Drafted field by field (autosave), sealed, completed after the reveal, signed."""

    class Certainty(models.TextChoices):
        CERTAIN = "certain", _("Certain")
        LIKELY = "likely", _("Likely")
        POSSIBLE = "possible", _("Possible")
        CANNOT_TELL = "cannot_tell", _("Cannot tell from these records")

    referral = models.OneToOneField(
        Referral, models.PROTECT, primary_key=True, related_name="opinion"
    )
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)  # grows with every save: two tabs are noticed
    saved_at = models.DateTimeField(auto_now=True)

    # The independent opinion: what is sealed.
    diagnosis = models.CharField(max_length=300, blank=True)
    icd10_code = models.CharField(max_length=8, blank=True)
    certainty = models.CharField(max_length=20, choices=Certainty.choices, blank=True)
    reasoning = models.TextField(max_length=8000, blank=True)
    differential = models.TextField(max_length=4000, blank=True)
    plan = models.TextField(max_length=8000, blank=True)
    further_tests = models.TextField(max_length=4000, blank=True)

    # Added after the reveal.
    revealed_at = models.DateTimeField(null=True, blank=True)
    seal_broken_at = models.DateTimeField(null=True, blank=True)  # opened early, for safety
    seal_broken_reason = models.TextField(max_length=1000, blank=True)
    plain_summary = models.TextField(max_length=8000, blank=True)
    limits = models.TextField(max_length=4000, blank=True)
    conflicts = models.CharField(max_length=500, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)

    SEALED_FIELDS = ("diagnosis", "icd10_code", "certainty", "reasoning", "differential", "plan",
                     "further_tests")  # fmt: skip

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(seal_broken_at=None, seal_broken_reason="")
                | (Q(seal_broken_at__isnull=False) & ~Q(seal_broken_reason="")),
                name="opinion_seal_broken_pair",
            )
        ]

    class Privacy:
        private = {
            "diagnosis",
            "icd10_code",
            "certainty",
            "reasoning",
            "differential",
            "plan",
            "further_tests",
            "seal_broken_reason",
            "plain_summary",
            "limits",
            "conflicts",
        }
        plain = {
            "referral",
            "clinic",
            "version",
            "saved_at",
            "revealed_at",
            "seal_broken_at",
            "signed_at",
        }

    def __str__(self) -> str:
        return f"opinion {str(self.pk)[:8]}"

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.referral.case_file_id


class Seal(models.Model):
    """The commitment: canonical JSON, its SHA-256, the time. A trigger keeps it as it is."""

    opinion = models.OneToOneField(Opinion, models.PROTECT, primary_key=True, related_name="seal")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    sealed_at = models.DateTimeField()
    content = models.TextField()  # canonical JSON, byte for byte what was hashed
    sha256 = models.CharField(max_length=64)

    class Privacy:
        private = {"content"}
        plain = {"opinion", "clinic", "sealed_at", "sha256"}

    def __str__(self) -> str:
        return f"seal {self.sha256[:8]}"


class OpinionRevision(models.Model):
    """A change to a sealed field after the seal: before, after, why. Append-only."""

    id = models.BigAutoField(primary_key=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion = models.ForeignKey(Opinion, models.PROTECT, related_name="revisions")
    field = models.CharField(max_length=30)
    before = models.TextField()
    after = models.TextField()
    reason = models.TextField(max_length=1000)
    at = models.DateTimeField(db_default=Now())
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]

    class Privacy:
        private = {"before", "after", "reason"}
        plain = {"id", "clinic", "opinion", "field", "at", "by"}

    def __str__(self) -> str:
        return f"revision {self.pk}"


class Comparison(models.Model):
    """Own opinion against the original diagnosis, on one axis."""

    class Axis(models.TextChoices):
        DIAGNOSIS = "diagnosis", _("Diagnosis")
        STAGE = "stage", _("Stage or severity")
        TREATMENT = "treatment", _("Treatment")
        URGENCY = "urgency", _("How soon")

    class Result(models.TextChoices):
        SAME = "same", _("Same")
        REFINED = "refined", _("Same, made more precise")
        DIFFERENT = "different", _("Different")
        CANNOT_TELL = "cannot_tell", _("Cannot tell")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion = models.ForeignKey(Opinion, models.CASCADE, related_name="comparisons", db_index=False)
    axis = models.CharField(max_length=20, choices=Axis.choices)
    result = models.CharField(max_length=20, choices=Result.choices, blank=True)
    why = models.TextField(max_length=2000, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opinion", "axis"], name="comparison_axis_once")
        ]

    class Privacy:
        private = {"result", "why"}
        plain = {"id", "clinic", "opinion", "axis"}

    def __str__(self) -> str:
        return f"comparison {str(self.pk)[:8]}"


class Answer(models.Model):
    """The answer to one question. "Cannot be answered because ..." is an answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion = models.ForeignKey(Opinion, models.CASCADE, related_name="answers", db_index=False)
    question = models.ForeignKey(Question, models.PROTECT, related_name="answers")
    cannot_be_answered = models.BooleanField(default=False)
    text = models.TextField(max_length=4000, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opinion", "question"], name="answer_once")]

    class Privacy:
        private = {"cannot_be_answered", "text"}
        plain = {"id", "clinic", "opinion", "question"}

    def __str__(self) -> str:
        return f"answer {str(self.pk)[:8]}"


class TreatmentOption(models.Model):
    """One column of the options table. The first doctor's plan is always one of them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion = models.ForeignKey(Opinion, models.CASCADE, related_name="options")
    position = models.PositiveSmallIntegerField()
    is_first_doctors_plan = models.BooleanField(default=False)
    is_recommended = models.BooleanField(default=False)
    name = models.CharField(max_length=200, blank=True)
    benefits = models.TextField(max_length=2000, blank=True)
    harms = models.TextField(max_length=2000, blank=True)
    what_it_involves = models.TextField(max_length=2000, blank=True)
    evidence = models.TextField(max_length=2000, blank=True)
    fits_priorities = models.TextField(max_length=1000, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["opinion"],
                condition=Q(is_first_doctors_plan=True),
                name="option_one_first_plan",
            ),
            models.UniqueConstraint(
                fields=["opinion"], condition=Q(is_recommended=True), name="option_one_recommended"
            ),
        ]

    class Privacy:
        private = {"name", "benefits", "harms", "what_it_involves", "evidence", "fits_priorities"}
        plain = {"id", "clinic", "opinion", "position", "is_first_doctors_plan", "is_recommended"}

    def __str__(self) -> str:
        return f"option {str(self.pk)[:8]}"


class QualityCheckQuerySet(models.QuerySet["QualityCheck"]):
    def visible_to(self, user: Any) -> Self:
        """The own checks, while the person is still a quality reviewer of that clinic."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(reviewer=user, clinic_id__in=user.clinics_as("quality_reviewer"))


class QualityCheck(models.Model):
    """A second clinician's look at all signed opinions of a request; never the author's own."""

    class Outcome(models.TextChoices):
        APPROVED = "approved", _("Approved")
        SENT_BACK = "sent_back", _("Sent back")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    opinion_request = models.ForeignKey(
        OpinionRequest, models.PROTECT, related_name="quality_checks"
    )
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    begun_at = models.DateTimeField(db_default=Now())
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    comments = models.TextField(max_length=4000, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = QualityCheckQuerySet.as_manager()

    class Meta:
        ordering = ["begun_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["opinion_request"],
                condition=Q(ended_at=None),
                name="quality_check_one_open",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", ended_at=None)
                | (~Q(outcome="") & Q(ended_at__isnull=False)),
                name="quality_check_ended_pair",
            ),
        ]

    class Privacy:
        private = {"comments"}
        plain = {"id", "clinic", "opinion_request", "reviewer", "begun_at", "outcome", "ended_at"}

    def __str__(self) -> str:
        return f"quality check {str(self.pk)[:8]}"

    @property
    def case_file_id(self) -> uuid.UUID:
        """Whose chain of the audit trail events about this row belong to."""
        return self.opinion_request.case_file_id
