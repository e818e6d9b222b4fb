"""One way to change a status: locked, checked against a table, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from secondop.lib.verdicts import not_now

P = ParamSpec("P")
M = TypeVar("M", bound="StatusModel")


class StatusModel(models.Model):
    """A row whose `status` changes only along the arrows of `TRANSITIONS`."""

    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {}
    LOCKED_AFTER: ClassVar[str] = ""  # the foreign key whose row must be locked first

    status = models.CharField(max_length=20)
    status_since = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True

    def move_to(self, new: str) -> None:
        """Save the new status. Raises `Refused` (409) when no arrow leads there."""
        if new not in self.TRANSITIONS.get(self.status, ()):
            state = str(self.get_status_display()).lower()  # type: ignore[attr-defined]
            not_now(_("This is already %(state)s.") % {"state": state}).or_raise()
        self.status = new
        self.status_since = Now()  # type: ignore[assignment]
        self.save(update_fields=["status", "status_since"])
        self.refresh_from_db(fields=["status_since"])


def lock(obj: M) -> M:
    """Lock left to right: the row `obj` hangs from, then `obj`. One order, no deadlock."""
    parent = lock(getattr(obj, obj.LOCKED_AFTER)) if obj.LOCKED_AFTER else None
    fresh = type(obj)._default_manager.select_for_update(of=("self",)).get(pk=obj.pk)
    if parent:
        setattr(fresh, obj.LOCKED_AFTER, parent)
    return fresh


def transition(change: Callable[Concatenate[M, P], Any]) -> Callable[Concatenate[M, P], M]:
    """Run `change` on a fresh, locked copy of its first argument, atomically; return the copy."""

    @wraps(change)
    def locked_change(obj: M, /, *args: P.args, **kwargs: P.kwargs) -> M:
        with transaction.atomic():
            fresh = lock(obj)
            change(fresh, *args, **kwargs)
        return fresh

    return locked_change
