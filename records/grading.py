"""How far a case can be sealed at all: full, partial, or not possible. One function, one place.

`grade_of` is for the patient, the clinic and the report. SECURITY: it is made of sealed facts (has
treatment begun? which records name a diagnosis?), so the grade itself tells something: "not
possible" says that there is a treatment, "partial" that a report names a diagnosis. A sealed
reader therefore never gets it. They get `reader_grade_of`, made of what was cleared for them and
of nothing else: two cases that differ in sealed facts alone give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.models import CaseFile, Document, ImagingSeries, OriginalDiagnosis
from records.models.case_file import BlindingClass
from secondop.audit.models import AuditEvent

Text = str | Promise
FULL, PARTIAL, NOT_POSSIBLE = "full", "partial", "not_possible"
GRADES: dict[str, Text] = {
    FULL: _("Fully sealed"),
    PARTIAL: _("Partly sealed"),
    NOT_POSSIBLE: _("Could not be sealed"),
}
# Before anything is classified: what a patient may expect.
EXPECTED: dict[str, Text] = {
    FULL: _("It can be fully sealed"),
    PARTIAL: _("It can be partly sealed"),
    NOT_POSSIBLE: _("It can hardly be sealed"),
}
READERS: dict[str, Text] = {
    FULL: _("You can judge from the evidence"),
    PARTIAL: _("You can judge in part"),
    NOT_POSSIBLE: _("There is no record to judge from"),
}
# Kinds of documents that are evidence: hiding one costs the sealed reader something.
EVIDENCE = ("imaging_report", "pathology_report", "lab_results", "operation_note", "photo")
# Kinds that nearly always name a diagnosis beside the evidence (domain/CHECKLISTS 5.11).
NAMING = ("imaging_report", "pathology_report", "operation_note")

REASONS: dict[str, Text] = {
    "treated": _("Treatment had begun, and the records show which."),
    "treatment_unknown": _("It was not known whether treatment had begun."),
    "evidence_hidden": _(
        "Some evidence stands in papers that also name the first diagnosis. The specialist "
        "could read those papers only after sealing."
    ),
    "message_read": _(
        "The clinic withheld a message only after a specialist had read it, before sealing."
    ),
    "images_hidden": _("Some images could be shown only after sealing."),
    "nothing_shown": _("No record could be shown to the specialist before sealing."),
}
EXPECTED_REASONS: dict[str, Text] = {
    "treated": _("Your treatment has begun, so the records may show it."),
    "treatment_unknown": _("You do not know if treatment has begun. The records may show it."),
    "message_read": _("A specialist has read a message that we took back too late."),
    "evidence_hidden": _(
        "Some of your papers may name the diagnosis. We cover those words or keep the paper back "
        "at first."
    ),
}
READER_REASONS: dict[str, Text] = {
    "evidence": _("Test results, reports, photos or images are among the records cleared for you."),
    "no_evidence": _("Only letters and notes are cleared for you: no test results and no images."),
    "nothing": _("No record is cleared for you before the seal."),
}


@dataclass(frozen=True)
class Grade:
    code: str
    label: Text
    reasons: tuple[Text, ...] = ()


def grade_of(case_file: CaseFile, *, is_estimate: bool = False) -> Grade:
    """Grade a case from its classes and the treatment already given.

    `is_estimate`: nothing is classified yet; the kinds of papers tell what to expect.
    SECURITY: for the patient, the clinic and the report, never for a sealed reader.
    """
    code, reasons = _weigh(case_file, is_estimate=is_estimate)
    labels, words = (EXPECTED, EXPECTED_REASONS) if is_estimate else (GRADES, REASONS)
    return Grade(code, labels[code], tuple(words[reason] for reason in reasons))


def _weigh(case_file: CaseFile, *, is_estimate: bool) -> tuple[str, list[str]]:
    told = OriginalDiagnosis.objects.filter(case_file=case_file).first()
    state = told.treatment_state if told else ""
    if state in ("started", "finished"):
        return NOT_POSSIBLE, ["treated"]
    reasons = ["treatment_unknown"] if state == "unknown" else []
    if _message_was_read(case_file):
        reasons.append("message_read")
    documents = case_file.documents.available()
    if is_estimate:
        arrived = case_file.documents.exclude(status__in=("rejected", "removed", "quarantined"))
        reasons += ["evidence_hidden"] if arrived.filter(kind__in=NAMING).exists() else []
        return (PARTIAL if reasons else FULL), reasons
    clear = documents.filter(blinding_class=BlindingClass.CLEAR)
    series = ImagingSeries.objects.filter(case_file=case_file, has_pictures=True)
    shown = series.filter(blinding_class=BlindingClass.CLEAR, study__status="available")
    if not clear.exists() and not shown.exists() and (documents.exists() or series.exists()):
        return NOT_POSSIBLE, [*reasons, "nothing_shown"]
    if _hidden_evidence(documents).exists():
        reasons.append("evidence_hidden")
    if series.exclude(pk__in=shown).exists():
        reasons.append("images_hidden")
    return (PARTIAL if reasons else FULL), reasons


def _message_was_read(case_file: CaseFile) -> bool:
    """From the audit trail: a message to a sealed reader was withheld too late."""
    late = AuditEvent.objects.filter(case_file_id=case_file.pk, verb="message.withheld")
    return late.filter(details__is_opened=True).exists()


def _hidden_evidence(documents: Any) -> Any:
    """Evidence kept back. A paper whose redacted copy is clear is not hidden any more."""
    clear = documents.filter(blinding_class=BlindingClass.CLEAR)
    hidden = documents.filter(kind__in=EVIDENCE).exclude(blinding_class=BlindingClass.CLEAR)
    covered = clear.exclude(parent=None).values("parent")
    return hidden.exclude(pk__in=covered)


def reader_grade_of(clear_kinds: Iterable[str], *, has_images: bool) -> Grade:
    """Grade what a sealed reader gets, from what was cleared for them and nothing else.

    `clear_kinds`: kinds of the cleared documents; `has_images`: a cleared series is there.
    """
    kinds = set(clear_kinds)
    if has_images or kinds & set(EVIDENCE):
        code, reason = FULL, "evidence"
    elif kinds:
        code, reason = PARTIAL, "no_evidence"
    else:
        code, reason = NOT_POSSIBLE, "nothing"
    return Grade(code, READERS[code], (READER_REASONS[reason],))


def cleared_of(case_file: CaseFile) -> Grade:
    """`reader_grade_of` for what is cleared now. Two queries."""
    clear: Any = Document.objects.filter(case_file=case_file).available()
    kinds = clear.filter(blinding_class=BlindingClass.CLEAR).values_list("kind", flat=True)
    series = ImagingSeries.objects.filter(
        case_file=case_file, has_pictures=True, blinding_class=BlindingClass.CLEAR,
        study__status="available",
    )  # fmt: skip
    return reader_grade_of(kinds, has_images=series.exists())
