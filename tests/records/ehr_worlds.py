"""A hospital with one patient, the same patient here, and the ways from one to the other."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from records.ehr import workflow
from records.models import CaseFile, Ehr, EhrPull, Screening
from records.models.facts import FactsReading
from records.tasks import read_facts, run_ehr_pull, screen
from tests import factories
from tests.records import files
from tests.records.bundles import condition, observation
from tests.records.fhir_server import CLIENT, Hospital, new_code

LOINC = "http://loinc.org"
PERSON = {"full_name": "Maria Example", "born_on": date(1970, 3, 14), "sex": "female"}


def coded(code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": LOINC, "code": code}], "text": text}


def categorised(resource: dict[str, Any], category: str) -> dict[str, Any]:
    return resource | {"category": [{"coding": [{"code": category}]}]}


def fill(it: Hospital, *, labs: int = 25) -> Hospital:
    """One of everything, three pages of lab results, two files and a third that is written in."""
    me = {"reference": f"Patient/{it.patient}"}
    it.files = {"b1": ("application/pdf", files.pdf(1, "Discharge letter")),
                "b2": ("text/plain", b"Biopsy: no sign of it.")}  # fmt: skip
    it.resources = [
        {"resourceType": "Patient", "id": it.patient, "gender": "female",
         "birthDate": "1970-03-14", "name": [{"family": "Example", "given": ["Maria"]}]},
        condition("c1", "Asthma", onsetDateTime="2015-05-02", subject=me),
        *[categorised(observation(f"o{n:03}", "2857-1", 1.5 + n, "ng/mL",
                                  f"20{10 + n % 15}-01-{n % 28 + 1:02}", subject=me), "laboratory")
          for n in range(labs)],
        categorised(observation("v1", "29463-7", 61, "kg", "2026-01-01", subject=me),
                    "vital-signs"),
        {"resourceType": "DiagnosticReport", "id": "r1", "status": "final", "subject": me,
         "code": coded("11526-1", "Pathology report"), "effectiveDateTime": "2026-01-04",
         "presentedForm": [{"contentType": "text/plain", "url": f"{it.base}/Binary/b2"}]},
        {"resourceType": "DocumentReference", "id": "d1", "status": "current", "subject": me,
         "type": coded("18842-5", "Discharge summary"), "date": "2026-01-05T10:00:00Z",
         "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/b1",
                                     "title": "Leaving hospital"}}]},
        {"resourceType": "DocumentReference", "id": "d2", "status": "current", "subject": me,
         "type": coded("34108-1", "Letter"), "date": "2026-01-06",
         "content": [{"attachment": {"contentType": "application/pdf",
                                     "url": "https://elsewhere.example.org/file.pdf"}}]},
        {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "subject": me,
         "intent": "order", "medicationReference": {"reference": "Medication/x"},
         "authoredOn": "2026-01-01"},
        {"resourceType": "Medication", "id": "x", "code": {"text": "Tamoxifen 20 mg"}},
        {"resourceType": "AllergyIntolerance", "id": "a1", "patient": me,
         "code": {"text": "Penicillin"}},
        {"resourceType": "Procedure", "id": "p1", "status": "completed", "subject": me,
         "code": {"text": "Biopsy of the breast"}, "performedDateTime": "2026-01-03"},
        {"resourceType": "ImagingStudy", "id": "i1", "status": "available", "subject": me,
         "started": "2026-01-02T09:00:00Z", "description": "MR breast", "numberOfInstances": 320,
         "endpoint": [{"reference": "Endpoint/e"}], "series": [{"modality": {"code": "MR"}}]},
    ]  # fmt: skip
    return it


def a_patient_s_case(clinic: Any = None) -> CaseFile:
    case_file: CaseFile = factories.draft(clinic).case_file
    case_file.documents.all().delete()
    return its_patient(case_file)


def its_patient(case_file: CaseFile) -> CaseFile:
    """The person whom the hospital knows."""
    for name, value in PERSON.items():
        setattr(case_file.patient, name, value)
    case_file.patient.save()
    return case_file


def an_ehr(it: Hospital, case_file: CaseFile, **more: Any) -> Ehr:
    told = {"title": "St. Anna", "way": "smart", "address": it.base, "client_id": CLIENT,
            "is_inside": True} | more  # fmt: skip
    by = factories.administrator(case_file.clinic)
    secrets = {key: told.pop(key, "") for key in ("token", "client_secret")}
    return workflow.add(case_file.clinic, told | secrets, by=by)


def run(pull: EhrPull) -> EhrPull:
    """One attempt of a worker, now."""
    EhrPull.objects.filter(pk=pull.pk).update(run_after=Now())
    run_ehr_pull(str(pull.pk))
    pull.refresh_from_db()
    return pull


def begun(browser: Client, case_file: CaseFile, ehr: Ehr) -> EhrPull:
    """The patient presses the button; a worker finds where to sign in."""
    answer = browser.post(reverse("records:ehr", args=[case_file.pk]), {"ehr": ehr.pk})
    assert answer.status_code == 302, answer.content
    return run(EhrPull.objects.latest("created_at"))


def launch_of(browser: Client, pull: EhrPull) -> dict[str, str]:
    """What the link on the page asks of the hospital."""
    page = browser.get(reverse("records:ehr_pull", args=[pull.pk]))
    link = next(
        part.split('"')[0]
        for part in page.content.decode().split('href="')
        if "code_challenge=" in part.split('"')[0]
    )
    return dict(parse_qsl(urlsplit(link.replace("&amp;", "&")).query))


def signed_in_there(it: Hospital, browser: Client, pull: EhrPull, **changes: str) -> Any:
    """As the hospital's page sends the browser back after a yes."""
    launch = launch_of(browser, pull)
    told = {"code": new_code(it, launch), "state": launch["state"]} | changes
    return browser.get(reverse("records:ehr_back"), {k: v for k, v in told.items() if v})


def pulled(it: Hospital, browser: Client, case_file: CaseFile, ehr: Ehr) -> EhrPull:
    pull = begun(browser, case_file, ehr)
    assert signed_in_there(it, browser, pull).status_code == 302
    return run(pull)


def let_in(case_file: CaseFile) -> None:
    """Screening and facts of everything that came."""
    for _again in range(3):
        for job in Screening.objects.filter(document__case_file=case_file, status="queued"):
            screen(str(job.pk))
        for reading in FactsReading.objects.filter(document__case_file=case_file, status="queued"):
            read_facts(str(reading.pk))
