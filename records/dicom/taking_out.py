"""Take the objects of one study out of the packs they share with others.

A pack is never changed: what stays is written into a new one, hashed on the way, and the old one is
deleted when every row points to the new one.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from records.dicom import packs
from records.dicom.packs import PackWriter
from records.models import ImagingInstance, ImagingPack

ROWS_AT_ONCE = 500


def take_out(pack: ImagingPack, study_id: Any) -> None:
    """Leave `pack` without the objects of this study. Outside any transaction; safe to repeat."""
    rows = list(pack.instances.defer("search").order_by("offset"))
    staying = [row for row in rows if row.study_id != study_id]
    if not staying:
        with transaction.atomic():
            ImagingInstance.objects.filter(pack=pack).delete()
            pack.delete()
            transaction.on_commit(lambda: packs.forget(pack.key, pack.headers_key), robust=True)
        return
    ends = dict(zip([row.pk for row in rows], [row.offset for row in rows[1:]], strict=False))
    with PackWriter() as writer:
        lines, pieces = packs.headers(pack), list[Any]()
        for row in staying:
            begin = len(pieces)
            end = ends.get(row.pk, pack.headers_offset)
            if pack.headers_key:  # an archive: what stands between its objects is its own
                end = row.offset + row.size_bytes
            pieces += _copied(writer, pack, row, end)
            _move(row, pieces[begin].start - row.offset)
        fields = writer.seal(pieces, [lines[row.header_line] for row in staying])
    with packs.or_nothing(fields["key"]):
        _point_to_new(pack, fields, staying, study_id)


def _copied(writer: PackWriter, pack: ImagingPack, row: ImagingInstance, end: int) -> list[Any]:
    """The object, and what was made of it. Raises Damaged when its hash is not the one kept."""
    copied = []
    for start, stop in (
        (row.offset, row.offset + row.size_bytes),
        (row.offset + row.size_bytes, end),
    ):
        if stop <= start:
            continue
        writer.begin()
        for block in packs.blocks(pack.key, start, stop - start):
            writer.write(block)
        copied.append(writer.end())
    if copied[0].sha256 != row.sha256:
        raise packs.Damaged
    return copied


def _move(row: ImagingInstance, by: int) -> None:
    row.offset += by
    row.dataset_offset += by
    row.frame_offsets = [offset + by for offset in row.frame_offsets]


def _point_to_new(
    pack: ImagingPack, fields: dict[str, Any], rows: list[ImagingInstance], study_id: Any
) -> None:
    with transaction.atomic():
        made = ImagingPack.objects.create(
            clinic_id=pack.clinic_id, case_file_id=pack.case_file_id, **fields
        )
        for line, row in enumerate(rows):
            row.pack, row.header_line = made, line
        ImagingInstance.objects.bulk_update(
            rows,
            ["pack", "offset", "dataset_offset", "frame_offsets", "header_line"],
            batch_size=ROWS_AT_ONCE,
        )
        ImagingInstance.objects.filter(pack=pack, study=study_id).delete()
        pack.delete()
        transaction.on_commit(lambda: packs.forget(pack.key, pack.headers_key), robust=True)
