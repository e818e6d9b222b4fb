"""The playground's chase for records: whom the clinic asked, what is on its way, what came in."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from records import authorizations, record_requests, specimen_workflow
from records.models import CaseFile, Patient, RecordRequest, Specimen
from records.record_requests import Item
from secondop.accounts.models import User

PRODUCER = "North Bay patient portal (invented)"
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
# analyte: LOINC code, unit, (days ago, value) oldest first
VALUES: dict[str, tuple[str, str, tuple[tuple[int, float], ...]]] = {
    "Prostate specific antigen": (
        "2857-1", "ng/mL", ((1080, 4.2), (730, 5.1), (365, 5.6), (40, 6.0))),
    "Creatinine": ("2160-0", "mg/dL", ((730, 1.1), (365, 1.2), (40, 1.2))),
    "Hemoglobin": ("718-7", "g/dL", ((730, 14.1), (365, 13.8), (40, 13.9))),
}  # fmt: skip


def chase(case_file: CaseFile, *, patient: User, coordinator: User) -> None:
    """Three record holders at three stages, and glass slides that were sent off yesterday."""
    today = timezone.localdate()
    pathology = record_requests.name_holder(
        case_file, by=coordinator, kind="pathology", name="Bay Pathology", country="US",
        contact_name="Slide desk", email="slides@baypathology.example", phone="+1 555 0171",
    )  # fmt: skip
    slides = _ask(pathology, "pathology", "The biopsy report and the glass slides", coordinator)
    _signed_and_sent(slides, patient=patient, coordinator=coordinator)
    record_requests.promise(
        slides, day=today + timedelta(days=6), text="The slide desk called back.", by=coordinator
    )
    parcel = specimen_workflow.add(
        case_file, holder=pathology, kind="slides", accession="BP-26-04417",
        label="Prostate biopsy, 12 cores, H&E", by=coordinator,
    )  # fmt: skip
    specimen_workflow.step(
        parcel, Specimen.Status.SHIPPED, by=coordinator, count_sent=12, courier="Medical courier",
        tracking="MC-5521-0098",
    )  # fmt: skip
    imaging = record_requests.name_holder(
        case_file, by=coordinator, kind="imaging", name="North Bay Imaging", country="US",
        email="records@northbayimaging.example",
    )  # fmt: skip
    scans = _ask(imaging, "imaging", "MRI of the prostate", coordinator, form="both")
    _signed_and_sent(scans, patient=patient, coordinator=coordinator)
    family = record_requests.name_holder(
        case_file, by=coordinator, kind="practice", name="Harbor Family Practice", country="US",
        address="12 Harbor Street\nNorth Bay, CA 94100",
    )  # fmt: skip
    _ask(family, "medication_list", "The list of medicines", coordinator)


def _ask(holder: Any, kind: str, what: str, by: User, *, form: str = "reports") -> RecordRequest:
    return record_requests.ask(holder, [Item(kind=kind, what=what, form=form)], by=by)


def _signed_and_sent(ask: RecordRequest, *, patient: User, coordinator: User) -> None:
    name = authorizations.signer_name(patient, ask.case_file.patient)
    authorizations.sign(
        ask.authorizations.get(), name=name, tells_first_doctor=False, from_ip="", by=patient
    )
    ask.refresh_from_db()
    record_requests.send(ask, channel=RecordRequest.Channel.EMAIL, by=coordinator)
    ask.refresh_from_db()


def portal_record(patient: Patient, *, today: date) -> bytes:
    """What a patient downloads from a hospital's portal: a FHIR R4 Bundle as JSON bytes."""
    given, family = patient.full_name.split(" ", 1)
    about = {"reference": "Patient/p"}

    def on(days_ago: int) -> str:
        return (today - timedelta(days=days_ago)).isoformat()

    def named(text: str, code: str = "", system: str = SNOMED) -> dict[str, Any]:
        coding = {"coding": [{"system": system, "code": code, "display": text}]} if code else {}
        return {"text": text, **coding}

    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p", "name": [{"family": family, "given": [given]}],
         "birthDate": f"{patient.born_on}", "gender": patient.sex},
        {"resourceType": "Condition", "id": "c1", "subject": about, "onsetDateTime": on(2900),
         "code": named("High blood pressure", "38341003"),
         "clinicalStatus": named("active", "active",
                                 "http://terminology.hl7.org/CodeSystem/condition-clinical")},
        {"resourceType": "Procedure", "id": "r1", "subject": about, "status": "completed",
         "performedDateTime": on(1800), "code": named("Pacemaker put in")},
        {"resourceType": "MedicationStatement", "id": "m1", "subject": about, "status": "active",
         "medicationCodeableConcept": named("Lisinopril 10 mg"),
         "effectivePeriod": {"start": on(2880)}},
        {"resourceType": "AllergyIntolerance", "id": "a1", "patient": about,
         "code": named("Pollen"), "recordedDate": on(4000)},
    ]  # fmt: skip
    for name, (code, unit, values) in VALUES.items():
        resources += [
            {"resourceType": "Observation", "id": f"o{code}-{days}", "status": "final",
             "subject": about, "category": [named("laboratory", "laboratory",
                "http://terminology.hl7.org/CodeSystem/observation-category")],
             "code": named(name, code, LOINC), "effectiveDateTime": on(days),
             "valueQuantity": {"value": value, "unit": unit, "code": unit,
                               "system": "http://unitsofmeasure.org"}}
            for days, value in values
        ]  # fmt: skip
    bundle = {
        "resourceType": "Bundle", "type": "collection", "meta": {"source": PRODUCER},
        "entry": [{"resource": resource} for resource in resources],
    }  # fmt: skip
    return json.dumps(bundle, indent=1).encode()
