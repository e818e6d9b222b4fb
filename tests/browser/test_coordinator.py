"""A coordinator's day in a real browser, with eighty open requests."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from records.models import Patient
from requests_app import workflow
from requests_app.models import Message, OpinionRequest, StaffTask
from specialists.models import Specialist
from tests.factories import (
    ClinicFactory,
    add_statement,
    coordinator,
    document,
    draft,
    opinion_request_at,
    specialist,
)

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ["Maria Lopez", "John Okafor", "Aisha Rahman", "Wei Chen", "Ana Souza", "Peter Novak",
         "Bartholomew Featherstonehaugh-Smith", "Ingrid Sørensen"]  # fmt: skip
STATES = [("submitted", "coordinator"), ("needs_patient", "patient"), ("collecting", "coordinator"),
          ("ready", "coordinator"), ("referred", "specialist"), ("in_review", "specialist"),
          ("quality_check", "quality_reviewer"), ("delivered", "patient")]  # fmt: skip


@pytest.fixture
def clinic():
    return ClinicFactory(name="Riverside Clinic")


@pytest.fixture
def staff(clinic):
    user = coordinator(clinic)
    type(user).objects.filter(pk=user.pk).update(full_name="Clara Coordinator")
    return user


def eighty(clinic, staff) -> None:
    """A list as a busy clinic has it. Only what the list shows is set."""
    chance, now = Random(1), timezone.now()
    purposes = ["options", "confirm_diagnosis", "need_surgery", "no_diagnosis"]
    for number in range(80):
        it = draft(clinic, purposes=chance.sample(purposes, chance.choice([1, 1, 2])))
        state, ball = STATES[number % len(STATES)]
        OpinionRequest.objects.filter(pk=it.pk).update(
            status=state, ball_with=ball, due_at=now + timedelta(hours=chance.randint(-60, 200)),
            submitted_at=now - timedelta(days=chance.randint(0, 40)),
            urgency="urgent" if number % 9 == 0 else "routine",
            review_mode="open" if number % 5 == 0 else "sealed",
            coordinator=staff if number % 3 else None,
        )  # fmt: skip
        Patient.objects.filter(pk=it.case_file.patient_id).update(
            full_name=NAMES[number % len(NAMES)], born_on=date(1930 + number, 5, 1)
        )
        if number % 7 == 0:
            it.case_file.documents.update(status="held")
        if number % 6 == 0:
            common = {"clinic": clinic, "opinion_request": it, "text": "Hello"}
            Message.objects.create(
                thread="patient", author=it.started_by, from_clinic=False, **common
            )


class TestCoordinator:
    def test_the_queue_is_worked_by_keyboard(self, visitor, clinic, staff):
        eighty(clinic, staff)
        visitor.sign_in(staff).go(reverse("requests:queue")).look("coordinator-queue")
        page = visitor.page
        assert page.locator("[data-key-item]").count() == 50
        page.keyboard.press("j")
        page.keyboard.press("j")
        second = page.locator("[data-key-item].is-current").get_attribute("data-row")
        page.keyboard.press("Enter")
        page.wait_for_url("**/clinic/requests/*/")
        assert second in page.url
        page.get_by_role("link", name="Queue", exact=True).first.click()
        page.wait_for_url("**/clinic/queue/")
        assert page.locator(".is-current").get_attribute("data-row") == second
        page.keyboard.press("?")
        expect(page.locator("#keys-help")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("featherston")
        page.keyboard.press("Enter")
        page.wait_for_url("**search=*")
        assert "featherston" not in page.url
        assert page.locator("[data-key-item]").count() == 10
        visitor.look("coordinator-search")

    def test_a_filter_changes_the_list_without_leaving_the_page(self, visitor, clinic, staff):
        eighty(clinic, staff)
        page = visitor.sign_in(staff).go(reverse("requests:queue")).page
        page.evaluate("window.stays = true")
        page.get_by_label("Who acts next").select_option("specialist")
        expect(page.locator("[data-key-item]")).to_have_count(20)
        assert page.evaluate("window.stays") is True
        assert "ball=specialist" in page.url
        visitor.look()
        page.get_by_role("link", name="Ready for a specialist").click()
        expect(page.get_by_text("Nothing matches")).to_be_visible()
        visitor.look("coordinator-nothing-matches")

    def test_triage_ask_and_a_colleague_who_was_faster(self, visitor, clinic, staff):
        it = opinion_request_at("submitted", clinic)
        add_statement(it, "story", "It began in spring. My doctor says it must be taken out soon.")
        document(it.case_file, by=it.started_by, file_name="mastectomy_plan_Dr_Original.pdf",
                 blinding_class="", findings={"antivirus": "not scanned"})  # fmt: skip
        page = visitor.sign_in(staff).go(reverse("requests:triage", args=[it.pk])).page
        visitor.look("coordinator-triage")
        page.get_by_role("link", name="Ask the patient").click()
        page.get_by_role("link", name="A report is missing").click()
        visitor.look("coordinator-ask")
        workflow.accept(OpinionRequest.objects.get(pk=it.pk), by=coordinator(clinic))
        page.get_by_role("button", name="Send to the patient").click()
        expect(page.get_by_text("accepted the request")).to_be_visible()
        assert "pathology report" in page.locator("textarea").input_value()
        visitor.look("coordinator-changed")
        page.get_by_role("link", name="Load the request again").click()
        page.get_by_role("link", name="Return with advice").click()
        page.get_by_role("button", name="Return the request").click()
        expect(page.get_by_text("Advice is required").first).to_be_visible()
        visitor.look()
        visitor.go(reverse("requests:staff_messages", args=[it.pk])).look()
        visitor.go(reverse("requests:mark_ready", args=[it.pk])).look("coordinator-ready")

    def test_choosing_a_specialist(self, visitor, clinic, staff):
        it = opinion_request_at("ready", clinic)
        for number, (specialty, interests) in enumerate(
            [("Medical oncology", ["Breast conservation", "Adjuvant therapy"]), ("Surgery", []),
             ("Cardiology", ["Heart failure"])]
        ):  # fmt: skip
            one = specialist(clinic)
            Specialist.objects.filter(pk=one.pk).update(
                specialty=specialty, interests=interests, languages=["en", "es"][: number + 1],
                institution="University Hospital", is_available=number < 2,
            )  # fmt: skip
        page = visitor.sign_in(staff).go(reverse("specialists:refer", args=[it.pk])).page
        visitor.look("coordinator-refer")
        page.get_by_role("button", name="Ask this specialist").click()
        expect(page.get_by_text("Choose a specialist.").first).to_be_visible()
        visitor.look()
        page.locator(".so-doctor__choice label").first.click()
        page.get_by_label("What the offer says").fill("Woman with a mastectomy planned.")
        page.get_by_role("button", name="Ask this specialist").click()
        expect(page.get_by_text("This contains: mastectomy.").first).to_be_visible()
        visitor.look()
        page.get_by_label("What the offer says").fill("Woman, 50-59. Asks about options.")
        page.get_by_role("button", name="Ask this specialist").click()
        page.wait_for_url("**/clinic/requests/*/")
        assert it.referrals.get().status == "offered"
        visitor.look("coordinator-referred")
        thread = reverse("specialists:specialist_thread", args=[it.referrals.get().pk])
        visitor.go(thread).look("coordinator-thread")

    def test_tasks(self, visitor, clinic, staff):
        for kind in ("overdue", "call_unopened", "seal_broken"):
            it = opinion_request_at("submitted", clinic)
            StaffTask.objects.create(clinic=clinic, opinion_request=it, kind=kind,
                                     about_due_at=timezone.now())  # fmt: skip
        page = visitor.sign_in(staff).go(reverse("requests:tasks")).page
        visitor.look("coordinator-tasks")
        page.get_by_role("button", name="Done").first.click()
        expect(page.get_by_text("Write what came of it").first).to_be_visible()
        visitor.look()
        page.get_by_label("What came of it").first.fill("Called the specialist and the patient.")
        page.get_by_role("button", name="Done").first.click()
        page.get_by_text("It is off the list.").wait_for()
        assert StaffTask.objects.open().count() == 2
