"""Pictures of frames: thumbnails made after a batch, others on first request; both are kept."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from records.dicom import packs, retrieval
from records.dicom.values import Attributes, first, number, text
from records.guard import Limits, Refusal, run_guarded
from records.models import ImagingInstance, ImagingPicture, ImagingSeries
from secondop.lib.storage import new_key

EDGE = 256
MAX_FRAME_BYTES = 400 * 1024**2
LIMITS = Limits(memory_bytes=1536 * 1024**2, cpu_seconds=20, wall_seconds=60)
PALETTE = ("00281101", "00281201"), ("00281102", "00281202"), ("00281103", "00281203")


def picture(instance: ImagingInstance, frame: int, edge: int) -> ImagingPicture:
    """The JPEG of one frame, at most `edge` pixels a side (0: full size); made when not there yet.

    Its key is empty when nothing decodes the frame: the original is kept all the same.
    """
    found = ImagingPicture.objects.filter(instance=instance, frame=frame, edge=edge).first()
    return found or _keep(instance, frame, edge, _made(instance, frame, edge))


def _keep(instance: ImagingInstance, frame: int, edge: int, content: bytes) -> ImagingPicture:
    key = default_storage.save(new_key("pictures"), ContentFile(content)) if content else ""
    made, is_ours = ImagingPicture.objects.get_or_create(
        instance=instance,
        frame=frame,
        edge=edge,
        defaults={
            "clinic_id": instance.clinic_id,
            "case_file_id": instance.case_file_id,
            "key": key,
            "size_bytes": len(content),
        },
    )
    if key and not is_ours:
        default_storage.delete(key)
    return made


def _made(instance: ImagingInstance, frame: int, edge: int) -> bytes:
    """Decode in the guarded child; b"" when that was not possible."""
    try:
        offset, length = retrieval.frame(instance, frame)
    except retrieval.NoSuchFrame:
        return b""
    if length > MAX_FRAME_BYTES:
        return b""
    header = json.loads(packs.headers(instance.pack)[instance.header_line])
    with TemporaryDirectory(prefix="picture-") as folder:
        source, target = Path(folder) / "frame", Path(folder) / "picture"
        with source.open("wb") as file:
            for block in packs.blocks(instance.pack.key, offset, length):
                file.write(block)
        order = _order(instance, header) | {
            "source": str(source), "target": str(target), "edge": edge
        }  # fmt: skip
        told = run_guarded("records.dicom.foreign:picture", order, limits=LIMITS)
        if isinstance(told, Refusal) or told.get("problem") or not target.exists():
            return b""
        return target.read_bytes()


def _order(instance: ImagingInstance, header: Attributes) -> dict[str, Any]:
    return {
        "transfer_syntax": instance.TransferSyntaxUID,
        "rows": number(header, "00280010"),
        "columns": number(header, "00280011"),
        "samples": number(header, "00280002", 1),
        "bits": _bits(header),
        "is_float": "7FE00008" in header or "7FE00009" in header,
        "stored": number(header, "00280101"),
        "signed": number(header, "00280103") == 1,
        "planar": number(header, "00280006") == 1,
        "photometric": text(header, "00280004"),
        "slope": _float(header, "00281053", 1.0),
        "intercept": _float(header, "00281052", 0.0),
        "center": _float(header, "00281050", None),
        "width": _float(header, "00281051", None),
        "palettes": _palettes(instance, header),
    }


def _bits(header: Attributes) -> int:
    return (
        64 if "7FE00009" in header else 32 if "7FE00008" in header else number(header, "00280100")
    )


def _float(header: Attributes, tag: str, default: float | None) -> float | None:
    value = first(header, tag, None)
    return float(value) if isinstance(value, int | float) else default


def _palettes(instance: ImagingInstance, header: Attributes) -> list[Any]:
    if text(header, "00280004") != "PALETTE COLOR":
        return []
    found = []
    for descriptor, table in PALETTE:
        place = retrieval.bulk(instance, table)
        values = header.get(descriptor, {}).get("Value", [])
        if place is None or len(values) != 3:
            return []
        found.append([values, b64encode(packs.read(instance.pack.key, *place)).decode()])
    return found


def representative(rows: Any) -> ImagingInstance | None:
    """The instance in the middle of these: what a thumbnail of a series shows."""
    rows = rows.filter(frame_count__gt=0).order_by("InstanceNumber", "id").select_related("pack")
    count = rows.count()
    return rows[count // 2] if count else None  # type: ignore[no-any-return]


def make_for(series: ImagingSeries) -> None:
    """The thumbnail of a series, ahead of the first who asks."""
    rows = ImagingInstance.objects.filter(series=series, pack__quarantined_at=None)
    if one := representative(rows):
        picture(one, (one.frame_count + 1) // 2, EDGE)
