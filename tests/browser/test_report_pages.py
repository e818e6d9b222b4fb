"""The report, its questions and the quality check in a real browser."""

import io

import pytest
from django.core.management import call_command
from django.urls import reverse

from requests_app.models import OpinionRequest, Report
from secondop.accounts.models import User
from tests.factories import opinion_request_at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(settings):
    settings.DEMO = True
    call_command("seed_demo", stdout=io.StringIO())


def person(email: str) -> User:
    return User.objects.get(email=email)


class TestReportPages:
    def test_the_way_to_the_pdf_appears_by_itself(self, as_user, run_jobs):
        report = opinion_request_at("delivered").reports.get()
        visitor = as_user(report.opinion_request.started_by).go(report.get_absolute_url())
        assert "being made" in visitor.page.inner_text("#pdf")
        run_jobs()
        visitor.page.wait_for_selector("#pdf a")
        assert "PDF" in visitor.page.inner_text("#pdf a")

    def test_the_playgrounds_reports_look_right_to_patient_and_reviewer(self, demo, as_user):
        report = Report.objects.get(opinion_request__started_by__email="maria@patients.example")
        visitor = as_user(person("maria@patients.example"))
        visitor.go(report.get_absolute_url()).look("patient-report")
        unfold = "document.querySelectorAll('article details').forEach(d => d.open = true)"
        visitor.page.evaluate(unfold)
        visitor.look("patient-report-details")
        visitor.go(reverse("requests:follow_up", args=[report.pk])).look("patient-follow-up")

        waiting = OpinionRequest.objects.get(status="quality_check")
        visitor = as_user(person("quality@riverside.example"))
        visitor.go(reverse("specialists:checks")).look("quality-reviewer-list")
        visitor.go(reverse("specialists:check", args=[waiting.pk])).look()
        visitor.page.click("text=Begin the check")
        visitor.page.wait_for_selector("text=Only you can tell")
        visitor.look("quality-reviewer-check")
        visitor.page.click("label:has-text('Approve and deliver')")
        visitor.page.click("button:has-text('Continue')")
        visitor.page.wait_for_selector("text=Yes, deliver it")
        visitor.look("quality-reviewer-confirm")
