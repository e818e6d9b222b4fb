"""What a sealed specialist will see, and a quick literal search of what somebody just typed.

`records.blinding_search` searches the records in the background; what is typed now (a message, an
offer, a neutral title) is compared here before it is saved. A hit helps a person, it never decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from records import blinding
from records.models import (
    BlindingHit,
    CaseFile,
    Document,
    IcdCode,
    ImagingSeries,
    OriginalDiagnosis,
)
from records.models.case_file import BlindingClass
from requests_app.models import OpinionRequest

# Words that every letter has: finding them says nothing.
USUAL = frozenset([
    "about", "acute", "after", "before", "center", "centre", "chronic", "clinic", "disease",
    "disorder", "doctor", "female", "first", "general", "health", "hospital", "left", "male",
    "medical", "other", "part", "parts", "right", "side", "specified", "syndrome", "that", "their",
    "therapy", "this", "treatment", "university", "unspecified", "with", "without",
])  # fmt: skip


@dataclass(frozen=True)
class Hit:
    word: str
    count: int


def giveaways(case_file: CaseFile) -> list[str]:
    """Words that would give the first opinion, or who gave it, or who the patient is, away."""
    told = OriginalDiagnosis.objects.filter(case_file=case_file).first()
    texts: list[str] = [case_file.patient.full_name]
    if told:
        texts += [told.diagnosis, told.treatment, told.doctor_name, told.hospital_name]
        if told.icd10_code:
            titles = IcdCode.objects.filter(code=told.icd10_code).values_list("title", flat=True)
            texts += [told.icd10_code, *titles]
    words: dict[str, str] = {}
    for text in texts:
        for word in re.findall(r"[^\W_](?:[\w.-]*[^\W_])?", text):
            key = _folded(word)
            if len(key) >= 4 and key not in USUAL:
                words.setdefault(key, word.casefold())
    return list(words.values())


def hits_in(text: str, words: list[str]) -> list[Hit]:
    """Count each word where it begins a word of the text; case and accents do not matter."""
    if not words or not text:
        return []
    shown = {_folded(word): word for word in words}
    longest_first = sorted(shown, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})")
    found = Counter(pattern.findall(_folded(text)))
    return [Hit(shown[key], number) for key, number in found.most_common()]


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@dataclass(frozen=True)
class Preview:
    """What a sealed specialist will see, from the same functions that their pages ask."""

    age_band: str
    sex: str
    documents: list[tuple[Document, str]]
    series_count: int
    words: list[str]
    safety: list[tuple[str | Promise, str]]
    safety_hits: list[str]  # what the search found in them: they are shown all the same


SAFETY = (
    (_l("Allergies"), "has_allergies", "allergies"),
    (_l("Blood thinners"), "takes_anticoagulants", "anticoagulants"),
    (_l("Implants"), "has_implants", "implants"),
    (_l("Kidney disease"), "has_kidney_disease", ""),
    (_l("Pregnant"), "is_pregnant", ""),
)


def preview(opinion_request: OpinionRequest, today: Any) -> Preview:
    case_file = opinion_request.case_file
    items: list[Any] = [
        *opinion_request.questions.select_related("wording"),
        *opinion_request.patientstatements.select_related("wording").order_by("topic"),
    ]
    patient = case_file.patient
    series = ImagingSeries.objects.filter(
        case_file=case_file, study__status="available", blinding_class=BlindingClass.CLEAR,
        has_pictures=True,
    )  # fmt: skip
    return Preview(
        age_band=case_file.age_band(today),
        sex=patient.get_sex_display() if patient.sex else "",
        documents=blinding.documents_for(case_file, "sealed"),
        series_count=series.count(),
        words=[shown for item in items if (shown := blinding.words_for(item, "sealed"))],
        safety=_safety(case_file),
        safety_hits=list(
            BlindingHit.objects.of("safety_facts", case_file.pk).values_list("found", flat=True)
        ),
    )


def _safety(case_file: CaseFile) -> list[tuple[str | Promise, str]]:
    """Never sealed, whatever it may give away."""
    facts = getattr(case_file, "safety_facts", None)
    if facts is None:
        return []
    rows = [
        (label, getattr(facts, more, "") or getattr(facts, f"get_{known}_display")())
        for label, known, more in SAFETY
    ]
    return [(label, text) for label, text in rows if text]
