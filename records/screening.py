"""What happens to a received file before anybody may read it. Run by `records.tasks.screen`.

The steps are asked in order; the first that raises `Outcome` decides. Nothing here changes the
original: pages and text are new objects, and findings are words beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage

from records import antivirus, identity_checks, identity_in_text, workflow
from records.guard import Limits, Refusal, run_guarded
from records.models import Document, DocumentPage, Screening
from records.readable import making
from secondop.jobs.models import TemporaryFailure
from secondop.lib.storage import new_key

Status = Document.Status
PAGES_AT_ONCE = 8
MAX_PAGES = 3000
EXAMINE = Limits(cpu_seconds=20)
MAKE_PAGES = Limits(cpu_seconds=40, wall_seconds=180)
MAKE_ONE_PAGE = Limits(cpu_seconds=10, wall_seconds=60)
REFUSED = {"crashed": "damaged", "too_big": "too_complex", "too_slow": "too_complex"}


# Not a document of its own: `records.dicom.archives` takes out what is in it.
UNPACKED = frozenset({"application/dicom", "application/zip"})
UNPACK = "unpack"


class Outcome(Exception):
    """A step knows how it ends: the new status, and the code of the sentence for the sender."""

    def __init__(self, status: str, problem: str = "") -> None:
        super().__init__(problem)
        self.status, self.problem = status, problem


@dataclass
class Look:
    """One document on the table."""

    job: Screening
    document: Document
    path: Path
    findings: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)  # fields of the document, once it is closed
    pages: int = 0
    told: list[dict[str, str]] = field(default_factory=list)  # whom it names
    told_in: str = "text"


def screen(job: Screening) -> None:
    """Look at the job's document and close it: available, held, rejected, set aside or unpacked."""
    document = Document.objects.get(pk=job.document_id)
    if document.status != Status.SCREENING:
        return
    with local_copy(document) as path:
        look = Look(job, document, path, findings=dict(document.findings))
        try:
            for step in STEPS:
                step(look)
            status, problem = str(Status.AVAILABLE), ""
        except Outcome as outcome:
            status, problem = outcome.status, outcome.problem
    with job.closing():
        if status == Status.AVAILABLE and look.told:
            found = identity_checks.examine(document.case_file, look.told, look.told_in)
            identity_checks.write(
                document.case_file, look.told, look.told_in, found, document=document
            )
            if found.is_holding:
                status, problem = str(Status.HELD), identity_checks.PROBLEM
        facts = look.facts | {"findings": look.findings}
        if status == UNPACK:
            workflow.unpack(document, facts=facts)
            return
        workflow.screened(document, status, problem=problem, facts=facts)


def _path_here(key: str) -> Path | None:
    try:
        return Path(default_storage.path(key))
    except NotImplementedError:  # an object store has no paths
        return None


@contextmanager
def local_copy(document: Document) -> Iterator[Path]:
    """The stored bytes as a file on this machine. Raises TemporaryFailure when storage is away."""
    if (kept_here := _path_here(document.key)) is not None:
        yield kept_here
        return
    with NamedTemporaryFile(prefix="screening-") as copy:
        try:
            with default_storage.open(document.key) as stored:
                for block in stored.chunks(1024**2):
                    copy.write(block)
        except Exception:
            raise TemporaryFailure("storage_unreachable") from None
        copy.flush()
        yield Path(copy.name)


def size_is_right(look: Look) -> None:
    try:
        size = look.path.stat().st_size
    except OSError:
        raise TemporaryFailure("storage_unreachable") from None
    if size == 0:
        raise Outcome(Status.REJECTED, "empty")
    if size != look.document.size_bytes:
        raise Outcome(Status.REJECTED, "changed")


def hash_is_right(look: Look) -> None:
    with look.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    told = look.findings.get("sent_sha256")
    if told and told != sha256:
        raise Outcome(Status.REJECTED, "changed")
    look.facts["sha256"] = sha256


def is_new(look: Look) -> None:
    """The same bytes once per case file; the database's constraint settles a race."""
    same = Document.objects.filter(
        case_file=look.document.case_file_id, sha256=look.facts["sha256"]
    ).exclude(status__in=[Status.REMOVED, Status.REJECTED])
    if first := same.exclude(pk=look.document.pk).first():
        look.findings["same_as"] = str(first.pk)
        raise Outcome(Status.REJECTED, "duplicate")


