"""What came in, readable: one dated series per analyte, and everything else on one timeline.

SECURITY: rows are chosen by the person's sight (`records.blinding`) before anything is counted or
folded, so that a sealed reader meets the facts of clear documents and no trace of others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.analytes import Analyte, analytes, folded
from records.blinding import Sight, documents_for, instead_of_originals
from records.facts.plotting import Plot, plot_of
from records.models import CaseFile, ClinicalFact, Document, DocumentName
from records.models.case_file import BlindingClass

MAX_FACTS = 5000  # of one case file on one page; the newest
SHOWN_VALUES = 12
Kind = ClinicalFact.Kind
STATUSES: dict[str, str | Promise] = {
    "active": gettext_lazy("Active"), "recurrence": gettext_lazy("Came back"),
    "relapse": gettext_lazy("Came back"), "remission": gettext_lazy("In remission"),
    "inactive": gettext_lazy("Not active"), "resolved": gettext_lazy("Over"),
    "completed": gettext_lazy("Completed"), "stopped": gettext_lazy("Stopped"),
    "on-hold": gettext_lazy("Paused"), "not-done": gettext_lazy("Not done"),
    "not-taken": gettext_lazy("Not taken"),
    "intended": gettext_lazy("Planned"), "draft": gettext_lazy("Planned"),
    "preliminary": gettext_lazy("Preliminary"), "suspended": gettext_lazy("Paused"),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where a fact stands."""

    title: str
    url: str
    page: int | None
    place: str


@dataclass
class Entry:
    """One fact, however many records say it."""

    fact: ClinicalFact
    sources: list[Source] = field(default_factory=list)
    value: Decimal | None = None  # in the unit of its series
    removable: str = ""  # id of a value that somebody typed by hand

    @property
    def status(self) -> str | Promise:
        return STATUSES.get(self.fact.status, "")

    @property
    def as_written(self) -> str:
        fact = self.fact
        said = f"{fact.value.normalize():f}" if fact.value is not None else fact.value_text
        return f"{said} {fact.unit}".strip()

    @property
    def is_converted(self) -> bool:
        return self.value is not None and self.value != self.fact.value

    @property
    def shown(self) -> str:
        return f"{self.value.normalize():f}" if self.value is not None else ""


@dataclass
class Series:
    key: str
    title: str
    unit: str
    entries: list[Entry]  # newest first
    shown: list[Entry] = field(default_factory=list)
    plot: Plot | None = None
    has_other_units: bool = False

    @property
    def hidden_count(self) -> int:
        return len(self.entries) - len(self.shown)


@dataclass
class Shown:
    series: list[Series]
    timeline: list[Entry]
    is_cut: bool


def rows_for(case_file: CaseFile, sight: str) -> Any:
    """The facts that this sight shows, newest first. Of documents that nobody may read none."""
    rows = ClinicalFact.objects.filter(case_file=case_file)
    if sight == "sealed":
        clear = case_file.documents.available().filter(blinding_class=BlindingClass.CLEAR)
        rows = rows.filter(document__in=instead_of_originals(clear))
    elif sight == "full":
        rows = rows.filter(Q(document=None) | Q(document__status=Document.Status.AVAILABLE))
    else:
        return rows.none()
    return rows.order_by("-on", "kind", "text", "created_at", "pk")


def shown(case_file: CaseFile, sight: str, *, only: str = "", may_remove: bool = False) -> Shown:
    """Everything of the page. Three queries, however many facts there are."""
    facts = list(rows_for(case_file, sight)[: MAX_FACTS + 1])
    is_cut = len(facts) > MAX_FACTS
    facts = facts[:MAX_FACTS]
    titles = _titles(case_file, sight)
    entries = _folded(facts, titles, may_remove=may_remove)
    labs = [entry for entry in entries if entry.fact.kind == Kind.LAB]
    others = [entry for entry in entries if entry.fact.kind != Kind.LAB]
    return Shown(_series(labs, only), others, is_cut)


def _titles(case_file: CaseFile, sight: str) -> dict[Any, str]:
    sight_known: Sight = "sealed" if sight == "sealed" else "full"
    titles = {document.pk: title for document, title in documents_for(case_file, sight_known)}
    if sight == "full":
        names = DocumentName.objects.filter(case_file=case_file)
        titles |= {pk: name for pk, name in names.values_list("document", "file_name") if name}
    return titles


def _folded(
    facts: Iterable[ClinicalFact], titles: dict[Any, str], *, may_remove: bool
) -> list[Entry]:
    """One entry for what several records say alike; undated ones last."""
    entries: dict[str, Entry] = {}
    for fact in facts:
        entry = entries.setdefault(fact.same_as, Entry(fact))
        if (source := _source(fact, titles)) and source not in entry.sources:
            entry.sources.append(source)
        if may_remove and fact.by_id:
            entry.removable = str(fact.pk)
    dated = [entry for entry in entries.values() if entry.fact.on]
    return dated + [entry for entry in entries.values() if not entry.fact.on]


def _source(fact: ClinicalFact, titles: dict[Any, str]) -> Source | None:
    if not fact.document_id:
        return None
    url = reverse("records:document", args=[fact.document_id])
    return Source(titles.get(fact.document_id) or _("Document"), url, fact.page, fact.place)


def _series(labs: list[Entry], only: str) -> list[Series]:
    """Known analytes in the order of the table, then the others by name."""
    grouped: dict[str, list[Entry]] = {}
    for entry in labs:
        fact = entry.fact
        known = analytes().get(fact.analyte)
        entry.value = fact.value
        if known and fact.value is not None:
            entry.value = known.converted(fact.value, fact.unit)
        other = f"{folded(fact.text)[:80]} {fact.unit}".strip()
        grouped.setdefault(fact.analyte if known else f"other {other}", []).append(entry)
    made = [_one_series(key, entries, only) for key, entries in grouped.items()]
    order = {key: number for number, key in enumerate(analytes())}
    made.sort(key=lambda one: (order.get(one.key, len(order)), folded(one.title), one.unit))
    return [one for one in made if not only or one.key == only]


def _one_series(key: str, entries: list[Entry], only: str) -> Series:
    known: Analyte | None = analytes().get(key)
    newest = entries[0].fact
    unit = ("" if known.unit == "1" else known.unit) if known else newest.unit
    title = known.name if known else newest.text
    series = Series(key, title, unit, entries, entries if only else entries[:SHOWN_VALUES])
    series.has_other_units = any(
        entry.value is None and entry.fact.value is not None for entry in entries
    )
    points: list[tuple[date, Decimal]] = [
        (entry.fact.on, entry.value)
        for entry in entries
        if entry.fact.on and entry.value is not None
    ]
    series.plot = plot_of(points)
    return series
