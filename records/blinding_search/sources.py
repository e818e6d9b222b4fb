"""Documents, images and safety facts: how each is read, and hidden again on a late hit.

Imported once, by `RecordsConfig.ready`; see `registry`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage

from records import screening
from records.blinding_search import images, reading
from records.blinding_search.passages import Passage, Reading
from records.blinding_search.registry import Alive, Source, register
from records.dicom import packs, retrieval, thumbnails
from records.models import AboutType, Document, ImagingInstance, ImagingSeries, SafetyFacts
from records.models.case_file import BlindingClass
from secondop.audit.trail import note

MAX_BULK_BYTES = 50 * 1024**2
PICTURES_READ = 6  # of a series whose pixels may hold letters: first, last and between
META_BYTES = 4096  # of the beginning of one instance of each pack
SMALL_VALUE = 200_000  # bytes of a private value that is looked at for text


# --- documents ---------------------------------------------------------------------------------


def _documents(case_file_id: UUID) -> Iterable[UUID]:
    rows = Document.objects.filter(case_file=case_file_id).available()
    return rows.values_list("pk", flat=True)


def _document(pk: UUID) -> Reading | None:
    """The names of a document: its own, sealed one and the neutral one."""
    row = Document.objects.select_related("name").filter(pk=pk).available().first()
    if row is None:
        return None
    found = []
    if name := getattr(row, "name", None):
        found.append(Passage("file_name", name.file_name))
    if row.neutral_title:
        found.append(Passage("neutral", row.neutral_title))
    return Reading(found)


def _document_stamp(pk: UUID) -> str:
    sha256 = Document.objects.filter(pk=pk).values_list("sha256", flat=True).first()
    return f"{reading.VERSION} {sha256}" if sha256 else ""


def _document_bytes(pk: UUID, tell: Alive) -> Reading:
    row = Document.objects.get(pk=pk)
    with screening.local_copy(row) as path:
        return reading.read_file(path, row.media_type, row.page_count, tell=tell)


def _hold_document(pk: UUID, places: set[str], _is_first: bool) -> bool:
    """A file name is never shown to a sealed reader, so a hit in it alone takes nothing back."""
    if not places - {"file_name"}:
        return False
    row = Document.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.blinding_class != BlindingClass.CLEAR:
        return False
    row.blinding_class = BlindingClass.CHECK
    row.save(update_fields=["blinding_class"])
    note("blinding.held_back", by=None, about=row)
    return True


# --- images ------------------------------------------------------------------------------------


def _series(case_file_id: UUID) -> Iterable[UUID]:
    return ImagingSeries.objects.filter(case_file=case_file_id).values_list("pk", flat=True)


def _series_alone(pk: UUID) -> Reading | None:
    return Reading() if ImagingSeries.objects.filter(pk=pk).exists() else None


def _series_stamp(pk: UUID) -> str:
    row = ImagingSeries.objects.filter(pk=pk).values_list("revision", flat=True).first()
    return "" if row is None else f"{reading.VERSION} series {row}"


def _series_bytes(pk: UUID, tell: Alive) -> Reading:
    """Header texts of every instance, encapsulated documents, and letters in some pictures."""
    series = ImagingSeries.objects.get(pk=pk)
    instances = list(series.instances.select_related("pack").order_by("InstanceNumber", "pk"))
    texts, found = images.HeaderTexts(), Reading()
    headers: dict[Any, list[str]] = {}
    for number, instance in enumerate(instances):
        if instance.pack_id not in headers:
            headers = {instance.pack_id: packs.headers(instance.pack)}
            size = min(META_BYTES, instance.size_bytes)
            start = packs.read(instance.pack.key, instance.offset, size)
            found.passages += images.meta_texts(start)
        line = json.loads(headers[instance.pack_id][instance.header_line])
        texts.take(line)
        _long_values(instance, line, found)
        if number % 200 == 0:
            tell(number, len(instances))
    found.passages = texts.passages + found.passages
    if series.may_show_text:
        _letters(instances, found, tell)
    return found


def _long_values(instance: ImagingInstance, line: dict[str, Any], found: Reading) -> None:
    for path, vr, where in images.long_values(line):
        if path.startswith("6000"):
            continue  # an overlay is a picture
        place = retrieval.bulk(instance, path)
        if place is None or place[1] > MAX_BULK_BYTES:
            found.poor("damaged")
            continue
        if path == "00420011":
            _encapsulated(packs.read(instance.pack.key, *place), found)
        elif vr in images.TEXT or place[1] <= SMALL_VALUE:
            raw = packs.read(instance.pack.key, *place)
            found.passages += [
                Passage("header", text[: images.MAX_TEXT], where=where)
                for text in images.printable(raw)
            ]


def _encapsulated(content: bytes, found: Reading) -> None:
    """The document inside: its kind is told by its bytes; a padding byte may follow."""
    with TemporaryDirectory(prefix="encapsulated-") as folder:
        file = Path(folder) / "document"
        file.write_bytes(images.without_padding(content))
        inner = reading.read_unknown(file)
    found.passages += inner.passages
    if inner.poor_reason:
        found.poor(inner.poor_reason)


def _letters(instances: list[ImagingInstance], found: Reading, tell: Alive) -> None:
    """Read what is written in the pixels of a few pictures; the rest needs a person anyway."""
    shown = [instance for instance in instances if instance.is_picture and instance.frame_count]
    step = max(1, (len(shown) - 1) // (PICTURES_READ - 1)) if len(shown) > PICTURES_READ else 1
    for number, instance in enumerate(shown[::step][:PICTURES_READ], 1):
        picture = thumbnails.picture(instance, 1, 0)
        if not picture.key:
            continue
        with TemporaryDirectory(prefix="letters-") as folder:
            file = Path(folder) / "picture.jpg"
            with default_storage.open(picture.key) as stored:
                file.write_bytes(stored.read())
            inner = reading.read_file(file, "image/jpeg", 1)
        found.passages += [
            Passage("ocr", p.text, where=f"image {instance.InstanceNumber}", words=p.words)
            for p in inner.passages
        ]
        if inner.poor_reason == "no_reader":
            found.poor("no_reader")
        tell(number, PICTURES_READ)


def _hold_series(pk: UUID, places: set[str], is_first: bool) -> bool:
    """Header text never reaches a sealed reader (see `records.dicom.projection`); pixels do.

    Yet it tells what the pictures are about: who cleared them must have had it in view once.
    """
    if "ocr" not in places and not is_first:
        return False
    row = ImagingSeries.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.blinding_class != BlindingClass.CLEAR:
        return False
    row.blinding_class = BlindingClass.CHECK
    row.save(update_fields=["blinding_class"])
    note("blinding.held_back", by=None, about=row)
    return True


# --- safety facts ------------------------------------------------------------------------------


def _safety(case_file_id: UUID) -> Iterable[UUID]:
    return SafetyFacts.objects.filter(pk=case_file_id).values_list("pk", flat=True)


def _safety_words(pk: UUID) -> Reading | None:
    row = SafetyFacts.objects.filter(pk=pk).first()
    if row is None:
        return None
    fields = ("allergies", "implants", "anticoagulants")
    return Reading(
        [Passage("words", getattr(row, name), where=name, has_lines=True)
         for name in fields if getattr(row, name)]
    )  # fmt: skip


def _never(_pk: UUID, _places: set[str], _is_first: bool) -> bool:
    """Safety facts are always shown: a hit there is for the coordinator to reword with care."""
    return False


register(
    AboutType.DOCUMENT,
    Source(_documents, _document, _hold_document, _document_stamp, _document_bytes),
)
register(
    AboutType.IMAGING_SERIES,
    Source(_series, _series_alone, _hold_series, _series_stamp, _series_bytes),
)
register(AboutType.SAFETY_FACTS, Source(_safety, _safety_words, _never))
