"""Celery entry points of the records app."""

from celery import shared_task
from django.db import IntegrityError

from records import (
    chasing,
    documents,
    erasing,
    first_doctor_letters,
    holder_letters,
    holder_mails,
    imaging_checks,
    redaction,
    screening,
    uploads,
)
from records.blinding_search import searching
from records.dicom import archives, covering, thumbnails
from records.ehr import running as ehr
from records.ehr import tidying as ehr_tidying
from records.ehr.client import Busy
from records.facts import reading
from records.models import (
    BlindingSearch,
    Burning,
    EhrPull,
    FirstDoctorLetter,
    HolderLetter,
    HolderMail,
    ImagingCover,
    ImagingIngest,
    ImagingPreview,
    ImagingRemoval,
    Screening,
    Transfer,
)
from records.models.facts import FactsReading
from records.transfers import running as transfers
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
    searching.forget_removed()
    ehr_tidying.tidy()


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


@shared_task(acks_late=True, ignore_result=True)
def erase_study(removal_id: str) -> None:
    """Erase a study that was taken back. Safe to run twice: what is gone is gone."""
    if job := ImagingRemoval.claim(removal_id):
        with job.attempt():
            erasing.erase_study(job)


@shared_task(ignore_result=True)
def check_packs() -> None:
    """Nightly from beat: compare stored images with their hashes, the longest unchecked first."""
    imaging_checks.check_for(imaging_checks.NIGHTLY_SECONDS)


@shared_task(acks_late=True, ignore_result=True)
def write_holder_letter(letter_id: str) -> None:
    """Make the PDF of one letter to a record holder. Safe to run twice."""
    if letter := HolderLetter.claim(letter_id):
        with letter.attempt():
            holder_letters.write(letter)


@shared_task(acks_late=True, ignore_result=True)
def write_first_doctor_letter(letter_id: str) -> None:
    """Make the PDF of the letter to the first doctor, if it is still wanted. Safe to run twice."""
    if letter := FirstDoctorLetter.claim(letter_id):
        with letter.attempt():
            first_doctor_letters.write(letter)


@shared_task(acks_late=True, ignore_result=True)
def send_holder_mail(mail_id: str) -> None:
    """Send one mail to a record holder, if it still may be sent. Safe to run twice."""
    if mail := HolderMail.claim(mail_id):
        with mail.attempt():
            holder_mails.deliver(mail)


@shared_task(ignore_result=True)
def chase_record_holders() -> None:
    """Hourly from beat: reminders on days 7, 14 and 25, and the end of the legal term."""
    chasing.chase()


@shared_task(acks_late=True, ignore_result=True)
def cover_series(cover_id: str) -> None:
    """Make copies of a series with places covered. Safe to run twice: copies keep their numbers."""
    if job := ImagingCover.claim(cover_id):
        with job.attempt():
            covering.cover(job)


@shared_task(acks_late=True, ignore_result=True)
def burn_redaction(burning_id: str) -> None:
    """Make a redacted copy. Safe to run twice: a run that is not the latest leaves nothing."""
    if job := Burning.claim(burning_id):
        with job.attempt():
            redaction.burn(job)


@shared_task(acks_late=True, ignore_result=True)
def search_item(search_id: str) -> None:
    """Search one item for what gives the diagnosis away. Safe to run twice: hits are replaced."""
    if job := BlindingSearch.claim(search_id):
        with job.attempt():
            searching.run(job)


@shared_task(acks_late=True, ignore_result=True)
def run_transfer(transfer_id: str) -> None:
    """Copy studies from or to another system. Safe to run twice: what is over is not asked for."""
    if job := Transfer.claim(transfer_id):
        with job.attempt():
            transfers.run(job)


@shared_task(acks_late=True, ignore_result=True)
def read_facts(reading_id: str) -> None:
    """Read an electronic record's facts. Safe to run twice: what is there is not written again."""
    if job := FactsReading.claim(reading_id):
        with job.attempt():
            reading.read(job)


@shared_task(acks_late=True, ignore_result=True)
def run_ehr_pull(pull_id: str) -> None:
    """Fetch records from a hospital's system. Safe to run twice: pages that are here are kept."""
    if job := EhrPull.claim(pull_id):
        busy: Busy | None = None
        try:
            with job.attempt():
                try:
                    ehr.run(job)
                except Busy as exc:
                    busy = exc
                    raise
        finally:
            ehr.settle(job, busy)
