"""The plain pages of images in a real browser: readable on a phone, usable without a script."""

import os
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse

from records.models import ImagingSeries
from tests import factories
from tests.records.dicom.samples import as_bytes, clear, ct, store, without_a_name
from tests.secondop.api.dicomweb_files import signed_in, stow

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("IMAGES_SHOTS", "")


def slice_of(number, **changes):
    """A round body with a bright spot, so that a picture shows something."""
    size = 128
    y, x = np.mgrid[:size, :size] - size / 2
    body = np.where(x**2 + y**2 < 55**2, 40, -1000) + np.where(
        (x - 20) ** 2 + (y - number) ** 2 < 64, 200, 0
    )
    data = ct(number, size=size, SliceThickness="2.5", BodyPartExamined="CHEST", **changes)
    data.PixelData = (body + 1024).astype("<i2").tobytes()
    return as_bytes(data)


def shot(visitor, name):
    if not SHOTS:
        return
    for width, label in ((1280, "wide"), (390, "phone")):
        visitor.page.set_viewport_size({"width": width, "height": 900})
        visitor.page.wait_for_timeout(150)
        visitor.page.screenshot(path=Path(SHOTS) / f"{name}-{label}.png", full_page=True)


@pytest.fixture
def request_with_images():
    opinion_request = factories.opinion_request_at("collecting")
    case_file = without_a_name(opinion_request.case_file)
    store(case_file, *(slice_of(n) for n in range(1, 16)))
    store(
        case_file,
        slice_of(1, series="1.2.3.4.8", SeriesDescription="Screenshot", Modality="OT",
                 ImageType=["DERIVED", "SECONDARY"], SeriesNumber=9),
    )  # fmt: skip
    stow(signed_in(opinion_request.started_by), case_file, b"nothing that we can read")
    store(case_file, slice_of(1, study="1.2.9", series="1.2.9.1", PatientName="Other^Person",
                              PatientBirthDate="19500101", PatientID="P2"))  # fmt: skip
    return opinion_request


def test_the_patient_looks_through_and_takes_back(visitor, request_with_images):
    case_file = request_with_images.case_file
    visitor.sign_in(request_with_images.started_by)
    visitor.go(request_with_images.get_absolute_url())
    visitor.page.get_by_role("link", name="See your images").click()
    visitor.page.locator("img").first.evaluate("i => i.decode()")
    shot(visitor, "patient-list")
    visitor.look()
    visitor.page.get_by_role("link", name="Thorax").first.click()
    visitor.page.wait_for_selector("figure img")
    picture = visitor.page.locator("figure img")
    assert picture.evaluate("i => i.decode().then(() => i.naturalWidth)") == 128
    visitor.page.get_by_role("link", name="Next", exact=True).click()
    visitor.page.wait_for_selector("text=Picture 9 of 15")
    shot(visitor, "patient-series")
    visitor.look()
    visitor.page.get_by_role("link", name="Many at once").click()
    shot(visitor, "patient-sheet")
    visitor.look()
    visitor.go(reverse("records:images", args=[case_file.pk]))
    visitor.page.get_by_role("link", name="Take these images back").first.click()
    shot(visitor, "patient-remove")
    visitor.look()


def test_the_coordinator_decides_covers_and_lets_a_hospital_send(visitor, request_with_images):
    case_file = request_with_images.case_file
    staff = factories.coordinator(request_with_images.clinic)
    visitor.sign_in(staff).go(reverse("records:images", args=[case_file.pk]))
    shot(visitor, "staff-list")
    visitor.look()
    visitor.page.get_by_role("button", name="They are of this patient").first.click()
    visitor.page.get_by_role("button", name="Do not use them").first.click()
    series = ImagingSeries.objects.get(SeriesInstanceUID="1.2.3.4.8")
    card = visitor.page.locator(f"#series-{series.pk}")
    card.get_by_text("I looked at every picture").click()
    card.get_by_role("button", name="Show to the specialist").click()
    visitor.page.wait_for_selector("text=The specialist sees this series now.")
    series.refresh_from_db()
    assert series.blinding_class == "clear"
    shot(visitor, "staff-decided")
    visitor.look()
    visitor.go(reverse("records:images_series", args=[series.pk]))
    shot(visitor, "staff-series")
    visitor.look()
    visitor.go(reverse("records:images_cover", args=[series.pk]))
    visitor.page.locator("[data-cover] img").evaluate("i => i.decode()")
    box = visitor.page.locator("[data-cover] svg").bounding_box()
    visitor.page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.1)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.3)
    visitor.page.mouse.up()
    numbers = visitor.page.locator("[data-cover-places]").input_value()
    assert [round(int(n), -1) for n in numbers.split(", ")] == [100, 100, 500, 300]
    shot(visitor, "staff-cover")
    visitor.look()
    visitor.page.get_by_role("button", name="Make covered copies").click()
    visitor.page.wait_for_selector("text=Copies with covered places are being made.")
    visitor.go(reverse("records:inlets", args=[case_file.pk]))
    visitor.page.get_by_label("Which hospital sends").fill("St. Anna, imaging office")
    visitor.page.get_by_role("button", name="Make a token").click()
    visitor.page.wait_for_selector("#token")
    shot(visitor, "staff-inlets")
    visitor.look()


def test_a_sealed_reader_sees_what_was_cleared(visitor):
    reader = factories.specialist()
    opinion_request = factories.opinion_request_at("in_review", reader.clinic, who=reader)
    store(opinion_request.case_file, *(slice_of(n) for n in (1, 2)))
    clear(opinion_request.case_file)
    visitor.sign_in(reader.user).go(
        reverse("specialists:case_file", args=[opinion_request.referrals.get().pk])
    )
    visitor.page.get_by_role("link", name="Images", exact=True).click()
    shot(visitor, "sealed-list")
    visitor.look()
    assert "carcinoma" not in visitor.page.content()
    visitor.page.get_by_role("link", name="CT scan 1").click()
    visitor.page.locator("figure img").evaluate("i => i.decode()")
    shot(visitor, "sealed-series")
    visitor.look()
