"""Every folder and archive of real discs through the page: what arrives is what can be read.

The manifest of the shared records says file by file what is to be accepted, and
`tests/records/dicom/test_corpus.py` holds the server to it. Here the page must find, in a real
browser, every object that the server takes from the same folder, and leave the rest on the disc.
CORPUS_TABLE=file writes the table that docs/imaging-upload.md shows.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from bench.imaging import corpus
from records.models import CaseFile, ImagingIngest, ImagingInstance
from records.tasks import ingest_archive
from tests import factories
from tests.records.dicom.samples import a_case_file

FOLDERS = sorted(path for path in (corpus.DATA / "dicom").glob("*") if path.is_dir())
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not FOLDERS, reason="the shared records are not on this machine"),
]


@pytest.fixture
def a_page(visitor: Any) -> Any:
    """Opens the page for images of a new case file of one patient."""
    patient = factories.PatientFactory()
    visitor.sign_in(patient.user)

    def opened() -> CaseFile:
        case_file = CaseFile.objects.create(clinic=patient.clinic, patient=patient)
        visitor.go(reverse("records:images_add", args=[case_file.pk]))
        expect(visitor.page.locator("[data-images][data-ready]")).to_have_count(1)
        return case_file

    yield opened
    visitor.page.goto("about:blank")


def uids(case_file: CaseFile) -> set[str]:
    rows = ImagingInstance.objects.filter(case_file=case_file)
    return set(rows.values_list("SOPInstanceUID", flat=True))


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1].replace(",", "")) if found else 0


def send(page: Page, folder: Path) -> tuple[str, str]:
    """Choose a folder and send what was found; what the page said before and after."""
    page.set_input_files("#images-folder", str(folder))
    expect(page.locator("[data-images-found] h2")).not_to_be_empty(timeout=20_000)
    found = page.locator("[data-images-found]").inner_text()
    page.get_by_role("button", name="Send").first.click()
    expect(page.locator("[data-images-done] h2")).to_contain_text("Done", timeout=30_000)
    return found, page.locator("[data-images-done]").inner_text()


def test_every_folder_arrives_as_the_manifest_says(a_page, visitor):
    lines = []
    for folder in FOLDERS:
        case_file, alone = a_page(), a_case_file()
        found, done = send(visitor.page, folder)
        problems = corpus.take_folder(alone, folder)
        assert uids(case_file) == uids(alone), (folder.name, found, done)
        twice = sum(problem == "other_bytes" for problem in problems.values())
        refused = number(r"([\d,]+) files? (?:was|were) not taken", done)
        left = number(r"([\d,]+) files? (?:is|are) not", found)
        copies = number(r"([\d,]+) files? (?:is a|are) second", found)
        assert len(problems) == len(uids(case_file)) + refused + left + copies, (found, done)
        lines.append(
            f"| {folder.name} | {len(problems)} | {len(uids(case_file))} | {left} | {copies} "
            f"| {refused} | {twice} |"
        )
    for archive, expected in corpus.ARCHIVES.items():
        case_file = a_page()
        visitor.page.set_input_files("#images-files", str(corpus.DATA / archive))
        visitor.page.get_by_role("button", name="Send").click()
        expect(visitor.page.locator("#archives")).to_contain_text("Taking", timeout=15_000)
        ingest_archive(str(ImagingIngest.objects.get(case_file=case_file).pk))
        assert expected == f"stored {len(uids(case_file))}", archive
        told = visitor.page.locator("#archives .so-file__status")
        expect(told).to_contain_text("added", timeout=10_000)
        lines.append(f"| {archive} | - | {len(uids(case_file))} | {told.inner_text()} | | | |")
    if path := os.environ.get("CORPUS_TABLE"):
        Path(path).write_text("\n".join(lines) + "\n")
