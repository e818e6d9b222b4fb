"""`fhir/bundle.json`: what the case file says, for other systems. A FHIR R4 collection.

Every resource names where it comes from by `meta.source`. What a source did not say is left out,
never guessed. Source: https://hl7.org/fhir/R4/
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from uuid import uuid5

from records.dicom.values import text
from records.export.contents import Contents, Original, Study
from records.facts.reading import KINDS
from records.models import ClinicalFact, OriginalDiagnosis, Patient

Resource = dict[str, Any]
Kind = ClinicalFact.Kind
LOINC = "http://loinc.org"
CONDITION_STATES = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
MEDICINE_STATES = ("active", "completed", "intended", "stopped", "on-hold", "not-taken")
ALLERGY_STATES = ("active", "inactive", "resolved")
PROCEDURE_STATES = ("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed")
OVER = ("inactive", "remission", "resolved")
TERMS = "http://terminology.hl7.org/CodeSystem"
TYPES = {str(kind): code for code, kind in reversed(KINDS.items())}  # the first code of each kind


def bundle(contents: Contents) -> bytes:
    """The bundle as bytes, the same for the same records."""
    patient = contents.case_file.patient
    about = {"reference": f"urn:uuid:{patient.pk}"}
    resources = [_patient(patient), *_diagnosis(contents, about), *_answers(contents, about)]
    resources += [_document(one, about) for one in contents.originals]
    resources += [_study(study, about) for study in contents.studies]
    resources += [_fact(fact, about) for fact in contents.facts]
    for paper in contents.papers:
        resources += [one | {"subject": about} for one in paper.resources]
    entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources]
    told = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return json.dumps(told, indent=1, ensure_ascii=False).encode()


def hash_uri(sha256: str) -> str:
    """SHA-256 as a name (RFC 6920): R4's own field for a hash means SHA-1."""
    return "ni:///sha-256;" + urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")


def attachment(
    path: str, title: str, media_type: str, size_bytes: int, on: Any = None
) -> dict[str, Any]:
    told = {
        "contentType": media_type or "application/octet-stream",
        "url": f"../{path}",
        "size": size_bytes,
        "title": title,
    }
    return told | ({"creation": on.isoformat()} if on else {})


def _patient(patient: Patient) -> Resource:
    told: Resource = {"resourceType": "Patient", "id": str(patient.pk)}
    if patient.full_name:
        told["name"] = [{"text": patient.full_name}]
    if patient.sex:
        told["gender"] = patient.sex
    if patient.born_on:
        told["birthDate"] = patient.born_on.isoformat()
    return told


