"""What a sealed specialist will see, from the same functions that their pages ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from records import blinding
from records.models import (
    BlindingHit,
    CaseFile,
    Document,
    ImagingSeries,
)
from records.models.case_file import BlindingClass
from requests_app.models import OpinionRequest


@dataclass(frozen=True)
class Preview:
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
