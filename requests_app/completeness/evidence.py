"""What a case file really holds, gathered once by a fixed number of queries.

Only what arrived and can be used counts: a file being checked, set aside or removed is no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Max, Q

from records.dicom.values import first, text
from records.identity import date_of
from records.models import (
    ClinicalFact,
    Document,
    ImagingInstance,
    ImagingSeries,
    OriginalDiagnosis,
    SafetyFacts,
    Specimen,
)
from requests_app.models import ItemStatement, OpinionRequest, PatientStatement, Waiver

NO_CONTRAST = ("", "NONE", "NO", "N", "NATIVE", "WITHOUT")


@dataclass(frozen=True)
class Series:
    """What the headers of one series say. Sizes and thicknesses in millimetres."""

    study: Any
    on: date | None
    modality: str
    body_part: str
    description: str  # study and series in one, upper case
    has_contrast: bool
    slice_thickness: float | None
    instances: int
    frames: int  # of its longest object


@dataclass(frozen=True)
class Paper:
    kind: str
    on: date | None
    text: str  # lower case; empty when it is a picture that nobody has read


@dataclass(frozen=True)
class Value:
    analyte: str
    on: date | None


@dataclass(frozen=True)
class Evidence:
    series: list[Series] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    slides: int = 0
    answers: frozenset[str] = frozenset()  # of definition.ANSWERS, and "item:<key>"
    applies: dict[str, str] = field(default_factory=dict)  # item -> yes, no, unknown
    waivers: dict[str, Waiver] = field(default_factory=dict)
    purposes: frozenset[str] = frozenset()


def gather(opinion_request: OpinionRequest) -> Evidence:
    """Everything that counts for this request. Nine queries, however much there is."""
    case_file = opinion_request.case_file_id
    statements = list(ItemStatement.objects.filter(opinion_request=opinion_request))
    usable = Q(document=None) | Q(document__status="available")
    labs = ClinicalFact.objects.filter(usable, case_file=case_file, kind="lab")
    values = labs.exclude(analyte="")
    slides = Specimen.objects.filter(case_file=case_file, count_received__gt=0)
    return Evidence(
        series=_series(case_file),
        papers=_papers(case_file),
        values=[Value(analyte, on) for analyte, on in values.values_list("analyte", "on")],
        slides=sum(one.count_received or 0 for one in slides),
        answers=_answers(opinion_request, statements),
        applies={one.item: one.applies for one in statements if one.applies},
        waivers={one.item: one for one in Waiver.objects.filter(opinion_request=opinion_request)},
        purposes=frozenset(opinion_request.purposes),
    )


def _series(case_file: Any) -> list[Series]:
    rows = ImagingSeries.objects.filter(case_file=case_file, study__status="available", parent=None)
    longest = dict(
        ImagingInstance.objects.filter(case_file=case_file)
        .values_list("series").annotate(Max("frame_count")).order_by()
    )  # fmt: skip
    return [_one_series(row, longest.get(row.pk) or 0) for row in rows.select_related("study")]


def _one_series(row: ImagingSeries, frames: int) -> Series:
    study = row.study.search
    words = [text(study, "00081030"), text(row.search, "0008103E")]
    thickness = first(row.search, "00180050", None)
    return Series(
        study=row.study_id,
        on=date_of(text(study, "00080020") or text(row.search, "00080021")),
        modality=row.modality.upper(),
        body_part=text(row.search, "00180015").upper(),
        description=" ".join(words).upper(),
        has_contrast=text(row.search, "00180010").strip().upper() not in NO_CONTRAST,
        slice_thickness=_number(thickness),
        instances=row.instance_count,
        frames=frames,
    )


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _papers(case_file: Any) -> list[Paper]:
    """Documents with the words on them. A burned copy is its original told again, so it is not
    counted.
    """
    rows = Document.objects.filter(case_file=case_file, status="available", parent=None)
    told: dict[Any, Paper] = {}
    for pk, kind, on, words in rows.order_by("pk", "pages__number").values_list(
        "pk", "kind", "dated_on", "pages__text"
    ):
        before = told[pk].text if pk in told else ""
        told[pk] = Paper(kind, on, f"{before} {(words or '').casefold()}")
    return list(told.values())


def _answers(opinion_request: OpinionRequest, statements: list[ItemStatement]) -> frozenset[str]:
    answered = {f"item:{one.item}" for one in statements if one.words.strip()}
    answered |= set(
        PatientStatement.objects.filter(opinion_request=opinion_request)
        .exclude(wording__text="").values_list("topic", flat=True)
    )  # fmt: skip
    if opinion_request.questions.exists():
        answered.add("questions")
    told = OriginalDiagnosis.objects.filter(case_file=opinion_request.case_file_id).first()
    if told and (told.was_not_named or told.diagnosis or told.icd10_code):
        answered.add("original_diagnosis")
    facts = SafetyFacts.objects.filter(case_file=opinion_request.case_file_id).first()
    if facts and facts.has_allergies and facts.has_implants and facts.takes_anticoagulants:
        answered.add("safety")
    return frozenset(answered)
