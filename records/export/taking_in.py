"""The documents of a ZIP that somebody sent, and the check of a copy of a whole case file.

Used by the `ImagingIngest` job (`records.dicom.archives.take`), which takes the images itself. Run
again after a crash it changes nothing: a document is known by its hash. What comes in is screened
and compared with the patient like any other file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from records.analytes import analytes
from records.arrivals import RECORD_HOLDER
from records.export.contents import SAFETY
from records.export.registry import take_questions
from records.facts.reading import digest
from records.guard import Limits, Refusal, run_guarded
from records.models import (
    CaseFile,
    ClinicalFact,
    Document,
    DocumentKind,
    DocumentName,
    ImagingIngest,
    SafetyFacts,
    Screening,
)
from records.uploads import clean_name, held_bytes
from secondop.audit.trail import note
from secondop.jobs.models import TemporaryFailure
from secondop.jobs.ring import ring
from secondop.lib.storage import new_key

AT_ONCE = 20
SLICE_BYTES = 512 * 1024**2  # hashed by one child; the job tells that it lives in between
Beat = Callable[[int, int], None]


class NotWhole(Exception):
    """A copy of a case file that is not what its list says; `code`: see records.dicom.problems."""

    def __init__(self, code: str, member: str = "") -> None:
        super().__init__(code)
        self.code, self.member = code, member


@dataclass
class Paper:
    """One document in the ZIP."""

    which: int | str  # number or name of its entry
    title: str
    kind: str = str(DocumentKind.OTHER)
    dated_on: date | None = None
    path: str = ""  # in a copy of a case file


@dataclass
class Found:
    """What the ZIP holds besides images."""

    path: Path
    is_copy: bool = False
    papers: list[Paper] = field(default_factory=list)
    typed: list[dict[str, Any]] = field(default_factory=list)
    safety: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)


def look(path: Path, beat: Beat) -> Found:
    """Look at the ZIP, and verify every hash when it is a copy. Raises NotWhole.

    Nothing is written before all of it was found to be whole.
    """
    told = run_guarded(
        "records.export.foreign:look", str(path), settings.MAX_DOCUMENT_BYTES,
        limits=Limits(cpu_seconds=60, wall_seconds=180),
    )  # fmt: skip
    if isinstance(told, Refusal):
        if told.code == "too_slow":  # the machine is busy: it must not pass for a ZIP of anything
            raise TemporaryFailure("archive_too_slow")
        return Found(path)  # not even its directory can be read; the images say why
    if "problem" in told:
        raise NotWhole(told["problem"], told["member"])
    if "papers" in told:
        papers = [Paper(which, clean_name(name)) for which, name in told["papers"]]
        return Found(path, papers=papers)
    manifest, prefix = told["manifest"], told["prefix"]
    _verify(path, prefix, manifest["members"], beat)
    papers = [_described(row, prefix) for row in manifest["documents"]]
    return Found(
        path, is_copy=True, papers=papers, typed=manifest["typed_facts"],
        safety=manifest["safety"], questions=manifest["questions"],
    )  # fmt: skip


def _verify(path: Path, prefix: str, members: list[list[Any]], beat: Beat) -> None:
    done = 0
    for part in _slices(members):
        size = sum(row[1] for row in part)
        limits = Limits(cpu_seconds=60 + size // 10_000_000, wall_seconds=600 + size // 2_000_000)
        told = run_guarded("records.export.foreign:verify", str(path), prefix, part, limits=limits)
        if isinstance(told, Refusal):
            raise NotWhole("copy_damaged")
        if told:
            raise NotWhole("copy_damaged", told["member"])
        done += len(part)
        beat(done, len(members))


def _slices(members: list[list[Any]]) -> Iterator[list[list[Any]]]:
    part: list[list[Any]] = []
    size = 0
    for row in members:
        part.append(row)
        size += row[1]
        if size >= SLICE_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _described(row: dict[str, str], prefix: str) -> Paper:
    kind = row["kind"] if row["kind"] in DocumentKind.values else str(DocumentKind.OTHER)
    title, on = clean_name(row["title"]), _day(row["dated_on"])
    return Paper(prefix + row["path"], title, kind, on, row["path"])


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


# --- into the case file --------------------------------------------------------------------------
def take_documents(job: ImagingIngest, found: Found, beat: Beat) -> dict[str, int]:
    """Every document of the ZIP into the case file. Returns counts; zeros are left out."""
    told: Counter[str] = Counter()
    documents: dict[str, Document] = {}
    for start in range(0, len(found.papers), AT_ONCE):
        papers = found.papers[start : start + AT_ONCE]
        for paper, file, sha256 in _unpacked(found.path, papers):
            document, word = _receive(job, paper, file, sha256)
            told[word] += 1
            if document and paper.path:
                documents[paper.path] = document
        beat(start + len(papers), len(found.papers))
    told["typed_facts"] = _typed(job, found.typed, documents)
    told["safety"] = _safety(job, found.safety)
    if job.by_id and found.questions:
        told["questions"] = take_questions(job.case_file, found.questions, job.by)
    return {word: count for word, count in told.items() if count}


def _unpacked(path: Path, papers: list[Paper]) -> Iterator[tuple[Paper, Path, str]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="papers-")))
        limits = Limits(
            cpu_seconds=120, wall_seconds=600, written_bytes=settings.MAX_DOCUMENT_BYTES + 1024**2
        )
        wanted = [paper.which for paper in papers]
        order = (str(path), wanted, str(folder), settings.MAX_DOCUMENT_BYTES)
        told = run_guarded("records.export.foreign:unpack", *order, limits=limits)
        if isinstance(told, Refusal):
            if len(papers) > 1:  # whatever it was, it costs one document alone
                for paper in papers:
                    yield from _unpacked(path, [paper])
            return
        for number, sha256 in told.items():
            file = folder / str(int(number))
            if file.is_file() and not file.is_symlink():
                yield papers[int(number)], file, sha256


def _receive(
    job: ImagingIngest, paper: Paper, file: Path, sha256: str
) -> tuple[Document | None, str]:
    """A document of its own, unless the case file has these bytes already."""
    if here := _known(job, sha256):
        return here, "documents_known"
    size_bytes = file.stat().st_size
    if not size_bytes or held_bytes(job.case_file) + size_bytes > settings.MAX_CASE_FILE_BYTES:
        return None, "no_room"
    key = new_key("documents")
    with file.open("rb") as opened:
        default_storage.save(key, File(opened))
    try:
        with transaction.atomic():
            CaseFile.objects.select_for_update().get(pk=job.case_file_id)
            here = _known(job, sha256)
            document = here or _create(job, paper, key, size_bytes, sha256)
    except BaseException:
        default_storage.delete(key)
        raise
    if here:
        default_storage.delete(key)
    return document, "documents_known" if here else "documents"


def _known(job: ImagingIngest, sha256: str) -> Document | None:
    """What is here, or was made by an earlier run of this job, whatever became of it."""
    mine = Document.objects.filter(case_file=job.case_file_id)
    same = Q(sha256=sha256) | Q(findings__sent_sha256=sha256)
    ours = Q(findings__archive=str(job.pk))
    return mine.filter(same & (ours | ~Q(status__in=["removed", "rejected"]))).first()


def _create(job: ImagingIngest, paper: Paper, key: str, size_bytes: int, sha256: str) -> Document:
    document = Document.objects.create(
        clinic_id=job.case_file.clinic_id, case_file_id=job.case_file_id, by_id=job.by_id,
        record_request_id=job.record_request_id, kind=paper.kind, dated_on=paper.dated_on,
        size_bytes=size_bytes, key=key,
        findings={"sent_sha256": sha256, "archive": str(job.pk)},
    )  # fmt: skip
    DocumentName.objects.create(
        document=document, clinic_id=job.case_file.clinic_id, case_file_id=job.case_file_id,
        file_name=paper.title,
    )  # fmt: skip
    ring(Screening.objects.create(document=document, clinic_id=job.case_file.clinic_id))
    role = RECORD_HOLDER if job.record_request_id else ""
    note("document.received", by=job.by, about=document, role=role, size_bytes=size_bytes)
    return document


# --- values that a person read off a paper -------------------------------------------------------
def _typed(job: ImagingIngest, told: list[dict[str, Any]], documents: dict[str, Document]) -> int:
    if not job.by_id:
        return 0
    rows = [fact for row in told if (fact := _fact(job, row, documents))]
    before = ClinicalFact.objects.filter(case_file=job.case_file_id).count()
    ClinicalFact.objects.bulk_create(rows, ignore_conflicts=True)
    return ClinicalFact.objects.filter(case_file=job.case_file_id).count() - before


@transaction.atomic
def _safety(job: ImagingIngest, told: dict[str, str]) -> int:
    """The patient's answers about safety, where this case file has none. Returns how many.

    SECURITY: an answer that is here is never replaced by what a file says.
    """
    if not job.by_id or not told:
        return 0
    row, _new = SafetyFacts.objects.get_or_create(
        case_file_id=job.case_file_id, defaults={"clinic_id": job.case_file.clinic_id}
    )
    row = SafetyFacts.objects.select_for_update().get(pk=row.pk)
    if any(getattr(row, name) for name in SAFETY):
        return 0
    known = set(SafetyFacts.Known.values)
    for name in SAFETY:
        is_answer = name.startswith(("has_", "is_", "takes_"))
        if (value := told.get(name, "")) and (not is_answer or value in known):
            setattr(row, name, value)
    row.save()
    note("case_file.safety_copied", by=job.by, about=row)
    return sum(bool(getattr(row, name)) for name in SAFETY)


def _fact(
    job: ImagingIngest, row: dict[str, Any], documents: dict[str, Document]
) -> ClinicalFact | None:
    """As `facts.entering` writes it; None for anything that cannot have been typed there."""
    analyte = analytes().get(str(row.get("analyte", "")))
    document = documents.get(str(row.get("document", "")))
    unit, on = str(row.get("unit", ""))[:40], _day(str(row.get("on", "")))
    value, value_text = _decimal(row.get("value")), str(row.get("value_text", ""))[:200]
    if not analyte or not document or not on or (value is None and not value_text):
        return None
    page = row.get("page")
    fact = ClinicalFact(
        clinic_id=job.case_file.clinic_id, case_file_id=job.case_file_id,
        kind=ClinicalFact.Kind.LAB,
        text=analyte.en, analyte=analyte.key, unit=unit, on=on, value=value,
        value_text="" if value is not None else value_text, document=document,
        page=page if isinstance(page, int) and 0 < page < 10_000 else None, by_id=job.by_id,
    )  # fmt: skip
    fact.same_as = digest(fact)
    return fact


def _decimal(told: Any) -> Decimal | None:
    try:
        value = Decimal(str(told)) if told else None
    except InvalidOperation:
        return None
    return value if value is None or (value.is_finite() and abs(value) < 10**12) else None
