"""What people see of documents: the list with its sentences, the trail of who opened what."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import rules, workflow
from records.blinding import sight_of
from records.identity_checks import PROBLEM
from records.imaging_archives import ArchiveRow, rows_of
from records.models import CaseFile, Document, IdentityCheck, Upload
from records.problems import Problem, problem_of, why_held
from records.proxies import on_behalf_of
from records.serving import is_intact
from secondop.accounts.roles import COORDINATOR, PATIENT
from secondop.audit.models import AuditEvent
from secondop.audit.trail import note
from secondop.lib.verdicts import Verdict

Status = Document.Status
BADGES = {
    Status.SCREENING: "now", Status.AVAILABLE: "done", Status.HELD: "wait",
    Status.REJECTED: "bad", Status.QUARANTINED: "bad",
}  # fmt: skip
SAME_OPENING = timedelta(minutes=10)
CHECK_FIRST_BYTES = 64 * 1024**2
FINDINGS = {
    "not scanned": gettext_lazy("Not checked for viruses: no scanner is set up."),
    "too large": gettext_lazy("Not checked for viruses: the file is too large for the scanner."),
    "repaired": gettext_lazy("The file was damaged; the pages shown come from a repaired copy."),
    "restricted": gettext_lazy("The sender restricted printing or copying."),
    "pages_without_picture": gettext_lazy("Some pages could not be shown. Open the original."),
    "not_readable": gettext_lazy("This record could not be made readable. Open the original."),
    "pages_not_shown": gettext_lazy("Only the first pages are shown. Open the original."),
    "script": gettext_lazy("The original holds a script."),
    "launch": gettext_lazy("The original tries to start a program."),
    "attachment": gettext_lazy("The original has other files attached."),
    "form": gettext_lazy("The original is a form."),
}


@dataclass(frozen=True)
class Row:
    """One document of the list, in words."""

    document: Document
    title: str
    badge: str
    problem: Problem | None
    same_as: str  # title of the first copy, when this one was sent twice
    may_change: bool
    may_open: bool
    done: int
    total: int


@dataclass(frozen=True)
class Panel:
    case_file: CaseFile
    rows: list[Row]
    unfinished: list[Upload]
    may_add: Verdict
    is_checking: bool
    archives: list[ArchiveRow] = field(default_factory=list)


def panel(case_file: CaseFile, user: Any) -> Panel:
    """Everything the list and the uploader show to the patient or a coordinator.

    SECURITY: nothing for anybody else: a sealed reader must not learn names or how many there are.
    """
    may_add = rules.may_add_records(user, case_file)
    if sight_of(user, case_file) != "full":
        return Panel(case_file, [], [], may_add, is_checking=False)
    copies = Document.objects.filter(parent=OuterRef("pk"))
    documents = list(
        Document.objects.filter(case_file=case_file, parent=None)  # copies are the desk's
        .exclude(status=Status.REMOVED)
        .select_related("name", "screening")
        .annotate(has_copies=Exists(copies))
        .order_by("received_at", "pk")
    )
    titles = {str(document.pk): title_of(document) for document in documents}
    rows = [_row(document, titles, user, bool(may_add)) for document in documents]
    unfinished = list(
        Upload.objects.filter(
            case_file=case_file, by=user, finished_at=None, offset_bytes__gt=0
        ).order_by("created_at")
    )
    archives = rows_of(case_file)
    checking = any(document.status == Status.SCREENING for document in documents)
    checking = checking or any(archive.is_open for archive in archives)
    return Panel(case_file, rows, unfinished, may_add, checking, archives)


def _row(document: Any, titles: dict[str, str], user: Any, may_add: bool) -> Row:
    code = document.problem
    problem = why_held(code) if document.status == Status.HELD else problem_of(code)
    screening = getattr(document, "screening", None)
    return Row(
        document=document,
        title=titles[str(document.pk)],
        badge=BADGES[document.status],
        problem=problem,
        same_as=titles.get(document.findings.get("same_as", ""), ""),
        may_change=may_add and not document.has_copies,
        may_open=is_readable(document, user),
        done=screening.done_count if screening else 0,
        total=screening.total_count if screening else 0,
    )


def is_readable(document: Document, user: Any) -> bool:
    """PRIVACY: what may be of somebody else is open to its sender and the clinic alone."""
    if document.status == Status.HELD and document.problem == PROBLEM:
        return document.by_id == user.pk or bool(user.works_as(COORDINATOR, document.clinic_id))
    return document.status in (Status.AVAILABLE, Status.HELD)


def title_of(document: Document) -> str:
    """The name the sender knows it by. PRIVACY: for full sight only."""
    name = getattr(document, "name", None)
    return name.file_name if name else str(document.get_kind_display())


def findings_in_words(document: Document) -> list[str | Promise]:
    """What screening noticed, for staff."""
    found = document.findings
    codes = [found.get("antivirus", ""), *found.get("active", []), *found]
    return [FINDINGS[code] for code in dict.fromkeys(codes) if code in FINDINGS]


def role_in(case_file: CaseFile, user: Any) -> str:
    """As what somebody opens the file: for the trail that the patient reads."""
    if CaseFile.objects.visible_as(PATIENT, user).filter(pk=case_file.pk).exists():
        return PATIENT
    if grant := case_file.grants.live().filter(to=user).first():
        return str(grant.as_role)
    return COORDINATOR if user.works_as(COORDINATOR, case_file.clinic_id) else ""


def note_once(verb: str, document: Document, user: Any) -> None:
    """Write that somebody opened a document; the same opening again within ten minutes is one."""
    recent = AuditEvent.objects.filter(
        about_type="records.document",
        about_id=str(document.pk),
        verb=verb,
        actor_id=user.pk,
        at__gt=timezone.now() - SAME_OPENING,
    )
    if not recent.exists():
        role, patient = role_in(document.case_file, user), document.case_file.patient
        acting_for = on_behalf_of(user, patient) if role == PATIENT else None
        note(verb, by=user, about=document, role=role, on_behalf_of=acting_for)


def is_untouched(document: Document) -> bool:
    """Compare a document of moderate size with its hash; set it aside when they differ.

    Larger ones are compared while they are sent (`serving.send`).
    """
    if document.size_bytes > CHECK_FIRST_BYTES or not document.sha256:
        return True
    if is_intact(document.key, document.sha256):
        return True
    set_aside(document)
    return False


def set_aside(document: Document) -> None:
    if document.status in (Status.AVAILABLE, Status.HELD):
        workflow.quarantine(document, reason="altered")


def erase_removed() -> None:
    """Hourly: erase bytes, pages and names of what people took back. Safe to repeat."""
    for document in Document.objects.filter(status=Status.REMOVED).exclude(key="").iterator():
        for page in document.pages.all():
            default_storage.delete(page.key)
            page.delete()
        default_storage.delete(document.key)
        Document.objects.filter(pk=document.pk).update(key="")
        document.facts.all().delete()
        document.parts.all().delete()
        IdentityCheck.objects.filter(document=document).update(told=[])
        if name := getattr(document, "name", None):
            name.delete()


def heading(document: Document, sight: str) -> str:
    """What the page of one document is called, for this reader's sight."""
    if sight == "full":
        return title_of(document)
    return document.neutral_title or _("Document")
