"""Who acts for a patient: it stands wherever they wrote, asked or acknowledged, and in the trail.

Also that the report names a copy with places covered as the copy of its record.
"""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from records.models import Proxy
from requests_app.models import FollowUpQuestion, Message, OpinionRequest
from secondop.audit.models import AuditEvent
from tests.factories import (
    UserFactory,
    coordinator,
    deliver,
    document,
    opinion_request_at,
    quality_reviewer,
    sign,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def report():
    return opinion_request_at("delivered").reports.get()


@pytest.fixture
def patient(report):
    return report.opinion_request.case_file.patient


@pytest.fixture
def helper(patient):
    user = UserFactory(full_name="Hanna Helper")
    Proxy.objects.create(
        clinic=patient.clinic, patient=patient, user=user, authority="permission",
        until=timezone.localdate() + timedelta(days=30), recorded_by=patient.user,
    )  # fmt: skip
    return user


def staff_page(client, report, name, pk):
    client.force_login(coordinator(report.clinic))
    return " ".join(client.get(reverse(name, args=[pk])).content.decode().split())


def event(verb):
    return AuditEvent.objects.filter(verb=verb).latest("number")


class TestSomebodyWhoActsForThePatient:
    def test_their_message_says_for_whom(self, client, report, patient, helper):
        pk = report.opinion_request_id
        client.force_login(helper)
        answer = client.post(
            reverse("requests:messages", args=[pk]), {"text": "She cannot travel."}, follow=True
        )
        assert f"for {patient.full_name}" in answer.content.decode()
        message = Message.objects.get(text="She cannot travel.")
        assert (message.author, message.on_behalf_of) == (helper, patient)
        assert event("message.sent").on_behalf_of_id == patient.pk
        page = staff_page(client, report, "requests:staff_messages", pk)
        assert f"Hanna Helper for {patient.full_name}" in page

    def test_their_question_and_their_click_say_for_whom(self, client, report, patient, helper):
        client.force_login(helper)
        client.get(report.get_absolute_url())
        assert event("report.opened").on_behalf_of_id == patient.pk
        client.post(reverse("requests:acknowledge", args=[report.pk]))
        client.post(reverse("requests:follow_up", args=[report.pk]), {"text": "Which first?"})
        question = FollowUpQuestion.objects.get()
        report.refresh_from_db()
        assert (question.asked_by, question.on_behalf_of) == (helper, patient)
        assert (report.acknowledged_by, report.acknowledged_on_behalf_of) == (helper, patient)
        for verb in ("report.acknowledged", "follow_up.asked"):
            assert event(verb).on_behalf_of_id == patient.pk, verb
        page = staff_page(client, report, "requests:report", report.pk)
        assert page.count(f"Hanna Helper for {patient.full_name}") == 2

    def test_the_patient_acts_for_nobody(self, client, report, patient):
        client.force_login(patient.user)
        client.post(reverse("requests:acknowledge", args=[report.pk]))
        client.post(reverse("requests:follow_up", args=[report.pk]), {"text": "Which first?"})
        report.refresh_from_db()
        assert report.acknowledged_by == patient.user
        assert report.acknowledged_on_behalf_of is None
        assert FollowUpQuestion.objects.get().on_behalf_of is None
        assert event("report.acknowledged").on_behalf_of_id is None
        assert " for " + patient.full_name not in staff_page(
            client, report, "requests:report", report.pk
        )


class TestTheCopyOfARecord:
    def test_the_report_names_its_record(self, client):
        case = opinion_request_at("in_review")
        original = document(case.case_file, by=case.started_by, blinding_class="withheld",
                            file_name="letter.pdf", content=b"%PDF-1.4 letter")  # fmt: skip
        copy = document(case.case_file, by=coordinator(case.clinic), blinding_class="clear",
                        file_name="covered.pdf", content=b"%PDF-1.4 covered")  # fmt: skip
        type(copy).objects.filter(pk=copy.pk).update(parent=original, parent_sha256=original.sha256)
        sign(case.referrals.get())
        case = deliver(OpinionRequest.objects.get(pk=case.pk), by=quality_reviewer(case.clinic))
        report = case.reports.get()
        rows = {row["title"]: row for row in report.snapshot["documents"]}
        number = rows["letter.pdf"]["number"]
        assert (rows["letter.pdf"]["copy_of"], rows["covered.pdf"]["copy_of"]) == (0, number)
        client.force_login(case.case_file.patient.user)
        page = client.get(report.get_absolute_url()).content.decode()
        assert page.count("Copy of record no.") == 1
        assert f"Copy of record no. {number} with places covered" in page
