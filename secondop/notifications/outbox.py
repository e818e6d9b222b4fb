"""Queue a message in the caller's transaction; ring the worker once it commits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from secondop.jobs.ring import ring
from secondop.notifications.messages import CATALOGUE
from secondop.notifications.models import Notification


def tell(
    people: Iterable[Any],
    message: str,
    *,
    about: models.Model,
    path: str = "",
    once: str = "",
    channel: str = Notification.Channel.EMAIL,
) -> None:
    """Tell each person that there is news. `message` is a key of `messages.CATALOGUE`.

    `once` names an event that must be told only once (a reminder of one deadline): a second
    call with the same key changes nothing. Raises KeyError for an unknown message.
    """
    if message not in CATALOGUE:
        raise KeyError(message)
    where = path or about.get_absolute_url()  # type: ignore[attr-defined]
    rows = [
        Notification(
            to=person,
            message=message,
            path=where,
            reference=getattr(about, "reference", "") or "",
            once=once,
            channel=channel,
            clinic_id=getattr(about, "clinic_id", None),
        )
        for person in people
    ]
    created = Notification.objects.bulk_create(rows, ignore_conflicts=bool(once))
    for row in created:
        ring(row)
