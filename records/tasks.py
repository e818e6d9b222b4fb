"""Celery entry points of the records app."""

from celery import shared_task
from django.db import IntegrityError

from records import documents, screening, uploads
from records.dicom import archives, thumbnails
from records.models import ImagingIngest, ImagingPreview, Screening
from secondop.jobs.models import TemporaryFailure


@shared_task(acks_late=True, ignore_result=True)
def screen(screening_id: str) -> None:
    """Look at one received file. Safe to run twice: only the run that claims the row acts."""
    if job := Screening.claim(screening_id):
        with job.attempt():
            try:
                screening.screen(job)
            except IntegrityError:  # the same bytes were accepted this very moment
                raise TemporaryFailure("same_file_twice") from None


@shared_task(ignore_result=True)
def forget_unfinished_uploads() -> None:
    """Hourly from beat: finish, forget and erase what uploads and removals left behind."""
    uploads.tidy()
    documents.erase_removed()


@shared_task(acks_late=True, ignore_result=True)
def make_series_preview(preview_id: str) -> None:
    """Make the thumbnail of a series. Safe to run twice: a picture that is there is not made."""
    if job := ImagingPreview.claim(preview_id):
        with job.attempt():
            thumbnails.make_for(job.series)


@shared_task(acks_late=True, ignore_result=True)
def ingest_archive(ingest_id: str) -> None:
    """Take the images out of an archive. Safe to run twice: what is stored is known."""
    if job := ImagingIngest.claim(ingest_id):
        with job.attempt():
            archives.take(job)
