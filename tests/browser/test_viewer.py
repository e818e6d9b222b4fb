"""OHIF on real images: opened from the case file, sealed and in full, measured, saved, compared."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.conf import settings
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect
from pydicom.uid import generate_uid

from records.models import ImagingSeries, ImagingStudy, MeasurementReport
from tests import factories
from tests.records.dicom import samples
from tests.records.dicom.slides import a_slide
from tests.secondop.api.dicomweb_files import root, signed_in

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom"
SLICES = DATA / "04-series-mr-60-slices"
LETTER = DATA / "09-encapsulated-pdf" / "referral-letter.dcm"
REPORT = DATA / "08-non-image-objects" / "qin-headneck" / "sr.dcm"  # of images that are not here
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not DATA.exists(), reason="the shared records are not on this machine"),
]
CANVAS = "canvas.cornerstone-canvas"
SECONDS = 1000
GREYS = """canvas => {
  const {width, height} = canvas;
  const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4 * 97) seen.add(data[at]);
  return seen.size;
}"""


def slices(count: int, **changes: str) -> list[bytes]:
    """Real slices; as another study of the same person when `changes` name one."""
    found = []
    for path in sorted(SLICES.glob("*.dcm"))[:count]:
        data = pydicom.dcmread(path)
        data.PatientName, data.PatientBirthDate = "Anonymous", ""  # no stranger's, so not held
        if changes:
            data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        for keyword, value in changes.items():
            setattr(data, keyword, value)
        out = io.BytesIO()
        data.save_as(out)
        found.append(out.getvalue())
    return found


def of_the_same_person(path: Path, *more: str) -> bytes:
    data, person = pydicom.dcmread(path), pydicom.dcmread(next(SLICES.glob("*.dcm")))
    data.PatientName, data.PatientBirthDate = "Anonymous", ""
    for keyword in ("PatientID", *more):
        setattr(data, keyword, person.get(keyword, ""))
    out = io.BytesIO()
    data.save_as(out)
    return out.getvalue()


class Watched:
    """What the browser asked for and complained of."""

    def __init__(self, visitor: Any) -> None:
        self.visitor, self.page = visitor, visitor.page
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("response", lambda response: self._answered(response))
        self.page.on("console", self._said)

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.refused.append(f"{response.status} {response.url}")

    def _said(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "violates the following" in message.text:
            self.refused.append(message.text)

    def wait_for_images(self, count: int = 1) -> None:
        self.page.locator(CANVAS).nth(count - 1).wait_for(timeout=90 * SECONDS)
        for number in range(count):
            canvas = self.page.locator(CANVAS).nth(number).element_handle()
            self.page.wait_for_function(f"canvas => ({GREYS})(canvas) > 20", arg=canvas,
                                        timeout=90 * SECONDS)  # fmt: skip

    def kept_to_itself(self) -> None:
        """Nothing was asked of another host, refused, or broken."""
        own = (
            self.visitor.site,
            "blob:",
            "data:",
            "about:",
            "chrome-extension:",
            "chrome:",
        )  # the last two: the browser's own PDF program
        assert [url for url in self.asked if not url.startswith(own)] == []
        assert self.refused == []
        assert self.visitor.complaints == []

    def look(self, name: str) -> None:
        if folder := os.environ.get("LAST_LOOK"):
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture
def case():
    clinic = factories.ClinicFactory()
    author = factories.specialist(clinic)
    return factories.opinion_request_at("in_review", clinic, who=author), author


def test_a_sealed_reader_measures_and_no_other_reader_meets_it(visitor, case):
    opinion_request, author = case
    case_file = opinion_request.case_file
    samples.store(case_file, *slices(6))
    samples.clear(case_file)
    other = slices(2, StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid())
    samples.store(case_file, *other)  # not cleared: it does not exist for this reader
    cleared, hidden = ImagingStudy.objects.order_by("received_at")
    referral = opinion_request.referrals.get()

    watched = Watched(visitor.sign_in(author.user))
    visitor.go(reverse("specialists:case_file", args=[referral.pk]))
    visitor.promises_kept()
    page = visitor.page
    page.get_by_role("link", name="Open images").click()
    watched.wait_for_images()
    expect(page.get_by_text("investigational use").first).to_be_visible()
    page.get_by_role("button", name="Confirm and hide").click()
    asked = "\n".join(watched.asked)
    assert "00100020=" in asked  # it looked for other studies of this patient ...
    assert page.locator("[data-cy=study-browser-thumbnail]").count() == 1  # ... and met none
    series = ImagingSeries.objects.values_list("SeriesInstanceUID", flat=True)
    for uid in (*ImagingStudy.objects.values_list("StudyInstanceUID", flat=True), *series,
                hidden.alias_uid):  # fmt: skip
        assert uid not in asked
    assert cleared.alias_uid in asked

    page.locator("[data-cy=MeasurementTools-split-button-primary]").click()
    box = page.locator(CANVAS).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 80, y)
    page.mouse.down()
    page.mouse.move(x - 40, y + 10, steps=4)
    page.mouse.move(x + 40, y + 30, steps=4)
    page.mouse.up()
    page.locator("[data-cy=panelMeasurement-btn]").click()
    page.get_by_role("button", name="Create SR").click(timeout=20 * SECONDS)
    with page.expect_response(lambda r: r.request.method == "POST", timeout=30 * SECONDS) as saved:
        page.get_by_role("button", name="Save").last.click()
    assert saved.value.status == 200
    watched.look("measured")
    watched.kept_to_itself()

    report = MeasurementReport.objects.get()
    [[name, value, unit]] = report.items[0]["values"]
    assert (report.by, name, unit) == (author.user, "Length", "mm")
    assert value > 0
    visitor.go(reverse("specialists:case_file", args=[referral.pk]))
    expect(page.get_by_text("Saved measurements")).to_be_visible()
    visitor.look()
    watched.look("case-file")

    colleague = factories.specialist(opinion_request.clinic).user
    _let_read(case_file, colleague)
    told = signed_in(colleague).get(f"{root(case_file)}/studies/{cleared.alias_uid}/series")
    assert [row["00080060"]["Value"] for row in told.json()] == [["MR"]]


def test_a_whole_slide_opens_sealed_and_in_full_but_never_its_label(visitor, case):
    opinion_request, author = case
    case_file = opinion_request.case_file
    samples.store(case_file, *a_slide())
    samples.clear(case_file)
    study = ImagingStudy.objects.get()
    for reader, most in ((author.user, 3), (case_file.patient.user, 4)):
        watched = Watched(visitor.sign_in(reader))
        visitor.go(f"{reverse('viewer:open', args=[case_file.pk])}?study={study.pk}")
        tissue = visitor.page.locator(".DicomMicroscopyViewer").first
        tissue.wait_for(timeout=60 * SECONDS)
        for _ in range(60):
            picture = Image.open(io.BytesIO(tissue.screenshot())).convert("RGB").resize((60, 60))
            if shows := len(picture.getcolors(3600) or []) > 300:
                break
            visitor.page.wait_for_timeout(SECONDS)
        assert shows
        watched.look(f"slide-{most}")
        watched.kept_to_itself()
        told = signed_in(reader).get(f"{root(case_file)}/instances").json()
        assert len(told) == most
        assert any("/frames/" in url for url in watched.asked)


def _let_read(case_file, user):
    from datetime import timedelta

    from django.utils import timezone

    from records import grants

    until = timezone.now() + timedelta(days=1)
    grants.grant(case_file, to=user, as_role="specialist", sight="sealed", until=until, by=user)


def test_in_full_sight_two_studies_stand_side_by_side_and_a_letter_opens(visitor, case):
    case_file = case[0].case_file
    samples.store(case_file, *slices(4), of_the_same_person(LETTER, "StudyInstanceUID"))
    later = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(),
             "StudyDate": "20240115"}  # fmt: skip
    samples.store(case_file, *slices(4, **later))
    first, second = ImagingStudy.objects.order_by("received_at")
    watched = Watched(visitor.sign_in(case_file.patient.user))
    address = reverse("viewer:open", args=[case_file.pk])
    visitor.go(f"{address}?study={second.pk}&study={first.pk}&side_by_side=1")
    watched.wait_for_images(2)
    watched.look("side-by-side")
    page = visitor.page
    with page.expect_response(lambda r: r.url.endswith("/rendered")) as letter:
        page.get_by_text("DOC", exact=True).first.dblclick()
    assert letter.value.status == 200
    again = page.request.get(letter.value.url)  # the browser's PDF program may hide the first's
    assert again.headers["content-type"] == "application/pdf"
    page.locator("object[type='application/pdf']").first.wait_for(timeout=30 * SECONDS)
    watched.look("letter")
    watched.kept_to_itself()

    samples.store(case_file, of_the_same_person(REPORT))
    third = ImagingStudy.objects.order_by("received_at").last()
    page.context.add_cookies(
        [{"name": settings.LANGUAGE_COOKIE_NAME, "value": "es", "url": visitor.site}]
    )
    visitor.go(f"{address}?study={third.pk}")
    expect(page.get_by_text("Neoplasm, Primary").first).to_be_visible(timeout=60 * SECONDS)
    expect(page.get_by_text("Estudios").first).to_be_visible()  # the viewer's own Spanish
    watched.look("report")
    watched.kept_to_itself()
