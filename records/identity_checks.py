"""Compare every received record with the patient of its case file, and keep what came of it.

Asked by the workflows of documents and images in the transaction that takes a record in. What
people decide afterwards is in `identity_workflow`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records import identity
from records.dicom.values import text
from records.identity import Person, compare, person_of_dicom, words_of
from records.models import CaseFile, Document, IdentityCheck, ImagingStudy, Patient

Told = dict[str, str]  # name, born, sex, id, as the record writes them
Source = IdentityCheck.Source
Verdict = IdentityCheck.Verdict

PROBLEM = "other_patient"  # of a document or study that is held
# Words on a page are a weak sign: they hold a record only when they name somebody else.
CONTRADICTIONS = {"name_differs", "name_given_differs", "name_family_differs", "born_differs",
                  "born_close"}  # fmt: skip
REASONS: dict[str, str | Promise] = identity.REASONS | {
    "like_accepted": _("A person let in a record of the same name and birth date before"),
    "several_people": _("The record names more than one person"),
    "patient_unknown": _("The patient has not given name and date of birth yet"),
}
WORST = [Verdict.DIFFERENT, Verdict.UNSURE, Verdict.SAME, Verdict.UNNAMED, Verdict.WAITING]


@dataclass(frozen=True)
class Found:
    verdict: str
    score: int
    reasons: list[str]
    is_holding: bool


def lock_patient(case_file: CaseFile) -> Patient:
    return Patient.objects.select_for_update(no_key=True).get(pk=case_file.patient_id)


def told_by(study: ImagingStudy) -> list[Told]:
    """Whom the images of a study name, as they write it."""
    tags = {"name": "00100010", "born": "00100030", "sex": "00100040", "id": "00100020"}
    told = {key: text(study.search, tag).strip() for key, tag in tags.items()}
    return [{key: said for key, said in told.items() if said}] if any(told.values()) else []


def examine(case_file: CaseFile, told: list[Told], source: str) -> Found:
    """Compare whom a record names with the patient, and say whether it must wait for a person.

    In a transaction: whoever changes the patient's name waits until what is compared is written.
    """
    patient = lock_patient(case_file)
    if not (patient.full_name.strip() and patient.born_on):
        return Found(Verdict.WAITING, 0, ["patient_unknown"], is_holding=False)
    accepted = list(_accepted(case_file))
    numbers = frozenset[str]().union(*(person.identifiers for person in accepted))
    me = Person(patient.full_name, patient.born_on, patient.sex, numbers)
    found = [_one(person_of_dicom(one), me, accepted, source) for one in told]
    if not found:
        return Found(Verdict.UNNAMED, 0, ["name_unknown"], is_holding=False)
    worst = min(found, key=lambda one: WORST.index(Verdict(one.verdict)))
    if len(_different_people(told)) > 1:
        reasons = [*worst.reasons, "several_people"]
        verdict = Verdict.UNSURE if worst.verdict == Verdict.SAME else worst.verdict
        return Found(verdict, worst.score, reasons, is_holding=True)
    return worst


def _one(record: Person, me: Person, accepted: list[Person], source: str) -> Found:
    compared = compare(record, me)
    verdict, reasons = str(compared.verdict), list(compared.reasons)
    if verdict != Verdict.SAME and any(_is_like(record, one) for one in accepted):
        return Found(Verdict.SAME, compared.score, [*reasons, "like_accepted"], is_holding=False)
    is_holding = verdict in (Verdict.UNSURE, Verdict.DIFFERENT)
    if source == Source.TEXT:
        is_holding = is_holding and bool(CONTRADICTIONS & set(reasons))
    return Found(verdict, compared.score, reasons, is_holding)


def _accepted(case_file: CaseFile) -> Iterable[Person]:
    """Whom the records name of which a person said that they are of this patient."""
    rows = IdentityCheck.objects.filter(
        case_file=case_file, decision=IdentityCheck.Decision.BELONGS
    )
    for told in rows.values_list("told", flat=True):
        yield from map(person_of_dicom, told)


def _is_like(record: Person, accepted: Person) -> bool:
    """The same words and the same birth date: a name alone would let a relative in."""
    same_words = sorted(words_of(record.name)) == sorted(words_of(accepted.name))
    has_both = bool(words_of(record.name)) and record.born_on is not None
    return has_both and same_words and record.born_on == accepted.born_on


def _different_people(told: list[Told]) -> set[tuple[str, str]]:
    people = {
        (" ".join(sorted(words_of(one.get("name", "")))), one.get("born", "")) for one in told
    }
    return {person for person in people if any(person)}


def write(
    case_file: CaseFile, told: list[Told], source: str, found: Found, *,
    document: Document | None = None, study: ImagingStudy | None = None,
) -> IdentityCheck:  # fmt: skip
    """Keep what was compared; a later comparison takes the place of an earlier one."""
    about: dict[str, Any] = {"document": document} if document else {"study": study}
    row, _is_new = IdentityCheck.objects.update_or_create(
        **about,
        defaults={
            "clinic_id": case_file.clinic_id,
            "case_file": case_file,
            "source": source,
            "told": told,
            "verdict": found.verdict,
            "score": found.score,
            "reasons": found.reasons,
            "is_holding": found.is_holding,
            "compared_at": Now(),
        },
    )
    return row


def of_study(study: ImagingStudy) -> Found:
    """Compare a study with the patient and keep what came of it."""
    told = told_by(study)
    found = examine(study.case_file, told, Source.DICOM)
    write(study.case_file, told, Source.DICOM, found, study=study)
    return found


def masked(told: list[Told]) -> list[Told]:
    """Enough to recognise oneself, too little to learn who somebody else is."""
    return [
        {
            "name": " ".join(
                f"{word[0].upper()}•••" for word in one.get("name", "").replace("^", " ").split()
            ),
            "born": f"{one.get('born', '')[:2]}••" if one.get("born") else "",
            "sex": "",
            "id": "•••" if one.get("id") else "",
        }
        for one in told
    ]


def reasons_in_words(row: IdentityCheck) -> list[str | Promise]:
    return [REASONS[code] for code in row.reasons if code in REASONS]
