"""Reading a date as people type it. Used by the memorable date field; imports nothing of ours."""

from __future__ import annotations

import calendar
import datetime

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.text import slugify
from django.utils.translation import gettext as _


class WrongDateError(ValueError):
    """What was typed is not a date. `sentence` tells the person what to change."""

    def __init__(self, part: str, sentence: str) -> None:
        super().__init__(part)
        self.part, self.sentence = part, sentence


def read_date(*, year: object, month: object, day: object) -> datetime.date:
    """Turn three typed parts into a date. The month may be a number or a name.

    Raises: WrongDateError with a sentence for the first part that is wrong.
    """
    typed = {"month": _clean(month), "day": _clean(day), "year": _clean(year)}
    for part, text in typed.items():
        if not text:
            raise WrongDateError(part, _missing(part))
    return _checked(_year(typed["year"]), _month(typed["month"]), typed["day"])


def _clean(value: object) -> str:
    return "" if value is None else str(value).strip()


def _missing(part: str) -> str:
    return {
        "month": _("Enter the month."),
        "day": _("Enter the day."),
        "year": _("Enter the year."),
    }[part]


def _number(text: str) -> int | None:
    """ASCII digits only: `int` would also take "1_0" and other alphabets' digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None


def _year(text: str) -> int:
    number = _number(text)
    if number is None or len(text) != 4 or number == 0:
        raise WrongDateError("year", _("Year must have 4 digits, for example 1968."))
    return number


def _month(text: str) -> int:
    number = _number(text)
    if number is None:
        number = _month_by_name(text)
    if number is None or not 1 <= number <= 12:
        raise WrongDateError("month", _("Month must be a number from 1 to 12, or its name."))
    return number


def _month_by_name(text: str) -> int | None:
    """June, jun., Junio: the language of the page, whole or its first letters (3 or more)."""
    wanted = slugify(text)
    if len(wanted) < 3:
        return None
    names = [(number, slugify(str(name))) for number, name in MONTHS.items()]
    names += [(number, slugify(str(name))) for number, name in MONTHS_3.items()]
    return next((number for number, name in names if name.startswith(wanted)), None)


def _checked(year: int, month: int, day: str) -> datetime.date:
    number, last = _number(day), calendar.monthrange(year, month)[1]
    if number is None or not 1 <= number <= last:
        values = {"last": last, "month": MONTHS[month], "year": year}
        if month == 2:
            sentence = _("Day must be between 1 and %(last)d for %(month)s %(year)d.") % values
        else:
            sentence = _("Day must be between 1 and %(last)d for %(month)s.") % values
        raise WrongDateError("day", sentence)
    return datetime.date(year, month, number)
