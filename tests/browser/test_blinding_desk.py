"""The blinding desk in a real browser: twenty documents by keyboard, and a box drawn by hand."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect

from records.models import BlindingHit, DocumentPage
from records.tasks import burn_redaction
from requests_app.desk_items import desk_of
from requests_app.models import DeskDecision, OpinionRequest
from secondop.lib.storage import new_key
from tests.factories import (
    ClinicFactory,
    add_question,
    add_statement,
    coordinator,
    document,
    opinion_request_at,
)
from tests.papers import letter_pdf
from tests.records.burned import boxes_of
from tests.requests_app.desk.items import hit, searched

pytestmark = pytest.mark.django_db(transaction=True)
GIVES_AWAY = 5  # every fifth paper names the operation


@pytest.fixture
def clinic():
    return ClinicFactory(name="Riverside Clinic")


@pytest.fixture
def staff(clinic):
    user = coordinator(clinic)
    type(user).objects.filter(pk=user.pk).update(full_name="Clara Coordinator")
    return user


def paper(it, number: int, *, gives_away: bool):
    """A real one-page PDF with a real picture of it, and its hits where they stand."""
    from io import BytesIO

    import pypdfium2

    plan = "We advise a Mastectomy next month." if gives_away else "No acute finding."
    lines = ["Haemoglobin 13.1 g/dl", plan, "Creatinine 0.8 mg/dl", f"Page {number}"]
    content = letter_pdf(f"Report {number}", lines)
    row = document(
        it.case_file, by=it.started_by, content=content, file_name=f"scan_{number:02}.pdf",
        blinding_class="", neutral_title="", page_count=1, kind="lab_results",
    )  # fmt: skip
    picture = pypdfium2.PdfDocument(content)[0].render(scale=1400 / 595).to_pil()
    out = BytesIO()
    picture.convert("L").save(out, "PNG")
    key = default_storage.save(new_key("pages"), ContentFile(out.getvalue()))
    assert isinstance(picture, Image.Image)
    DocumentPage.objects.create(
        clinic=row.clinic, case_file=row.case_file, document=row, number=1, key=key,
        width=picture.width, height=picture.height, text="", size_bytes=len(out.getvalue()),
    )  # fmt: skip
    for box in boxes_of(content, ["Mastectomy"]).get("1", []):
        hit(row, boxes=[box], excerpt="We advise a Mastectomy next month.", found_at=12)
    searched(row)
    return row


def presses(page, keys: str) -> int:
    """Press keys one by one, each after the page of the one before has come."""
    for key in keys:
        with page.expect_navigation():
            page.keyboard.press(key)
    return len(keys)


class TestDesk:
    def test_twenty_documents_are_cleared_by_keyboard(self, visitor, clinic, staff):
        it = opinion_request_at("collecting", clinic)
        it.case_file.documents.update(blinding_class="withheld")
        rows = [paper(it, n, gives_away=n % GIVES_AWAY == 0) for n in range(1, 21)]
        it.case_file.original_diagnosis.__class__.objects.filter(case_file=it.case_file).update(
            treatment="Mastectomy"
        )
        page = visitor.sign_in(staff).go(reverse("requests:prepare", args=[it.pk])).page
        visitor.look("coordinator-desk")
        page.reload()  # taking a picture leaves style attributes behind
        pressed = 0
        for row in rows:
            assert f"item=document-{row.pk}" in page.url or row == rows[0]
            pressed += presses(page, "d" if BlindingHit.objects.of("document", row.pk) else "r")
        expect(page.get_by_text("Everything is decided.")).to_be_visible()
        expect(page.get_by_text("Undo this decision")).to_be_visible()
        print(f"20 documents, 4 of them redacted: {pressed} key presses")  # noqa: T201
        assert pressed == 20
        for job in [row.burnings.get() for row in rows if row.burnings.exists()]:
            burn_redaction(str(job.pk))
        desk = desk_of(OpinionRequest.objects.get(pk=it.pk))
        states = [desk.find(f"document-{row.pk}").state for row in rows]
        assert states.count("shown") == 16
        assert states.count("copy_shown") == 4

    def test_a_box_is_drawn_and_everything_goes_by_key(self, visitor, clinic, staff):
        it = opinion_request_at("collecting", clinic)
        row = paper(it, 5, gives_away=True)
        question = add_question(it, "Do I need the mastectomy?", blinding_class="")
        add_statement(it, "what_matters", "I want to keep working.")
        address = reverse("requests:prepare", args=[it.pk])
        page = visitor.sign_in(staff).go(f"{address}?item=document-{row.pk}").page
        presses(page, "a")
        frame = page.locator(".so-desk__sheet").bounding_box()
        page.mouse.move(frame["x"] + frame["width"] * 0.2, frame["y"] + frame["height"] * 0.5)
        page.mouse.down()
        page.mouse.move(frame["x"] + frame["width"] * 0.6, frame["y"] + frame["height"] * 0.6)
        with page.expect_navigation():
            page.mouse.up()
        drawn = row.redaction_areas.get(source="hand")
        assert drawn.box == pytest.approx([0.2, 0.5, 0.6, 0.6], abs=0.01)
        assert page.locator(".so-desk__area").count() == 2
        visitor.look("coordinator-desk-covered")
        page.reload()
        presses(page, "d")
        assert f"question-{question.pk}" in page.url
        visitor.look()
        page.reload()
        presses(page, "u")
        assert DeskDecision.objects.get(about_id=row.pk).state == "undone"
        presses(page, "nnw")
        assert DeskDecision.objects.get(about_id=question.pk).choice == "withhold"
        page.get_by_label("Neutral words").click()
        page.keyboard.type("r")  # letters are letters while somebody writes
        assert page.get_by_label("Neutral words").input_value() == "r"
