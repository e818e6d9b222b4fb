"""Record systems of hospitals (EHR) that speak FHIR, and the fetching of one patient's records."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.case_file import CaseFile
from records.models.record_request import OfCaseFile, RecordRequest
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job, JobQuerySet


class EhrQuerySet(models.QuerySet[Any]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """Administrators set them up; whom they are offered to is decided by `ehr.workflow`."""
        if kind != "administrator" or not user.is_authenticated:
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as(kind))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("administrator", user)

    def in_use(self) -> Self:
        return self.filter(retired_at=None)


class Ehr(models.Model):
    """One FHIR server and how we are known there. SECURITY: `secret` is sealed, never shown."""

    class Way(models.TextChoices):
        SMART = "smart", _("The patient signs in there (SMART on FHIR)")
        TOKEN = "token", _("With a token that the hospital gave the clinic")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="ehrs")
    title = models.CharField(max_length=120)
    way = models.CharField(max_length=5, choices=Way.choices, default=Way.SMART)
    # Of FHIR R4, without the name of a resource. Not a URLField: inside, hosts have no dot.
    address = models.CharField(max_length=300)
    client_id = models.CharField(max_length=200, blank=True)
    scopes = models.CharField(max_length=1000, blank=True)  # empty: what is read, and no more
    asks_offline = models.BooleanField(default=False)  # a token that renews the first
    ca_certificate = models.TextField(blank=True, max_length=20_000)
    secret = models.TextField(blank=True, editable=False)  # sealed by records.transfers.secrets
    is_inside = models.BooleanField(default=False)  # an administrator says: in our own network
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = EhrQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "title"], condition=Q(retired_at=None), name="ehr_title_once"
            ),
            models.CheckConstraint(
                condition=Q(way="token") | ~Q(client_id=""), name="ehr_smart_has_client"
            ),
        ]

    class Privacy:
        private = {"title", "address", "client_id", "ca_certificate", "secret"}
        plain = {
            "id", "clinic", "way", "scopes", "asks_offline", "is_inside", "added_by", "added_at",
            "retired_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"ehr {str(self.pk)[:8]}"

    @property
    def is_smart(self) -> bool:
        """The patient signs in there."""
        return self.way == self.Way.SMART

    @property
    def uses_tls(self) -> bool:
        return self.address.lower().startswith("https:")


class EhrPullQuerySet(JobQuerySet):
    def visible_as(self, kind: str, user: Any) -> Self:
        """SECURITY: for the patient's side and the clinic: a hospital's name is sealed."""
        if kind == "desk":
            return super().visible_as(kind, user)
        if kind not in ("patient", "coordinator"):
            return self.none()
        return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("patient", user) | self.visible_as("coordinator", user)


class EhrPull(Job):
    """Fetch one patient's records from one EHR. Nothing is a document before all of it is here."""

    TASK = "records.tasks.run_ehr_pull"
    QUEUE = "transfers"
    TITLE = "Records from a hospital's system"
    MAX_ATTEMPTS = 12  # looking where to sign in is one, signing in again another

    class Step(models.TextChoices):
        LOOK = "look"  # where to sign in, or who is known there
        ANSWER = "answer"  # the patient signs in there, or the clinic chooses whom it means
        COPY = "copy"

    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="ehr_pulls")
    ehr = models.ForeignKey(Ehr, models.PROTECT, related_name="pulls")
    record_request = models.ForeignKey(  # the ask that it answers; its permission then decides
        RecordRequest, models.PROTECT, null=True, blank=True, related_name="ehr_pulls"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    step = models.CharField(max_length=6, choices=Step.choices, default=Step.LOOK)
    query = models.JSONField(default=dict, blank=True)  # number, or name and birth date
    told = models.JSONField(default=dict, blank=True)  # addresses to sign in at; people found
    patient_there = models.CharField(max_length=64, blank=True)  # the id of the patient there
    sealed = models.TextField(blank=True)  # verifier, code, tokens; empty once it is over
    images = models.JSONField(default=list, blank=True)  # studies that exist there: day, what
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = EhrPullQuerySet.as_manager()  # type: ignore[misc]

    class Privacy:
        private = {"query", "told", "patient_there", "sealed", "images"}
        plain = Job.JOB_FIELDS | {
            "case_file", "ehr", "record_request", "by", "step", "cancelled_at",
        }  # fmt: skip

    @property
    def awaits_answer(self) -> bool:
        return self.step == self.Step.ANSWER and self.status == self.Status.DONE

    @property
    def is_complete(self) -> bool:
        return self.step == self.Step.COPY and self.status == self.Status.DONE


class EhrPage(models.Model):
    """One page of a search, or one file, as it came. Its bytes go when the pull is over."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    pull = models.ForeignKey(EhrPull, models.CASCADE, related_name="pages", db_index=False)
    search = models.CharField(max_length=40)  # a name of records.ehr.searches, or "File"
    mark = models.CharField(max_length=64)  # number of the page, or hash of the file's address
    key = models.CharField(max_length=100, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    entry_count = models.PositiveIntegerField(default=0)
    next_url = models.TextField(blank=True)
    told = models.JSONField(default=dict, blank=True)  # of a file: title, code, day
    problem = models.CharField(max_length=30, blank=True)  # code of records.ehr.pages.PROBLEMS
    said = models.CharField(max_length=300, blank=True)  # what the other system said of it
    foreign_count = models.PositiveIntegerField(default=0)  # entries about somebody else

    objects = OfCaseFile.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pull", "search", "mark"], name="ehr_page_once")
        ]

    class Privacy:
        private = {"next_url", "told", "said"}
        plain = {
            "id", "clinic", "case_file", "pull", "search", "mark", "key", "size_bytes",
            "entry_count", "problem", "foreign_count",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"page of an ehr pull {str(self.pk)[:8]}"
