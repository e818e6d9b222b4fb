"""The delivered report: who sees it, what opening means, its PDF, questions about it."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from requests_app.delivery import MAX_OPEN_QUESTIONS
from requests_app.models import FollowUpQuestion, Rendering, Report
from secondop.audit.models import AuditEvent
from secondop.notifications.models import Notification
from tests.factories import ClinicFactory, UserFactory, coordinator, opinion_request_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def report() -> Report:
    return opinion_request_at("delivered").reports.get()


@pytest.fixture
def patient(report):
    return report.opinion_request.started_by


def url(report, name="report"):
    return reverse(f"requests:{name}", args=[report.pk])


def opened_events(report) -> int:
    return AuditEvent.objects.filter(verb="report.opened", about_id=str(report.pk)).count()


class TestReport:
    def test_the_patient_reads_it_and_that_is_noted_once(self, client, report, patient):
        client.force_login(patient)
        page = client.get(url(report)).content.decode()
        client.get(url(report))
        for words in ("You can keep your breast.", "Mastectomy", "Lumpectomy", "Recommended",
                      "Can I keep my breast?", "Yes, if the margins are clear.",
                      report.snapshot_sha256):  # fmt: skip
            assert words in page, words
        report.refresh_from_db()
        assert report.opened_at and opened_events(report) == 1

    def test_a_coordinator_sees_it_without_opening_it(self, client, report):
        client.force_login(coordinator(report.clinic))
        assert "You can keep your breast." in client.get(url(report)).content.decode()
        report.refresh_from_db()
        assert report.opened_at is None and opened_events(report) == 0

    @pytest.mark.parametrize("name", ["report", "report_pdf", "report_data", "follow_up"])
    def test_another_patient_gets_404(self, client, report, name):
        client.force_login(UserFactory())
        assert client.get(url(report, name)).status_code == 404

    def test_another_clinic_gets_404(self, client, report):
        client.force_login(coordinator(ClinicFactory()))
        assert client.get(url(report)).status_code == 404

    def test_the_patient_of_another_delivered_report_gets_404(self, client, report):
        other = opinion_request_at("delivered")
        client.force_login(other.started_by)
        assert client.get(url(report)).status_code == 404

    def test_what_is_not_delivered_is_404(self, client, report, patient):
        Report.objects.filter(pk=report.pk).update(delivered_at=None)
        client.force_login(patient)
        assert client.get(url(report)).status_code == 404

    def test_a_coordinator_who_reviews_it_sealed_gets_404(self, client, report):
        from records.grants import grant

        staff = coordinator(report.clinic)
        until = timezone.now() + timedelta(days=1)
        grant(report.opinion_request.case_file, to=staff, as_role="specialist", sight="sealed",
              until=until, by=staff)  # fmt: skip
        client.force_login(staff)
        assert client.get(url(report)).status_code == 404

    def test_opening_moves_the_date_to_the_end_of_the_questions(self, client, report, patient):
        client.force_login(patient)
        client.get(url(report))
        request = report.opinion_request
        request.refresh_from_db()
        assert request.due_at == report.delivered_at + timedelta(days=report.clinic.follow_up_days)

    def test_its_queries_do_not_grow_with_questions(self, client, report, patient):
        client.force_login(patient)
        client.get(url(report))
        with CaptureQueriesContext(connection) as before:
            client.get(url(report))
        for number in range(4):
            ask(client, report, f"Question {number}?")
        with CaptureQueriesContext(connection) as after:
            client.get(url(report))
        assert len(after) <= len(before)


class TestPdf:
    def test_it_is_made_by_a_worker_and_served_with_its_name(
        self, client, report, patient, run_jobs
    ):
        client.force_login(patient)
        assert client.get(url(report, "report_pdf")).status_code == 409
        assert "being made" in client.get(url(report)).content.decode()
        run_jobs()
        report.refresh_from_db()
        answer = client.get(url(report, "report_pdf"))
        body = b"".join(answer.streaming_content)
        assert hashlib.sha256(body).hexdigest() == report.pdf_sha256
        name = f"second-opinion-{report.opinion_request.reference}-v1.pdf"
        assert name in answer["Content-Disposition"]
        assert "Save as PDF" in client.get(url(report)).content.decode()

    def test_a_range_is_answered_with_that_range(self, client, report, patient, run_jobs):
        run_jobs()
        client.force_login(patient)
        answer = client.get(url(report, "report_pdf"), headers={"Range": "bytes=0-4"})
        assert answer.status_code == 206 and b"".join(answer.streaming_content) == b"%PDF-"

    def test_running_the_job_twice_makes_one_file(self, report, run_jobs):
        from requests_app.tasks import render_report

        run_jobs()
        report.refresh_from_db()
        key = report.pdf_key
        render_report.run(str(report.rendering.pk))
        report.refresh_from_db()
        assert report.pdf_key == key and Rendering.objects.get().status == "done"


class TestData:
    def test_its_bytes_give_the_printed_fingerprint(self, client, report, patient):
        client.force_login(patient)
        body = client.get(url(report, "report_data")).content
        assert hashlib.sha256(body).hexdigest() == report.snapshot_sha256


class TestAcknowledge:
    def test_twice_is_as_good_as_once(self, client, report, patient):
        client.force_login(patient)
        client.post(url(report, "acknowledge"))
        report.refresh_from_db()
        first = report.acknowledged_at
        client.post(url(report, "acknowledge"))
        report.refresh_from_db()
        assert first and report.acknowledged_at == first and report.acknowledged_by == patient

    def test_staff_cannot_do_it_for_the_patient(self, client, report):
        client.force_login(coordinator(report.clinic))
        assert client.post(url(report, "acknowledge")).status_code == 404


def ask(client, report, text: str):
    return client.post(url(report, "follow_up"), {"text": text})


class TestFollowUp:
    def test_the_specialist_and_the_clinic_are_told(self, client, report, patient):
        client.force_login(patient)
        assert ask(client, report, "May I fly?").status_code == 302
        author = report.opinion_request.referrals.get().specialist.user
        assert Notification.objects.filter(to=author, message="follow_up_asked").count() == 1
        assert "May I fly?" in client.get(url(report, "follow_up")).content.decode()

    def test_an_empty_question_is_not_sent(self, client, report, patient):
        client.force_login(patient)
        assert "Write your question first." in ask(client, report, "  ").content.decode()
        assert not FollowUpQuestion.objects.exists()

    def test_a_long_question_is_kept_and_refused(self, client, report, patient):
        client.force_login(patient)
        page = ask(client, report, "x" * 2001).content.decode()
        assert "x" * 2001 in page and not FollowUpQuestion.objects.exists()

    def test_after_the_time_for_questions_it_is_refused(self, client, report, patient):
        past = timezone.now() - timedelta(days=report.clinic.follow_up_days, hours=1)
        Report.objects.filter(pk=report.pk).update(delivered_at=past)
        client.force_login(patient)
        assert ask(client, report, "Too late?").status_code == 409
        assert "time for questions" in client.get(url(report, "follow_up")).content.decode()

    def test_there_is_an_end_to_open_questions(self, client, report, patient):
        client.force_login(patient)
        for number in range(MAX_OPEN_QUESTIONS):
            assert ask(client, report, f"Question {number}?").status_code == 302
        assert ask(client, report, "One more?").status_code == 409
        assert FollowUpQuestion.objects.count() == MAX_OPEN_QUESTIONS

    def test_a_coordinator_cannot_ask_for_the_patient(self, client, report):
        client.force_login(coordinator(report.clinic))
        assert ask(client, report, "Hm?").status_code == 404
