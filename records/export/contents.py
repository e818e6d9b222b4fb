"""What a copy of a case file holds, in a fixed order. For the page, the ZIP and its parts.

Order and names follow from what the records say of themselves, never from keys or the clock, so
that two copies of an unchanged case file are the same to the byte. PRIVACY: what is held because
it may be of somebody else is left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.utils.functional import cached_property

from records.dicom.values import first, text
from records.documents import title_of
from records.export.registry import Paper, papers_of, questions_of
from records.facts.showing import rows_for
from records.models import (
    CaseFile,
    ClinicalFact,
    Document,
    ImagingInstance,
    ImagingSeries,
    ImagingStudy,
    SafetyFacts,
)

MAX_FACTS = 20_000
SAFETY = (
    "has_allergies", "allergies", "has_implants", "implants", "is_pregnant",
    "takes_anticoagulants", "anticoagulants", "has_kidney_disease",
)  # fmt: skip
ENDINGS = {
    "application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "image/tiff": "tif",
    "image/webp": "webp", "image/gif": "gif", "image/bmp": "bmp", "text/plain": "txt",
    "application/cda+xml": "xml",
    "application/fhir+xml": "xml", "application/fhir+json": "json",
}  # fmt: skip


@dataclass(frozen=True)
class Original:
    """One document with its place in the ZIP."""

    document: Document
    path: str
    title: str


@dataclass(frozen=True)
class Image:
    """One object with its place in the ZIP: `DICOM/S0001/I0000001`, as a disc may name it."""

    instance: ImagingInstance
    path: str


@dataclass(frozen=True)
class Study:
    study: ImagingStudy
    series: list[tuple[ImagingSeries, list[Image]]]

    @property
    def image_count(self) -> int:
        return sum(len(images) for _series, images in self.series)


@dataclass(frozen=True)
class LeftOut:
    documents: int  # still being checked, held for the clinic, set aside
    studies: int

    @property
    def any(self) -> bool:
        return bool(self.documents or self.studies)


@dataclass(frozen=True)
class Totals:
    """For the page that offers the copy: counted by the database, no row is read."""

    documents: int
    studies: int
    images: int
    facts: int
    size_bytes: int  # of what is stored; the few pages made beside it are small


@dataclass
class Contents:
    case_file: CaseFile
    user: Any

    @cached_property
    def originals(self) -> list[Original]:
        """Copies with covered places belong to one review; the originals are what is known."""
        rows = self.case_file.documents.available().filter(parent=None).select_related("name")
        documents = list(rows.order_by("received_at", "pk"))
        digits = max(2, len(str(len(documents))))
        return [
            Original(one, _path_of(one, f"{number:0{digits}}"), title_of(one))
            for number, one in enumerate(documents, 1)
        ]

    def _images_of(self, **series: Any) -> QuerySet[ImagingInstance]:
        return ImagingInstance.objects.filter(
            case_file=self.case_file, pack__quarantined_at=None, **series
        )

    @cached_property
    def studies(self) -> list[Study]:
        shown = ImagingStudy.objects.filter(case_file=self.case_file, status="available")
        series = list(ImagingSeries.objects.filter(study__in=shown, parent=None))
        rows = self._images_of(series__in=series)
        rows = rows.select_related("pack").defer("search", "frame_offsets", "frame_lengths")
        of_series: dict[Any, list[ImagingInstance]] = {}
        for instance in rows.order_by("InstanceNumber", "SOPInstanceUID").iterator():
            of_series.setdefault(instance.series_id, []).append(instance)
        of_study: dict[Any, list[ImagingSeries]] = {}
        for one in sorted(series, key=_series_order):
            if one.pk in of_series:
                of_study.setdefault(one.study_id, []).append(one)
        found, turn, number = [], 0, 0
        for study in sorted(shown, key=_study_order):
            listed = []
            for one in of_study.get(study.pk, []):
                turn += 1
                images = []
                for instance in of_series[one.pk]:
                    number += 1
                    images.append(Image(instance, f"DICOM/S{turn:04}/I{number:07}"))
                listed.append((one, images))
            if listed:
                found.append(Study(study, listed))
        return found

    @cached_property
    def facts(self) -> list[ClinicalFact]:
        """Newest first; what several records say alike stands once for each of them."""
        rows = rows_for(self.case_file, "full").order_by(
            "-on", "kind", "text", "same_as", "document__sha256", "place"
        )
        return list(rows[:MAX_FACTS])

    @cached_property
    def papers(self) -> list[Paper]:
        return papers_of(self.case_file, self.user)

    @cached_property
    def left_out(self) -> LeftOut:
        documents = Document.objects.filter(case_file=self.case_file, parent=None).exclude(
            status__in=["available", "removed", "rejected"]
        )
        studies = ImagingStudy.objects.filter(case_file=self.case_file).exclude(
            status__in=["available", "removed", "rejected"]
        )
        return LeftOut(documents.count(), studies.count())

    @property
    def image_count(self) -> int:
        return sum(study.image_count for study in self.studies)

    @cached_property
    def totals(self) -> Totals:
        documents = self.case_file.documents.available().filter(parent=None)
        papers = documents.aggregate(count=Count("pk"), size=Sum("size_bytes"))
        shown = self._images_of(series__parent=None, study__status="available")
        images = shown.aggregate(
            count=Count("pk"), size=Sum("size_bytes"), studies=Count("study", distinct=True)
        )
        sizes = [papers["size"] or 0, images["size"] or 0, *(p.size_bytes for p in self.papers)]
        facts = min(MAX_FACTS, rows_for(self.case_file, "full").count())
        return Totals(papers["count"], images["studies"], images["count"], facts, sum(sizes))

    @cached_property
    def questions(self) -> list[str]:
        """To the specialists, in the patient's words."""
        return questions_of(self.case_file, self.user)

    @cached_property
    def safety(self) -> dict[str, str]:
        """What the patient answered about allergies and the like; empty when nobody was asked."""
        row = SafetyFacts.objects.filter(case_file=self.case_file).first()
        return {name: getattr(row, name) for name in SAFETY if getattr(row, name)} if row else {}


def _path_of(document: Document, number: str) -> str:
    """SECURITY: number, kind and hash; what people called the file is told inside alone."""
    kind = document.kind.replace("_", "-")
    ending = ENDINGS.get(document.media_type, "bin")
    return f"documents/{number}-{kind}-{document.sha256[:8]}.{ending}"


def _study_order(study: ImagingStudy) -> tuple[str, str, str]:
    return text(study.search, "00080020"), text(study.search, "00080030"), study.StudyInstanceUID


def _series_order(series: ImagingSeries) -> tuple[int, str]:
    number = first(series.search, "00200011", 0)
    return number if isinstance(number, int) else 0, series.SeriesInstanceUID
