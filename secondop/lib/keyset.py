"""Keyset pagination: a page costs the same wherever it is in the list."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F
from django.db.models.expressions import Func

M = TypeVar("M", bound=models.Model)
AnyField = models.Field[Any, Any]


@dataclass
class Page(Generic[M]):
    rows: list[M]
    next_cursor: str
    previous_cursor: str


class _Row(Func):
    """A PostgreSQL row value, so that one index answers `(due_at, id) > (x, y)`."""

    function = "ROW"
    output_field = models.TextField()


def _encode(values: list[Any], *, backwards: bool) -> str:
    raw = [v.isoformat() if isinstance(v, datetime) else str(v) for v in values]
    packed = json.dumps([int(backwards), *raw]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _decode(cursor: str, fields: list[AnyField]) -> tuple[bool, list[Any]] | None:
    try:
        backwards, *raw = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if len(raw) != len(fields):
            return None
        return bool(backwards), [f.to_python(v) for f, v in zip(fields, raw, strict=True)]
    except (ValueError, TypeError, ValidationError):  # somebody edited the address by hand
        return None


def keyset_page(
    queryset: models.QuerySet[M],
    *,
    order: tuple[str, ...],
    cursor: str,
    size: int,
    newest_first: bool = False,
) -> Page[M]:
    """Return `size` rows after (or before) the cursor, ordered by the NOT NULL columns `order`.

    With `newest_first` all of them descend. `order` must end in a unique column and be covered by
    one index. An unreadable cursor is the first page: nothing a person can do about it is worth
    an error.
    """
    fields = [cast(AnyField, queryset.model._meta.get_field(name)) for name in order]
    position = _decode(cursor, fields) if cursor else None
    backwards = bool(position and position[0])
    if position:
        values = [models.Value(v, output_field=f) for v, f in zip(position[1], fields, strict=True)]
        side = {"_key__lt" if backwards != newest_first else "_key__gt": _Row(*values)}
        queryset = cast(Any, queryset).alias(_key=_Row(*map(F, order))).filter(**side)
    names = [f"-{name}" for name in order] if backwards != newest_first else list(order)
    rows = list(queryset.order_by(*names)[: size + 1])
    more = len(rows) > size
    rows = rows[:size][::-1] if backwards else rows[:size]

    def cursor_at(row: M, *, back: bool) -> str:
        return _encode([getattr(row, name) for name in order], backwards=back)

    has_next = bool(rows) and (more or backwards)
    has_previous = bool(rows) and ((more and backwards) or (bool(position) and not backwards))
    return Page(
        rows,
        cursor_at(rows[-1], back=False) if has_next else "",
        cursor_at(rows[0], back=True) if has_previous else "",
    )
