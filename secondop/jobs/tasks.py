"""Celery entry points of the job machinery."""

from celery import shared_task

from secondop.jobs.sweep import ring_due_jobs


@shared_task(ignore_result=True)
def sweep() -> None:
    """Every 30 seconds from beat: wake what a lost message or a dead worker left behind."""
    ring_due_jobs()
