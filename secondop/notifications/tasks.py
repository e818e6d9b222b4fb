"""Celery entry points for notifications."""

from celery import shared_task

from secondop.notifications.channels import send
from secondop.notifications.models import Notification


@shared_task(acks_late=True, ignore_result=True)
def deliver(notification_id: str) -> None:
    """Send one message. Safe to run twice: only the run that claims the row sends."""
    if notification := Notification.claim(notification_id):
        with notification.attempt():
            send(notification)
