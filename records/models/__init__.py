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
from records.models.hits import AboutType, BlindingHit, BlindingSearch, GiveawayTerm
from records.models.icd10 import IcdCode, IcdWord
from records.models.imaging import (
    ImagingIngest,
    ImagingInstance,
    ImagingPack,
    ImagingPicture,
    ImagingPreview,
    ImagingSeries,
    ImagingStudy,
    SeriesMetadata,
)
from records.models.patient import Patient, Proxy
from records.models.proxy_invitation import ProxyInvitation

__all__ = [
    "AboutType",
    "AccessGrant",
    "BlindingHit",
    "BlindingSearch",
    "CaseFile",
    "Document",
    "DocumentKind",
    "DocumentName",
    "DocumentPage",
    "GiveawayTerm",
    "IcdCode",
    "IcdWord",
    "ImagingIngest",
    "ImagingInstance",
    "ImagingPack",
    "ImagingPicture",
    "ImagingPreview",
    "ImagingSeries",
    "ImagingStudy",
    "OriginalDiagnosis",
    "Patient",
    "Proxy",
    "ProxyInvitation",
    "SafetyFacts",
    "Screening",
    "SeriesMetadata",
    "Upload",
]
