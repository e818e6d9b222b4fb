"""Celery entry points of the requests app."""

import hashlib

from celery import shared_task
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from requests_app import first_doctor_told
from requests_app.damaged_images import open_tasks_about_damage
from requests_app.models import Rendering, Report
from requests_app.rendering import render_pdf
from requests_app.slides_due import open_tasks_about_slides
from secondop.jobs.models import TemporaryFailure
from secondop.lib.storage import new_key


@shared_task(acks_late=True, ignore_result=True)
def render_report(rendering_id: str) -> None:
    """Make the PDF of one report version. Safe to run twice: the row that closes keeps its file."""
    if rendering := Rendering.claim(rendering_id):
        with rendering.attempt():
            _render(rendering)


def _render(rendering: Rendering) -> None:
    report = rendering.report
    try:
        pdf = render_pdf(report.snapshot, sha256=report.snapshot_sha256)
    except OSError as exc:  # Pango is not installed (yet)
        raise TemporaryFailure("no PDF library") from exc
    key = default_storage.save(new_key("reports"), ContentFile(pdf))
    try:
        with rendering.closing():
            digest = hashlib.sha256(pdf).hexdigest()
            Report.objects.filter(pk=report.pk).update(pdf_key=key, pdf_sha256=digest)
    except BaseException:
        default_storage.delete(key)  # another worker was faster, or we were stopped
        raise


@shared_task(ignore_result=True)
def tell_of_damaged_images() -> None:
    """Every ten minutes from beat: one task for staff for each damaged pack of images."""
    open_tasks_about_damage()


@shared_task(ignore_result=True)
def tell_of_slides() -> None:
    """Hourly from beat: one task for staff for slides that should be back by now."""
    open_tasks_about_slides()


@shared_task(ignore_result=True)
def tell_of_first_doctors() -> None:
    """Hourly from beat: a delivered report whose patient wants the first doctor told."""
    first_doctor_told.tell_coordinators()
