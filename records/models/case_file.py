"""The records gathered for one opinion request, who may read them, and what is sealed in them."""

from __future__ import annotations

import secrets
import uuid
from datetime import date
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.patient import Patient
from secondop.accounts.models import Clinic
from secondop.lib.codes import spoken_code


def new_alias() -> str:
    return spoken_code("CF")


def new_alias_key() -> str:
    return secrets.token_hex(32)


class BlindingClass(models.TextChoices):
    """What a sealed reader may see of an item. Empty (not yet classified) means withheld."""

    CLEAR = "clear", _("Clear: evidence, show it")
    CHECK = "check", _("Check: may give it away, a person must decide")
    WITHHELD = "withheld", _("Withheld: states the first conclusion")


class CaseFileQuerySet(models.QuerySet["CaseFile"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """Rows of one kind of person: patient, coordinator, specialist, quality_reviewer."""
        if not user.is_authenticated:
            return self.none()
        if kind == "patient":
            return self.filter(patient__in=Patient.objects.of(user))
        if kind == "coordinator":
            # SECURITY: who reviews this file sealed does not read it as a coordinator meanwhile.
            sealed = AccessGrant.objects.live().filter(to=user, sight=AccessGrant.Sight.SEALED)
            own = self.filter(clinic_id__in=user.clinics_as("coordinator"))
            return own.exclude(pk__in=sealed.values("case_file"))
        if kind == "filler":  # whoever brings records: the patient's side and the clinic
            return self.visible_as("patient", user) | self.visible_as("coordinator", user)
        if kind in ("specialist", "quality_reviewer"):
            granted = AccessGrant.objects.live().filter(to=user, as_role=kind)
            return self.filter(
                clinic_id__in=user.clinics_as(kind), pk__in=granted.values("case_file")
            )
        return self.none()

    def visible_to(self, user: Any) -> Self:
        """Start from nothing, add reasons: own, the clinic's, or a live grant."""
        rows = self.visible_as("patient", user)
        for kind in ("coordinator", "specialist", "quality_reviewer"):
            rows = rows | self.visible_as(kind, user)
        return rows


class CaseFile(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="case_files")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="case_files")
    alias = models.CharField(max_length=20, unique=True, default=new_alias)  # what readers see
    # Under which UIDs of images become aliases, in hex: never shown. Kept here, not made of
    # SECRET_KEY: when that one changes readers go on with the names they know.
    alias_key = models.CharField(max_length=64, editable=False, default=new_alias_key)
    created_at = models.DateTimeField(db_default=Now())
    # Whether records may be added now. Kept by `requests_app.workflow.move` with each new status.
    is_open_for_records = models.BooleanField(default=True)

    objects = CaseFileQuerySet.as_manager()

    class Privacy:
        private: set[str] = set()
        plain = {
            "id", "clinic", "patient", "alias", "alias_key", "created_at", "is_open_for_records",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"case file {str(self.pk)[:8]}"

    def age_band(self, today: date) -> str:
        """Age in steps of ten years ("50-59"), "under 1" or "90 or older"; "" when unknown.

        PRIVACY: ages over 89 are one band (HIPAA safe harbour, 45 CFR 164.514(b)(2)(i)(C)).
        """
        years = self.patient.age_on(today)
        if years is None:
            return ""
        if years < 1:
            return str(_("under 1"))
        if years >= 90:
            return str(_("90 or older"))
        if years < 10:
            return "1-9"
        return f"{years // 10 * 10}-{years // 10 * 10 + 9}"


class SafetyFacts(models.Model):
    """What no reader may ever miss, sealed or not: always shown."""

    class Known(models.TextChoices):
        YES = "yes", _("Yes")
        NO = "no", _("No")
        UNKNOWN = "unknown", _("I do not know")

    case_file = models.OneToOneField(
        CaseFile, models.CASCADE, primary_key=True, related_name="safety_facts"
    )
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    has_allergies = models.CharField(max_length=10, choices=Known.choices, blank=True)
    allergies = models.CharField(max_length=300, blank=True)
    has_implants = models.CharField(max_length=10, choices=Known.choices, blank=True)
    implants = models.CharField(max_length=300, blank=True)
    is_pregnant = models.CharField(max_length=10, choices=Known.choices, blank=True)
    takes_anticoagulants = models.CharField(max_length=10, choices=Known.choices, blank=True)
    anticoagulants = models.CharField(max_length=300, blank=True)
    has_kidney_disease = models.CharField(max_length=10, choices=Known.choices, blank=True)

    class Privacy:
        private = {
            "has_allergies",
            "allergies",
            "has_implants",
            "implants",
            "is_pregnant",
            "takes_anticoagulants",
            "anticoagulants",
            "has_kidney_disease",
        }
        plain = {"case_file", "clinic"}

    def __str__(self) -> str:
        return f"safety facts {str(self.pk)[:8]}"


class OriginalDiagnosis(models.Model):
    """What the first doctor said. SECURITY: sealed; shown to a specialist only after the seal."""

    class TreatmentState(models.TextChoices):
        NOT_STARTED = "not_started", _("Not started")
        STARTED = "started", _("Started")
        FINISHED = "finished", _("Finished")
        NONE = "none", _("No treatment was suggested")
        UNKNOWN = "unknown", _("I do not know")

    case_file = models.OneToOneField(
        CaseFile, models.CASCADE, primary_key=True, related_name="original_diagnosis"
    )
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    was_not_named = models.BooleanField(default=False)  # "I was not given a name"
    diagnosis = models.CharField(max_length=300, blank=True)  # the patient's words
    icd10_code = models.CharField(max_length=8, blank=True)
    treatment = models.TextField(max_length=2000, blank=True)
    treatment_state = models.CharField(
        max_length=20, choices=TreatmentState.choices, default=TreatmentState.UNKNOWN
    )
    doctor_name = models.CharField(max_length=150, blank=True)
    hospital_name = models.CharField(max_length=200, blank=True)
    told_on = models.DateField(null=True, blank=True)
    treatment_planned_on = models.DateField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(was_not_named=False) | Q(diagnosis="", icd10_code=""),
                name="original_diagnosis_named_or_not",
            )
        ]

    class Privacy:
        private = {
            "was_not_named",
            "diagnosis",
            "icd10_code",
            "treatment",
            "treatment_state",
            "doctor_name",
            "hospital_name",
            "told_on",
            "treatment_planned_on",
        }
        plain = {"case_file", "clinic", "changed_at"}

    def __str__(self) -> str:
        return f"original diagnosis {str(self.pk)[:8]}"


class AccessGrantQuerySet(models.QuerySet["AccessGrant"]):
    def live(self) -> Self:
        return self.filter(revoked_at=None, until__gt=Now())


class AccessGrant(models.Model):
    """One person may read one case file until a date. Access is a row, never an inference."""

    class Sight(models.TextChoices):
        SEALED = "sealed", _("Without the original diagnosis")
        FULL = "full", _("Everything")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="grants")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="grants")
    as_role = models.CharField(max_length=20)  # specialist or quality_reviewer
    sight = models.CharField(max_length=10, choices=Sight.choices)
    opened_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = AccessGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case_file", "to"], condition=Q(revoked_at=None), name="grant_once"
            )
        ]

    class Privacy:
        private: set[str] = set()
        plain = {
            "id",
            "clinic",
            "case_file",
            "to",
            "as_role",
            "sight",
            "opened_at",
            "until",
            "revoked_at",
        }

    def __str__(self) -> str:
        return f"grant {str(self.pk)[:8]}"
