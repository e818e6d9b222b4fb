"""The main job in a browser: a patient asks, the clinic refers, a specialist seals, reveals and
signs, a second clinician checks, the patient reads. One request, four people, real workers."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from requests_app.models import OpinionRequest, Report
from specialists.models import Seal
from tests import factories
from tests.browser.worker import start_worker, stop_worker
from tests.papers import letter_pdf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(transactional_db):
    process = start_worker()
    yield process
    stop_worker(process)


@pytest.fixture
def people():
    clinic = factories.ClinicFactory(name="Riverside Second Opinions")
    return {
        "patient": factories.UserFactory(full_name="Maria Example", email="maria@example.org"),
        "coordinator": factories.coordinator(clinic),
        "specialist": factories.specialist(clinic),
        "reviewer": factories.quality_reviewer(clinic),
    }


def button(page, name):
    page.get_by_role("button", name=name, exact=True).first.click()


def send(page, name):
    """Press a button and wait for the page that answers."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).first.click()


def pick(page, name, value):
    """Choose a radio button or checkbox, whose input itself is hidden behind its label."""
    press_label(page, page.locator(f'input[name="{name}"][value="{value}"]').first)


def press_label(page, box):
    page.locator(f'label[for="{box.get_attribute("id")}"]').first.click()


def fill(page, **answers):
    for name, text in answers.items():
        page.locator(f'main [name="{name}"]').first.fill(text)


def test_from_a_first_question_to_an_acknowledged_report(visitor, people, worker, tmp_path):
    visitor.page.set_default_timeout(10_000)
    ask(visitor.sign_in(people["patient"]), tmp_path)
    opinion_request = OpinionRequest.objects.get()
    assert opinion_request.status == "submitted"
    triage_and_refer(visitor.sign_in(people["coordinator"]), opinion_request, people)
    review(visitor.sign_in(people["specialist"].user), opinion_request)
    check(visitor.sign_in(people["reviewer"]), opinion_request)
    read(visitor.sign_in(people["patient"]), opinion_request)


def ask(visitor, tmp_path):
    page = visitor.go(reverse("requests:start")).look("patient-01-safety").page
    for name in ("signs", "worse", "child", "harm"):
        pick(page, name, "no")
    button(page, "Continue")
    page.wait_for_url("**/begin/**")
    visitor.look("patient-02-limits")
    pick(page, "for_whom", "me")
    press_label(page, page.locator("input[name=accepts]"))
    button(page, "Start my request")
    page.wait_for_url("**/tasks/")
    visitor.look("patient-03-tasks")
    for title, fill_in in SECTIONS.items():
        page.get_by_role("link", name=title).click()
        fill_in(visitor, tmp_path)
        page.wait_for_url("**/tasks/")
    page.get_by_role("link", name="Check your answers").click()
    visitor.look("patient-09-check")
    fill(page, truth_name="Maria Example")
    button(page, "Send my request")
    page.wait_for_url(re.compile(r"/requests/[0-9a-f-]{36}/(\?.*)?$"))
    visitor.look("patient-10-status")


def about(visitor, _):
    page = visitor.page
    fill(page, full_name="Maria Example", born_on_month="3", born_on_day="14", born_on_year="1970")
    pick(page, "sex", "female")
    for name in ("has_allergies", "has_implants", "takes_anticoagulants"):
        pick(page, name, "no")
    visitor.look("patient-04-about")
    button(page, "Save and continue")


def told(visitor, _):
    page = visitor.page
    fill(page, diagnosis="Cancer of the left breast", treatment="Mastectomy")
    fill(page, doctor_name="Dr Original")
    pick(page, "treatment_state", "not_started")
    visitor.look("patient-05-told")
    page.get_by_role("button", name="Save and continue").last.click()


def questions(visitor, _):
    page = visitor.page
    pick(page, "purposes", "options")
    fill(page, question="Can I keep my breast?")
    visitor.look("patient-06-questions")
    page.get_by_role("button", name="Save and continue").last.click()


def records(visitor, tmp_path):
    page = visitor.page
    paper = tmp_path / "letter.pdf"
    paper.write_bytes(
        letter_pdf("Mammogram of 3 May", ["A dense area of 18 mm in the left breast."])
    )
    page.locator("input[type=file]").set_input_files(paper)
    page.get_by_text("Received", exact=True).first.wait_for(timeout=40_000)
    visitor.look("patient-07-records")
    page.get_by_text("Continue", exact=True).last.click()


def kind_of_review(visitor, _):
    page = visitor.page
    pick(page, "review_mode", "sealed")
    visitor.look("patient-08-review")
    button(page, "Save and continue")


SECTIONS = {
    "About you": about,
    "What you were told": told,
    "What you want to know": questions,
    "Your records": records,
    "Sealed or open review": kind_of_review,
}


