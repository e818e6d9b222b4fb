"""What stands still in the worlds: ids follow from names, moments from one day.

So that two worlds with the same secret are equal to the byte.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from records.models import Document
from requests_app.models import StaffTask

# Yesterday: what was due then is due at any hour of today, by the clock of the database as well.
BASE = datetime.now(tz=timezone.get_default_timezone()).replace(
    hour=9, minute=0, second=0, microsecond=0
) - timedelta(days=1)
NOW = BASE + timedelta(hours=3)
LATER = {"until", "expires_at", "answer_by", "review_by", "due_at", "about_due_at"}


def fixed(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, name)


@contextmanager
def fixed_ids(when: str = "") -> Iterator[None]:
    """New rows of our models get ids that follow from their model, `when` and their number."""
    counted: Counter[str] = Counter()
    changed = []

    def maker(label: str) -> Any:
        def make_id() -> uuid.UUID:
            counted[label] += 1
            return fixed(f"{when}{label} {counted[label]}")

        return make_id

    for model in apps.get_models():
        pk = model._meta.pk
        if isinstance(pk, models.UUIDField) and pk.default is uuid.uuid4:
            changed.append((pk, pk.__dict__.get("_get_default")))
            pk.__dict__["_get_default"] = maker(model._meta.label)
    try:
        yield
    finally:
        for pk, before in changed:
            pk.__dict__.pop("_get_default", None)
            if before:
                pk.__dict__["_get_default"] = before


def _append_only_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname='append_only'")
        return {name for (name,) in cursor.fetchall()}


def stop_the_clocks() -> None:
    """Every moment in the database becomes one of two; only documents keep their order."""
    append_only = _append_only_tables()
    for model in apps.get_models():
        if model._meta.app_label in {"sessions", "axes", "usersessions"}:
            continue
        if model._meta.db_table in append_only or not model._meta.managed:
            continue
        for column in model._meta.concrete_fields:
            if not isinstance(column, models.DateTimeField):
                continue
            if (model, column.name) == (Document, "received_at"):
                continue
            rows = model._default_manager.filter(**{f"{column.name}__isnull": False})
            if model is StaffTask and column.name == "about_due_at":
                continue
            rows.update(**{column.name: BASE + timedelta(days=40 if column.name in LATER else 0)})
    clear = Document.objects.filter(blinding_class="clear").order_by("pk")
    for n, pk in enumerate(clear.values_list("pk", flat=True)):
        Document.objects.filter(pk=pk).update(received_at=BASE + timedelta(minutes=n))
