"""Slides and blocks: each step on the page, counts compared, a missing return becomes one task."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records import specimen_workflow as workflow
from records.models import Specimen
from requests_app.models import StaffTask
from requests_app.slides_due import open_tasks_about_slides
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    opinion_request = make.opinion_request_at("collecting")
    return opinion_request, make.coordinator(opinion_request.clinic)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def test_a_parcel_there_and_back_on_the_pages(world):
    opinion_request, staff = world
    client = signed_in(staff)
    address = reverse("records:specimens", args=[opinion_request.case_file_id])
    typed = {"kind": "slides", "accession": "S24-118", "label": "H&E, HER2"}
    assert client.post(address, typed).status_code == 302
    specimen = Specimen.objects.get()

    def step(new, **told):
        answer = client.post(reverse("records:specimen_step", args=[specimen.pk, new]), told)
        specimen.refresh_from_db()
        return answer.status_code

    assert step("shipped", courier="UPS") == 400  # how many?
    assert step("shipped", count=6, courier="UPS", tracking="1Z99") == 302
    assert step("returned", count=6) == 409  # it never came
    assert step("received", count=5, condition="One slide is cracked.") == 302
    assert specimen.return_due_on == timezone.localdate() + timedelta(days=60)
    page = client.get(address).content.decode()
    for words in ("S24-118", "1 piece is missing", "One slide is cracked.", "1Z99"):
        assert words in page
    seen = signed_in(opinion_request.started_by).get(opinion_request.get_absolute_url())
    assert "Where your slides are" in seen.content.decode()
    assert "With the clinic" in seen.content.decode()
    assert step("lost") == 302
    assert step("received", count=6) == 302  # found again
    assert step("returning", count=6, courier="UPS", tracking="1Z77") == 302
    assert step("returned", count=6) == 302
    assert (specimen.status, specimen.return_tracking) == ("returned", "1Z77")
    moves = AuditEvent.objects.filter(verb="specimen.moved", about_id=str(specimen.pk))
    assert moves.count() == 6


def test_only_the_clinic_keeps_the_chain(world):
    opinion_request, staff = world
    specimen = workflow.add(
        opinion_request.case_file, holder=None, kind="blocks", accession="B1", label="", by=staff
    )
    for person in (opinion_request.started_by, make.coordinator(), make.specialist().user):
        with pytest.raises(Refused):
            workflow.step(specimen, "lost", by=person)
    assert not Specimen.objects.visible_to(make.coordinator()).exists()
    with pytest.raises(Refused):  # a field that does not go with the step
        workflow.step(specimen, "shipped", by=staff, condition="fine")


def test_a_missing_return_is_one_task(world):
    opinion_request, staff = world
    specimen = workflow.add(
        opinion_request.case_file, holder=None, kind="slides", accession="S1", label="", by=staff
    )
    workflow.step(
        specimen, "received", by=staff, count_received=3,
        return_due_on=timezone.localdate() - timedelta(days=1),
    )  # fmt: skip
    assert [open_tasks_about_slides(), open_tasks_about_slides()] == [1, 0]
    task = StaffTask.objects.get()
    assert (task.kind, task.opinion_request) == ("slides_due", opinion_request)
    page = signed_in(staff).get(reverse("records:specimens", args=[specimen.case_file_id]))
    assert "Should be back by now" in page.content.decode()
