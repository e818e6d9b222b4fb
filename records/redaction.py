"""Cover places on a document and burn a copy without them. The original is never changed.

The copy is a document of its own that names its parent's hash. It is made of pictures alone, is
read again before anybody gets it, and goes to sealed readers instead of its parent.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from records import workflow
from records.blinding_search.asking import search_item
from records.blinding_search.matching import Finder, Phrase
from records.blinding_search.passages import UNIT, Passage, Reading, search
from records.blinding_search.terms import finder_for
from records.guard import Limits, Refusal, run_guarded
from records.models import (
    BlindingHit,
    BlindingSearch,
    Burning,
    Document,
    DocumentName,
    DocumentPage,
    RedactionArea,
)
from records.models.case_file import BlindingClass
from records.redaction_pages import DPI, DPI_OF_LONG, LONG_DOCUMENT, RECORDS, TEXTS, PicturesOnly
from records.screening import local_copy
from secondop.audit.trail import note
from secondop.jobs.models import PermanentFailure
from secondop.jobs.ring import ring
from secondop.lib.storage import new_key
from secondop.lib.transitions import lock
from secondop.lib.verdicts import YES, Verdict, not_now

PAGES_AT_ONCE = 4
LIMITS = Limits(cpu_seconds=90, wall_seconds=300)
MAX_LINES = 300  # of one page
MAX_AREAS = 5000  # of one document; more than that is withheld
IN_TEXTS = (BlindingHit.Place.PAGE_TEXT, BlindingHit.Place.SECTION)
# What can be painted: everything that is shown as pages.
PICTURED = (
    "application/pdf", "text/plain", "image/png", "image/jpeg", "image/tiff", "image/webp",
    "image/gif", "image/bmp",
)  # fmt: skip


def may_cover(document: Document) -> Verdict:
    """Whether a copy without some places can be made of this document."""
    if document.parent_id:
        return not_now(_("This is a copy. Mark the place on the original."))
    if document.status != Document.Status.AVAILABLE:
        return not_now(_("This file is not ready. Wait until it is checked."))
    has_pages = document.media_type in PICTURED and document.page_count
    if not has_pages and document.media_type not in RECORDS:
        return not_now(_("This file has no pages to paint on. Withhold it instead."))
    if document.findings.get("pages_not_shown") or document.findings.get("pages_without_picture"):
        return not_now(_("Not every page can be shown, so no copy can be made. Withhold it."))
    if document.burnings.current().exclude(status=Burning.Status.DEAD).exists():
        return not_now(_("The copy is being made. Wait for it, or undo."))
    return YES


@dataclass(frozen=True)
class Place:
    """A box to cover (fractions of the shown page) or a phrase."""

    page: int = 0
    box: tuple[float, ...] = ()
    phrase: str = ""
    source: str = RedactionArea.Source.HAND
    why: str = ""


def places_of(document: Document, hit: BlindingHit) -> list[Place]:
    """What must be covered so that this hit is gone.

    Empty when it does not stand on a page: what is hidden in the file is not carried over anyway.
    """
    common: dict[str, Any] = {"source": RedactionArea.Source.HIT, "why": hit.why}
    if document.media_type in (*TEXTS, *RECORDS):
        return [Place(phrase=hit.found, **common)] if hit.place in IN_TEXTS else []
    if hit.page and hit.boxes:
        return [Place(hit.page, tuple(map(float, box)), **common) for box in hit.boxes]
    return []


def places_of_phrase(document: Document, phrase: str) -> list[Place]:
    """Everywhere a phrase stands: in a text by its words, on pages wherever it was read."""
    if document.media_type in (*TEXTS, *RECORDS):
        return [Place(phrase=phrase)]
    finder = Finder([Phrase(phrase, why="", is_typed=True)])
    found = search(finder, [passage for passage in _passages(document) if passage.page])
    places = [
        Place(one.passage.page or 0, tuple(map(float, box))) for one in found for box in one.boxes
    ]
    if not places:
        not_now(_("These words were not found on any page. Draw a box instead.")).or_raise()
    return places


@dataclass(frozen=True)
class Line:
    """A line of a page as it was read, and its box."""

    text: str
    box: list[float]


def lines_on(document: Document, number: int) -> list[Line]:
    """The lines of one page as they were read, to choose from without a mouse."""
    lines = []
    for passage in _passages(document):
        if passage.page != number or not passage.words:
            continue
        start = 0
        for text in passage.text.split("\n"):
            end = start + len(text)
            words = [w for w in passage.words if w[0] < end and start < w[1] and w[4] > w[2]]
            start = end + 1
            if words and text.strip():
                sides = [min(w[2] for w in words), min(w[3] for w in words),
                         max(w[4] for w in words), max(w[5] for w in words)]  # fmt: skip
                lines.append(Line(" ".join(text.split())[:200], [side / UNIT for side in sides]))
    return lines[:MAX_LINES]


def _passages(document: Document) -> list[Passage]:
    """What the search has read of the document; empty until it has."""
    search_of = BlindingSearch.objects.of("document", document.pk).exclude(texts_key="").first()
    if search_of is None:
        return []
    try:
        with default_storage.open(search_of.texts_key) as stored:
            return Reading.unpacked(stored.read()).passages
    except OSError:  # being replaced this very moment
        return []


def cover(document: Document, places: Iterable[Place], *, by: Any) -> int:
    """Add areas; one that is there already stays as it is. Returns how many are new."""
    with transaction.atomic():
        document = lock(document)
        may_cover(document).or_raise()
        rows = [_area(document, place, by) for place in places]
        there = document.redaction_areas.count()
        if there + len(rows) > MAX_AREAS:
            not_now(_("So many places are marked that it is better withheld.")).or_raise()
        RedactionArea.objects.bulk_create(rows, ignore_conflicts=True)
        return document.redaction_areas.count() - there


def _area(document: Document, place: Place, by: Any) -> RedactionArea:
    row = RedactionArea(
        clinic_id=document.clinic_id, case_file_id=document.case_file_id, document=document,
        phrase=place.phrase, source=place.source, why=place.why, by=by,
    )  # fmt: skip
    if not place.phrase:
        a, b, c, d = (round(min(1.0, max(0.0, edge)), 5) for edge in place.box)
        row.x0, row.x1 = min(a, c), max(a, c)
        row.y0, row.y1 = min(b, d), max(b, d)
        row.page = place.page
        on_a_page = 1 <= place.page <= (document.page_count or 0)
        if not on_a_page or row.x0 >= row.x1 or row.y0 >= row.y1:
            not_now(_("This box covers nothing. Draw it again.")).or_raise()
    return row


def uncover(document: Document, *, pks: Iterable[Any], by: Any) -> int:
    """Take areas away again, as long as no copy is being made."""
    with transaction.atomic():
        document = lock(document)
        may_cover(document).or_raise()
        return document.redaction_areas.filter(pk__in=list(pks)).delete()[0]


def ask_for_copy(document: Document, *, by: Any) -> Burning:
    """Take an earlier copy back and ask for a new one. In the caller's transaction, locked."""
    may_cover(document).or_raise()
    if not document.redaction_areas.exists():
        not_now(_("Mark at least one place first, or accept what the search found.")).or_raise()
    take_back(document, by=by)
    job = Burning.objects.create(
        clinic_id=document.clinic_id, case_file_id=document.case_file_id, document=document, by=by
    )
    ring(job)
    return job


