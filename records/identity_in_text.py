"""Whom the first page of a document names, where it says so: "Patient: ...", "Date of birth: ...".

A weak sign. Only lines that carry such a label count, and only values that look like a name or a
date: "Patient: 54-year-old woman" names nobody.
"""

from __future__ import annotations

import re
from datetime import date

FIRST_CHARACTERS = 4000
MONTHS = {name: number for names in (
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "ene feb mar abr may jun jul ago sep oct nov dic",
) for number, name in enumerate(names.split(), start=1)}  # fmt: skip
NAME = re.compile(
    r"(?im)^[ \t]*(?:patient(?:['’]s)?(?:[ \t]+name)?|name[ \t]+of[ \t]+(?:the[ \t]+)?patient"  # noqa: RUF001
    r"|paciente|nombre[ \t]+del[ \t]+paciente)[ \t]*[:=][ \t]*([^\n]{3,120})$"
)
BORN = re.compile(
    r"(?i)\b(?:born(?=[ \t]*:)|dob|d\.o\.b\.|date[ \t]+of[ \t]+birth|birth[ \t]?date"
    r"|fecha[ \t]+de[ \t]+nacimiento|f\.[ \t]?nac\.)[ \t]*[:=]?[ \t]*([^\n]{6,40})"
)
# Where a name on the same line ends: the next label, a number, a bracket, a wide gap.
END = re.compile(
    r"(?i)[ \t]{2,}|\t|[(\[;|/]|\d|,[ \t]*\d"
    r"|\b(?:dob|d\.o\.b|born|date|mrn|sex|age|gender|id|no|nhs|fecha|edad|sexo|room|ward|page)\b"
)
WORD = re.compile(r"^[^\W\d_][\w'’.\-]*,?$")  # noqa: RUF001


def people(text: str) -> list[dict[str, str]]:
    """At most one person: the first name and the first birth date that are labelled so."""
    start = text[:FIRST_CHARACTERS]
    name = next(filter(None, map(_name, NAME.findall(start))), "")
    born = next(filter(None, map(_date, BORN.findall(start))), None)
    told = {"name": name, "born": f"{born:%Y%m%d}" if born else ""}
    return [{key: said for key, said in told.items() if said}] if any(told.values()) else []


def _name(value: str) -> str:
    words = END.split(value, maxsplit=1)[0].strip(" .,").split()
    looks_like_one = 2 <= len(words) <= 6 and all(
        WORD.match(word) and (word[0].isupper() or len(word) < 4) for word in words
    )
    return " ".join(words) if looks_like_one and words[0][0].isupper() else ""


def _date(value: str) -> date | None:
    value = value.strip()
    if found := re.match(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b", value):
        return _day(*map(int, found.groups()))
    if found := re.match(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})\b", value):
        first, mark, second, year = found.groups()
        one, other = int(first), int(second)
        # A dot is the European way; else the American, unless that is no date.
        european, american = _day(int(year), other, one), _day(int(year), one, other)
        return european or american if mark == "." else american or european
    if found := re.match(
        r"(?i)(\d{1,2})\.?[ -](?:de )?([a-z]{3})[a-z]*\.?,?[ -](?:de )?(\d{4})", value
    ):
        return _day(int(found[3]), MONTHS.get(found[2].lower(), 0), int(found[1]))
    if found := re.match(r"(?i)([a-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})", value):
        return _day(int(found[3]), MONTHS.get(found[1].lower(), 0), int(found[2]))
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
