"""`index.html`: what is in the copy, for a person without any program but a browser."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.dicom.values import text
from records.export.contents import Contents, Study
from records.facts.showing import Entry
from records.imaging_pages import MODALITIES, day_of
from records.models import SafetyFacts

MAX_SHOWN = 2000


def index(contents: Contents) -> bytes:
    """Plain, self-contained, without scripts; in the language of who takes the copy."""
    entries: dict[str, Entry] = {}
    for fact in contents.facts:  # once, however many records say it
        entries.setdefault(fact.same_as, Entry(fact))
    shown = list(entries.values())
    context = {
        "contents": contents,
        "patient": contents.case_file.patient,
        "clinic": contents.case_file.clinic,
        "studies": [_study(study) for study in contents.studies],
        "told": _told(contents.safety),
        "facts": shown[:MAX_SHOWN],
        "more_facts": max(0, len(shown) - MAX_SHOWN),
    }
    return render_to_string("records/export/index.html", context).encode()


SAFETY_WORDS = (
    (gettext_lazy("Allergies"), "has_allergies", "allergies"),
    (gettext_lazy("Blood thinners"), "takes_anticoagulants", "anticoagulants"),
    (gettext_lazy("Implants"), "has_implants", "implants"),
    (gettext_lazy("Kidney disease"), "has_kidney_disease", ""),
    (gettext_lazy("Pregnant"), "is_pregnant", ""),
)


def _told(safety: dict[str, str]) -> list[tuple[str, str]]:
    """The patient's answers in words, with what was said besides."""
    known = dict(SafetyFacts.Known.choices)
    lines = []
    for label, answer, more in SAFETY_WORDS:
        parts = [str(known.get(safety.get(answer, ""), "")), safety.get(more, "")]
        if words := ": ".join(part for part in parts if part):
            lines.append((str(label), words))
    return lines


def _study(study: Study) -> dict[str, Any]:
    search = study.study.search
    return {
        "title": text(search, "00081030").strip() or _("Study without a title"),
        "day": day_of(search, "00080020"),
        "image_count": study.image_count,
        "series": [
            {
                "title": text(series.search, "0008103E").strip()
                or str(MODALITIES.get(series.modality) or _("Series")),
                "kind": MODALITIES.get(series.modality, series.modality),
                "folder": images[0].path.rpartition("/")[0],
                "count": len(images),
            }
            for series, images in study.series
        ],
    }
