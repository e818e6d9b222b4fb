"""Imaging studies, their series and instances, and what was made of them.

SECURITY: UIDs, dates and descriptions of the originals are sealed. A sealed reader addresses
everything by `alias_uid` and gets what `records.dicom.projection` builds; see `records/imaging.py`.
"""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.case_file import AccessGrant, BlindingClass, CaseFile
from records.models.imaging_pack import ImagingPack, InCaseFile
from secondop.accounts.models import Clinic
from secondop.lib.transitions import StatusModel


class StudyQuerySet(InCaseFile):
    FULL = Q(status="available")

    def available(self) -> Self:
        return self.filter(status="available")


class ImagingStudy(StatusModel):
    class Status(models.TextChoices):
        UPLOADING = "uploading", _("Arriving")
        SCREENING = "screening", _("Being checked")
        HELD = "held", _("Waiting for the clinic")
        AVAILABLE = "available", _("Received")
        QUARANTINED = "quarantined", _("Set aside")
        REJECTED = "rejected", _("Could not be used")
        REMOVED = "removed", _("Taken back")

    TRANSITIONS = {
        Status.UPLOADING: {Status.SCREENING, Status.REJECTED},
        Status.SCREENING: {Status.HELD, Status.AVAILABLE, Status.QUARANTINED, Status.REJECTED},
        Status.HELD: {Status.AVAILABLE, Status.QUARANTINED, Status.REJECTED, Status.REMOVED},
        Status.AVAILABLE: {Status.HELD, Status.QUARANTINED, Status.REMOVED},
        Status.QUARANTINED: {Status.HELD, Status.REJECTED, Status.REMOVED},
        Status.REJECTED: {Status.HELD, Status.REMOVED},
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="imaging_studies", db_index=False
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    record_request = models.ForeignKey(  # through whose door it came; then `by` is empty
        "records.RecordRequest",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="imaging_studies",
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.UPLOADING)
    problem = models.CharField(max_length=30, blank=True)  # code of records.dicom.problems
    StudyInstanceUID = models.CharField(max_length=64)
    alias_uid = models.CharField(max_length=64)
    search = models.JSONField(default=dict)  # what QIDO tells of a study, in the JSON model
    person = models.JSONField(default=dict)  # name, birth date and sex as the images say them
    instance_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    received_at = models.DateTimeField(db_default=Now())
    # Some object did not name its study, series or itself; ours come from its content.
    names_missing = models.BooleanField(default=False)
    inlet = models.ForeignKey(  # the hospital's way in by which it came, when it was pushed
        "records.ImagingInlet", models.SET_NULL, null=True, blank=True, related_name="studies"
    )

    objects = StudyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "imaging studies"
        constraints = [
            models.UniqueConstraint(
                fields=["case_file", "StudyInstanceUID"], name="study_once_per_case_file"
            ),
            models.UniqueConstraint(
                fields=["case_file", "alias_uid"], name="study_alias_once_per_case_file"
            ),
        ]

    class Privacy:
        private = {"StudyInstanceUID", "search", "person"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "by",
            "record_request",
            "status",
            "status_since",
            "problem",
            "alias_uid",
            "instance_count",
            "size_bytes",
            "received_at",
            "names_missing",
            "inlet",
        }

    def __str__(self) -> str:
        return f"imaging study {str(self.pk)[:8]}"


class SeriesQuerySet(InCaseFile):
    FULL = Q(study__status="available")
    SEALED = Q(study__status="available", blinding_class=BlindingClass.CLEAR, has_pictures=True)


class ImagingSeries(models.Model):
    """One series. Unclassified means withheld; see `may_show_text` before clearing one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    study = models.ForeignKey(ImagingStudy, models.CASCADE, related_name="series", db_index=False)
    # A copy with places covered, made at the desk; the originals stay in the parent.
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="covered_copies"
    )
    SeriesInstanceUID = models.CharField(max_length=64)
    alias_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=16, blank=True)
    search = models.JSONField(default=dict)
    instance_count = models.PositiveIntegerField(default=0)
    picture_count = models.PositiveIntegerField(default=0)  # instances a sealed reader may get
    has_pictures = models.BooleanField(default=False)
    may_show_text = models.BooleanField(default=True)  # letters in the pixels, or not excluded
    revision = models.PositiveIntegerField(default=0)  # one more with each batch
    blinding_class = models.CharField(max_length=10, choices=BlindingClass.choices, blank=True)
    classified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    classified_at = models.DateTimeField(null=True, blank=True)

    objects = SeriesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "imaging series"
        constraints = [
            models.UniqueConstraint(
                fields=["study", "SeriesInstanceUID"], name="series_once_per_study"
            ),
            models.CheckConstraint(
                condition=Q(classified_at=None, classified_by=None, blinding_class="")
                | Q(classified_at__isnull=False, classified_by__isnull=False),
                name="series_classified_pair",
            ),
        ]

    class Privacy:
        private = {"SeriesInstanceUID", "search"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "study",
            "parent",
            "alias_uid",
            "modality",
            "instance_count",
            "picture_count",
            "has_pictures",
            "may_show_text",
            "revision",
            "blinding_class",
            "classified_by",
            "classified_at",
        }

    def __str__(self) -> str:
        return f"imaging series {str(self.pk)[:8]}"


class InstanceQuerySet(InCaseFile):
    FULL = Q(study__status="available")
    SEALED = Q(
        study__status="available", series__blinding_class=BlindingClass.CLEAR, is_picture=True
    )


class ImagingInstance(models.Model):
    """One object: where its bytes and each of its frames stand in its pack."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Rows come by the thousand: they are in the indexes named below, and in no other.
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+", db_index=False)
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+", db_index=False)
    study = models.ForeignKey(
        ImagingStudy, models.CASCADE, related_name="instances", db_index=False
    )
    series = models.ForeignKey(
        ImagingSeries, models.CASCADE, related_name="instances", db_index=False
    )
    pack = models.ForeignKey(ImagingPack, models.PROTECT, related_name="instances", db_index=False)
    SOPInstanceUID = models.CharField(max_length=64)
    alias_uid = models.CharField(max_length=64)
    SOPClassUID = models.CharField(max_length=64)
    TransferSyntaxUID = models.CharField(max_length=64)
    InstanceNumber = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    crc32 = models.BigIntegerField(null=True)  # as it is sent, with an empty preamble: for ZIPs
    offset = models.PositiveBigIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    dataset_offset = models.PositiveBigIntegerField()  # past preamble and meta; inflated if it was
    dataset_bytes = models.PositiveBigIntegerField()
    header_line = models.PositiveIntegerField()  # which line of the pack's headers
    search = models.TextField()  # what QIDO tells of an instance, as JSON text
    is_picture = models.BooleanField(default=False)  # a class a sealed reader may get
    frame_count = models.PositiveIntegerField(default=0)
    # One entry a frame; a single entry stands for `frame_count` frames of equal length in a row.
    frame_offsets = ArrayField(models.BigIntegerField(), default=list)
    frame_lengths = ArrayField(models.BigIntegerField(), default=list)
    pixel_problem = models.CharField(max_length=20, blank=True)  # short, unindexed

    objects = InstanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case_file", "SOPInstanceUID"], name="instance_once_per_case_file"
            )
        ]
        indexes = [
            models.Index(fields=["series", "InstanceNumber", "id"], name="instance_in_series"),
            models.Index(fields=["case_file", "alias_uid"], name="instance_by_alias"),
            models.Index(fields=["study"], name="instance_of_study"),
            models.Index(fields=["pack"], name="instance_of_pack"),
        ]

    class Privacy:
        private = {"SOPInstanceUID", "search"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "study",
            "series",
            "pack",
            "alias_uid",
            "SOPClassUID",
            "TransferSyntaxUID",
            "InstanceNumber",
            "sha256",
            "crc32",
            "offset",
            "size_bytes",
            "dataset_offset",
            "dataset_bytes",
            "header_line",
            "is_picture",
            "frame_count",
            "frame_offsets",
            "frame_lengths",
            "pixel_problem",
        }

    def __str__(self) -> str:
        return f"imaging instance {str(self.pk)[:8]}"


