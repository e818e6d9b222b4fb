"""Wake a worker for a job row, once the row is truly there."""

import logging
from typing import Any

from celery import current_app
from django.db import transaction

from secondop.jobs.models import Job

log = logging.getLogger(__name__)


def ring(job: Job) -> None:
    """Send the job's id to its queue after commit. A lost ring is found by the sweeper."""

    # A named function: on_commit(robust=True) logs __qualname__, which functools.partial lacks.
    def call() -> None:
        ring_now(type(job), job.pk)

    transaction.on_commit(call, robust=True)


def ring_now(model: type[Job], pk: Any) -> bool:
    """Ring without waiting for a commit; False when the broker does not answer within 2 s."""
    try:
        current_app.send_task(model.TASK, args=[str(pk)], queue=model.QUEUE, ignore_result=True)
    except Exception as exc:  # whatever is wrong with the broker, the row is the truth
        log.warning("bell lost for %s: %s", model.__name__, type(exc).__name__)
        return False
    return True
