"""What is still needed, in a real browser: the patient answers, the coordinator decides."""

from __future__ import annotations

import pytest
from django.urls import reverse

from records.models import OriginalDiagnosis
from requests_app.completeness.choosing import completeness_of
from tests.factories import ClinicFactory, coordinator, document, opinion_request_at

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_patient_answers_and_a_coordinator_goes_on_without(visitor):
    clinic = ClinicFactory(name="Riverside Clinic")
    it = opinion_request_at("submitted", clinic)
    OriginalDiagnosis.objects.filter(case_file=it.case_file).update(icd10_code="C50.912")
    document(it.case_file, by=it.started_by, kind="imaging_report")
    visitor.sign_in(it.started_by)
    page = visitor.go(reverse("requests:needed", args=[it.pk])).look("patient-needed").page
    question = page.get_by_role("group", name="Have you had an operation or procedure for this?")
    question.get_by_text("No", exact=True).click()
    page.get_by_role("button", name="The operation or procedure note").click()
    page.get_by_text("We have noted it.").wait_for()
    states = {finding.name: finding.state for finding in completeness_of(it).findings}
    assert states["core.operation_notes"] == "not_needed"

    visitor.sign_in(coordinator(clinic))
    page = (
        visitor.go(reverse("requests:completeness", args=[it.pk])).look("coordinator-needed").page
    )
    page.get_by_text("Go on without it A list of your medicines").click()
    form = page.locator("form", has=page.locator("[value='core.medicines']"))
    form.get_by_label("Why we go on without it").last.fill("The letter names them.")
    form.get_by_role("button", name="Save").last.click()
    page.get_by_text("The patient reads the reason.").wait_for()
    assert it.waivers.get().reason == "The letter names them."
    visitor.look()
    visitor.go(reverse("requests:checklists")).look("coordinator-checklists")
    visitor.go(reverse("requests:checklist", args=[clinic.pk, "breast_cancer"])).look("checklist")
