"""Celery entry points of the records app."""

from celery import shared_task


@shared_task(acks_late=True, ignore_result=True)
def screen(screening_id: str) -> None:
    """Placeholder: the screening's owner writes this."""


@shared_task(ignore_result=True)
def forget_unfinished_uploads() -> None:
    """Placeholder: the uploads' owner writes this."""