def take_back(document: Document, *, by: Any) -> None:
    """Stop a copy that is being made, and remove one that is there. In a transaction."""
    document.burnings.current().update(cancelled_at=timezone.now())
    for copy in document.copies.exclude(status=Document.Status.REMOVED):
        workflow.remove_copy(copy, by=by)


def copy_of(document: Document) -> Document | None:
    """The copy that stands, released or not."""
    return document.copies.exclude(status=Document.Status.REMOVED).first()


# --- the job ------------------------------------------------------------------------------------


@dataclass
class Copy:
    """What the job has made so far: keys of stored objects, rows to come."""

    key: str = ""
    sha256: str = ""
    size_bytes: int = 0
    pages: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)

    def discard(self) -> None:
        for key in (self.key, *(page["key"] for page in self.pages)):
            if key:
                default_storage.delete(key)


def burn(job: Burning) -> None:
    """Make the copy, read it again, and let it stand beside its parent."""
    document = Document.objects.select_related("clinic", "case_file", "name").get(
        pk=job.document_id
    )
    if document.status != Document.Status.AVAILABLE:
        return  # removed or set aside meanwhile: nobody waits for a copy
    areas = list(document.redaction_areas.all())
    if not areas:
        raise PermanentFailure("nothing_to_cover")
    copy = Copy()
    try:
        with local_copy(document) as path, TemporaryDirectory(prefix="burning-") as folder:
            with path.open("rb") as original:
                if hashlib.file_digest(original, "sha256").hexdigest() != document.sha256:
                    workflow.quarantine(document, reason="altered")
                    raise PermanentFailure("original_changed")
            _paint(job, document, areas, path, Path(folder), copy)
        with transaction.atomic():
            parent = lock(document)  # first: whoever takes the job back holds it, then the job
            with job.closing():
                _stand(job, parent, document, len(areas), copy)
    except BaseException:
        copy.discard()
        raise


