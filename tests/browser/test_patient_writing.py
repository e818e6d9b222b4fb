"""Writing in a real browser: the code box by keyboard, questions on the spot, a lost session."""

import time

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from records.models import OriginalDiagnosis
from tests.factories import draft

pytestmark = pytest.mark.django_db(transaction=True)


def path(page, opinion_request):
    return reverse(f"requests:{page}", args=[opinion_request.pk])


def eventually(is_so, seconds=15):
    """Autosave waits for a pause and then for the server: ask again until it is so."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.2)
    return is_so()


@pytest.mark.usefixtures("icd10")
def test_a_code_is_found_chosen_and_saved_by_keyboard(visitor):
    mine = draft()
    OriginalDiagnosis.objects.all().delete()
    page = visitor.sign_in(mine.started_by).go(path("told", mine)).page
    box = page.locator("#id_icd10_code")
    assert not page.is_visible("text=Search the list of codes")
    box.press_sequentially("breast cancer")
    page.wait_for_selector("[role=option]")
    visitor.promises_kept()
    box.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant")
    box.press("Enter")
    assert box.input_value() == "C50"
    assert "Malignant neoplasm of breast" in page.inner_text("[data-icd10-chosen]")
    assert box.get_attribute("aria-expanded") == "false"
    assert eventually(lambda: OriginalDiagnosis.objects.filter(icd10_code="C50").exists())


def test_a_list_of_countries_speaks_our_words(visitor):
    mine = draft()
    page = visitor.sign_in(mine.started_by).go(path("about", mine)).page
    box = page.locator(".usa-combo-box")
    expect(box.locator(".usa-combo-box__toggle-list")).to_have_attribute(
        "aria-label", "Show the list"
    )
    expect(box.locator(".usa-combo-box__clear-input")).to_have_attribute(
        "aria-label", "Clear what is chosen"
    )
    box.get_by_role("combobox").fill("zzz")
    expect(box.get_by_text("Nothing found").first).to_be_visible()
    box.get_by_role("combobox").fill("Germ")
    expect(box.locator("[role=status]")).to_have_text("1 result")


def test_questions_are_added_moved_and_removed_on_the_spot(visitor):
    mine = draft()
    page = visitor.sign_in(mine.started_by).go(path("questions", mine)).page
    page.click("text=Add another question")
    page.keyboard.type("What else could it be?")
    visitor.promises_kept()
    page.locator("[data-question]").nth(1).locator("[data-do=up]").click()
    assert page.input_value("#id_question_1") == "What else could it be?"
    page.locator("[data-question]").nth(1).locator("[data-do=remove]").click()
    assert page.locator("[data-question]:visible").count() == 1
    texts = mine.questions.values_list("wording__text", flat=True)
    assert eventually(lambda: list(texts.all()) == ["What else could it be?"])


@pytest.mark.usefixtures("icd10")
def test_text_survives_a_session_that_ends_in_the_middle(visitor):
    mine = draft()
    page = visitor.sign_in(mine.started_by).go(path("told", mine)).page
    page.context.clear_cookies(name="session")
    page.fill("#id_treatment", "They want to operate next week.")
    page.wait_for_selector(".so-saved--problem")
    visitor.complaints.clear()
    visitor.sign_in(mine.started_by).go(path("told", mine))
    assert page.input_value("#id_treatment") == "They want to operate next week."
    page.click("button:has-text('Save and continue')")
    page.wait_for_url("**/tasks/")
    assert OriginalDiagnosis.objects.get().treatment == "They want to operate next week."


def test_back_after_sending_leads_to_the_status_page(visitor):
    mine = draft()
    page = visitor.sign_in(mine.started_by).go(path("check", mine)).page
    page.fill("#id_truth_name", "Maria Example")
    page.dblclick("button:has-text('Send my request')")
    page.wait_for_selector("text=Your request is sent")
    page.go_back()
    page.reload()
    assert page.url.split("?")[0].endswith(mine.get_absolute_url())
    assert mine.status_changes.count() == 1
