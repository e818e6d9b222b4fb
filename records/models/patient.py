"""Patients of a clinic, and the people who may act for them."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Self

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, TruncDate, Upper
from django.utils.translation import gettext_lazy as _

from secondop.accounts.models import Clinic


class PatientQuerySet(models.QuerySet["Patient"]):
    def of(self, user: Any) -> Self:
        """The person's own row at each clinic, and those they act for today."""
        if not user.is_authenticated:
            return self.none()
        acts_for = Proxy.objects.live().filter(user=user).values("patient")
        return self.filter(Q(user=user) | Q(pk__in=acts_for))

    def visible_as(self, kind: str, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        if kind == "patient":
            return self.of(user)
        if kind == "coordinator":
            own = self.filter(clinic_id__in=user.clinics_as("coordinator"))
            # SECURITY: who reviews a case sealed must not meet its patient's name here; other
            # reasons to see the patient (being it, acting for it) stay.
            grants = apps.get_model("records", "AccessGrant").objects.live()
            sealed = grants.filter(to=user, sight="sealed")
            return own.exclude(pk__in=sealed.values("case_file__patient"))
        return self.none()

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("patient", user) | self.visible_as("coordinator", user)


class Patient(models.Model):
    class Sex(models.TextChoices):
        FEMALE = "female", _("Female")
        MALE = "male", _("Male")
        OTHER = "other", _("Other")
        UNKNOWN = "unknown", _("I would rather not say")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="patients")
    # Empty while only a proxy has an account (a child, a parent with dementia).
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="patients"
    )
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    born_on = models.DateField(_("date of birth"), null=True, blank=True)
    # Sex for clinical use, as in HL7 FHIR administrative-gender.
    sex = models.CharField(max_length=10, choices=Sex.choices, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    address = models.TextField(max_length=500, blank=True)
    country = models.CharField(max_length=2, blank=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "user"], condition=Q(user__isnull=False), name="patient_once"
            )
        ]
        indexes = [  # the queue's search by a part of a name
            GinIndex(OpClass(Upper("full_name"), name="gin_trgm_ops"), name="patient_name_search")
        ]

    class Privacy:
        private = {"full_name", "born_on", "sex", "phone", "address", "country"}
        plain = {"id", "clinic", "user"}

    def __str__(self) -> str:
        return f"patient {str(self.pk)[:8]}"

    def age_on(self, day: date) -> int | None:
        """Whole years of age, None when the date of birth is not known."""
        if not self.born_on:
            return None
        had_birthday = (day.month, day.day) >= (self.born_on.month, self.born_on.day)
        return day.year - self.born_on.year - (0 if had_birthday else 1)


class ProxyQuerySet(models.QuerySet["Proxy"]):
    def live(self) -> Self:
        return self.filter(revoked_at=None, until__gte=TruncDate(Now()))

    def visible_to(self, user: Any) -> Self:
        """Whoever may see the patient may see who acts for them."""
        return self.filter(patient__in=Patient.objects.visible_to(user))


class Proxy(models.Model):
    """Somebody who acts for a patient, by a recorded authority, until a date."""

    class Authority(models.TextChoices):
        PARENT = "parent", _("Parent of a child")
        PERMISSION = "permission", _("The patient asked me to")
        POWER_OF_ATTORNEY = "power_of_attorney", _("Power of attorney for health care")
        GUARDIAN = "guardian", _("Guardian named by a court")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="proxies")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="proxy_for")
    authority = models.CharField(max_length=20, choices=Authority.choices)
    note = models.CharField(max_length=300, blank=True)  # where the paper is, who showed it
    since = models.DateTimeField(db_default=Now())
    until = models.DateField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ProxyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "user"], condition=Q(revoked_at=None), name="proxy_once"
            )
        ]

    class Privacy:
        private = {"note"}
        plain = {
            "id",
            "clinic",
            "patient",
            "user",
            "authority",
            "since",
            "until",
            "recorded_by",
            "revoked_at",
        }

    def __str__(self) -> str:
        return f"proxy {str(self.pk)[:8]}"