def has_no_virus(look: Look) -> None:
    with look.path.open("rb") as file:
        look.findings["antivirus"] = antivirus.scan(file)
    look.job.heartbeat()
    if look.findings["antivirus"] == "infected":
        raise Outcome(Status.QUARANTINED, "virus")


def is_of_a_known_kind(look: Look) -> None:
    """Type by content, and everything odd about it, found in the guarded child."""
    found = run_guarded("examine", str(look.path), limits=EXAMINE)
    look.job.heartbeat()
    if isinstance(found, Refusal):
        look.findings["guard"] = found.code
        raise Outcome(Status.REJECTED, REFUSED[found.code])
    look.facts["media_type"] = found["media_type"]
    look.findings |= found["findings"]
    if problem := found.get("problem"):
        raise Outcome(Status.REJECTED, problem)
    look.pages = found["pages"]
    if found["media_type"] in UNPACKED:
        raise Outcome(UNPACK)


def gets_pages(look: Look) -> None:
    """A picture and the text of each page, in batches; a retry goes on after the last one made."""
    if not look.pages:
        return
    shown = min(look.pages, MAX_PAGES)
    if shown < look.pages:
        look.findings["pages_not_shown"] = look.pages - shown
    made = set(look.document.pages.values_list("number", flat=True))
    last = max(made, default=0)
    failed = [number for number in range(1, last) if number not in made]
    for first in range(last + 1, shown + 1, PAGES_AT_ONCE):
        failed += _make_pages(look, first, min(PAGES_AT_ONCE, shown - first + 1))
        done = min(first + PAGES_AT_ONCE - 1, shown)
        look.job.heartbeat(done_count=done, total_count=shown, unit="pages")
    if len(failed) == shown:
        raise Outcome(Status.REJECTED, "too_complex")
    if failed:
        look.findings["pages_without_picture"] = failed
    look.facts["page_count"] = look.pages


def _make_pages(look: Look, first: int, count: int) -> list[int]:
    """Make and store some pages; returns the numbers of those that could not be made."""
    look.job.heartbeat()
    limits = MAKE_PAGES if count > 1 else MAKE_ONE_PAGE
    with TemporaryDirectory(prefix="pages-") as folder:
        media_type = look.facts["media_type"]
        arguments = (str(look.path), media_type, first, count, folder)
        made = run_guarded("records.foreign_pages:pages", *arguments, limits=limits)
        if not isinstance(made, Refusal):
            _store_pages(look, made, Path(folder))
            return []
    if count == 1:
        return [first]
    return [n for number in range(first, first + count) for n in _make_pages(look, number, 1)]


def _store_pages(look: Look, made: list[dict[str, Any]], folder: Path) -> None:
    document, rows = look.document, []
    for page in made:
        key = new_key("pages")
        picture = folder / Path(page["file"]).name
        with picture.open("rb") as opened:
            default_storage.save(key, File(opened))
        rows.append(
            DocumentPage(
                clinic_id=document.clinic_id,
                case_file_id=document.case_file_id,
                document=document,
                key=key,
                size_bytes=picture.stat().st_size,
                **{
                    name: page[name] for name in ("number", "media_type", "width", "height", "text")
                },
            )
        )
    DocumentPage.objects.bulk_create(rows, ignore_conflicts=True)


def says_whom_it_names(look: Look) -> None:
    """Electronic records have a patient block; of papers the first page may name somebody."""
    media_type = look.facts["media_type"]
    if source := NAMING.get(media_type):
        told = run_guarded(
            "records.foreign_identity:people", str(look.path), media_type, limits=EXAMINE
        )
        look.job.heartbeat()
        if isinstance(told, Refusal):  # it could be read a moment ago
            look.findings["guard"] = told.code
            raise Outcome(Status.REJECTED, REFUSED[told.code])
        look.told, look.told_in = told, source
        return
    first_page = look.document.pages.filter(number=1).first()
    look.told = identity_in_text.people(first_page.text) if first_page else []


def gets_readable(look: Look) -> None:
    """An electronic record as text that people read; without it, it is kept all the same."""
    look.findings |= making.make(look.document, look.path, look.facts["media_type"])
    look.job.heartbeat()


NAMING = {
    "application/fhir+json": "fhir",
    "application/fhir+xml": "fhir",
    "application/cda+xml": "cda",
}
STEPS = (
    size_is_right,
    hash_is_right,
    is_new,
    has_no_virus,
    is_of_a_known_kind,
    gets_pages,
    says_whom_it_names,
    gets_readable,
)
