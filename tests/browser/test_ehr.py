"""A patient gets the records of a hospital: the button, the sign-in there, and back here."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from records.models import Document, EhrPull
from records.tasks import run_ehr_pull
from tests import factories
from tests.records.ehr_worlds import PERSON, an_ehr, fill, let_in
from tests.records.fhir_server import hospital


def look(visitor, name: str) -> None:
    """Both widths, axe, and a picture where somebody wants one."""
    visitor.look()
    if folder := os.environ.get("SHOTS"):
        for width in (1280, 390):
            visitor.page.set_viewport_size({"width": width, "height": 900})
            visitor.page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
        visitor.page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.django_db(transaction=True)
def test_a_patient_signs_in_at_the_hospital_and_the_records_are_here(
    visitor, live_server, monkeypatch
):
    monkeypatch.setattr(settings, "SITE_URL", live_server.url)
    opinion_request = factories.draft()
    case_file = opinion_request.case_file
    for field, value in PERSON.items():
        setattr(case_file.patient, field, value)
    case_file.patient.save()
    assert case_file.patient.born_on == date(1970, 3, 14)
    page = visitor.page
    with hospital() as anna:
        fill(anna)
        an_ehr(anna, case_file)
        visitor.sign_in(case_file.patient.user)
        visitor.go(reverse("requests:records", args=[opinion_request.pk]))
        look(visitor, "1-records")
        page.get_by_role("link", name="Get my records from St. Anna").click()
        look(visitor, "2-offer")
        page.get_by_role("button", name="Get my records from St. Anna").click()
        page.get_by_text("We ask the hospital where you can sign in").wait_for()
        pull = EhrPull.objects.get()
        run_ehr_pull(str(pull.pk))
        link = page.get_by_role("link", name="Sign in at St. Anna")
        link.wait_for()
        look(visitor, "3-sign-in")
        link.click()
        page.get_by_role("button", name="Allow SecondOp to read my records").click()
        page.wait_for_url(f"{live_server.url}/records/hospital-records/{pull.pk}/")
        page.get_by_text("You may leave this page").wait_for()
        look(visitor, "4-copying")
        run_ehr_pull(str(pull.pk))
        page.get_by_role("heading", name="What came").wait_for()
        look(visitor, "5-here")
    let_in(case_file)
    page.get_by_role("link", name="See the records").click()
    page.get_by_role("link", name="Leaving hospital", exact=True).wait_for()
    assert Document.objects.filter(case_file=case_file, status="available").count() == 12
    visitor.sign_in(factories.administrator(case_file.clinic))
    visitor.go(reverse("records:ehrs"))
    look(visitor, "6-systems")
    visitor.sign_in(factories.coordinator(case_file.clinic))
    visitor.go(reverse("records:ehr", args=[case_file.pk]))
    look(visitor, "7-clinic")
