"""Copies of a series with places covered: decoded and blanked in the guarded child, then stored as
a series of its own whose parent is the original. The `ImagingCover` job.

SECURITY: the copy's header is the allow-listed one, so that nothing but pixels comes from the
original; its pixels are decoded and written anew, so that nothing hides behind the black.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from records.dicom import packs, retrieval, thumbnails, writer
from records.dicom.ingest import Batch
from records.dicom.projection import PALETTES, PIXEL_TAGS, project
from records.dicom.values import EXPLICIT_LE, Attributes, text
from records.guard import Limits, Refusal, run_guarded
from records.models import ImagingCover, ImagingInstance, ImagingSeries
from secondop.jobs.models import PermanentFailure

LIMITS = Limits(memory_bytes=1536 * 1024**2, cpu_seconds=120, wall_seconds=300)
BATCH_INSTANCES = 200
DESCRIBED = {"00280002": "samples", "00280010": "rows", "00280011": "columns",
             "00280100": "bits", "00280101": "stored", "00280103": "signed"}  # fmt: skip
REAL_UIDS = ("0020000D", "00200052")  # of the original, so that series stay side by side
PALETTE_DESCRIPTORS = {"00281101", "00281102", "00281103"}


def cover(job: ImagingCover) -> None:
    """Store the copies. Safe to run twice: the same copy has the same number and bytes."""
    series = ImagingSeries.objects.select_related("study", "case_file").get(pk=job.series_id)
    rows = ImagingInstance.objects.filter(series=series, is_picture=True, frame_count__gt=0)
    rows = rows.filter(pack__quarantined_at=None).select_related("pack").order_by("pack", "pk")
    total, done = rows.count(), 0
    if not total:
        raise PermanentFailure("nothing_to_cover")
    chosen = list(rows.defer("search"))
    for start in range(0, total, BATCH_INSTANCES):
        with Batch(series.case_file, by=job.by) as batch:
            for row in chosen[start : start + BATCH_INSTANCES]:
                batch.begin()
                for block in _copy_of(job, series, row):
                    batch.write(block)
                batch.finish()
                done += 1
                job.heartbeat(done_count=done, total_count=total, unit="pictures")
            if any(result.problem for result in batch.close()):
                raise PermanentFailure("copy_refused")
    ImagingSeries.objects.filter(
        study=series.study, SeriesInstanceUID=_uid(job, "series", series.SeriesInstanceUID)
    ).update(parent=series, search=_search(series))


def _search(series: ImagingSeries) -> Attributes:
    """What the lists say of the copy: as of its parent."""
    return {tag: e for tag, e in series.search.items() if tag != "0020000E"}


def _uid(job: ImagingCover, *parts: str) -> str:
    """A UID that follows from the order: the same job makes the same copies."""
    digest = hashlib.sha256("|".join([str(job.pk), *parts]).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _copy_of(job: ImagingCover, series: ImagingSeries, row: ImagingInstance) -> list[bytes]:
    header: Attributes = json.loads(packs.headers(row.pack)[row.header_line])
    with TemporaryDirectory(prefix="cover-") as folder:
        source, target = Path(folder) / "frames", Path(folder) / "covered"
        order = thumbnails._order(row, header) | {
            "source": str(source), "target": str(target), "rectangles": job.rectangles,
            "frames": _write_frames(row, source),
        }  # fmt: skip
        told = run_guarded("records.dicom.foreign:blank", order, limits=LIMITS)
        if isinstance(told, Refusal) or told.get("problem"):
            raise PermanentFailure("not_decoded")
        pixels = target.read_bytes()
    head = writer.head(_header(job, series, row, header, told), EXPLICIT_LE)
    size = len(pixels) + len(pixels) % 2
    vr = "OW" if told["bits"] > 8 else "OB"
    return [head, writer.pixel_head(vr, size, EXPLICIT_LE), pixels, bytes(len(pixels) % 2)]


def _write_frames(row: ImagingInstance, source: Path) -> list[list[int]]:
    places, at = [], 0
    with source.open("wb") as file:
        for number in range(1, row.frame_count + 1):
            offset, length = retrieval.frame(row, number)
            for block in packs.blocks(row.pack.key, offset, length):
                file.write(block)
            places.append([at, length])
            at += length
    return places


def _header(
    job: ImagingCover, series: ImagingSeries, row: ImagingInstance, header: Attributes,
    told: dict[str, Any],
) -> Attributes:  # fmt: skip
    kept = project(header, key=b"", alias="")
    kept = {tag: e for tag, e in kept.items() if tag not in PIXEL_TAGS | PALETTES}
    kept = {tag: e for tag, e in kept.items() if tag not in PALETTE_DESCRIPTORS}
    for tag in REAL_UIDS:
        if uid := text(header, tag):
            kept[tag] = {"vr": "UI", "Value": [uid]}
    kept["0020000E"] = _ui(_uid(job, "series", series.SeriesInstanceUID))
    kept["00080018"] = _ui(_uid(job, row.SOPInstanceUID))
    kept["00080008"] = {"vr": "CS", "Value": ["DERIVED", "SECONDARY"]}
    kept["00280301"] = {"vr": "CS", "Value": ["NO"]}
    for tag in ("00100010", "00100020"):
        kept[tag] = {"vr": kept[tag]["vr"]}  # of nobody: the case file says whose they are
    for tag, name in DESCRIBED.items():
        kept[tag] = {"vr": "US", "Value": [told[name]]}
    kept["00280102"] = {"vr": "US", "Value": [told["stored"] - 1]}
    kept["00280004"] = {"vr": "CS", "Value": [told["photometric"]]}
    kept.pop("00280006", None)
    if told["samples"] == 3:
        kept["00280006"] = {"vr": "US", "Value": [0]}
    return dict(sorted(kept.items()))


def _ui(uid: str) -> dict[str, Any]:
    return {"vr": "UI", "Value": [uid]}
