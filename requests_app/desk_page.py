"""One item of the blinding desk beside its hits, a page at a time. For the desk's view alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from records import redaction
from records.documents import findings_in_words
from records.models import BlindingHit, DocumentPage, RedactionArea
from records.redaction_pages import RECORDS, TEXTS
from requests_app.desk_items import Item
from requests_app.models import DeskDecision, Message, OpinionRequest
from secondop.lib.verdicts import Verdict, not_now

About = DeskDecision.About
HITS_SHOWN = 200  # of one page, or of the places that are on no page
PAGES_LISTED = 60
MESSAGES_SHOWN = 20


@dataclass(frozen=True)
class ShownHit:
    hit: BlindingHit
    number: int
    before: str
    word: str
    after: str
    is_covered: bool

    can_be_covered: bool


@dataclass(frozen=True)
class Box:
    """For the overlay: in pixels of the page's picture, as SVG attributes."""

    x: str
    y: str
    width: str
    height: str
    label: str
    number: int = 0


@dataclass
class Sheet:
    """The page in front of the person."""

    page: DocumentPage | None
    number: int
    total: int
    hits: list[ShownHit] = field(default_factory=list)
    hit_boxes: list[Box] = field(default_factory=list)
    areas: list[RedactionArea] = field(default_factory=list)
    area_boxes: list[Box] = field(default_factory=list)
    lines: list[redaction.Line] = field(default_factory=list)

    @property
    def previous(self) -> int:
        return self.number - 1

    @property
    def next(self) -> int:
        return self.number + 1 if self.number < self.total else 0

    @property
    def coverable(self) -> list[ShownHit]:
        return [shown for shown in self.hits if shown.can_be_covered and not shown.is_covered]


@dataclass
class OnTheDesk:
    """Everything about the chosen item."""

    item: Item
    text: str  # the patient's words, as written
    elsewhere: list[ShownHit]  # hits that are on no page: file name, properties, header lines
    pages_with_hits: list[tuple[int, int]]
    sheet: Sheet | None
    area_count: int
    coverable_count: int
    notes: list[Any]
    may_cover: Verdict
    left: list[dict[str, Any]]
    unread_pages: list[int]

    @property
    def found_count(self) -> int:
        return len(self.elsewhere) + sum(count for _page, count in self.pages_with_hits)


def on_the_desk(item: Item, page: int, *, with_lines: bool = False) -> OnTheDesk:
    """The chosen item. A fixed number of queries, whatever the number of pages and hits."""
    hits = BlindingHit.objects.of(item.about, item.row.pk)
    off_page = [
        shown_hit(hit, n, set())
        for n, hit in enumerate(hits.filter(page=None).order_by("position")[:HITS_SHOWN], 1)
    ]
    counted = hits.exclude(page=None).order_by("page").values_list("page").annotate(n=Count("pk"))
    pages = [(number, count) for number, count in counted[:PAGES_LISTED]]
    is_document = item.about == About.DOCUMENT
    burning = item.burning
    areas = list(item.row.redaction_areas.all()) if is_document else []
    sheet = _sheet(item, page or (pages[0][0] if pages else 1), areas) if is_document else None
    if sheet and with_lines:
        sheet.lines = redaction.lines_on(item.row, sheet.number)
    return OnTheDesk(
        item=item,
        text="" if is_document or item.about == About.SERIES else item.row.wording.text,
        elsewhere=off_page,
        pages_with_hits=pages,
        sheet=sheet,
        area_count=len(areas),
        coverable_count=_coverable(item, hits) if is_document else 0,
        notes=findings_in_words(item.row) if is_document else [],
        may_cover=redaction.may_cover(item.row) if is_document else not_now(""),
        left=burning.left if burning and item.copy else [],
        unread_pages=burning.unread_pages if burning and item.copy else [],
    )


def _coverable(item: Item, hits: Any) -> int:
    """How many hits a copy would cover: those with a box, in texts those with words."""
    if item.row.media_type in (*TEXTS, *RECORDS):
        return int(hits.filter(place__in=redaction.IN_TEXTS).count())
    return int(hits.exclude(boxes=[]).exclude(page=None).count())


def _sheet(item: Item, wanted: int, areas: list[RedactionArea]) -> Sheet | None:
    total = item.row.page_count or 0
    if not total:
        return None
    number = min(max(1, wanted), total)
    page = item.row.pages.filter(number=number).first()
    here = [area for area in areas if area.page == number]
    covered = [area.box for area in here]
    phrases = {area.phrase for area in areas if area.phrase}
    rows = BlindingHit.objects.of(item.about, item.row.pk).filter(page=number)
    hits = [
        shown_hit(hit, n, phrases, covered, is_text=item.row.media_type in TEXTS)
        for n, hit in enumerate(rows.order_by("position")[:HITS_SHOWN], 1)
    ]
    sheet = Sheet(page, number, total, hits=hits, areas=here + [a for a in areas if a.phrase])
    if page:
        sheet.hit_boxes = [
            _box(page, box, shown.hit.found, shown.number)
            for shown in hits
            for box in shown.hit.boxes
            if not shown.is_covered
        ]
        sheet.area_boxes = [_box(page, area.box, _("Covered")) for area in here]
    return sheet


def shown_hit(
    hit: BlindingHit, number: int, phrases: set[str], covered: list[list[float]] | None = None,
    *, is_text: bool = False,
) -> ShownHit:  # fmt: skip
    end = hit.found_at + len(hit.found)
    excerpt = hit.excerpt
    is_there = excerpt[hit.found_at : end] == hit.found
    before, word, after = (
        (excerpt[: hit.found_at], hit.found, excerpt[end:]) if is_there else ("", hit.found, "")
    )
    is_covered = hit.found in phrases or (
        bool(hit.boxes)
        and all(any(_within(box, area) for area in covered or []) for box in hit.boxes)
    )
    can_be = is_text or bool(hit.boxes)
    return ShownHit(hit, number, before, word, after, is_covered, can_be)


def _within(box: list[float], area: list[float], slack: float = 0.0005) -> bool:
    return (
        area[0] <= box[0] + slack
        and area[1] <= box[1] + slack
        and area[2] >= box[2] - slack
        and area[3] >= box[3] - slack
    )


def _box(page: DocumentPage, box: list[float], label: str, number: int = 0) -> Box:
    x0, y0, x1, y1 = box
    return Box(
        x=f"{x0 * page.width:.1f}", y=f"{y0 * page.height:.1f}",
        width=f"{max(1.0, (x1 - x0) * page.width):.1f}",
        height=f"{max(1.0, (y1 - y0) * page.height):.1f}", label=label, number=number,
    )  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A message to a specialist, with what the search found in it."""

    message: Message
    hits: int
    referral: Any = None  # whose thread it is, where it can be withheld


def messages_to_specialists(opinion_request: OpinionRequest) -> list[Written]:
    """The latest messages from the clinic. Each is screened before it is sent; this is after."""
    rows = list(
        opinion_request.messages.filter(thread=Message.Thread.SPECIALIST, from_clinic=True)
        .select_related("specialist", "author")
        .order_by("-sent_at", "-id")[:MESSAGES_SHOWN]
    )
    counted = (
        BlindingHit.objects.of("message", *[row.pk for row in rows])
        .order_by()
        .values_list("about_id")
        .annotate(n=Count("pk"))
    )
    counts = dict(counted)
    asked = opinion_request.referrals.order_by("offered_at").values_list("specialist__user", "pk")
    threads: dict[Any, Any] = dict(asked) if rows else {}
    return [Written(row, counts.get(row.pk, 0), threads.get(row.specialist_id)) for row in rows]
