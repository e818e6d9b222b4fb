"""Asking one record holder for certain records: who, what, under which status, and the ledger.

SECURITY: the names of record holders are sealed (they are often the first doctor's): none of these
rows is visible to a specialist.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from records.models.case_file import AccessGrant, CaseFile
from secondop.accounts.models import Clinic
from secondop.lib.codes import spoken_code
from secondop.lib.transitions import StatusModel


def new_reference() -> str:
    return spoken_code("RR")


class OfCaseFile(models.QuerySet[Any]):
    """Rows for the patient's side and the clinic, never for a specialist."""

    def visible_as(self, kind: str, user: Any) -> Self:
        if kind not in ("patient", "coordinator", "filler"):
            return self.none()
        return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("patient", user) | self.visible_as("coordinator", user)


class RecordHolder(models.Model):
    """A hospital, practice or laboratory that has records of this patient."""

    class Kind(models.TextChoices):
        HOSPITAL = "hospital", _("Hospital")
        PRACTICE = "practice", _("Doctor's practice")
        IMAGING = "imaging", _("X-ray or scan centre")
        LABORATORY = "laboratory", _("Laboratory")
        PATHOLOGY = "pathology", _("Pathology")
        OTHER = "other", _("Somebody else")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="record_holders", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.HOSPITAL)
    name = models.CharField(max_length=200)
    contact_name = models.CharField(max_length=150, blank=True)  # a person or desk there
    address = models.TextField(max_length=500, blank=True)
    country = models.CharField(max_length=2)  # ISO 3166-1 alpha-2: whose law sets the clock
    email = models.EmailField(blank=True)
    fax = models.CharField(max_length=40, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(
        max_length=5, choices=[("en", "English"), ("es", "Español")], default="en"
    )
    is_first_doctor = models.BooleanField(default=False)  # where the original diagnosis was made
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = OfCaseFile.as_manager()

    class Meta:
        indexes = [models.Index(fields=["case_file", "created_at"], name="holder_of_case_file")]

    class Privacy:
        private = {
            "name", "contact_name", "address", "country", "email", "fax", "phone", "language",
            "is_first_doctor",
        }  # fmt: skip
        plain = {"id", "clinic", "case_file", "kind", "added_by", "created_at"}

    def __str__(self) -> str:
        return f"record holder {str(self.pk)[:8]}"


class RecordRequestQuerySet(OfCaseFile):
    def visible_as(self, kind: str, user: Any) -> Self:
        if kind != "coordinator" or not user.is_authenticated:
            return super().visible_as(kind, user)
        rows = self.filter(clinic_id__in=user.clinics_as("coordinator"))
        # SECURITY: who reviews a case sealed does not read it as a coordinator meanwhile. Ids,
        # not a subquery: the list of open asks is read straight from one index.
        sealed = AccessGrant.objects.live().filter(to=user, sight=AccessGrant.Sight.SEALED)
        mine = list(sealed.values_list("case_file", flat=True))
        return rows.exclude(case_file__in=mine) if mine else rows

    def open(self) -> Self:
        return self.exclude(status__in=RecordRequest.ENDED)

    def waiting(self) -> Self:
        """Sent, and nothing final has come: the record holder has the ball."""
        return self.filter(status__in=RecordRequest.WAITING)


class RecordRequest(StatusModel):
    class Status(models.TextChoices):
        DRAFTED = "drafted", _("Waiting for the signature")
        AUTHORIZED = "authorized", _("Signed, to be sent")
        SENT = "sent", _("Asked")
        ACKNOWLEDGED = "acknowledged", _("They have read it")
        PROMISED = "promised", _("They named a day")
        PARTLY_RECEIVED = "partly_received", _("A part is here")
        RECEIVED = "received", _("Received")
        REFUSED = "refused", _("They refused")
        NOT_HELD = "not_held", _("They do not have it")
        STOPPED = "stopped", _("Stopped")

    WAITING = ("sent", "acknowledged", "promised", "partly_received")
    ENDED = ("received", "refused", "not_held", "stopped")
    TRANSITIONS = {
        Status.DRAFTED: {Status.AUTHORIZED, Status.STOPPED},
        Status.AUTHORIZED: {Status.SENT, Status.STOPPED},
        Status.SENT: {
            Status.ACKNOWLEDGED,
            Status.PROMISED,
            Status.PARTLY_RECEIVED,
            Status.RECEIVED,
            Status.REFUSED,
            Status.NOT_HELD,
            Status.STOPPED,
        },
        Status.ACKNOWLEDGED: {
            Status.PROMISED,
            Status.PARTLY_RECEIVED,
            Status.RECEIVED,
            Status.REFUSED,
            Status.NOT_HELD,
            Status.STOPPED,
        },
        Status.PROMISED: {
            Status.PARTLY_RECEIVED,
            Status.RECEIVED,
            Status.REFUSED,
            Status.NOT_HELD,
            Status.STOPPED,
        },
        Status.PARTLY_RECEIVED: {
            Status.PROMISED,
            Status.RECEIVED,
            Status.REFUSED,
            Status.NOT_HELD,
            Status.STOPPED,
        },
        # Looked at and found wanting, or a "no" that was taken back.
        Status.RECEIVED: {Status.PARTLY_RECEIVED},
        Status.REFUSED: {Status.SENT},
        Status.NOT_HELD: {Status.SENT},
    }

    class Basis(models.TextChoices):
        AUTHORIZATION = "authorization", _("Authorization (45 CFR 164.508)")
        ACCESS = "access", _("The patient's own right to a copy")

    class Channel(models.TextChoices):
        EMAIL = "email", _("By e-mail, a link alone")
        POST = "post", _("By post")
        FAX = "fax", _("By fax")
        BY_HAND = "by_hand", _("Handed over by the patient")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.PROTECT, related_name="record_requests", db_index=False
    )
    holder = models.ForeignKey(RecordHolder, models.PROTECT, related_name="record_requests")
    reference = models.CharField(max_length=20, unique=True, default=new_reference)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFTED)
    basis = models.CharField(max_length=20, choices=Basis.choices, default=Basis.AUTHORIZATION)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    channel = models.CharField(max_length=10, choices=Channel.choices, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField()  # when the next one must have acted; sent: the legal term
    is_extended = models.BooleanField(default=False)  # the one extension the law gives was taken
    promised_on = models.DateField(null=True, blank=True)
    wants_context = models.BooleanField(default=False)  # the first doctor is invited to say more

    objects = RecordRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at=None, channel="")
                | (Q(sent_at__isnull=False) & ~Q(channel="")),
                name="record_request_sent_pair",
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=False) | Q(status__in=["drafted", "authorized",
                                                                   "stopped"]),
                name="record_request_asked_once_sent",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["clinic", "due_at", "id"],
                condition=~Q(status__in=["received", "refused", "not_held", "stopped"]),
                name="record_request_open",
            ),
            models.Index(fields=["case_file", "created_at"], name="record_request_of_case_file"),
            models.Index(
                fields=["sent_at"],
                condition=Q(status__in=["sent", "acknowledged", "promised", "partly_received"]),
                name="record_request_chased",
            ),
        ]

    class Privacy:
        private: set[str] = set()
        plain = {
            "id", "clinic", "case_file", "holder", "reference", "status", "status_since", "basis",
            "created_by", "created_at", "channel", "sent_at", "due_at", "is_extended",
            "promised_on", "wants_context",
        }  # fmt: skip

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("holders:record_request", args=[self.pk])

    @property
    def is_waiting(self) -> bool:
        return self.status in self.WAITING

    @property
    def has_ended(self) -> bool:
        return self.status in self.ENDED


