"""Celery entry points of the specialists app."""

from celery import shared_task

from specialists.deadlines import watch


@shared_task(ignore_result=True)
def watch_deadlines() -> None:
    """Every minute from beat. Two beats at once, or a late one, change nothing."""
    watch()
