"""The pages about what is still needed, and the clinic's own checklists."""

import pytest
from django.urls import reverse

from records.models import ImagingStudy, OriginalDiagnosis
from requests_app import gathering, workflow
from requests_app.completeness.choosing import checklists_of, completeness_of, hold_to
from requests_app.completeness.definition import shipped
from requests_app.models import ChecklistVersion, ItemStatement, OpinionRequest
from secondop.lib.verdicts import Refused
from tests.factories import (
    ClinicFactory,
    administrator,
    coordinator,
    document,
    draft,
    opinion_request_at,
    specialist,
)
from tests.records.dicom import samples as imaging

pytestmark = pytest.mark.django_db


def told(it, **fields):
    OriginalDiagnosis.objects.filter(case_file=it.case_file).update(**fields)


def found(it, name):
    return next(f for f in completeness_of(it).findings if f.name == name)


@pytest.fixture
def it(clinic):
    """A request about a breast cancer, being collected."""
    return opinion_request_at("collecting", clinic)


class TestChoosing:
    @pytest.mark.parametrize(
        ("fields", "key"),
        [
            ({"icd10_code": "C50.912", "diagnosis": ""}, "breast_cancer"),
            ({"icd10_code": "G35", "diagnosis": ""}, "multiple_sclerosis"),
            ({"icd10_code": "", "diagnosis": "prostate cancer"}, "prostate_cancer"),
            ({"icd10_code": "", "diagnosis": "Nódulo tiroideo"}, "thyroid"),
            ({"icd10_code": "", "diagnosis": "glioblastoma"}, "brain_tumor"),
        ],
    )
    def test_the_code_or_the_words_decide(self, clinic, fields, key):
        it = draft(clinic)
        told(it, **fields)
        assert key in [checklist.key for checklist in checklists_of(it)]

    def test_no_diagnosis_leads_to_the_rare_path(self, clinic):
        it = draft(clinic, purposes=["no_diagnosis"])
        assert "rare_disease" in [checklist.key for checklist in checklists_of(it)]

    def test_a_running_request_keeps_its_version(self, clinic, it):
        before = {row.checklist_id for row in it.request_checklists.all()}
        by = administrator(clinic)
        newer = gathering.save_version(
            clinic, shipped()["core"].replace('"2026-11"', '"ours-1"'), by=by
        )
        gathering.sign(newer, name="Dr. Ada Park", by=by)
        hold_to(it)
        assert {row.checklist_id for row in it.request_checklists.all()} == before
        other = opinion_request_at("submitted", clinic)
        assert newer.pk in {row.checklist_id for row in other.request_checklists.all()}


class TestEvidence:
    def test_images_papers_and_answers_of_the_case_file_count(self, it):
        told(it, icd10_code="R91.1")
        hold_to(it)
        assert found(it, "lung_cancer.ct").state == "missing"
        document(it.case_file, by=it.started_by, kind="imaging_report")
        assert "not" in found(it, "lung_cancer.ct").why_not
        thin = imaging.ct(1, BodyPartExamined="CHEST", SliceThickness="1.0", StudyDate="20261101")
        imaging.store(it.case_file, imaging.as_bytes(thin))
        assert found(it, "lung_cancer.ct").state in ("met", "old")
        ImagingStudy.objects.update(status="quarantined")
        assert found(it, "lung_cancer.ct").state == "missing"

    def test_a_thick_slice_is_named(self, it):
        told(it, icd10_code="R91.1")
        hold_to(it)
        thick = imaging.ct(1, BodyPartExamined="CHEST", SliceThickness="5.0", StudyDate="20261101")
        imaging.store(it.case_file, imaging.as_bytes(thick))
        assert "thicker than 1.5 mm" in found(it, "lung_cancer.ct").why_not

    def test_the_queries_do_not_grow(self, it, django_assert_max_num_queries):
        for number in range(5):
            imaging.store(it.case_file, imaging.as_bytes(imaging.ct(number + 1)))
        with django_assert_max_num_queries(14):
            completeness_of(it)


class TestPatientPage:
    def url(self, it):
        return reverse("requests:needed", args=[it.pk])

    def test_it_asks_and_keeps_answers(self, client, clinic):
        it = draft(clinic)
        told(it, icd10_code="C50.912")
        client.force_login(it.started_by)
        page = client.get(self.url(it)).content.decode()
        assert "Have you had an MRI of the breast?" in page
        assert "Mammogram images of both breasts" in page
        client.post(self.url(it), {"name": "breast_cancer.mri", "applies": "no"})
        assert found(it, "breast_cancer.mri").state == "not_needed"
        client.post(self.url(it), {"name": "breast_cancer.menopause", "words": "Yes, at 51."})
        assert found(it, "breast_cancer.menopause").state == "met"

    @pytest.mark.parametrize(
        "posted", [{}, {"name": "core.bloods"}, {"name": "core.bloods", "applies": "perhaps"}]
    )
    def test_an_empty_answer_is_asked_again(self, client, clinic, posted):
        it = draft(clinic)
        client.force_login(it.started_by)
        response = client.post(self.url(it), posted)
        assert response.status_code == 422
        assert "Choose yes, no or I do not know" in response.content.decode()
        assert not ItemStatement.objects.exists()

    def test_an_item_of_another_checklist_is_refused(self, client, clinic):
        it = draft(clinic)
        client.force_login(it.started_by)
        answer = {"name": "heart_valve.echo", "applies": "yes"}
        assert client.post(self.url(it), answer).status_code == 409

    def test_after_the_records_are_complete_it_only_reads(self, client, clinic):
        it = opinion_request_at("referred", clinic)
        client.force_login(it.started_by)
        page = client.get(self.url(it))
        assert "already looking at the records" in page.content.decode()
        answer = {"name": "core.operation_notes", "applies": "yes"}
        assert client.post(self.url(it), answer).status_code == 409

    def test_it_speaks_spanish(self, client, clinic):
        it = draft(clinic)
        told(it, icd10_code="C50.912")
        client.force_login(it.started_by)
        page = client.get(self.url(it), headers={"accept-language": "es"}).content.decode()
        assert "¿Le han hecho una resonancia de mama?" in page


