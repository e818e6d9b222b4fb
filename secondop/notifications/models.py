"""Messages to people: the in-app inbox and, by the same row, the outbox of the mail worker."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from secondop.jobs.models import Job, JobQuerySet


class NotificationQuerySet(JobQuerySet):
    def visible_to(self, user: Any) -> Self:
        return self.filter(to=user) if user.is_authenticated else self.none()

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Notification(Job):
    """There is news for one person.

    PRIVACY: `message` is a key of the catalogue in `messages.py`; the words hold no health data,
    in the mail and in the inbox alike. `path` is where to read on after signing in.
    """

    TASK = "secondop.notifications.tasks.deliver"
    QUEUE = "notifications"
    TITLE = "Message to a person"

    class Channel(models.TextChoices):
        EMAIL = "email"
        INBOX = "inbox"  # shown in the application only

    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", db_index=False
    )
    message = models.CharField(max_length=60)
    path = models.CharField(max_length=200)
    reference = models.CharField(max_length=20, blank=True)  # for example SO-7KQ-3MF
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    read_at = models.DateTimeField(null=True, blank=True)
    once = models.CharField(max_length=120, blank=True)  # a key that may be told only once

    objects = NotificationQuerySet.as_manager()  # type: ignore[misc]  # Job declares its own

    class Meta(Job.Meta):
        indexes = [
            *Job.Meta.indexes,
            models.Index(fields=["to", "-created_at", "id"], name="notification_inbox"),
            models.Index(
                fields=["finished_at"], condition=Q(status="dead"), name="notification_dead"
            ),
            models.Index(fields=["to"], condition=Q(read_at=None), name="notification_unread"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["to", "once"], condition=~Q(once=""), name="notification_told_once"
            )
        ]

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {
            "to", "message", "path", "reference", "channel", "read_at", "once",
        }  # fmt: skip
