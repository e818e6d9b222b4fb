"""Make an electronic record readable: a step of its screening, asked again by a command.

The record is read in the guarded child. A record that cannot be made readable is kept all the same:
its facts and its original are there.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction

from records.guard import Limits, Refusal, run_guarded
from records.models import Document, RecordPart

READABLE = ("application/fhir+json", "application/fhir+xml", "application/cda+xml")
LIMITS = Limits(cpu_seconds=40, wall_seconds=120)
MAX_PART_BYTES = 4 * 1024**2


def make(document: Document, path: Path, media_type: str) -> dict[str, Any]:
    """Store the parts, in place of those of an earlier run. Returns: findings to keep."""
    if media_type not in READABLE:
        return {}
    with TemporaryDirectory(prefix="readable-") as folder:
        order = (str(path), media_type, folder)
        told = run_guarded("records.readable.foreign:read", *order, limits=LIMITS)
        if isinstance(told, Refusal):
            return {"not_readable": told.code}
        rows = _rows(document, told, Path(folder))
    with transaction.atomic():
        document.parts.all().delete()
        RecordPart.objects.bulk_create(rows)
    return {"text_is_cut": True} if told["is_cut"] else {}


def _rows(document: Document, told: dict[str, Any], folder: Path) -> list[RecordPart]:
    rows = []
    for number in range(1, max(told["parts"], 1) + 1):
        file = folder / f"{number}.json"
        is_there = file.is_file() and not file.is_symlink()
        fits = is_there and file.stat().st_size <= MAX_PART_BYTES
        sections = json.loads(file.read_bytes()) if fits else []
        for index, section in enumerate(sections):
            section["id"] = f"section-{number}-{index + 1}"
        rows.append(
            RecordPart(
                clinic_id=document.clinic_id,
                case_file_id=document.case_file_id,
                document=document,
                number=number,
                head=told["head"] if number == 1 else {},
                headings=[_heading(section) for section in sections],
                content=sections,
            )
        )
    return rows


def _heading(section: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "depth", "title", "code", "who", "continued")
    return {name: section[name] for name in names if section.get(name)}
