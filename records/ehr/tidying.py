"""What a pull leaves behind goes: tokens at once, bytes that became no documents a day later."""

from __future__ import annotations

from datetime import timedelta

from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from records.models import EhrPage, EhrPull

KEEP = timedelta(days=1)


def forget(pull: EhrPull, *, pages: bool, secrets: bool = True) -> None:
    """Tokens, addresses to sign in at and, with `pages`, the bytes that wait to become documents.

    Counts stay: people read them afterwards.
    """
    if secrets:
        EhrPull.objects.filter(pk=pull.pk).update(sealed="", query={}, told={})
    if not pages:
        return
    rows = EhrPage.objects.filter(pull=pull)
    _erase(rows)
    if pull.is_complete:
        rows.update(next_url="", told={})
    else:
        rows.delete()


def _erase(rows: QuerySet[EhrPage]) -> None:
    for row in rows.exclude(key=""):
        default_storage.delete(row.key)
        EhrPage.objects.filter(pk=row.pk).update(key="")


def tidy() -> None:
    """Hourly: pulls that died a day ago, that nobody signed in to, or whose worker was killed."""
    over = EhrPull.objects.filter(status__in=["done", "dead"], finished_at__lt=Now() - KEEP)
    with_pages = over.filter(pages__key__gt="").distinct()
    for pull in with_pages.iterator():
        forget(pull, pages=True)
    is_over = Q(status="dead") | Q(status="done", step="copy") | Q(pk__in=over.values("pk"))
    EhrPull.objects.filter(is_over).exclude(sealed="").update(sealed="", query={}, told={})
