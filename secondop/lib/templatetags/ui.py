"""`{% load ui %}`: how times, sizes, ids and ages are written on every page."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms, template
from django.utils import timezone
from django.utils.formats import date_format, number_format, time_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from secondop.lib import forms as our_forms

register = template.Library()


@register.filter
def due_in_words(value: datetime.datetime | datetime.date | None) -> str:
    """Tomorrow, 14:00 · Today, 09:30 · In 3 days · 2 days ago · empty without a date."""
    if value is None:
        return ""
    if not isinstance(value, datetime.datetime):
        return _days_in_words((value - timezone.localdate()).days)
    local = timezone.localtime(value)
    days = (local.date() - timezone.localdate()).days
    if abs(days) <= 1:
        return _("%(day)s, %(time)s") % {
            "day": _days_in_words(days),
            "time": time_format(local.time(), "H:i"),
        }
    return _days_in_words(days)


def _days_in_words(days: int) -> str:
    near = {-1: _("Yesterday"), 0: _("Today"), 1: _("Tomorrow")}
    if days in near:
        return near[days]
    if days > 0:
        return ngettext("In %(n)d day", "In %(n)d days", days) % {"n": days}
    return ngettext("%(n)d day ago", "%(n)d days ago", -days) % {"n": -days}


@register.filter
def exact_time(value: datetime.datetime | datetime.date | None) -> str:
    """23 November 2026, 14:00 in the reader's zone; a date alone has no time."""
    if value is None:
        return ""
    if not isinstance(value, datetime.datetime):
        return date_format(value, _long_day())
    return date_format(timezone.localtime(value), f"{_long_day()}, H:i")


def _long_day() -> str:
    return r"j \d\e F \d\e Y" if (get_language() or "").startswith("es") else "j F Y"


@register.filter(expects_localtime=True)
def exact_day(value: datetime.datetime | datetime.date | None) -> str:
    """23 November 2026, also of a moment."""
    return date_format(value, _long_day()) if value else ""


@register.filter(expects_localtime=True)
def exact_second(value: datetime.datetime | None) -> str:
    """23 November 2026, 14:00:05, where a seal says when it was made."""
    return date_format(value, f"{_long_day()}, H:i:s") if value else ""


@register.filter
def is_past(value: datetime.datetime | datetime.date | None) -> bool:
    """Whether the moment has gone by; a day is past when it is over."""
    if value is None:
        return False
    if isinstance(value, datetime.datetime):
        return value < timezone.now()
    return value < timezone.localdate()


@register.filter
def byte_size(size_bytes: float | None) -> str:
    """1 KB is 1,000 bytes, as on the box of a memory stick: "4.2 MB"."""
    if size_bytes is None:
        return ""
    size, unit = float(size_bytes), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            break
        size /= 1000
    digits = 0 if unit == "B" or size >= 9.95 else 1
    return f"{number_format(round(size, digits), digits)} {unit}"


@register.filter
def short_id(value: Any) -> str:
    """The first 8 characters of an id, enough to read out on the telephone."""
    return str(value)[:8].upper() if value else ""


@register.filter
def age_band(age_years: float | None) -> str:
    """Band of ten years: "40 to 49 years". Children finer; 90 and over are one (they are few)."""
    if age_years is None:
        return _("Age not given")
    if age_years < 1:
        return _("Under 1 year")
    for first, last in ((1, 4), (5, 11), (12, 17), (18, 29)):
        if first <= age_years < last + 1:
            return _("%(first)d to %(last)d years") % {"first": first, "last": last}
    if age_years >= 90:
        return _("90 years or over")
    first = int(age_years // 10 * 10)
    return _("%(first)d to %(last)d years") % {"first": first, "last": first + 9}


@register.filter
def focus_target(bound: forms.BoundField) -> str:
    """The id that an error link jumps to."""
    return our_forms.focus_target(bound)


@register.filter
def percent(done: float | None, total: float | None) -> int:
    """Whole percent from 0 to 100; 0 when the total is not known."""
    if not done or not total:
        return 0
    return max(0, min(100, int(100 * done / total)))


@register.filter
def beside(columns: list[Any], cells: list[Any]) -> list[tuple[Any, Any]]:
    """Pair each column of a comparison with its cell, so that a phone can name both."""
    return list(zip(columns, cells, strict=False))
