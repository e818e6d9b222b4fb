"""From an electronic record to facts and documents: run by a worker, asked for by `asking`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Sum

from records.analytes import analytes, folded, key_of
from records.guard import Limits, Refusal, run_guarded
from records.models import (
    ClinicalFact,
    Document,
    DocumentKind,
    DocumentName,
    Screening,
)
from records.models.facts import FactsReading
from records.screening import local_copy
from secondop.audit.trail import note
from secondop.jobs.models import PermanentFailure
from secondop.jobs.ring import ring
from secondop.lib.storage import new_key
from secondop.lib.transitions import lock

LIMITS = Limits(cpu_seconds=40, wall_seconds=120)
MAX_DEPTH = 3  # a record inside a record inside a record
# LOINC document types (https://loinc.org/document-ontology/) -> what a patient would call it.
KINDS = {
    "18748-4": DocumentKind.IMAGING_REPORT, "11526-1": DocumentKind.PATHOLOGY_REPORT,
    "60568-3": DocumentKind.PATHOLOGY_REPORT, "11502-2": DocumentKind.LAB_RESULTS,
    "18842-5": DocumentKind.DISCHARGE_SUMMARY, "11490-0": DocumentKind.DISCHARGE_SUMMARY,
    "11504-8": DocumentKind.OPERATION_NOTE, "28570-0": DocumentKind.OPERATION_NOTE,
    "56445-0": DocumentKind.MEDICATION_LIST, "11488-4": DocumentKind.LETTER,
    "57133-1": DocumentKind.LETTER, "34108-1": DocumentKind.LETTER,
}  # fmt: skip


@dataclass
class Packed:
    """A file that was packed inside a record, now in storage."""

    told: dict[str, str]
    key: str
    size_bytes: int
    sha256: str


def read(job: FactsReading) -> None:
    """Read the record. Run again it changes nothing: facts have a place, files have a hash."""
    document = Document.objects.select_related("case_file").get(pk=job.document_id)
    if document.status != Document.Status.AVAILABLE:
        return  # held, set aside or removed meanwhile; `ask` comes again when it is let in
    packed: list[Packed] = []
    try:
        with local_copy(document) as path, TemporaryDirectory(prefix="facts-") as folder:
            order = (str(path), document.media_type, folder)
            told = run_guarded("records.facts.foreign:read", *order, limits=LIMITS)
            if isinstance(told, Refusal):
                raise PermanentFailure(f"record_{told.code}")
            job.heartbeat(total_count=len(told["facts"]), unit="facts")
            passed: dict[str, int] = told["passed"]
            packed = _stored(document, told["files"], Path(folder), passed)
        with transaction.atomic():
            if lock(document).status != Document.Status.AVAILABLE:
                raise PermanentFailure("removed_meanwhile")
            with job.closing():
                _keep(job, document, told, packed, passed)
    except BaseException:
        for one in packed:
            default_storage.delete(one.key)
        raise


def _stored(
    document: Document, files: list[dict[str, str]], folder: Path, passed: dict[str, int]
) -> list[Packed]:
    """Put what was packed inside into storage: not what is here already, nor what has no room."""
    depth = int(document.findings.get("depth", 0)) + 1
    mine = Document.objects.filter(case_file=document.case_file_id)
    room = settings.MAX_CASE_FILE_BYTES - (
        mine.exclude(status="removed").aggregate(total=Sum("size_bytes"))["total"] or 0
    )
    kept = mine.exclude(status__in=["removed", "rejected"])
    here = set(kept.exclude(sha256="").values_list("sha256", flat=True))
    # What an earlier run took out and screening has not looked at yet.
    here |= {
        str(found.get("sent_sha256"))
        for found in kept.filter(findings__taken_from=str(document.pk)).values_list(
            "findings", flat=True
        )
    }
    packed: list[Packed] = []
    for told in files:
        path = folder / Path(told["file"]).name
        if path.is_symlink() or not path.is_file():
            continue
        size = path.stat().st_size
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            why = ""
            if sha256 in here:
                why = "file_is_here"
            elif depth > MAX_DEPTH:
                why = "too_deep"
            elif size > min(room, settings.MAX_DOCUMENT_BYTES):
                why = "no_room"
            if why:
                passed[why] = passed.get(why, 0) + 1
                continue
            key = new_key("documents")
            file.seek(0)
            default_storage.save(key, File(file))
        room -= size
        here.add(sha256)
        packed.append(Packed(told, key, size, sha256))
    return packed


def _keep(
    job: FactsReading, document: Document, told: dict[str, Any], packed: list[Packed],
    passed: dict[str, int],
) -> None:  # fmt: skip
    rows = [fact for one in told["facts"] if (fact := _fact(document, one))]
    ClinicalFact.objects.bulk_create(rows, ignore_conflicts=True)
    for one in packed:
        _receive(document, one)
    FactsReading.objects.filter(pk=job.pk).update(
        done_count=len(rows), total_count=len(rows),
        outcome={"version": told["version"], "facts": len(rows), "files": len(packed),
                 "passed": passed},
    )  # fmt: skip


def _fact(document: Document, told: dict[str, Any]) -> ClinicalFact | None:
    fact = ClinicalFact(
        clinic_id=document.clinic_id, case_file_id=document.case_file_id, document=document,
        on=day_of(told["on"]), until=day_of(told["until"]), value=_decimal(told.get("value", "")),
        **{name: told.get(name, "") for name in (
            "kind", "text", "code_system", "code", "value_text", "unit", "reference_range",
            "status", "place")},
    )  # fmt: skip
    if fact.kind == ClinicalFact.Kind.LAB:
        fact.analyte = key_of(fact.code_system, fact.code, fact.text)
    fact.same_as = digest(fact)
    return fact


def digest(fact: ClinicalFact) -> str:
    """What makes two facts the same one, wherever they are written.

    A laboratory value is one by what was measured, its day and its amount, not by its unit.
    """
    what = fact.analyte or (f"{fact.code_system}|{fact.code}" if fact.code else folded(fact.text))
    told = [str(fact.case_file_id), fact.kind, what, str(fact.on)]
    if fact.kind == ClinicalFact.Kind.LAB:
        known = analytes().get(fact.analyte)
        amount = (
            known.converted(fact.value, fact.unit) if known and fact.value is not None else None
        )
        if amount is not None:
            told.append(f"{float(amount):.3g}")  # as far as rounding by a converter may go
        else:
            told += [str(fact.value and fact.value.normalize()), folded(fact.value_text), fact.unit]
    return hashlib.sha256("\x1f".join(told).encode()).hexdigest()


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text) if text else None
    except InvalidOperation:
        return None
    return value if value is None or abs(value) < Decimal(10) ** 12 else None


def _receive(parent: Document, packed: Packed) -> None:
    """A document of its own: screened, compared and withheld like any other that arrives."""
    title = packed.told["title"] or str(DocumentKind.OTHER.label)
    document = Document.objects.create(
        clinic_id=parent.clinic_id, case_file_id=parent.case_file_id, by_id=parent.by_id,
        record_request_id=parent.record_request_id, size_bytes=packed.size_bytes, key=packed.key,
        kind=KINDS.get(packed.told["code"], DocumentKind.OTHER), dated_on=day_of(packed.told["on"]),
        findings={
            "sent_sha256": packed.sha256, "taken_from": str(parent.pk),
            "depth": int(parent.findings.get("depth", 0)) + 1,
        },
    )  # fmt: skip
    DocumentName.objects.create(
        document=document, clinic_id=parent.clinic_id, case_file_id=parent.case_file_id,
        file_name=title,
    )  # fmt: skip
    ring(Screening.objects.create(document=document, clinic_id=parent.clinic_id))
    note("document.received", by=parent.by, about=document, size_bytes=packed.size_bytes)
