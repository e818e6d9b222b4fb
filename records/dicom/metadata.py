"""The DICOM JSON of a series for one sight: built once a batch, stored and sent compressed."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from records.dicom import packs
from records.imaging import View
from records.models import ImagingInstance, ImagingPack, ImagingSeries, SeriesMetadata
from secondop.lib.storage import new_key

GZIP = 31  # the form zlib writes: the largest window, with gzip's head
PLACE = '"BulkDataURI":"@/'  # in the stored header lines; no text of a file can hold it unescaped


def for_series(view: View, series: ImagingSeries, root: str) -> SeriesMetadata:
    """The stored document for this sight, made now when a batch came since.

    `root` is the path below which the studies of the case file stand, for the bulk data.
    """
    wanted = {"series": series, "sight": view.sight, "revision": series.revision}
    if found := SeriesMetadata.objects.filter(**wanted).first():
        return found
    body = _compressed(view, series, root)
    key = default_storage.save(new_key("metadata"), ContentFile(body))
    made, is_ours = SeriesMetadata.objects.get_or_create(
        **wanted,
        defaults={
            "clinic_id": series.clinic_id,
            "case_file_id": series.case_file_id,
            "key": key,
            "size_bytes": len(body),
        },
    )
    if not is_ours:
        _forget([key])
    old = SeriesMetadata.objects.filter(
        series=series, sight=view.sight, revision__lt=series.revision
    )
    keys = list(old.values_list("key", flat=True))
    old.delete()
    transaction.on_commit(lambda: _forget(keys), robust=True)
    return made


def _forget(keys: list[str]) -> None:
    for key in keys:
        with suppress(OSError):
            default_storage.delete(key)


def _compressed(view: View, series: ImagingSeries, root: str) -> bytes:
    """The JSON array of the series, line by line: whole it would stand in memory four times."""
    machine = zlib.compressobj(1, zlib.DEFLATED, GZIP)
    parts, before = [], "["
    for line in _each_line(view, series, _in_order(view, series), root):
        parts.append(machine.compress(f"{before}{line}".encode()))
        before = ","
    parts.append(machine.compress(b"]" if len(parts) else b"[]"))
    return b"".join([*parts, machine.flush()])


def _in_order(view: View, series: ImagingSeries) -> list[ImagingInstance]:
    rows = view.instances().filter(series=series).order_by("InstanceNumber", "id")
    return list(rows.defer("search"))


def text_of(view: View, series: ImagingSeries, root: str) -> str:
    """The JSON array of all instances of the series, in order."""
    return "[" + ",".join(lines_of(view, series, _in_order(view, series), root)) + "]"


def lines_of(
    view: View, series: ImagingSeries, instances: list[ImagingInstance], root: str
) -> list[str]:
    """The header of each instance as JSON text for this sight, with addresses for its bulk data."""
    return list(_each_line(view, series, instances, root))


def _each_line(
    view: View, series: ImagingSeries, instances: list[ImagingInstance], root: str
) -> Iterator[str]:
    study = series.study
    uids = (study.alias_uid, series.alias_uid) if view.is_sealed else (
        study.StudyInstanceUID, series.SeriesInstanceUID)  # fmt: skip
    base = f"{root}/studies/{uids[0]}/series/{uids[1]}/instances"
    loaded: dict[Any, list[str]] = {}
    packs_by_id = ImagingPack.objects.in_bulk({row.pack_id for row in instances})
    for row in instances:
        if row.pack_id not in loaded:
            loaded[row.pack_id] = packs.headers(packs_by_id[row.pack_id])
        line, uid = loaded[row.pack_id][row.header_line], row.SOPInstanceUID
        if view.is_sealed:
            line = json.dumps(view.header(json.loads(line)), separators=(",", ":"))
            uid = row.alias_uid
        yield line.replace(PLACE, f'"BulkDataURI":"{base}/{uid}/')


def header_of(view: View, instance: ImagingInstance) -> dict[str, Any]:
    """One header as this sight shows it, without addresses."""
    line = _lines(*packs.place_of_headers(instance.pack))[instance.header_line]
    return view.header(json.loads(line))


def true_header_of(instance: ImagingInstance) -> dict[str, Any]:
    """One header as it came. SECURITY: for our own decisions, not to be shown."""
    line = _lines(*packs.place_of_headers(instance.pack))[instance.header_line]
    return dict(json.loads(line))


@lru_cache(maxsize=1)
def _lines(key: str, offset: int, length: int) -> list[str]:
    """Whole series are sent instance by instance: their headers are unpacked once."""
    return packs.lines(key, offset, length)


def unpacked(body: bytes) -> bytes:
    """A stored document for the rare client that takes no gzip."""
    return gzip.decompress(body)
