"""The letter to the first doctor, and a ZIP of anything, as people meet them in a browser."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from records import first_doctor
from records import first_doctor_duties as duties
from records.models import Document, ImagingIngest, Screening
from records.tasks import ingest_archive, screen, write_first_doctor_letter
from requests_app.first_doctor_told import tell_coordinators
from tests import factories
from tests.browser.conftest import Visitor
from tests.records import files
from tests.records.dicom.samples import as_bytes, ct

SHOTS = os.environ.get("LAST_LOOK", "")


def shoot(page: Any, name: str) -> None:
    if not SHOTS:
        return
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.django_db(transaction=True)
def test_the_clinic_opens_and_sends_it_and_the_patient_sees_that(visitor: Visitor) -> None:
    request = factories.opinion_request_at("delivered")
    case_file = request.case_file
    first_doctor.choose(case_file, "told_after", by=case_file.patient.user)
    tell_coordinators()
    write_first_doctor_letter(str(case_file.first_doctor_letters.get().pk))
    visitor.sign_in(factories.coordinator(request.clinic))
    visitor.go(reverse("holders:of_case_file", args=[case_file.pk]))
    visitor.look()
    shoot(visitor.page, "letter-clinic")
    with visitor.page.expect_download() as taken:
        visitor.page.get_by_role("link", name="Open the letter (PDF)").evaluate(
            "link => { link.download = 'letter.pdf'; link.click(); }"
        )
    assert Path(taken.value.path()).read_bytes().startswith(b"%PDF-")
    visitor.page.get_by_role("button", name="It was sent").click()
    expect(visitor.page.get_by_text("It was sent on")).to_be_visible()
    visitor.sign_in(case_file.patient.user)
    visitor.go(reverse("holders:mine", args=[case_file.pk]))
    expect(visitor.page.get_by_text("We sent your first doctor a letter")).to_be_visible()
    visitor.look()
    shoot(visitor.page, "letter-patient")

    chief = factories.administrator(request.clinic)
    duties.state(request.clinic, country="FR", source="Code de la santé publique", by=chief)
    visitor.sign_in(chief)
    visitor.go(reverse("holders:duties"))
    visitor.look()
    shoot(visitor.page, "duties")


@pytest.mark.django_db(transaction=True)
def test_a_zip_among_the_papers_is_opened_and_its_sender_reads_what_was_in_it(
    visitor: Visitor, tmp_path: Path
) -> None:
    request = factories.draft()
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.pdf", files.pdf(1))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("letter.pdf", files.pdf(1, text="Discharge"))
        archive.writestr("scan", as_bytes(ct(1)))
        archive.writestr("more.zip", inner.getvalue())
    visitor.sign_in(request.started_by)
    visitor.go(reverse("records:documents", args=[request.case_file_id]))
    visitor.page.locator("#uploader-files").set_input_files(tmp_path / "all.zip")
    expect(visitor.page.get_by_text("Sent. It is being checked.")).to_be_visible()
    for row in Screening.objects.filter(status="queued"):
        screen(str(row.pk))
    job = ImagingIngest.objects.get()
    ingest_archive(str(job.pk))
    for row in Screening.objects.filter(status="queued"):
        screen(str(row.pk))
    assert Document.objects.filter(findings__archive=str(job.pk), status="available").count() == 1
    visitor.go(reverse("records:documents", args=[request.case_file_id]))
    expect(visitor.page.get_by_text("1 document was added. 1 image was added.")).to_be_visible()
    expect(visitor.page.get_by_text("This is a ZIP file inside a ZIP file")).to_be_visible()
    visitor.look()
    shoot(visitor.page, "zip-papers")
