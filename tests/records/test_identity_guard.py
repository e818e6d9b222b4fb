"""A record of somebody else reaches no specialist: held, asked about, decided, compared again."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records import identity_in_text, identity_workflow
from records.grants import grant
from records.models import CaseFile, Document, IdentityCheck, ImagingStudy, Patient
from requests_app import intake
from requests_app import workflow as requests
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from tests import factories as make
from tests.records import files
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store
from tests.records.ready import screened

pytestmark = pytest.mark.django_db

STRANGER = {"PatientName": "Other^Person", "PatientID": "P2", "PatientBirthDate": "19500101"}
MARRIED = {"PatientName": "Garcia^Maria", "PatientID": "P9"}


def images(case_file, study="1.2.9", **changes):
    store(case_file, as_bytes(ct(1, study=study, **changes)))
    return ImagingStudy.objects.get(case_file=case_file, StudyInstanceUID=study)


def fhir(**patient):
    entry = [{"resource": {"resourceType": "Patient"} | patient}]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry}).encode()


def cda(given="Maria", family="Example", born="19700314"):
    return f"""<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget>
        <patientRole><id extension="MRN1"/><patient><name><given>{given}</given>
        <family>{family}</family></name><administrativeGenderCode code="F"/>
        <birthTime value="{born}"/></patient></patientRole></recordTarget></ClinicalDocument>
        """.encode()


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("changes", "status", "verdict"),
    [
        ({}, "available", "same"),
        ({"PatientName": "EXAMPLE^MARIA^ANNA"}, "available", "same"),
        ({"PatientName": "Anonymous", "PatientID": "", "PatientBirthDate": ""}, "available",
         "unnamed"),
        (STRANGER, "held", "different"),
        (MARRIED, "held", "unsure"),
        ({"PatientBirthDate": "19690101"}, "held", "unsure"),
        ({"PatientName": "Anonymous", "PatientBirthDate": "19500101"}, "held", "different"),
    ],
)  # fmt: skip
def test_images_are_held_unless_they_name_the_patient_or_nobody(changes, status, verdict):
    study = images(a_case_file(), **changes)
    assert (study.status, study.identity_check.verdict) == (status, verdict)
    assert study.problem == ("other_patient" if status == "held" else "")
    assert study.identity_check.is_holding is (status == "held")


def test_the_patients_own_images_stay_when_a_strangers_come():
    case_file = a_case_file()
    own, other = images(case_file, "1.2.3"), images(case_file, **STRANGER)
    later = images(case_file, "1.2.10")
    statuses = [ImagingStudy.objects.get(pk=one.pk).status for one in (own, other, later)]
    assert statuses == ["available", "held", "available"]


@pytest.mark.parametrize(
    ("content", "status", "verdict"),
    [
        (fhir(name=[{"family": "Example", "given": ["Maria"]}], birthDate="1970-03-14"),
         "available", "same"),
        (fhir(name=[{"family": "Roe", "given": ["Jane"]}], birthDate="1988-01-02"),
         "held", "different"),
        (cda(), "available", "same"),
        (cda(given="John", born="19500101"), "held", "different"),
        (files.pdf(text="Patient: Jane Roe  DOB: 01/02/1988"), "held", "different"),
        (files.pdf(text="Patient: Maria Example  DOB: 03/14/1970"), "available", "same"),
        (files.pdf(text="Patient: Maria Example"), "available", "unsure"),  # weak, yet no other
        (files.pdf(text="Patient: 54-year-old woman seen by Dr Roe"), "available", None),
    ],
    ids=["fhir own", "fhir other", "cda own", "cda other", "pdf other", "pdf own", "pdf name only",
         "pdf nobody"],
)  # fmt: skip
def test_documents_are_held_when_they_name_somebody_else(content, status, verdict):
    document = screened(content)
    assert document.status == status
    check = IdentityCheck.objects.filter(document=document).first()
    assert (check.verdict if check else None) == verdict
    assert document.problem == ("other_patient" if status == "held" else "")


def test_two_people_in_one_bundle_are_held():
    own = {"resourceType": "Patient", "name": [{"family": "Example", "given": ["Maria"]}],
           "birthDate": "1970-03-14"}  # fmt: skip
    other = own | {"name": [{"text": "Jane Roe"}], "birthDate": "1988-01-02"}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": own}, {"resource": other}]}
    document = screened(json.dumps(bundle).encode())
    assert document.status == "held"
    assert "several_people" in document.identity_check.reasons


def test_no_specialist_sees_what_is_held():
    reader = make.specialist()
    opinion_request = make.draft(reader.clinic)
    document = screened(cda(given="John", born="19500101"), opinion_request)
    study = images(opinion_request.case_file, **STRANGER)
    for sight in ("sealed", "full"):
        grant(opinion_request.case_file, to=reader.user, as_role="specialist", sight=sight,
              until=timezone.now() + timedelta(days=1), by=opinion_request.started_by)  # fmt: skip
        seen = Document.objects.visible_as("specialist", reader.user)
        assert not seen.filter(pk=document.pk).exists()
        assert not ImagingStudy.objects.visible_as("specialist", reader.user).exists()
        assert not IdentityCheck.objects.visible_to(reader.user).exists()
    client = signed_in(reader.user)
    for name, pk in (("right_patient", study.case_file_id),
                     ("identity_decide", study.identity_check.pk)):  # fmt: skip
        assert client.get(reverse(f"records:{name}", args=[pk])).status_code == 404


def test_a_strangers_images_are_opened_by_the_clinic_alone():
    it = make.opinion_request_at("collecting")
    study = images(it.case_file, SeriesDescription="Strange knee", **STRANGER)
    assert (study.status, study.problem) == ("held", "other_patient")
    page = reverse("records:images", args=[it.case_file_id])
    metadata = reverse("dicomweb:study_metadata", args=[it.case_file_id, study.StudyInstanceUID])
    found = reverse("dicomweb:studies", args=[it.case_file_id])
    for who, can_open in ((it.started_by, False), (make.coordinator(it.clinic), True)):
        client = signed_in(who)
        for _again in range(2):  # the second time by the short way
            assert (client.get(metadata).status_code == 200) is can_open
        assert bool(client.get(found).json()) is can_open
        assert (b"Strange knee" in client.get(page).content) is can_open
        assert (b"may be another person" in client.get(page).content) is not can_open


def test_a_draft_without_a_name_waits_until_it_is_sent():
    opinion_request = make.draft()
    patient = opinion_request.case_file.patient
    Patient.objects.filter(pk=patient.pk).update(full_name="", born_on=None)
    study = images(opinion_request.case_file, **STRANGER)
    assert (study.status, study.identity_check.verdict) == ("available", "waiting")
    Patient.objects.filter(pk=patient.pk).update(full_name="Maria Example", born_on="1970-03-14")
    requests.submit(opinion_request, truth_name="Maria Example", by=opinion_request.started_by)
    study.refresh_from_db()
    assert (study.status, study.problem) == ("held", "other_patient")


def test_a_new_name_or_birth_date_compares_everything_again():
    opinion_request = make.draft()
    case_file, by = opinion_request.case_file, opinion_request.started_by
    study = images(case_file, **STRANGER)
    document = screened(cda(), opinion_request)
    assert (study.status, document.status) == ("held", "available")

    def save(version, **answers):
        intake.save(opinion_request, "about", answers, since=intake.Opened(version, "a tab"),
                    by=by, is_finished=True)  # fmt: skip
        study.refresh_from_db()
        document.refresh_from_db()
        return study.status, document.status

    changed = save(0, full_name="Person Other", born_on=date(1950, 1, 1))
    assert changed == ("available", "held")
    assert save(1, full_name="Maria Example", born_on=date(1970, 3, 14)) == ("held", "available")
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"identity.held", "identity.released"} <= verbs


class TestDeciding:
    def asked(self):
        clinic = make.ClinicFactory()
        opinion_request = make.opinion_request_at("collecting", clinic)
        study = images(opinion_request.case_file, **MARRIED)
        return opinion_request, study, make.coordinator(clinic)

    def test_the_patient_is_asked_masked_and_the_clinic_decides(self):
        opinion_request, study, staff = self.asked()
        check, patient = study.identity_check, signed_in(opinion_request.started_by)
        page = patient.get(reverse("requests:status", args=[opinion_request.pk])).content.decode()
        assert "G••• M•••, born 19••" in page
        assert "Garcia" not in page
        said = patient.post(reverse("records:identity_answer", args=[check.pk]), {"answer": "yes"})
        assert said.status_code == 302
        study.refresh_from_db()
        assert study.status == "held"  # the patient's word is a hint, not the decision

        clinic = signed_in(staff)
        triage = clinic.get(reverse("requests:triage", args=[opinion_request.pk]))
        assert "1 record may be of somebody else" in triage.content.decode()
        address = reverse("records:right_patient", args=[opinion_request.case_file_id])
        masked, full = clinic.get(address), clinic.get(address + "?names=full")
        assert "Garcia" not in masked.content.decode()
        assert "Yes, this is about me" in masked.content.decode()
        assert "A married name?" in masked.content.decode()
        assert "Garcia Maria" in full.content.decode()
        assert AuditEvent.objects.filter(verb="identity.opened", actor_id=staff.pk).count() == 1

        decide = reverse("records:identity_decide", args=[check.pk])
        assert clinic.post(decide, {"decision": "belongs"}).status_code == 400  # no reason
        answer = {"decision": "belongs", "reason": "Married name, seen on her passport."}
        assert clinic.post(decide, answer).status_code == 302
        study.refresh_from_db()
        assert (study.status, study.problem) == ("available", "")
        assert clinic.post(decide, answer).status_code == 409
        # The next one of the same name and birth date needs nobody.
        again = images(opinion_request.case_file, "1.2.11", **MARRIED)
        assert (again.status, again.identity_check.reasons[-1]) == ("available", "like_accepted")

    def test_a_strangers_record_leaves_and_its_name_is_forgotten(self):
        opinion_request, study, staff = self.asked()
        document = screened(cda(given="John", born="19500101"), opinion_request)
        for check in (study.identity_check, document.identity_check):
            identity_workflow.decide(check, belongs=False, reason="Another person.", by=staff)
            check.refresh_from_db()
            assert check.told == []
        study.refresh_from_db()
        document.refresh_from_db()
        assert (study.status, document.status) == ("removed", "removed")

    def test_only_the_clinic_decides_and_not_by_the_short_way(self):
        opinion_request, study, staff = self.asked()
        for person in (opinion_request.started_by, make.coordinator()):
            with pytest.raises(Refused):
                identity_workflow.decide(study.identity_check, belongs=True, reason="me", by=person)
        short = reverse("records:images_decide", args=[study.pk])
        assert signed_in(staff).post(short, {"decision": "release"}).status_code == 409
        study.refresh_from_db()
        assert study.status == "held"

    def test_a_held_document_of_a_record_holder_is_closed_to_the_patient(self):
        opinion_request, _study, staff = self.asked()
        document = screened(cda(given="John", born="19500101"), opinion_request)
        address = reverse("records:document", args=[document.pk])
        patient, clinic = signed_in(opinion_request.started_by), signed_in(staff)
        download = reverse("records:download", args=[document.pk])
        assert download in patient.get(address).content.decode()  # who sent it has it anyway
        Document.objects.filter(pk=document.pk).update(by=None)
        assert download not in patient.get(address).content.decode()
        assert patient.get(download).status_code == 404
        assert download in clinic.get(address).content.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient Name: GARCIA, Maria   MRN: 12", [{"name": "GARCIA, Maria"}]),
        ("Patient: Maria Garcia DOB: 14 March 1970",
         [{"name": "Maria Garcia", "born": "19700314"}]),
        ("Paciente: María de la Cruz\nFecha de nacimiento: 14.03.1970",
         [{"name": "María de la Cruz", "born": "19700314"}]),
        ("Patient: Maria Garcia     Born: 14 March 1970     Date: 2 May 2024",
         [{"name": "Maria Garcia", "born": "19700314"}]),
        ("Date of birth: 1970-03-14", [{"born": "19700314"}]),
        ("Seen by Dr Roe. The patient: stable, afebrile.", []),
        ("Patient: stable\nPatient: see above", []),
    ],
)  # fmt: skip
def test_only_labelled_names_and_dates_on_a_page_count(text, expected):
    assert identity_in_text.people(text) == expected


def test_a_clinic_sees_only_its_own():
    case_file = a_case_file()
    check = images(case_file, **STRANGER).identity_check
    assert IdentityCheck.objects.visible_to(make.coordinator(case_file.clinic)).get() == check
    assert not IdentityCheck.objects.visible_to(make.coordinator()).exists()
    assert CaseFile.objects.get() == case_file
