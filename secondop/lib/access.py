"""The one door through which pages and APIs fetch rows that belong to somebody."""

from __future__ import annotations

from typing import Any, TypeVar, cast
from uuid import UUID

from django.db import models
from django.shortcuts import get_object_or_404

M = TypeVar("M", bound=models.Model)


def get_visible(
    model: type[M] | models.QuerySet[M], user: Any, pk: UUID | str, *, as_: str = ""
) -> M:
    """Return the row, or 404 both when it does not exist and when `user` may not see it.

    `as_` narrows the reason to one kind of person ("patient", "coordinator", ...): a page made
    for the patient must not open for a specialist who may see the same row for other reasons.
    """
    rows = cast(Any, model if isinstance(model, models.QuerySet) else model._default_manager)
    visible = rows.visible_as(as_, user) if as_ else rows.visible_to(user)
    return cast(M, get_object_or_404(visible, pk=pk))
