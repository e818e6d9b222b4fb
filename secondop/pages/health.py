"""Health checks for the process manager: is it alive, can it work. They tell no details."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from django.core.cache import cache
from django.core.files.storage import FileSystemStorage, storages
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@transaction.non_atomic_requests  # else Django would ask the database before we can
@require_safe
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Checks nothing else: a slow database is no reason to kill us."""
    return HttpResponse("ok", content_type="text/plain")


@transaction.non_atomic_requests  # else Django would ask the database before we can
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, cache and storage answer, else 503 naming those that do not."""
    checks = {"database": _database, "cache": _cache, "storage": _storage}
    answers = {name: _answers(check) for name, check in checks.items()}
    words = {name: "ok" if answer else "failed" for name, answer in answers.items()}
    return JsonResponse(words, status=200 if all(answers.values()) else 503)


def _answers(check: Callable[[], bool]) -> bool:
    """PRIVACY: the exception may name hosts and accounts, so it is not shown."""
    try:
        return check()
    except Exception:
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _cache() -> bool:
    cache.set("readyz", "ok", 10)
    return bool(cache.get("readyz") == "ok")


def _storage() -> bool:
    """A local folder must be writable; a bucket must answer a question about one object."""
    storage = storages["default"]
    if isinstance(storage, FileSystemStorage):
        folder = Path(storage.location)
        while not folder.exists():  # made by the first file that is stored
            folder = folder.parent
        return os.access(folder, os.W_OK | os.X_OK)
    storage.exists("readyz")
    return True
