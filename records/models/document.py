"""Uploaded files that are not DICOM: their way in, their screening, their pages."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.case_file import AccessGrant, BlindingClass, CaseFile
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job
from secondop.lib.transitions import StatusModel


class DocumentKind(models.TextChoices):
    """What a document is, in the words of the patient who sends it."""

    IMAGING_REPORT = "imaging_report", _("Report of a scan or X-ray")
    PATHOLOGY_REPORT = "pathology_report", _("Biopsy or pathology report")
    LAB_RESULTS = "lab_results", _("Blood test or other lab results")
    LETTER = "letter", _("Letter from a doctor")
    DISCHARGE_SUMMARY = "discharge_summary", _("Hospital discharge summary")
    OPERATION_NOTE = "operation_note", _("Operation or procedure note")
    MEDICATION_LIST = "medication_list", _("List of medicines")
    PHOTO = "photo", _("Photo")
    OTHER = "other", _("Something else")


# An upload of this kind holds images (the ZIP of a CD) and becomes no document; see `receive`.
IMAGING_ARCHIVE = "imaging_archive"


class UploadQuerySet(models.QuerySet["Upload"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))

    def visible_to(self, user: Any) -> Self:
        """Only who began an upload may go on with it, while the case file is theirs to fill."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(by=user, case_file__in=CaseFile.objects.visible_to(user))