def click_when_searched(page, name, **values):
    """Nothing can be shown before a worker has searched it: load the page until then."""
    for _ in range(120):
        page.reload()
        if page.get_by_role("button", name=name).is_enabled():
            break
        page.wait_for_timeout(500)
    fill(page, **values)
    page.get_by_role("button", name=name).click()


def triage_and_refer(visitor, opinion_request, people):
    page = visitor.go(reverse("requests:queue")).look("coordinator-01-queue").page
    page.get_by_role("link", name=opinion_request.reference).click()
    visitor.look("coordinator-02-triage")
    send(page, re.compile("^Accept$"))
    page.get_by_role("link", name="Prepare the records").first.click()
    fill(page, title="Mammogram report")
    visitor.look("coordinator-03-prepare")
    click_when_searched(page, "Release", title="Mammogram report")
    page.get_by_text("Released.").first.wait_for()
    click_when_searched(page, "Show as written")
    page.get_by_text("2 of").first.wait_for()
    visitor.go(reverse("requests:mark_ready", args=[opinion_request.pk]))
    visitor.look("coordinator-04-ready")
    fill(page, text="The mammogram report answers the question.")
    send(page, "Mark complete")
    visitor.go(reverse("specialists:refer", args=[opinion_request.pk])).look("coordinator-05-refer")
    pick(page, "to", str(people["specialist"].pk))
    send(page, "Ask this specialist")
    opinion_request.refresh_from_db()
    assert opinion_request.status == "referred"


def review(visitor, opinion_request):
    referral = opinion_request.referrals.get()
    page = visitor.go(reverse("specialists:desk")).look("specialist-01-desk").page
    visitor.go(reverse("specialists:referral", args=[referral.pk])).look("specialist-02-offer")
    send(page, re.compile("Take"))
    visitor.go(reverse("specialists:case_file", args=[referral.pk]))
    visitor.look("specialist-03-case-file")
    assert "Mastectomy" not in page.content()
    visitor.go(reverse("specialists:write", args=[referral.pk]))
    fill(page, diagnosis="Early cancer", reasoning="One dense area of 18 mm, no nodes.")
    fill(page, plan="Lumpectomy with radiotherapy.")
    pick(page, "certainty", "likely")
    visitor.look("specialist-04-write")
    button(page, "Save and look at the seal")
    visitor.look("specialist-05-seal")
    button(page, "Seal my opinion")
    page.get_by_role("button", name="Open the original diagnosis").wait_for()
    visitor.look("specialist-06-sealed")
    assert Seal.objects.count() == 1
    send(page, "Open the original diagnosis")
    visitor.go(reverse("specialists:complete", args=[referral.pk]))
    complete(visitor)


def complete(visitor):
    page = visitor.page
    page.get_by_text("Mastectomy").first.wait_for()
    for choice in page.locator('#compare input[value="same"]').all():
        press_label(page, choice)
    for box in page.locator("#compare textarea").all():
        box.fill("Both readings agree.")
    page.locator("#answers textarea").first.fill("Yes, if the margins are clear.")
    send(page, "Add an option")
    for box in page.locator("#options textarea:visible, #options input[type=text]:visible").all():
        if not box.input_value():
            box.fill("Lumpectomy, then radiotherapy.")
    press_label(page, page.locator("#options input[name=recommended]").last)
    page.locator("#summary textarea").fill("You can keep your breast. The lump comes out.")
    if not page.locator("#limits textarea").first.input_value():
        page.locator("#limits textarea").first.fill("Nobody examined you.")
    visitor.look("specialist-07-complete")
    button(page, "Save and check before signing")
    page.wait_for_url("**/sign/**")
    visitor.look("specialist-08-sign")
    send(page, "Sign my opinion")


def check(visitor, opinion_request):
    page = visitor.go(reverse("specialists:checks")).look("quality-01-list").page
    visitor.go(reverse("specialists:check", args=[opinion_request.pk]))
    send(page, "Begin the check")
    visitor.look("quality-02-check")
    pick(page, "outcome", "approved")
    button(page, "Continue")
    visitor.look("quality-03-confirm")
    send(page, "Yes, deliver it")
    opinion_request.refresh_from_db()
    assert opinion_request.status == "delivered"


def read(visitor, opinion_request):
    report = Report.objects.get()
    page = visitor.go(reverse("requests:status", args=[opinion_request.pk])).page
    visitor.look("patient-11-delivered")
    visitor.go(reverse("requests:report", args=[report.pk])).look("patient-12-report")
    assert page.get_by_text("You can keep your breast.").count()
    pdf_address = visitor.site + reverse("requests:report_pdf", args=[report.pk])
    for _ in range(60):
        answer = page.request.get(pdf_address)
        if answer.ok and answer.body().startswith(b"%PDF"):
            break
        page.wait_for_timeout(500)
    assert answer.body().startswith(b"%PDF")
    send(page, re.compile("I have read", re.I))
    report.refresh_from_db()
    assert report.opened_at
    assert report.acknowledged_at