def _paint(
    job: Burning, document: Document, areas: list[RedactionArea], path: Path, folder: Path,
    copy: Copy,
) -> None:  # fmt: skip
    boxes: dict[str, list[list[float]]] = {}
    for area in areas:
        if area.page:
            boxes.setdefault(str(area.page), []).append(area.box)
    phrases = [area.phrase for area in areas if area.phrase]
    finder = finder_for(document.case_file)
    total = _page_count(document, path, phrases)
    dpi = DPI_OF_LONG if total >= LONG_DOCUMENT else DPI
    target = folder / "copy.pdf"
    with target.open("wb") as file:
        made = PicturesOnly(file, token=secrets.token_hex(16))
        for first in range(1, total + 1, PAGES_AT_ONCE):
            job.heartbeat(done_count=first - 1, total_count=total, unit="pages")
            count = min(PAGES_AT_ONCE, total - first + 1)
            wanted = (str(path), document.media_type, boxes, phrases, first, count, dpi)
            with TemporaryDirectory(prefix="pages-", dir=folder) as batch:
                told = run_guarded("records.redaction_pages:burn", *wanted, batch, limits=LIMITS)
                if isinstance(told, Refusal) or len(told) != count:
                    raise PermanentFailure("page_not_readable")
                for page in told:
                    _keep(page, Path(batch), made, copy)
                _read_again(told, finder, copy)
        made.close()
    with target.open("rb") as file:
        copy.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        copy.size_bytes = target.stat().st_size
        copy.key = new_key("documents")
        file.seek(0)
        default_storage.save(copy.key, File(file))


def _page_count(document: Document, path: Path, phrases: list[str]) -> int:
    if document.media_type not in (*TEXTS, *RECORDS):
        return document.page_count or 0
    wanted = (str(path), document.media_type, phrases)
    told = run_guarded("records.redaction_pages:count", *wanted, limits=LIMITS)
    if isinstance(told, Refusal):
        raise PermanentFailure("page_not_readable")
    return int(told)


def _keep(page: dict[str, Any], batch: Path, made: PicturesOnly, copy: Copy) -> None:
    jpeg = (batch / Path(page["jpeg"]).name).read_bytes()
    made.add(jpeg, page["jpeg_size"], page["points"], is_grey=page["is_grey"])
    picture = batch / Path(page["file"]).name
    key = new_key("pages")
    with picture.open("rb") as file:
        default_storage.save(key, File(file))
    facts = {name: page[name] for name in ("number", "media_type", "width", "height")}
    copy.pages.append({**facts, "key": key, "size_bytes": picture.stat().st_size})


def _read_again(told: list[dict[str, Any]], finder: Finder, copy: Copy) -> None:
    """Look in what OCR reads on the painted pages for everything that the desk looks for."""
    for page in told:
        if page["is_unread"]:
            copy.unread.append(page["number"])
        text, words = page["read"]["text"], page["read"]["words"]
        for match in finder.find(text, is_read=True):
            here = [w for w in words if w[0] < match.end and w[1] > match.start]
            copy.left.append({
                "page": page["number"], "found": text[match.start : match.end],
                "boxes": [[edge / UNIT for edge in word[2:6]] for word in here],
            })  # fmt: skip


def _stand(job: Burning, parent: Document, document: Document, area_count: int, made: Copy) -> None:
    """Write the copy. SECURITY: it is released only when nothing was found in it, every page could
    be read, and nobody else has to agree first."""
    is_clean = not made.left and not made.unread
    shows = is_clean and not document.clinic.demands_second_look
    copy = Document.objects.create(
        clinic_id=parent.clinic_id, case_file_id=parent.case_file_id, by=job.by,
        status=Document.Status.AVAILABLE, kind=parent.kind, dated_on=parent.dated_on,
        size_bytes=made.size_bytes, sha256=made.sha256, media_type="application/pdf",
        page_count=len(made.pages), key=made.key, received_at=parent.received_at,
        blinding_class=BlindingClass.CLEAR if shows else BlindingClass.CHECK,
        neutral_title=parent.neutral_title, classified_by=job.by, classified_at=timezone.now(),
        parent=parent, parent_sha256=parent.sha256,
    )  # fmt: skip
    stem = document.name.file_name.rsplit(".", 1)[0][:200] if hasattr(document, "name") else ""
    DocumentName.objects.create(
        document=copy, clinic_id=copy.clinic_id, case_file_id=copy.case_file_id,
        file_name=f"{stem or parent.kind} ({_('redacted')}).pdf",
    )  # fmt: skip
    DocumentPage.objects.bulk_create([
        DocumentPage(
            clinic_id=copy.clinic_id, case_file_id=copy.case_file_id, document=copy, **page
        )
        for page in made.pages
    ])  # fmt: skip
    # Its pictures are read as any document's, so that a diagnosis told later is looked for in it.
    search_item("document", copy.pk, document.case_file)
    Burning.objects.filter(pk=job.pk).update(
        copy=copy, left=made.left, unread_pages=made.unread, done_count=len(made.pages)
    )
    note(
        "document.redacted", by=job.by, about=copy, parent=str(parent.pk), areas=area_count,
        pages=len(made.pages), left=len(made.left), unread=len(made.unread), is_shown=shows,
    )  # fmt: skip
