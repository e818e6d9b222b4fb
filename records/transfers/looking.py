"""Whom to look for, and how to ask again when an archive does not understand the first time.

Orthanc 1.10 does not decode percent-encoding, so that a space, an accent or a "^" finds nobody;
other archives tell capitals apart. Each wider question is sifted here by `records.identity`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from records import identity
from records.identity import Person, person_of_dicom
from records.transfers.remote import MAX_STUDIES, Found, Remote
from secondop.jobs.models import PermanentFailure

# What is sent encoded, or spelled in several ways: a space, "ü" and "ue", "ß" and "ss".
UNCLEAR = re.compile(r"[^A-Za-z0-9.*?]+|(?i:(?<=[a-z])[aou]e(?=[^\Waeiouy_])|(?<=[a-z])ss)")
LEAST = 2  # letters of a name that are left to look for
NUMBERS = {"PatientID": "id", "AccessionNumber": "accession"}


def look(remote: Remote, query: dict[str, str], patient: Person) -> list[Found]:
    """Ask as it was typed; ask wider until somebody is found who may be the patient."""
    found: dict[str, Found] = {}
    for number, form in enumerate(forms_of(query)):
        try:
            rows = remote.studies(form)
        except PermanentFailure as exc:
            if number == 0 or str(exc) != "answer_too_large":
                raise
            continue  # a wider question that half the archive answers
        fitting = [row for row in rows if number == 0 or _fits(row, query, patient)]
        found |= {row.uid: row for row in fitting}
        if any("PatientName" not in query or _may_be(row, patient) for row in fitting):
            break
    return list(found.values())[:MAX_STUDIES]


def forms_of(query: dict[str, str]) -> Iterator[dict[str, str]]:
    """As typed; with * for what is unclear; in capitals, as in "van der BERG"; the birth date."""
    told: list[dict[str, str]] = []
    name = query.get("PatientName", "").replace(", ", "^").replace(",", "^")
    typed = query | ({"PatientName": name} if name else {})
    wide = {key: _widened(value) for key, value in typed.items() if key != "StudyInstanceUID"}
    wide |= {key: value for key, value in typed.items() if key == "StudyInstanceUID"}
    loud = wide | ({"PatientName": _widened("*" + name.upper())} if name else {})
    told += [typed, *(form for form in (wide, loud) if _says_enough(form))]
    if name and "PatientBirthDate" in query:
        told.append({key: value for key, value in wide.items() if key != "PatientName"})
    for number, form in enumerate(told):
        if form not in told[:number]:
            yield form


def _widened(value: str) -> str:
    return re.sub(r"\*+", "*", UNCLEAR.sub("*", value))


def _says_enough(form: dict[str, str]) -> bool:
    """SECURITY: "*" alone would bring everybody, and everybody's name, over here."""
    telling = [value for key, value in form.items() if key != "PatientBirthDate"]
    return all(len(re.sub(r"[*?.]", "", value)) >= LEAST for value in telling)


def _fits(row: Found, query: dict[str, str], patient: Person) -> bool:
    """A wider question finds neighbours, too: the number must be the one that was typed."""
    for key, field in NUMBERS.items():
        told = row.person.get(field, row.told.get(field, ""))
        if key in query and str(told).strip() != query[key].strip():
            return False
    if "PatientName" not in query:
        return True
    return _may_be(row, patient) or _is_named(row, query["PatientName"])


def _may_be(row: Found, patient: Person) -> bool:
    compared = identity.compare(person_of_dicom(row.person), patient)
    return compared.verdict in ("same", "unsure") and "name_differs" not in compared.reasons


def _is_named(row: Found, pattern: str) -> bool:
    words = identity.words_of(re.sub(r"[*?]", " ", pattern))
    theirs = identity.words_of(row.person.get("name", ""))
    return bool(words) and all(any(one.startswith(word) for one in theirs) for word in words)