class TestCoordinatorPage:
    def url(self, it):
        return reverse("requests:completeness", args=[it.pk])

    def post(self, client, it, **data):
        return client.post(self.url(it), data)

    def test_waive_and_ask_again(self, client, staff, it):
        name = "core.letters"
        it.case_file.documents.update(kind="other")
        assert found(it, name).state == "missing"
        refused = self.post(client, it, action="waive", name=name, reason="")
        assert refused.status_code == 422
        self.post(client, it, action="waive", name=name, reason="The doctor has died.")
        assert found(it, name).state == "waived"
        client.force_login(it.started_by)
        patient = client.get(reverse("requests:needed", args=[it.pk])).content.decode()
        assert "The doctor has died." in patient
        client.force_login(staff)
        self.post(client, it, action="ask_again", name=name)
        assert found(it, name).state == "missing"

    def test_a_coordinator_answers_for_the_patient_and_changes_checklists(self, client, staff, it):
        self.post(client, it, action="choose", checklist=["thyroid", "unknown"])
        assert [one.key for one in checklists_of(it)] == ["core", "thyroid"]
        self.post(client, it, action="say", name="thyroid.scan", applies="no")
        assert found(it, "thyroid.scan").state == "not_needed"
        assert "Other checklists" in client.get(self.url(it)).content.decode()

    def test_later_nothing_is_waived(self, client, staff, clinic):
        it = opinion_request_at("in_review", clinic)
        answer = self.post(client, it, action="waive", name="core.letters", reason="No.")
        assert answer.status_code == 409

    def test_the_gate_opens_when_everything_is_here_or_waived(self, staff, it):
        with pytest.raises(Refused, match="Still missing"):
            workflow.mark_ready(it, by=staff)
        for gap in completeness_of(it).gaps:
            gathering.waive(it, gap.name, reason="Not needed for this question.", by=staff)
        assert completeness_of(it).percent == 100
        assert workflow.mark_ready(it, by=staff).status == "ready"
        assert OpinionRequest.objects.get(pk=it.pk).waivers.count() > 3


class TestEditor:
    def text(self, version="ours-1"):
        return shipped()["thyroid"].replace('"2026-11"', f'"{version}"')

    def test_save_sign_and_use(self, client, staff, clinic):
        url = reverse("requests:checklist", args=[clinic.pk, "thyroid"])
        assert "Thyroid nodule" in client.get(url).content.decode()
        client.post(url, {"content": self.text()})
        row = ChecklistVersion.objects.get(clinic=clinic, version="ours-1")
        assert (row.is_current, row.made_by) == (False, staff)
        sign = reverse("requests:checklist_sign", args=[row.pk])
        client.post(sign, {"name": ""})
        assert not ChecklistVersion.objects.get(pk=row.pk).is_current
        client.post(sign, {"name": "Dr. Ada Park"})
        row.refresh_from_db()
        assert (row.is_current, row.signed_name, row.signed_by) == (True, "Dr. Ada Park", staff)
        assert client.post(sign, {"name": "Again"}).status_code == 409
        in_use = ChecklistVersion.objects.filter(clinic=clinic, key=row.key, is_current=True)
        assert in_use.get() == row

    def test_a_version_in_use_stays_as_it_is(self, client, staff, clinic):
        row = gathering.save_version(clinic, self.text(), by=staff)
        gathering.sign(row, name="Dr. Ada Park", by=staff)
        url = reverse("requests:checklist", args=[clinic.pk, "thyroid"])
        changed = self.text().replace("Thyroid nodule", "Something else")
        assert client.post(url, {"content": changed}).status_code == 409
        row.refresh_from_db()
        assert row.content == self.text()

    def test_faults_are_listed_and_the_text_is_kept(self, client, staff, clinic):
        url = reverse("requests:checklist", args=[clinic.pk, "thyroid"])
        broken = self.text().replace("tier: required", "tier: must", 1)
        response = client.post(url, {"content": broken})
        page = response.content.decode()
        assert response.status_code == 422
        assert "Item “ultrasound”: “tier” is one of" in page
        assert "tier: must" in page

    def test_a_new_one_of_the_clinics_own(self, client, staff, clinic):
        url = reverse("requests:checklist", args=[clinic.pk, "new"])
        assert client.get(url).status_code == 200
        text = self.text().replace("key: thyroid", "key: gallstones", 1)
        client.post(url, {"content": text})
        row = ChecklistVersion.objects.get(clinic=clinic, key="gallstones")
        gathering.sign(row, name="Dr. Ada Park", by=staff)
        assert "gallstones" in client.get(reverse("requests:checklists")).content.decode()

    def test_others_find_nothing(self, client, clinic):
        row = gathering.save_version(clinic, self.text(), by=administrator(clinic))
        urls = [
            reverse("requests:checklist", args=[clinic.pk, "core"]),
            reverse("requests:checklists"),
        ]
        client.force_login(coordinator(ClinicFactory()))
        assert client.get(urls[0]).status_code == 404
        sign = reverse("requests:checklist_sign", args=[row.pk])
        assert client.post(sign, {"name": "X"}).status_code == 404
        client.force_login(specialist(clinic).user)
        assert [client.get(url).status_code for url in urls] == [404, 404]
