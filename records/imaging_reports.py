"""Reports among the images as pages that people read: structured reports, and letters as PDF.

The viewer shows a report of measurements on the images it points at; here its words stand in any
case, for phones too. SECURITY: reports say the first diagnosis, so they are for full sight alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.utils.formats import date_format, number_format, time_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.dicom import reports
from records.dicom.metadata import header_of
from records.dicom.values import Attributes, text
from records.imaging import View
from records.imaging_pages import LETTER, READ, address, day_of, title_of
from records.models import ImagingInstance, ImagingSeries
from records.readable import rendering
from records.readable.foreign import clean, parted

MOST = 20  # reports of one series on its page; more are rare, and in the download
MAX_BYTES = 512 * 1024  # of one report as it came: its tree takes some twenty times that in memory
SENTENCES: dict[str, str | Promise] = {
    "from": gettext_lazy("Because of"), "unnamed": gettext_lazy("Without a name"),
    "long": gettext_lazy("This text is too long to show here. It is in the download."),
    "no_value": gettext_lazy("no value"), "place": gettext_lazy("a place drawn on an image"),
}  # fmt: skip


@dataclass
class Page:
    """What can be read of one series. `record` is as the pages of electronic records want it."""

    record: rendering.Readable | None = None
    letters: list[str] = field(default_factory=list)  # addresses of PDFs
    too_large: bool = False


def page_of(view: View, series: ImagingSeries, asked: str) -> Page | None:
    """The part of the report that was asked for; None where there is nothing to read."""
    if view.is_sealed:
        return None
    rows = view.instances().filter(series=series).select_related("pack")
    rows = list(rows.filter(READ).order_by("InstanceNumber", "id")[: MOST + 1])
    if not rows:
        return None
    page = Page()
    told: list[Attributes] = []
    for row in rows[:MOST]:
        if row.SOPClassUID == LETTER:
            page.letters.append(address(view, "instance_rendered", series, row.SOPInstanceUID))
        elif row.dataset_bytes > MAX_BYTES:
            page.too_large = True
        else:
            told.append(header_of(view, row))
    if told:
        page.record = _record(view, told, asked, is_cut=len(rows) > MOST)
    return page


def _record(
    view: View, told: list[Attributes], asked: str, *, is_cut: bool
) -> rendering.Readable | None:
    say = _Words(view, told)
    sections = [section for one in told for section in reports.sections(one, say)]
    parts, was_cut = parted(clean(sections))
    if not parts:
        return None
    for at, part in enumerate(parts, 1):
        for index, section in enumerate(part, 1):
            section["id"] = f"section-{at}-{index}"
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1
    number = min(max(number, 1), len(parts))
    return rendering.Readable(
        title="",
        facts=_facts(told[0]),
        contents=list(_contents(parts, number)),
        sections=rendering.sections_of(parts[number - 1], is_full=True),
        number=number,
        total=len(parts),
        is_cut=is_cut or was_cut,
    )


def _contents(parts: list[list[dict[str, Any]]], here: int) -> Iterable[rendering.Heading]:
    for at, part in enumerate(parts, 1):
        for one in part:
            if not one.get("continued"):
                url = f"#{one['id']}" if at == here else f"?part={at}#{one['id']}"
                yield rendering.Heading(rendering.title_of(one), one["depth"], url)


def _facts(a: Attributes) -> list[dict[str, str]]:
    """Who it is about, when it was written, and whether anybody answers for it."""
    state = {"VERIFIED": _("with a signature"), "UNVERIFIED": _("without a signature")}.get(
        text(a, "0040A493"), ""
    )
    if text(a, "0040A491") == "PARTIAL":
        state = ", ".join(filter(None, (state, _("not complete"))))
    found = (
        (_("Patient"), reports.person(text(a, "00100010"))),
        (_("Date of birth"), day_of(a, "00100030")),
        (_("Written on"), day_of(a, "00080023")),
        (_("Who signed it"), "; ".join(reports.verified_by(a))),
        (_("Status"), state),
    )
    return [{"label": label, "value": clean(value)} for label, value in found if value]


class _Words:
    """Our own words within a report, and the names of the images it points at."""

    def __init__(self, view: View, told: list[Attributes]) -> None:
        named = set().union(*map(reports.instances_named, told))
        rows: Iterable[ImagingInstance] = (
            view.instances()
            .filter(SOPInstanceUID__in=named)
            .select_related("series")
            .defer("search", "frame_offsets", "frame_lengths")
        )
        self.names = {
            row.SOPInstanceUID: _("image %(number)s of %(series)s")
            % {"number": row.InstanceNumber, "series": title_of(view, row.series)}
            for row in rows
        }

    def __call__(self, code: str, about: str) -> str:
        if code == "object":
            return self.names.get(about) or _("an image that is not in this case file")
        if code == "number":
            return _number(about)
        if code in ("date", "time", "datetime"):
            return _moment(code, about)
        if code == "see":
            return _("see: %(what)s") % {"what": about} if about else ""
        return str(SENTENCES[code])


def _number(value: str) -> str:
    value = value.removesuffix(".0")
    return number_format(value) if value.lstrip("-").replace(".", "", 1).isdigit() else value


def _moment(kind: str, value: str) -> str:
    """DA, TM or DT as people write it; as it came when it is none."""
    digits = value.split(".")[0].split("+")[0].replace(":", "")
    try:
        if kind == "time":
            return time_format(time(int(digits[:2]), int(digits[2:4] or 0)))
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        if kind == "date" or len(digits) < 12:
            return date_format(day)
        moment = datetime(day.year, day.month, day.day, int(digits[8:10]), int(digits[10:12]))  # noqa: DTZ001  (a report tells no zone we could trust)
        return date_format(moment, "DATETIME_FORMAT")
    except ValueError:
        return value
