"""The rows of what is known about a patient."""

from records.models.authorization import (
    Authorization,
    FirstDoctor,
    HolderLetter,
    HolderLink,
    HolderMail,
)
from records.models.case_file import AccessGrant, CaseFile, OriginalDiagnosis, SafetyFacts
from records.models.document import (
    Document,
    DocumentKind,
    DocumentName,
    DocumentPage,
    Screening,
    Upload,
)
from records.models.ehr import Ehr, EhrPage, EhrPull
from records.models.facts import ClinicalFact
from records.models.first_doctor import FirstDoctorDuty, FirstDoctorLetter
from records.models.hits import AboutType, BlindingHit, BlindingSearch, GiveawayTerm
from records.models.icd10 import IcdCode, IcdWord
from records.models.identity_check import IdentityCheck
from records.models.imaging import (
    ImagingInstance,
    ImagingPicture,
    ImagingSeries,
    ImagingStudy,
    SeriesMetadata,
)
from records.models.imaging_inlet import ImagingInlet, ImagingRefusal
from records.models.imaging_jobs import ImagingCover, ImagingIngest, ImagingPreview, ImagingRemoval
from records.models.imaging_pack import ImagingPack
from records.models.measurements import MeasurementReport
from records.models.patient import Patient, Proxy
from records.models.proxy_invitation import ProxyInvitation
from records.models.record_part import RecordPart
from records.models.record_request import (
    RecordHolder,
    RecordRequest,
    RecordRequestEvent,
    RecordRequestItem,
)
from records.models.redaction import Burning, RedactionArea
from records.models.specimen import Specimen
from records.models.transfer import Peer, Transfer, TransferStudy

__all__ = [
    "AboutType",
    "AccessGrant",
    "Authorization",
    "BlindingHit",
    "BlindingSearch",
    "Burning",
    "CaseFile",
    "ClinicalFact",
    "Document",
    "DocumentKind",
    "DocumentName",
    "DocumentPage",
    "Ehr",
    "EhrPage",
    "EhrPull",
    "FirstDoctor",
    "FirstDoctorDuty",
    "FirstDoctorLetter",
    "GiveawayTerm",
    "HolderLetter",
    "HolderLink",
    "HolderMail",
    "IcdCode",
    "IcdWord",
    "IdentityCheck",
    "ImagingCover",
    "ImagingIngest",
    "ImagingInlet",
    "ImagingInstance",
    "ImagingPack",
    "ImagingPicture",
    "ImagingPreview",
    "ImagingRefusal",
    "ImagingRemoval",
    "ImagingSeries",
    "ImagingStudy",
    "MeasurementReport",
    "OriginalDiagnosis",
    "Patient",
    "Peer",
    "Proxy",
    "ProxyInvitation",
    "RecordHolder",
    "RecordPart",
    "RecordRequest",
    "RecordRequestEvent",
    "RecordRequestItem",
    "RedactionArea",
    "SafetyFacts",
    "Screening",
    "SeriesMetadata",
    "Specimen",
    "Transfer",
    "TransferStudy",
    "Upload",
]
