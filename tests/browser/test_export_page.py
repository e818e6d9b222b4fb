"""Taking a copy of a case file, reading its page without the application, and sending it back."""

from __future__ import annotations

import os
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from records.facts import entering
from records.models import Document, ImagingIngest
from records.tasks import ingest_archive
from tests import factories
from tests.browser.conftest import Visitor
from tests.records import files
from tests.records.dicom.samples import as_bytes, ct, store

SHOTS = os.environ.get("LAST_LOOK", "")


def shoot(page: Any, name: str) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def a_case_file_with_everything() -> Any:
    request = factories.draft()
    case_file = request.case_file
    by = request.started_by
    names = ("Biopsy of 3 March.pdf", "Discharge letter, very long name " + "of a hospital " * 5)
    for name, kind in zip(names, ("pathology_report", "discharge_summary"), strict=True):
        content = files.pdf(1, text=kind)
        letter = factories.document(case_file, by=by, content=content, kind=kind, file_name=name,
                                    page_count=1, dated_on=date(2026, 3, 3))  # fmt: skip
    factories.document(case_file, by=by, status="held", problem="other_patient")
    store(case_file, *(as_bytes(ct(number, size=64)) for number in range(1, 6)))
    for day, value in ((1, "4.2"), (9, "3.1")):
        told = {"analyte": "psa", "value": value, "unit": "ng/mL", "on": date(2026, 3, day),
                "page": 1}  # fmt: skip
        entering.add_value(case_file, told, letter, by=by)
    return request


@pytest.mark.django_db(transaction=True)
def test_a_copy_is_taken_read_and_taken_in_elsewhere(visitor, tmp_path):
    request, page = a_case_file_with_everything(), visitor.page
    visitor.sign_in(request.started_by)
    visitor.go(reverse("requests:records", args=[request.pk]))
    page.get_by_role("link", name="Download everything in this case file").click()
    expect(page.get_by_text("Left out: documents 1, sets of images 0.")).to_be_visible()
    visitor.look()
    shoot(page, "export")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download the ZIP file").click()
    copy = tmp_path / "copy.zip"
    coming.value.save_as(copy)
    visitor.go(reverse("records:images", args=[request.case_file_id]))
    with page.expect_download() as images:
        page.get_by_role("link", name="Download these images (ZIP)").click()
    assert zipfile.ZipFile(images.value.path()).testzip() is None
    visitor.look()
    shoot(page, "images-zip")
    _read_without_us(visitor, copy, tmp_path / "unpacked")
    _take_in(visitor, copy)


def _read_without_us(visitor: Any, copy: Path, folder: Path) -> None:
    with zipfile.ZipFile(copy) as archive:
        archive.extractall(folder)
    page = visitor.page.context.new_page()
    alone = Visitor(page, f"file://{folder}")
    alone.go("/index.html")
    expect(page.get_by_role("heading", level=1)).to_have_text("Copy of a case file")
    for link in page.locator("a").all():
        assert (folder / str(link.get_attribute("href"))).is_file()
    alone.look()
    shoot(page, "index")
    page.close()


def _take_in(visitor: Any, copy: Path) -> None:
    elsewhere, page = factories.draft(), visitor.page
    visitor.sign_in(elsewhere.started_by)
    visitor.go(reverse("records:images_add", args=[elsewhere.case_file_id]))
    expect(page.locator("[data-images][data-ready]")).to_have_count(1)
    page.set_input_files("#images-files", str(copy))
    page.get_by_role("button", name="Send").click()
    told = page.locator("#archives")
    expect(told).to_contain_text("Taking out", timeout=15_000)
    ingest_archive(str(ImagingIngest.objects.get().pk))
    expect(told).to_contain_text("This is a copy of a case file, and it is whole.", timeout=15_000)
    expect(told).to_contain_text("3 documents were added. 5 images were added.")
    visitor.look()
    shoot(page, "taken-in")
    assert Document.objects.filter(case_file=elsewhere.case_file, kind="pathology_report").exists()