class SeriesMetadata(models.Model):
    """The DICOM JSON of one series for one sight, built once and stored compressed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    series = models.ForeignKey(
        ImagingSeries, models.CASCADE, related_name="metadata", db_index=False
    )
    sight = models.CharField(max_length=10, choices=AccessGrant.Sight.choices)
    revision = models.PositiveIntegerField()
    key = models.CharField(max_length=100)
    size_bytes = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "sight", "revision"], name="series_metadata_once"
            )
        ]

    class Privacy:
        private: set[str] = set()
        plain = {"id", "clinic", "case_file", "series", "sight", "revision", "key", "size_bytes"}

    def __str__(self) -> str:
        return f"series metadata {str(self.pk)[:8]}"


class ImagingPicture(models.Model):
    """A JPEG of one frame, made in the guarded child; without a key when no decoder could."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    instance = models.ForeignKey(
        ImagingInstance, models.CASCADE, related_name="pictures", db_index=False
    )
    frame = models.PositiveIntegerField()
    edge = models.PositiveIntegerField()  # the longest side in pixels at most; 0 is full size
    key = models.CharField(max_length=100, blank=True)
    size_bytes = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "frame", "edge"], name="imaging_picture_once"
            )
        ]

    class Privacy:
        private: set[str] = set()
        plain = {"id", "clinic", "case_file", "instance", "frame", "edge", "key", "size_bytes"}

    def __str__(self) -> str:
        return f"imaging picture {str(self.pk)[:8]}"