class RecordRequestItem(models.Model):
    """One thing that is asked for. A report is not an image and an image is not a report."""

    class Kind(models.TextChoices):
        IMAGING = "imaging", _("Scans or X-rays")
        PATHOLOGY = "pathology", _("Biopsy or pathology")
        LAB_RESULTS = "lab_results", _("Lab results")
        LETTER = "letter", _("Letters from doctors")
        DISCHARGE_SUMMARY = "discharge_summary", _("Hospital discharge summary")
        OPERATION_NOTE = "operation_note", _("Operation notes")
        MEDICATION_LIST = "medication_list", _("List of medicines")
        OTHER = "other", _("Something else")

    class Form(models.TextChoices):
        IMAGES = "images", _("The images themselves (DICOM)")
        REPORTS = "reports", _("The written reports")
        BOTH = "both", _("Images and reports")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.PROTECT, related_name="+")
    record_request = models.ForeignKey(
        RecordRequest, models.CASCADE, related_name="items", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    form = models.CharField(max_length=10, choices=Form.choices, default=Form.REPORTS)
    what = models.CharField(max_length=300)
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)
    gap = models.CharField(max_length=80, blank=True)  # id of the checklist item it closes

    objects = OfCaseFile.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["record_request", "position"], name="record_request_item_position"
            ),
            models.CheckConstraint(
                condition=Q(from_on=None) | Q(until_on=None)
                | Q(from_on__lte=models.F("until_on")),
                name="record_request_item_dates_in_order",
            ),
        ]  # fmt: skip

    class Privacy:
        private = {"kind", "form", "what", "from_on", "until_on", "gap"}
        plain = {"id", "clinic", "case_file", "record_request", "position"}

    def __str__(self) -> str:
        return f"item {str(self.pk)[:8]}"


class RecordRequestEvent(models.Model):
    """The ledger, append-only: every move, reminder, arrival, note and promise, and by whom."""

    class Kind(models.TextChoices):
        MOVED = "moved"  # a new status
        ARRIVED = "arrived"  # a file or a batch of images came through the door
        NOTED = "noted"  # words of the record holder or of the clinic
        PROMISED = "promised"
        EXTENDED = "extended"
        STEP = "step"  # a reminder or escalation of the table, each once
        OPENED = "opened"  # the door was opened
        REFUSED_AT_DOOR = "refused_at_door"  # something came after the permission had ended

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.PROTECT, related_name="+")
    record_request = models.ForeignKey(
        RecordRequest, models.PROTECT, related_name="events", db_index=False
    )
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=20, choices=Kind.choices)
    old = models.CharField(max_length=20, blank=True)
    new = models.CharField(max_length=20, blank=True)  # of a step: its name
    by = models.ForeignKey(  # empty: the record holder (by_holder) or the system
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    by_holder = models.BooleanField(default=False)
    text = models.TextField(max_length=2000, blank=True)
    day = models.DateField(null=True, blank=True)  # promised, or the new term
    count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["record_request", "new"], condition=Q(kind="step"), name="chase_step_once"
            ),
            models.CheckConstraint(
                condition=Q(by=None) | Q(by_holder=False), name="ledger_by_one_side"
            ),
        ]
        indexes = [models.Index(fields=["record_request", "at"], name="ledger_of_request")]

    class Privacy:
        private = {"text"}
        plain = {
            "id", "clinic", "case_file", "record_request", "at", "kind", "old", "new", "by",
            "by_holder", "day", "count", "size_bytes",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"ledger row {str(self.pk)[:8]}"