class Upload(models.Model):
    """One file on its way in (tus 1.0). The bytes received so far stand in a file of their own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="uploads")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    record_request = models.ForeignKey(  # through whose door it came; then `by` is empty
        "records.RecordRequest", models.PROTECT, null=True, blank=True, related_name="uploads"
    )
    file_name = models.CharField(max_length=255)  # sealed with the upload; moves to DocumentName
    kind = models.CharField(max_length=20, choices=DocumentKind.choices, default="other")
    size_bytes = models.PositiveBigIntegerField()
    offset_bytes = models.PositiveBigIntegerField(default=0)
    key = models.CharField(max_length=100)
    sent_sha256 = models.CharField(max_length=64, blank=True)  # told by the sender, if it was
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(offset_bytes__lte=models.F("size_bytes")), name="upload_within_size"
            )
        ]

    class Privacy:
        private = {"file_name"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "by",
            "record_request",
            "kind",
            "size_bytes",
            "offset_bytes",
            "key",
            "sent_sha256",
            "created_at",
            "expires_at",
            "finished_at",
        }

    def __str__(self) -> str:
        return f"upload {str(self.pk)[:8]}"


class DocumentQuerySet(models.QuerySet["Document"]):
    def available(self) -> Self:
        return self.filter(status=Document.Status.AVAILABLE)

    def visible_as(self, kind: str, user: Any) -> Self:
        """SECURITY: a sealed reader gets clear documents only; `blinding.py` asks nothing else."""
        if kind in ("patient", "coordinator", "filler"):
            return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))
        if kind in ("specialist", "quality_reviewer"):
            grants = AccessGrant.objects.live().filter(
                to=user, as_role=kind, clinic_id__in=user.clinics_as(kind)
            )
            full = grants.filter(sight=AccessGrant.Sight.FULL).values("case_file")
            sealed = grants.filter(sight=AccessGrant.Sight.SEALED).values("case_file")
            clear = Q(case_file__in=sealed, blinding_class=BlindingClass.CLEAR)
            shown = Document.objects.available().filter(blinding_class=BlindingClass.CLEAR)
            covered = shown.exclude(parent=None).values("parent")  # their copies go in their place
            clear &= ~Q(pk__in=covered)
            return self.available().filter(Q(case_file__in=full) | clear)
        return self.none()

    def visible_to(self, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        rows = self.visible_as("patient", user)
        for kind in ("coordinator", "specialist", "quality_reviewer"):
            rows = rows | self.visible_as(kind, user)
        return rows


class Document(StatusModel):
    class Status(models.TextChoices):
        SCREENING = "screening", _("Being checked")
        HELD = "held", _("Waiting for the clinic")
        AVAILABLE = "available", _("Received")
        QUARANTINED = "quarantined", _("Set aside")
        REJECTED = "rejected", _("Could not be used")
        REMOVED = "removed", _("Removed")

    TRANSITIONS = {
        Status.SCREENING: {
            Status.AVAILABLE,
            Status.HELD,
            Status.QUARANTINED,
            Status.REJECTED,
            Status.REMOVED,
        },
        Status.HELD: {Status.AVAILABLE, Status.QUARANTINED, Status.REMOVED},
        Status.QUARANTINED: {Status.HELD, Status.REMOVED},
        Status.AVAILABLE: {Status.HELD, Status.QUARANTINED, Status.REMOVED},
        Status.REJECTED: {Status.REMOVED},
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="documents", db_index=False
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    record_request = models.ForeignKey(  # through whose door it came; then `by` is empty
        "records.RecordRequest", models.PROTECT, null=True, blank=True, related_name="documents"
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.SCREENING)
    kind = models.CharField(max_length=20, choices=DocumentKind.choices, default="other")
    dated_on = models.DateField(null=True, blank=True)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True)  # set by screening
    media_type = models.CharField(max_length=80, blank=True)  # from content, never from the name
    page_count = models.PositiveIntegerField(null=True, blank=True)
    key = models.CharField(max_length=100)
    received_at = models.DateTimeField(db_default=Now())
    # Codes of what screening found, for example {"antivirus": "not scanned", "active": ["script"]}
    findings = models.JSONField(default=dict, blank=True)
    problem = models.CharField(max_length=30, blank=True)  # code of records.screening.PROBLEMS
    blinding_class = models.CharField(max_length=10, choices=BlindingClass.choices, blank=True)
    neutral_title = models.CharField(max_length=120, blank=True)  # what a sealed reader sees
    classified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    classified_at = models.DateTimeField(null=True, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="copies")
    parent_sha256 = models.CharField(max_length=64, blank=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case_file", "sha256"],
                condition=~Q(sha256="") & ~Q(status__in=["removed", "rejected"]),
                name="document_once_per_case_file",
            ),
            models.CheckConstraint(
                condition=Q(classified_at=None, classified_by=None, blinding_class="")
                | (Q(classified_at__isnull=False, classified_by__isnull=False)),
                name="document_classified_pair",
            ),
        ]
        indexes = [models.Index(fields=["case_file", "received_at"], name="document_of_case_file")]

    class Privacy:
        private = {"dated_on", "neutral_title"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "by",
            "record_request",
            "status",
            "status_since",
            "kind",
            "size_bytes",
            "sha256",
            "media_type",
            "page_count",
            "key",
            "received_at",
            "findings",
            "problem",
            "blinding_class",
            "classified_by",
            "classified_at",
            "parent",
            "parent_sha256",
        }

    def __str__(self) -> str:
        return f"document {str(self.pk)[:8]}"


class DocumentName(models.Model):
    """SECURITY: sealed. A file name is often the diagnosis, so it is not in `Document`."""

    document = models.OneToOneField(Document, models.CASCADE, primary_key=True, related_name="name")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=255)

    class Privacy:
        private = {"file_name"}
        plain = {"document", "clinic", "case_file"}

    def __str__(self) -> str:
        return f"document name {str(self.pk)[:8]}"


class DocumentPage(models.Model):
    """A picture of one page, made in the guarded child process, and the words found on it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, models.CASCADE, related_name="pages", db_index=False)
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=100)
    media_type = models.CharField(max_length=40, default="image/png")
    size_bytes = models.PositiveIntegerField(default=0)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    text = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="document_page_once")
        ]

    class Privacy:
        private = {"text"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "document",
            "number",
            "key",
            "media_type",
            "size_bytes",
            "width",
            "height",
        }

    def __str__(self) -> str:
        return f"document page {str(self.pk)[:8]}"


class Screening(Job):
    """Look at a received file: type, hash, duplicate, virus, active content; make its pages."""

    TASK = "records.tasks.screen"
    QUEUE = "records"
    TITLE = "Screening of a file"
    LEASE = 2 * Job.LEASE

    document = models.OneToOneField(Document, models.CASCADE, related_name="screening")

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {"document"}
