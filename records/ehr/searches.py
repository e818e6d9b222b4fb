"""What is asked of a hospital's system, in which order, and which documents it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.models import DocumentKind


@dataclass(frozen=True)
class Search:
    name: str
    resource: str
    words: str | Promise  # for people
    more: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """One document of a pull. Apart, so that each can be shown or withheld by itself."""

    title: str  # of the document; stays English as file names do
    searches: tuple[str, ...]
    kind: str = DocumentKind.OTHER


FILE = "File"  # the name under which attached files are kept
PATIENT = Search("Patient", "Patient", _("Who you are"))
SEARCHES = (
    Search("Condition", "Condition", _("Diagnoses and health problems")),
    Search("laboratory", "Observation", _("Lab results"), {"category": "laboratory"}),
    Search("vital-signs", "Observation", _("Blood pressure, weight and the like"),
           {"category": "vital-signs"}),
    Search("DiagnosticReport", "DiagnosticReport", _("Reports of tests and scans")),
    Search("DocumentReference", "DocumentReference", _("Letters and notes")),
    Search("MedicationStatement", "MedicationStatement", _("Medicines you take")),
    Search("MedicationRequest", "MedicationRequest", _("Prescriptions"),
           {"_include": "MedicationRequest:medication"}),
    Search("AllergyIntolerance", "AllergyIntolerance", _("Allergies")),
    Search("Procedure", "Procedure", _("Operations and treatments")),
    Search("ImagingStudy", "ImagingStudy", _("A list of your scans, without the pictures")),
)  # fmt: skip
GROUPS = (
    Group("Diagnoses", ("Condition",)),
    Group("Lab results", ("laboratory",), DocumentKind.LAB_RESULTS),
    Group("Vital signs", ("vital-signs",)),
    Group("Reports", ("DiagnosticReport",)),
    Group("Letters and notes", ("DocumentReference",)),
    Group("Medicines", ("MedicationStatement", "MedicationRequest"),
          DocumentKind.MEDICATION_LIST),
    Group("Allergies", ("AllergyIntolerance",)),
    Group("Procedures", ("Procedure",)),
    Group("Scans that exist", ("ImagingStudy",)),
)  # fmt: skip
BY_NAME = {search.name: search for search in (PATIENT, *SEARCHES)}
# Read beside a search's own resources: what they point to inside the same answer.
BESIDE = {"Medication"}


def scopes_of(*, second_version: bool, offline: bool) -> str:
    """What is read and no more, in SMART's first or second spelling."""
    end = ".rs" if second_version else ".read"
    kinds = dict.fromkeys(search.resource for search in (PATIENT, *SEARCHES))
    more = ["Binary", *BESIDE]
    told = ["launch/patient", *(f"patient/{kind}{end}" for kind in [*kinds, *more])]
    return " ".join([*told, "offline_access"] if offline else told)
