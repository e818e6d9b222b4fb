"""Everything that lies on the blinding desk of one request, with the state of each item.

For coordinators. Costs the same queries for one item and for four hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.models import BlindingSearch, Burning, Document, ImagingSeries
from records.models.case_file import BlindingClass
from requests_app.models import DeskDecision, OpinionRequest
from requests_app.openings import Opening, Openings
from secondop.jobs.reasons import reason_in_words
from secondop.lib.canonical import sha256_of

About = DeskDecision.About
Choice = DeskDecision.Choice
DStatus = Document.Status

# state -> badge of components/badge.html, words, whether somebody must still act
STATES: dict[str, tuple[str, str | Promise, bool]] = {
    "undecided": ("wait", gettext_lazy("Not decided, so withheld"), True),
    "look_again": ("bad", gettext_lazy("New hits: withheld until you look"), True),
    "second_look": ("wait", gettext_lazy("Waits for a second look"), True),
    "making": ("now", gettext_lazy("The copy is being made"), False),
    "copy_failed": ("bad", gettext_lazy("No copy could be made: withheld"), True),
    "copy_check": ("bad", gettext_lazy("Look at the copy: withheld until then"), True),
    "unsure": ("wait", gettext_lazy("Not sure yet, so withheld"), True),
    "shown": ("done", gettext_lazy("Shown"), False),
    "neutral": ("done", gettext_lazy("Shown in neutral words"), False),
    "copy_shown": ("done", gettext_lazy("Redacted copy shown"), False),
    "withheld": ("sealed", gettext_lazy("Withheld"), False),
}


@dataclass
class Item:
    """One thing on the desk. `row` is the document, question, statement or series itself."""

    about: str
    row: Any
    name: str  # for staff: a file name, "Question 2"
    sub: str | Promise
    decision: DeskDecision | None = None  # the latest that stands
    search: BlindingSearch | None = None
    copy: Document | None = None
    copy_search: BlindingSearch | None = None
    burning: Burning | None = None
    opened: Opening | None = None  # since it was released
    number: int = 0

    @property
    def key(self) -> str:
        return f"{self.about}-{self.row.pk}"

    @property
    def neutral(self) -> str:
        """The neutral title or wording as it stands."""
        return _neutral_of(self.row)

    @property
    def state(self) -> str:
        decision, cls = self.decision, self.row.blinding_class
        if any(s and s.needs_another_look for s in (self.search, self.copy_search)):
            return "look_again"
        if decision and decision.state == "waiting" and decision.choice != Choice.REDACT:
            return "second_look"
        if decision and decision.choice == Choice.REDACT:
            return self._state_of_copy(decision)
        if cls == BlindingClass.CLEAR:
            return "shown"
        if not cls:
            return "undecided"
        if self.about in (About.QUESTION, About.STATEMENT) and self.neutral:
            return "neutral"
        return "unsure" if cls == BlindingClass.CHECK else "withheld"

    def _state_of_copy(self, decision: DeskDecision) -> str:
        if self.copy is None:
            is_dead = self.burning is not None and self.burning.status == "dead"
            return "copy_failed" if is_dead or self.burning is None else "making"
        if self.copy.blinding_class == BlindingClass.CLEAR:
            return "copy_shown"
        return "second_look" if decision.state == "waiting" else "copy_check"

    @property
    def copy_problem(self) -> str | Promise:
        """Why no copy could be made."""
        return reason_in_words(self.burning.last_error) if self.burning else ""

    @property
    def badge(self) -> str:
        return STATES[self.state][0]

    @property
    def state_words(self) -> str | Promise:
        return STATES[self.state][1]

    @property
    def needs_somebody(self) -> bool:
        return STATES[self.state][2]

    @property
    def is_shown(self) -> bool:
        return self.state in ("shown", "neutral", "copy_shown")

    @property
    def hit_count(self) -> int:
        return self.search.hit_count if self.search else 0

    @property
    def is_searched(self) -> bool:
        return bool(self.search and self.search.searched_at and self.search.status == "done")

    def is_being_searched(self, *, as_copy: bool = False) -> bool:
        """What the search will find in the item, or in its redacted copy, is not known yet."""
        search = self.copy_search if as_copy else self.search
        return search is not None and search.status in ("queued", "running", "failed")

    @property
    def seen(self) -> str:
        """A short digest of what a page shows of it: a decision about an older state is refused."""
        decision, copy = self.decision, self.copy
        searches = [search for search in (self.search, self.copy_search) if search]
        parts = [
            self.row.blinding_class, self.neutral,
            f"{decision.pk} {decision.state}" if decision else "",
            f"{copy.pk} {copy.blinding_class}" if copy else "",
            *(f"{bool(search.searched_at)} {search.hit_count}" for search in searches),
        ]  # fmt: skip
        return sha256_of("\n".join(parts))[:16]


def _neutral_of(row: Any) -> str:
    if isinstance(row, Document):
        return row.neutral_title
    return str(getattr(row, "neutral_text", ""))


@dataclass
class Desk:
    items: list[Item]
    not_ready: list[Document]

    @property
    def total(self) -> int:
        return len(self.items)

    @property
    def decided(self) -> int:
        return sum(not item.needs_somebody for item in self.items)

    def find(self, key: str) -> Item | None:
        return next((item for item in self.items if item.key == key), None)

    def first_open(self, after: str = "") -> Item | None:
        """The next item somebody must act on, in order after `after`, then from the top."""
        at = next((n for n, item in enumerate(self.items) if item.key == after), -1)
        turned = self.items[at + 1 :] + self.items[: at + 1]
        return next((item for item in turned if item.needs_somebody and item.key != after), None)

    def beside(self, item: Item) -> tuple[Item | None, Item | None]:
        at = self.items.index(item)
        before = self.items[at - 1] if at else None
        return before, self.items[at + 1] if at + 1 < len(self.items) else None


def desk_of(opinion_request: OpinionRequest) -> Desk:
    """Every item in the order in which it came."""
    case_file = opinion_request.case_file
    documents = list(
        Document.objects.filter(case_file=case_file)
        .exclude(status__in=[DStatus.REMOVED, DStatus.REJECTED])
        .select_related("name")
        .order_by("received_at", "pk")
    )
    originals = [document for document in documents if not document.parent_id]
    items = [_document_item(d) for d in originals if d.status == DStatus.AVAILABLE]
    items += _series_items(case_file)
    items += _words_items(opinion_request)
    for number, item in enumerate(items, 1):
        item.number = number
    _join_copies(items, documents)
    _join_rows(items, opinion_request)
    not_ready = [d for d in originals if d.status != DStatus.AVAILABLE]
    return Desk(items, not_ready)


def _document_item(document: Document) -> Item:
    kind = document.get_kind_display()
    name = document.name.file_name if hasattr(document, "name") else kind
    return Item(About.DOCUMENT, document, name, kind)


def _series_items(case_file: Any) -> list[Item]:
    rows = (
        ImagingSeries.objects.filter(case_file=case_file, study__status="available")
        .select_related("study")
        .order_by("study__received_at", "study", "pk")
    )
    return [
        Item(About.SERIES, row, _("Series %(n)d") % {"n": n}, _series_words(row))
        for n, row in enumerate(rows, 1)
    ]


def _series_words(series: ImagingSeries) -> str:
    words = _("%(modality)s, %(count)d images") % {
        "modality": series.modality or _("Images"), "count": series.instance_count,
    }  # fmt: skip
    return f"{words}, {_('copy with places covered')}" if series.parent_id else words


def _words_items(opinion_request: OpinionRequest) -> list[Item]:
    questions = opinion_request.questions.select_related("wording").order_by("position")
    statements = opinion_request.patientstatements.select_related("wording").order_by("topic")
    return [
        Item(About.QUESTION, row, _("Question %(n)d") % {"n": n}, _("The patient's question"))
        for n, row in enumerate(questions, 1)
    ] + [
        Item(About.STATEMENT, row, row.get_topic_display(), _("The patient's words"))
        for row in statements
    ]


def _join_copies(items: list[Item], documents: list[Document]) -> None:
    copies = {d.parent_id: d for d in documents if d.parent_id}
    for item in items:
        if item.about == About.DOCUMENT:
            item.copy = copies.get(item.row.pk)


def _join_rows(items: list[Item], opinion_request: OpinionRequest) -> None:
    """Decisions, searches, jobs and openings: one query for each kind."""
    case_file = opinion_request.case_file
    standing = case_file.desk_decisions.standing().select_related("by", "second_by")
    decisions = {(d.about_type, d.about_id): d for d in standing}  # ordered: the last one stays
    searches = {(s.about_type, s.about_id): s for s in case_file.blinding_searches.all()}
    burnings = {
        b.document_id: b
        for b in Burning.objects.filter(case_file=case_file, cancelled_at=None).order_by(
            "created_at"
        )
    }
    openings = Openings(case_file)
    for item in items:
        pk: UUID = item.row.pk
        item.decision = decisions.get((item.about, pk))
        item.search = searches.get((item.about, pk))
        if item.copy:
            item.copy_search = searches.get((About.DOCUMENT, item.copy.pk))
        item.burning = burnings.get(pk)
        item.opened = _opened(item, openings)


def _opened(item: Item, openings: Openings) -> Opening | None:
    since = item.decision.at if item.decision else None
    if item.about == About.DOCUMENT:
        return openings.of(item.row.pk, *([item.copy.pk] if item.copy else []), since=since)
    if item.about == About.SERIES:
        return openings.of(item.row.study_id, item.row.pk, since=since)
    was_shown = item.row.blinding_class == BlindingClass.CLEAR or bool(item.neutral)
    return openings.of_file(since=since) if was_shown else None