def _diagnosis(contents: Contents, about: Resource) -> list[Resource]:
    """What the first doctor said."""
    first = OriginalDiagnosis.objects.filter(case_file=contents.case_file).first()
    if not first or not (first.diagnosis or first.icd10_code):
        return []
    code: Resource = {"text": first.diagnosis} if first.diagnosis else {}
    if first.icd10_code:
        code["coding"] = [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": first.icd10_code}]
    told: Resource = {
        "resourceType": "Condition",
        "id": str(first.pk),
        "clinicalStatus": _coding(f"{TERMS}/condition-clinical", "active"),
        "verificationStatus": _coding(f"{TERMS}/condition-ver-status", "unconfirmed"),
        "code": code,
        "subject": about,
    }
    if first.told_on:
        told["recordedDate"] = first.told_on.isoformat()
    if first.treatment:
        told["note"] = [{"text": first.treatment}]
    return [told]


def _answers(contents: Contents, about: Resource) -> list[Resource]:
    """What the patient answered about safety, and asks the specialists."""
    told = [(name, value) for name, value in contents.safety.items()]
    told += [(f"question-{n}", text) for n, text in enumerate(contents.questions, 1)]
    if not told:
        return []
    return [{
        "resourceType": "QuestionnaireResponse",
        "id": str(uuid5(contents.case_file.pk, "answers")),
        "status": "completed",
        "subject": about,
        "item": [{"linkId": name, "answer": [{"valueString": text}]} for name, text in told],
    }]  # fmt: skip


def _coding(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _document(one: Original, about: Resource) -> Resource:
    document = one.document
    kind: Resource = {"text": str(document.get_kind_display())}
    if code := TYPES.get(document.kind):
        kind["coding"] = [{"system": LOINC, "code": code}]
    return {
        "resourceType": "DocumentReference",
        "id": str(document.pk),
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": hash_uri(document.sha256)}],
        "status": "current",
        "type": kind,
        "subject": about,
        "date": document.received_at.isoformat(),
        "content": [{"attachment": attachment(
            one.path, one.title, document.media_type, document.size_bytes, document.dated_on
        )}],
    }  # fmt: skip


def _study(study: Study, about: Resource) -> Resource:
    row = study.study
    told: Resource = {
        "resourceType": "ImagingStudy",
        "id": str(row.pk),
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{row.StudyInstanceUID}"}],
        "status": "available",
        "subject": about,
        "numberOfSeries": len(study.series),
        "numberOfInstances": study.image_count,
        "series": [],
    }
    day = text(row.search, "00080020")
    if len(day) == 8 and day.isdigit():
        told["started"] = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    if title := text(row.search, "00081030").strip():
        told["description"] = title
    for series, images in study.series:
        one: Resource = {
            "uid": series.SeriesInstanceUID,
            "modality": {
                "system": "http://dicom.nema.org/resources/ontology/DCM",
                "code": series.modality or "OT",
            },
            "numberOfInstances": len(images),
        }
        if title := text(series.search, "0008103E").strip():
            one["description"] = title
        told["series"].append(one)
    return told


def _fact(fact: ClinicalFact, about: Resource) -> Resource:
    code: Resource = {"text": fact.text}
    if fact.code and fact.code_system:
        code["coding"] = [{"system": fact.code_system, "code": fact.code}]
    told: Resource = {"resourceType": RESOURCES[fact.kind], "id": str(fact.pk)}
    if fact.document_id:
        told["meta"] = {"source": f"urn:uuid:{fact.document_id}"}
    return told | WRITERS[fact.kind](fact, code, about)


def _observation(fact: ClinicalFact, code: Resource, about: Resource) -> Resource:
    told: Resource = {
        "status": "preliminary" if fact.status == "preliminary" else "final",
        "category": [_coding(f"{TERMS}/observation-category", "laboratory")],
        "code": code,
        "subject": about,
    }
    if fact.on:
        told["effectiveDateTime"] = fact.on.isoformat()
    if fact.value is not None:
        told["valueQuantity"] = {"value": float(fact.value)}
        if fact.unit:
            told["valueQuantity"]["unit"] = fact.unit
    elif fact.value_text:
        told["valueString"] = f"{fact.value_text} {fact.unit}".strip()
    if fact.reference_range:
        told["referenceRange"] = [{"text": fact.reference_range}]
    if fact.document_id:
        told["derivedFrom"] = [{"reference": f"urn:uuid:{fact.document_id}"}]
    return told


def _condition(fact: ClinicalFact, code: Resource, about: Resource) -> Resource:
    told: Resource = {"code": code, "subject": about}
    if fact.status in CONDITION_STATES:
        told["clinicalStatus"] = _coding(f"{TERMS}/condition-clinical", fact.status)
    if fact.on:
        told["onsetDateTime"] = fact.on.isoformat()
    if fact.until and fact.status in OVER:
        told["abatementDateTime"] = fact.until.isoformat()
    return told


def _medicine(fact: ClinicalFact, code: Resource, about: Resource) -> Resource:
    told: Resource = {
        "status": fact.status if fact.status in MEDICINE_STATES else "unknown",
        "medicationCodeableConcept": code,
        "subject": about,
    }
    days = {"start": fact.on, "end": fact.until}
    if period := {name: day.isoformat() for name, day in days.items() if day}:
        told["effectivePeriod"] = period
    if fact.value_text:
        told["dosage"] = [{"text": fact.value_text}]
    return told


def _allergy(fact: ClinicalFact, code: Resource, about: Resource) -> Resource:
    state = fact.status if fact.status in ALLERGY_STATES else "active"
    told: Resource = {
        "clinicalStatus": _coding(f"{TERMS}/allergyintolerance-clinical", state),
        "code": code,
        "patient": about,
    }
    return told | ({"onsetDateTime": fact.on.isoformat()} if fact.on else {})


def _procedure(fact: ClinicalFact, code: Resource, about: Resource) -> Resource:
    told: Resource = {
        "status": fact.status if fact.status in PROCEDURE_STATES else "unknown",
        "code": code,
        "subject": about,
    }
    return told | ({"performedDateTime": fact.on.isoformat()} if fact.on else {})


def _immunization(fact: ClinicalFact, code: Resource, about: Resource) -> Resource:
    when = (
        {"occurrenceDateTime": fact.on.isoformat()} if fact.on else {"occurrenceString": "unknown"}
    )
    state = "not-done" if fact.status == "not-done" else "completed"
    return {"status": state, "vaccineCode": code, "patient": about} | when


def _report(fact: ClinicalFact, code: Resource, about: Resource) -> Resource:
    told: Resource = {
        "status": "preliminary" if fact.status == "preliminary" else "final",
        "code": code,
        "subject": about,
    }
    if fact.on:
        told["effectiveDateTime"] = fact.on.isoformat()
    if fact.value_text:
        told["conclusion"] = fact.value_text
    return told


RESOURCES: dict[str, str] = {
    Kind.LAB: "Observation", Kind.PROBLEM: "Condition", Kind.MEDICINE: "MedicationStatement",
    Kind.ALLERGY: "AllergyIntolerance", Kind.PROCEDURE: "Procedure",
    Kind.IMMUNIZATION: "Immunization", Kind.REPORT: "DiagnosticReport",
}  # fmt: skip
WRITERS: dict[str, Callable[[ClinicalFact, Resource, Resource], Resource]] = {
    Kind.LAB: _observation, Kind.PROBLEM: _condition, Kind.MEDICINE: _medicine,
    Kind.ALLERGY: _allergy, Kind.PROCEDURE: _procedure, Kind.IMMUNIZATION: _immunization,
    Kind.REPORT: _report,
}  # fmt: skip
