"""Sending images in a real browser: what is found in a folder, cuts, a reload, ZIPs, refusals."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from records.models import ImagingIngest, ImagingInstance, ImagingPack
from records.tasks import ingest_archive
from tests import factories
from tests.records import files
from tests.records.dicom.samples import as_bytes, ct

pytestmark = pytest.mark.django_db(transaction=True)
MANY = int(os.environ.get("MANY_IMAGES", "600"))  # bench/imaging_upload sends 3,000
SHOTS = os.environ.get("LAST_LOOK", "")


@pytest.fixture
def opinion_request() -> Any:
    return factories.draft()


@pytest.fixture
def at_images(visitor, opinion_request):
    """The patient, at the page for images."""
    visitor.sign_in(opinion_request.started_by)
    open_page(visitor, opinion_request)
    yield visitor
    visitor.page.on("dialog", lambda dialog: dialog.accept())
    visitor.page.goto("about:blank")


def open_page(visitor: Any, opinion_request: Any) -> None:
    visitor.go(reverse("records:images_add", args=[opinion_request.case_file_id]))
    expect(visitor.page.locator("[data-images][data-ready]")).to_have_count(1)


def shoot(page: Page, name: str) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def choose(page: Page, folder: Path) -> None:
    page.set_input_files("#images-folder", str(folder))


def finished(page: Page, text: str, seconds: int = 30) -> None:
    expect(page.locator("[data-images-done] h2")).to_contain_text(text, timeout=seconds * 1000)


def a_disc(folder: Path) -> Path:
    """Two studies, a letter, and what else is on a disc."""
    (folder / "DICOM" / "A").mkdir(parents=True)
    (folder / "VIEWER").mkdir()
    for number in range(1, 8):
        (folder / "DICOM" / "A" / f"IM{number:03}").write_bytes(as_bytes(ct(number)))
    other = {
        "study": "1.2.3.9",
        "series": "1.2.3.9.1",
        "Modality": "MR",
        "StudyDescription": "MRI head",
    }
    for number in range(1, 4):
        (folder / "DICOM" / f"MR{number}").write_bytes(as_bytes(ct(number, **other)))
    shutil.copy(folder / "DICOM" / "MR1", folder / "DICOM" / "copy of MR1")
    (folder / "AUTORUN.INF").write_bytes(b"[autorun]\r\nopen=VIEWER.EXE\r\n")
    (folder / "VIEWER" / "VIEWER.EXE").write_bytes(b"MZ" + bytes(5000))
    (folder / "letter.pdf").write_bytes(files.pdf(1))
    (folder / "DICOM" / "stump").write_bytes(bytes(128) + b"DICM" + bytes(40))
    return folder


class TestAFolder:
    def test_is_told_in_plain_words_sent_and_answered_file_by_file(
        self, at_images, opinion_request, tmp_path
    ):
        page = at_images.page
        at_images.look()
        shoot(page, "choose")
        choose(page, a_disc(tmp_path / "disc"))
        found = page.locator("[data-images-found]")
        expect(found.locator("h2")).to_contain_text("2 studies, 10 images")
        expect(found).to_contain_text("2 files are not images and stay on your disc.")
        expect(found).to_contain_text("1 file is a second copy")
        expect(page.locator("[data-study]").filter(has_text="MRI head")).to_contain_text("3 images")
        expect(page.locator("[data-study]").first).to_contain_text("Jan 15, 2024")
        letters = page.locator("[data-images-letters]")
        expect(letters).to_contain_text("1 file looks like a letter")
        at_images.look("patient-images-found")
        shoot(page, "found")
        page.get_by_text("MRI head").click()
        expect(found.locator("h2")).to_contain_text("1 study, 7 images")
        page.get_by_text("MRI head").click()
        page.get_by_role("button", name="Send 10 images").click()
        finished(page, "Done. 10 images are here.")
        refused = page.locator("[data-images-refused]")
        expect(refused).to_contain_text("stump")
        expect(refused).to_contain_text("1 file was not taken")
        at_images.look()
        shoot(page, "done")
        assert ImagingInstance.objects.filter(case_file=opinion_request.case_file).count() == 10
        letters.get_by_role("button", name="Send these files").click()
        sent = page.locator("[data-images-documents]")
        expect(sent.locator(".so-file")).to_have_count(0, timeout=15_000)
        assert opinion_request.case_file.documents.filter(status="screening").count() == 1
        assert page.evaluate("localStorage.length") == 0

    def test_of_two_people_is_noticed_before_it_is_sent(self, at_images, tmp_path):
        page = at_images.page
        (tmp_path / "1").write_bytes(as_bytes(ct(1)))
        stranger = ct(1, study="1.9", series="1.9.1", PatientName="Other^Olga")
        stranger.PatientBirthDate = "19500101"
        (tmp_path / "2").write_bytes(as_bytes(stranger))
        choose(page, tmp_path)
        expect(page.locator("[data-images-people]")).to_contain_text("more than one person")
        expect(page.locator("[data-images-people]")).to_contain_text("Other Olga")
        at_images.look()
        shoot(page, "two-people")


SLICE_BYTES = len(as_bytes(ct(1, size=32)))


def many(folder: Path, count: int) -> None:
    """A study of small slices that differ in number and UID alone, made fast."""
    folder.mkdir()
    one = ct(1, size=32)
    one.SOPInstanceUID = "1.2.3.4.5." + "7" * 10
    body = as_bytes(one)
    for number in range(count):
        uid = f"1.2.3.4.5.{7_000_000_000 + number}".encode()
        (folder / f"IM{number:05}").write_bytes(body.replace(b"1.2.3.4.5.7777777777", uid))


class Cutter:
    """Stands between page and server, and cuts the line at certain batches."""

    def __init__(self, page: Page) -> None:
        self.page, self.batches, self.cuts = page, 0, 0
        page.route("**/dicom-web/studies", self)

    def __call__(self, route: Route) -> None:
        self.batches += 1
        if self.batches not in (2, 3, 5, 7, 9):
            return route.continue_()
        self.cuts += 1
        if self.batches in (3, 7):  # the server takes it in, and only the answer is lost
            route.fetch()
        return route.abort("connectionreset")


def test_five_cuts_a_dead_line_and_a_reload_lose_nothing_and_double_nothing(
    at_images, opinion_request, tmp_path
):
    page, context = at_images.page, at_images.page.context
    page.on("dialog", lambda dialog: dialog.accept())
    many(tmp_path / "disc", MANY)
    cutter = Cutter(page)
    choose(page, tmp_path / "disc")
    page.get_by_role("button", name="Send").click()
    wait_for(page, lambda: cutter.cuts >= 4)
    context.set_offline(True)
    expect(page.locator("[data-images-state]")).to_contain_text("connection is gone")
    at_images.complaints.clear()  # the browser tells of cuts
    shoot(page, "offline")
    assert not at_images.violations()
    context.set_offline(False)
    wait_for(page, lambda: cutter.cuts == 5)
    page.reload()
    note = page.locator("[data-images-unfinished]")
    expect(note).to_contain_text("Choose the same folder again")
    before = here(opinion_request)
    assert 0 < before < MANY
    at_images.complaints.clear()
    at_images.look()
    shoot(page, "unfinished")
    batches = cutter.batches
    choose(page, tmp_path / "disc")
    page.get_by_role("button", name="Send").click()
    finished(page, f"Done. {MANY:,} images are here.", 120)
    known = page.locator("[data-known]")
    expect(known).to_contain_text("were here before and were not sent again")
    missing = MANY - before
    assert cutter.batches - batches <= missing // 50 + 1  # no batch holds what was here
    instances = ImagingInstance.objects.filter(case_file=opinion_request.case_file)
    assert instances.values("SOPInstanceUID").distinct().count() == instances.count() == MANY
    assert sum(pack.size_bytes for pack in ImagingPack.objects.all()) < 2 * MANY * SLICE_BYTES
    at_images.look()


def here(opinion_request: Any) -> int:
    return ImagingInstance.objects.filter(case_file=opinion_request.case_file).count()


def wait_for(page: Page, true: Any, seconds: int = 30) -> None:
    for _ in range(seconds * 20):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never became true")


def drop(page: Page, selector: str, *paths: Path) -> None:
    """Drop real files and folders, as a file manager does."""
    box = page.locator(selector).bounding_box()
    assert box
    tools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + 40, "y": box["y"] + 20}
        tools.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})


def test_a_dropped_folder_and_file_are_searched_to_the_bottom(at_images, tmp_path):
    page = at_images.page
    disc = a_disc(tmp_path / "disc")
    (tmp_path / "single.dcm").write_bytes(as_bytes(ct(1, study="1.7", series="1.7.1")))
    drop(page, "[data-images-drop]", disc, tmp_path / "single.dcm")
    expect(page.locator("[data-images-found] h2")).to_contain_text("3 studies, 11 images")
    page.get_by_role("button", name="Choose something else").click()
    expect(page.locator("[data-study]")).to_have_count(0)
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "README.TXT").write_text("Put the disc in.")
    drop(page, "[data-images-drop]", tmp_path / "nothing")
    found = page.locator("[data-images-found]")
    expect(found).to_contain_text("There are no images here that we can read.")
    expect(found).to_contain_text("Choose the whole disc")
    at_images.look()
    shoot(page, "nothing")


def test_pause_go_on_and_stop(at_images, opinion_request, tmp_path):
    page = at_images.page
    many(tmp_path / "disc", 120)
    held: list[Route] = []
    page.route("**/dicom-web/studies", lambda route: held.append(route))
    choose(page, tmp_path / "disc")
    page.get_by_role("button", name="Send").click()
    wait_for(page, lambda: len(held) == 2)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-images-state]")).to_have_text("Paused")
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    at_images.look()
    page.get_by_role("button", name="Go on").click()
    wait_for(page, lambda: len(held) == 4)
    held[2].continue_()
    wait_for(page, lambda: here(opinion_request) == 50)
    page.get_by_role("button", name="Stop sending").click()
    expect(page.locator("[data-images-done] h2")).to_contain_text("What has arrived stays here")
    assert here(opinion_request) == 50
    at_images.look()


def test_being_signed_out_stops_with_a_sentence_and_goes_on_after(
    at_images, opinion_request, tmp_path
):
    page = at_images.page
    many(tmp_path / "disc", 60)
    choose(page, tmp_path / "disc")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-images-state]")).to_contain_text("You were signed out")
    page.context.add_cookies(cookies)
    page.get_by_role("button", name="Go on").click()
    finished(page, "Done. 60 images are here.")
    assert here(opinion_request) == 60


def test_a_zip_is_sent_and_unpacked_while_the_page_tells(at_images, opinion_request, tmp_path):
    page = at_images.page
    disc = a_disc(tmp_path / "disc")
    archive = Path(shutil.make_archive(str(tmp_path / "disc"), "zip", disc))
    page.set_input_files("#images-files", str(archive))
    expect(page.locator("[data-images-found] h2")).to_contain_text("1 ZIP file. We unpack it here")
    at_images.look()
    shoot(page, "zip")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#archives")).to_contain_text("Taking out the images", timeout=15_000)
    shoot(page, "unpacking")
    at_images.look()
    ingest_archive(str(ImagingIngest.objects.get().pk))
    told = page.locator("#archives")
    expect(told).to_contain_text(
        "10 images were added. 1 image was here before, or was in it twice", timeout=15_000
    )
    assert here(opinion_request) == 10
    expect(told).to_contain_text("1 document was added")
    letter = opinion_request.case_file.documents.get(status="screening")
    assert letter.name.file_name == "letter.pdf"
    at_images.look()
    shoot(page, "unpacked")


def test_a_phone_sends_photos_and_a_page_without_javascript_sends_a_zip(
    browser, visitor, live_server, opinion_request, tmp_path
):
    visitor.sign_in(opinion_request.started_by)
    cookies = visitor.page.context.cookies()
    path = reverse("records:images_add", args=[opinion_request.case_file_id])
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, locale="en-US",
        user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile Safari",
    )  # fmt: skip
    phone.add_cookies(cookies)
    page = phone.new_page()
    page.goto(live_server.url + path)
    expect(page.locator("[data-images][data-ready]")).to_have_count(1)
    expect(page.get_by_text("Choose a disc or folder")).to_be_hidden()
    (tmp_path / "paper.jpg").write_bytes(files.picture())
    (tmp_path / "letter.pdf").write_bytes(files.pdf(1))
    page.set_input_files("#images-files", [tmp_path / "paper.jpg", tmp_path / "letter.pdf"])
    expect(page.locator("[data-images-found] h2")).to_contain_text("2 files look like letters")
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / "phone.png", full_page=True)
    page.get_by_role("button", name="Send these files").click()
    wait_for(
        page, lambda: opinion_request.case_file.documents.filter(status="screening").count() == 2
    )
    expect(page.get_by_text("2 files were sent and are being checked.")).to_be_visible()
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / "phone-sent.png", full_page=True)
    phone.close()

    plain = browser.new_context(java_script_enabled=False, locale="en-US")
    plain.add_cookies(cookies)
    page = plain.new_page()
    page.goto(live_server.url + path)
    with zipfile.ZipFile(tmp_path / "cd.zip", "w") as archive:
        archive.writestr("IM1", as_bytes(ct(1)))
    page.locator("#zips-files").set_input_files(tmp_path / "cd.zip")
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / "no-script.png", full_page=True)
    page.get_by_role("button", name="Send this file").click()
    expect(page.get_by_text("cd.zip is here and is being checked.")).to_be_visible()
    expect(page.locator("#archives")).to_contain_text("Taking out the images")
    ingest_archive(str(ImagingIngest.objects.get().pk))
    assert here(opinion_request) == 1
    plain.close()


def test_a_file_that_the_disc_does_not_give_is_named_and_the_rest_arrives(
    at_images, opinion_request, tmp_path
):
    page = at_images.page
    many(tmp_path / "disc", 12)
    choose(page, tmp_path / "disc")
    expect(page.locator("[data-images-found] h2")).to_contain_text("12 images")
    scratched = tmp_path / "disc" / "IM00005"
    content = scratched.read_bytes()
    scratched.unlink()
    page.get_by_role("button", name="Send").click()
    finished(page, "Done. 11 images are here.")
    refused = page.locator("[data-images-refused]")
    expect(refused).to_contain_text("Your computer could not read this file")
    expect(refused).to_contain_text("IM00005")
    expect(page.get_by_role("button", name="Try these again")).to_be_visible()
    assert here(opinion_request) == 11
    scratched.write_bytes(content)  # cleaned, and chosen again: one image is sent
    choose(page, tmp_path / "disc")
    page.get_by_role("button", name="Send").click()
    finished(page, "Done. 12 images are here.")
    at_images.complaints.clear()  # the browser tells of the file it did not get
    at_images.look()
