"""Run one search: read the item, look for what gives it away, replace its hits.

Run by `records.tasks.search_item` only. Long work stands outside any transaction; hits, flags and
the end of the job are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.functions import Now

from records.blinding_search.passages import Found, Reading, search
from records.blinding_search.registry import SOURCES, TELLERS, Source
from records.blinding_search.terms import finder_for
from records.models import BlindingHit, BlindingSearch, Document
from secondop.lib.storage import new_key

# Names stand on nearly every record: they are shown, but nothing is taken back because of them.
PEOPLE = (BlindingHit.Why.PATIENT, BlindingHit.Why.DOCTOR, BlindingHit.Why.HOSPITAL)
MAX_HITS = 500  # of one item: more are of no use to anybody


def run(job: BlindingSearch) -> None:
    """Search the job's item and close the job. An item that is gone leaves no hit behind."""
    source = SOURCES[job.about_type]
    reading = source.read(job.about_id)
    if reading is None:
        forget(job)
        return
    reading = _with_bytes(job, source, reading)
    found = search(finder_for(job.case_file), reading.passages)[:MAX_HITS]
    with job.closing():
        _write(job, source, found, reading)


def _with_bytes(job: BlindingSearch, source: Source, reading: Reading) -> Reading:
    """Add what the item's bytes say: as it was read before, or read now and kept."""
    stamp = source.stamp(job.about_id)
    if source.read_bytes is None or not stamp:
        return reading
    kept = _kept(job, stamp)
    if kept is None:
        kept = source.read_bytes(job.about_id, _alive(job))
        _keep(job, stamp, kept)
    kept.passages = reading.passages + kept.passages
    return kept


def _alive(job: BlindingSearch) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        job.heartbeat(done_count=done, total_count=total, unit="pages")

    return tell


def _kept(job: BlindingSearch, stamp: str) -> Reading | None:
    if job.texts_of != stamp or not job.texts_key:
        return None
    try:
        with default_storage.open(job.texts_key) as stored:
            return Reading.unpacked(stored.read())
    except Exception:  # lost or cut short: it is read again
        return None


def _keep(job: BlindingSearch, stamp: str, reading: Reading) -> None:
    if reading.poor_reason == "no_reader":
        return  # somebody may install the reader tomorrow
    old = job.texts_key
    job.texts_key = default_storage.save(new_key("texts"), ContentFile(reading.packed()))
    job.texts_of = stamp
    job.heartbeat(texts_key=job.texts_key, texts_of=stamp)
    if old:
        default_storage.delete(old)


def _write(job: BlindingSearch, source: Source, found: list[Found], reading: Reading) -> None:
    """Inside the closing transaction."""
    rows = BlindingHit.objects.of(job.about_type, job.about_id)
    known = {(hit.place, hit.because, hit.found) for hit in rows}
    still_new = {(hit.place, hit.because, hit.found) for hit in rows if hit.is_new}
    rows.delete()
    hits = [_hit(job, position, one) for position, one in enumerate(found)]
    fresh = [hit for hit in hits if (hit.place, hit.because, hit.found) not in known]
    grave = [hit for hit in fresh if hit.why not in PEOPLE]
    # SECURITY: whoever cleared the item before this search ended has not seen these hits.
    is_first = job.searched_at is None
    places = {str(hit.place) for hit in grave}
    held = bool(grave) and source.hold(job.about_id, places, is_first)
    for hit in hits:
        is_fresh = held and hit in grave
        hit.is_new = is_fresh or (hit.place, hit.because, hit.found) in still_new
    BlindingHit.objects.bulk_create(hits)
    looks = {"needs_another_look": True, "another_look_since": Now()} if held else {}
    BlindingSearch.objects.filter(pk=job.pk).update(
        searched_at=Now(),
        hit_count=len(hits),
        is_poorly_read=bool(reading.poor_reason),
        poor_reason=reading.poor_reason,
        poor_pages=sorted(reading.poor_pages)[:3000],
        **looks,
    )
    if held:
        for teller in TELLERS:
            teller(job.case_file)


def _hit(job: BlindingSearch, position: int, one: Found) -> BlindingHit:
    excerpt, begins = one.excerpt()
    phrase = one.match.phrase
    return BlindingHit(
        clinic_id=job.case_file.clinic_id,
        case_file_id=job.case_file_id,
        about_type=job.about_type,
        about_id=job.about_id,
        position=position,
        place=one.place,
        where=one.passage.where[:200],
        page=one.passage.page,
        line=one.line,
        boxes=one.boxes,
        found=one.text[:300],
        excerpt=excerpt.replace("\0", ""),
        found_at=begins,
        why=phrase.why,
        because=phrase.text[:300],
        is_exact=one.match.is_exact,
        confidence=one.confidence,
    )


def forget(job: BlindingSearch) -> None:
    """The item is gone: its hits, its texts and the search itself go too."""
    with transaction.atomic():
        BlindingHit.objects.of(job.about_type, job.about_id).delete()
        BlindingSearch.objects.filter(pk=job.pk).delete()
    if job.texts_key:
        default_storage.delete(job.texts_key)


def forget_removed() -> None:
    """Hourly: searches of documents that were taken back. Safe to repeat."""
    gone = Document.objects.exclude(status=Document.Status.AVAILABLE).values("pk")
    for job in BlindingSearch.objects.filter(about_type="document", about_id__in=gone).iterator():
        forget(job)
