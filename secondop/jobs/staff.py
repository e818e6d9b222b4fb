"""What the desk may see of jobs, and the Retry button. PRIVACY: nothing of a job's content."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.http import Http404

from secondop.audit.trail import note
from secondop.jobs.models import Job
from secondop.jobs.ring import ring
from secondop.jobs.sweep import job_models


def kind_of(model: type[Job]) -> str:
    return str(model._meta.label_lower)


def model_of(kind: str) -> type[Job]:
    """The kind of job named in an address. Raises Http404 for anything else."""
    for model in job_models():
        if kind_of(model) == kind:
            return model
    raise Http404


@transaction.atomic
def retry(job: Job, *, by: Any) -> bool:
    """Put a failed or dead job back into the queue. False when it is waiting or done already."""
    troubled = type(job).objects.filter(pk=job.pk, status__in=["failed", "dead"])
    changed = troubled.update(
        status=Job.Status.QUEUED, run_after=Now(), finished_at=None, leased_until=None
    )
    if not changed:
        return False
    note("job.retried", by=by, about=job, attempts=job.attempts)
    ring(job)
    return True
