"""Ask for an electronic record to be read: it was screened, or let in after it was held."""

from __future__ import annotations

from django.db.models.functions import Now

from records.models import Document
from records.models.facts import FactsReading
from secondop.jobs.models import Job
from secondop.jobs.ring import ring

READABLE = ("application/fhir+json", "application/fhir+xml", "application/cda+xml")


def read_facts(document: Document) -> None:
    """Have a record read, again if need be. Inside the caller's transaction."""
    if document.media_type not in READABLE or document.status != Document.Status.AVAILABLE:
        return
    FactsReading.objects.filter(document=document).update(
        status=Job.Status.QUEUED, attempts=0, run_after=Now(), leased_until=None,
        finished_at=None, last_error="", outcome={},
    )  # fmt: skip
    job, _is_new = FactsReading.objects.get_or_create(
        document=document, defaults={"clinic_id": document.clinic_id}
    )
    ring(job)
