"""Work on images that a worker does: thumbnails, archives, erasing, covered copies."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from records.models.case_file import CaseFile
from records.models.imaging import ImagingSeries
from secondop.jobs.models import Job


class ImagingPreview(Job):
    """Make the thumbnail of a series after a batch of it arrived."""

    TASK = "records.tasks.make_series_preview"
    QUEUE = "records"
    TITLE = "Thumbnail of an imaging series"

    series = models.ForeignKey(ImagingSeries, models.CASCADE, related_name="+")

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {"series"}


class ImagingIngest(Job):
    """Take the images out of an archive (the ZIP of a CD) that was uploaded whole."""

    TASK = "records.tasks.ingest_archive"
    QUEUE = "records"
    TITLE = "Images from an archive"
    LEASE = 2 * Job.LEASE

    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    record_request = models.ForeignKey(  # through whose door it came; then `by` is empty
        "records.RecordRequest", models.PROTECT, null=True, blank=True, related_name="+"
    )
    key = models.CharField(max_length=100)
    # Counts and codes only, for example {"stored": 812, "refused": {"not_dicom": 14}}
    outcome = models.JSONField(default=dict, blank=True)

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {"case_file", "by", "record_request", "key", "outcome"}


class ImagingRemoval(Job):
    """Erase a study that was taken back: its rows, and its bytes out of every pack."""

    TASK = "records.tasks.erase_study"
    QUEUE = "records"
    TITLE = "Erase images that were taken back"
    LEASE = 2 * Job.LEASE

    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="imaging_removals")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    study_id = models.UUIDField()  # the row itself is gone when the job is done
    instance_count = models.PositiveIntegerField()
    reason = models.CharField(max_length=300)

    class Privacy:
        private = {"reason"}
        plain = Job.JOB_FIELDS | {"case_file", "by", "study_id", "instance_count"}


class ImagingCover(Job):
    """Make copies of a series in which some places are covered. The originals stay as they are."""

    TASK = "records.tasks.cover_series"
    QUEUE = "records"
    TITLE = "Cover places in images"
    LEASE = 2 * Job.LEASE

    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    series = models.ForeignKey(ImagingSeries, models.CASCADE, related_name="covers")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # Parts of a thousand of width and height: [[left, top, right, bottom], ...]
    rectangles = models.JSONField(default=list)

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {"case_file", "series", "by", "rectangles"}
