"""The rows of what is known about a patient."""

from records.models.case_file import AccessGrant, CaseFile, OriginalDiagnosis, SafetyFacts
from records.models.document import (
    Document,
    DocumentKind,
    DocumentName,
    DocumentPage,
    Screening,
    Upload,
)
from records.models.icd10 import IcdCode, IcdWord
from records.models.patient import Patient, Proxy

__all__ = [
    "AccessGrant",
    "CaseFile",
    "Document",
    "DocumentKind",
    "DocumentName",
    "DocumentPage",
    "IcdCode",
    "IcdWord",
    "OriginalDiagnosis",
    "Patient",
    "Proxy",
    "SafetyFacts",
    "Screening",
    "Upload",
]
