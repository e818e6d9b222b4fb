"""Celery entry points of the requests app."""

from celery import shared_task


@shared_task(acks_late=True, ignore_result=True)
def render_report(rendering_id: str) -> None:
    """Placeholder: the report's owner writes this."""
