"""Every page of the patient's journey in a real browser, on a desk and on a telephone."""

import pytest
from django.urls import reverse

from records.models import OriginalDiagnosis
from tests.factories import UserFactory, add_question, add_statement, draft, opinion_request_at

pytestmark = pytest.mark.django_db(transaction=True)


def path(page, opinion_request):
    return reverse(f"requests:{page}", args=[opinion_request.pk])


class TestLook:
    def test_the_first_pages(self, visitor):
        visitor.go(reverse("requests:start")).look("patient-start")
        visitor.page.click("button:has-text('Continue')")
        visitor.look("patient-start-problem")
        visitor.go(reverse("requests:emergency")).look("patient-emergency")

    def test_beginning(self, visitor):
        mine = draft()
        visitor.sign_in(mine.started_by).go(reverse("requests:begin")).look("patient-begin")
        visitor.page.click("label:has-text('For somebody I act for')")
        visitor.look("patient-begin-other")
        visitor.go(reverse("requests:mine")).look("patient-mine")
        visitor.sign_in(UserFactory()).go(reverse("requests:mine")).look("patient-mine-empty")

    @pytest.mark.parametrize(
        "page", ["task_list", "about", "told", "questions", "records", "review", "check", "discard"]
    )
    def test_the_sections(self, visitor, page):
        mine = draft()
        add_question(mine, "What happens if I wait three months?")
        add_statement(mine, "story", "It began in May with a small lump.")
        OriginalDiagnosis.objects.update(treatment_state="started")
        visitor.sign_in(mine.started_by).go(path(page, mine)).look(f"patient-{page}")

    def test_a_page_with_mistakes(self, visitor):
        mine = draft()
        page = visitor.sign_in(mine.started_by).go(path("about", mine)).page
        page.fill("#id_full_name", "")
        page.fill("#id_born_on_month", "13")
        page.click("button:has-text('Save and continue')")
        page.wait_for_selector("#error-summary")
        visitor.look("patient-about-problem")

    @pytest.mark.parametrize(
        "status", ["submitted", "needs_patient", "in_review", "delivered", "returned", "withdrawn"]
    )
    def test_the_status_page(self, visitor, status):
        mine = opinion_request_at(status)
        visitor.sign_in(mine.started_by).go(path("status", mine)).look(f"patient-status-{status}")

    @pytest.mark.parametrize("page", ["messages", "withdraw", "access_log"])
    def test_beside_the_status_page(self, visitor, page):
        mine = opinion_request_at("needs_patient")
        visitor.sign_in(mine.started_by).go(path(page, mine)).look(f"patient-{page}")

    def test_opening_again(self, visitor):
        mine = opinion_request_at("withdrawn")
        visitor.sign_in(mine.started_by).go(path("reopen", mine)).look("patient-reopen")
