"""Sending records in a real browser, through tus-js-client: progress, cuts, reloads, problems."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Route, expect

from records.models import Document, Upload
from records.tasks import screen
from tests import factories
from tests.records import files

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("LAST_LOOK", "")  # a folder, for whoever wants to see the pages


@pytest.fixture
def opinion_request():
    return factories.draft()


@pytest.fixture
def at_records(visitor, opinion_request):
    """The patient, at the page of their records."""
    visitor.sign_in(opinion_request.started_by)
    visitor.go(reverse("records:documents", args=[opinion_request.case_file_id]))
    expect(visitor.page.locator("[data-uploader][data-ready]")).to_have_count(1)
    yield visitor
    visitor.page.goto("about:blank")  # stop the list from asking while the database is emptied


def choose(page, *paths: Path) -> None:
    page.set_input_files("#uploader-files", [str(path) for path in paths])


def arrived(opinion_request) -> list[Document]:
    return list(
        Document.objects.filter(case_file=opinion_request.case_file, status="screening").order_by(
            "received_at"
        )
    )


def shoot(page, name: str) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_several_files_at_once_are_sent_checked_and_described(
    at_records, opinion_request, tmp_path
):
    page = at_records.page
    (tmp_path / "biopsy.pdf").write_bytes(files.pdf(2))
    (tmp_path / "locked.pdf").write_bytes(files.locked_pdf())
    (tmp_path / "empty.pdf").write_bytes(b"")
    choose(page, *sorted(tmp_path.iterdir()))
    sent = page.locator("#documents .so-file")
    expect(sent.filter(has_text="Being checked")).to_have_count(2)
    expect(page.locator(".so-file.has-problem")).to_contain_text("This file is empty.")
    shoot(page, "sending")
    at_records.look()
    for document in arrived(opinion_request):
        screen(str(document.screening.pk))
    expect(sent.filter(has_text="locked with a password")).to_have_count(1, timeout=15_000)
    received = sent.filter(has=page.get_by_role("link", name="biopsy.pdf", exact=True))
    expect(received).to_contain_text("Received")
    with page.expect_response(lambda response: "/kind/" in response.url):
        received.get_by_label("What is this?").select_option("pathology_report")
    assert Document.objects.get(name__file_name="biopsy.pdf", status="available").kind == (
        "pathology_report"
    )
    at_records.look()
    shoot(page, "checked")
    received.get_by_role("link", name="biopsy.pdf", exact=True).click()
    expect(page.get_by_role("heading", name="Page 2 of 2")).to_be_visible()
    expect(page.locator(".so-document__image").first).to_have_js_property("naturalWidth", 1400)
    at_records.look()
    shoot(page, "document")


def test_a_cut_line_loses_nothing_and_doubles_nothing(at_records, opinion_request, tmp_path):
    page = at_records.page
    content = bytes(range(256)) * 80_000  # 20 MB: three pieces
    (tmp_path / "scan.pdf").write_bytes(content)
    cuts = []

    def cut_the_second(route: Route) -> None:
        if route.request.method == "PATCH":
            cuts.append(1)
            if len(cuts) == 2:
                return route.abort("connectionreset")
        return route.continue_()

    page.route("**/uploads/**", cut_the_second)
    choose(page, tmp_path / "scan.pdf")
    expect(page.locator("#documents .so-file")).to_have_count(2, timeout=30_000)
    [document] = arrived(opinion_request)
    assert len(cuts) >= 4
    stored = hashlib.sha256(files.stored(document.key)).digest()
    assert stored == hashlib.sha256(content).digest()
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "scan" not in kept


def test_after_a_reload_the_same_file_goes_on(at_records, opinion_request, tmp_path):
    page = at_records.page
    content = bytes(range(256)) * 80_000
    (tmp_path / "scan.pdf").write_bytes(content)
    pieces = []

    def stop_after_the_first(route: Route) -> None:
        if route.request.method == "PATCH":
            pieces.append(1)
            if len(pieces) > 1:
                return route.abort("internetdisconnected")
        return route.continue_()

    page.route("**/uploads/**", stop_after_the_first)
    choose(page, tmp_path / "scan.pdf")
    expect(page.locator(".so-file__status").first).to_contain_text(
        "connection is gone", timeout=30_000
    )
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "secondop.upload:" in kept
    assert "scan.pdf" not in kept
    assert not at_records.violations()
    shoot(page, "offline")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()  # the line is still cut: a try just now must not get through
    page.unroute("**/uploads/**")
    expect(page.locator("[data-unfinished]")).to_contain_text("40% is here")
    at_records.complaints[:] = [c for c in at_records.complaints if "net::ERR" not in c]
    at_records.look()
    shoot(page, "unfinished")
    choose(page, tmp_path / "scan.pdf")
    expect(page.locator("#documents .so-file")).to_have_count(2, timeout=30_000)
    assert Upload.objects.count() == 1
    [document] = arrived(opinion_request)
    assert files.stored(document.key) == content


def test_pause_go_on_and_cancel(at_records, opinion_request, tmp_path):
    page = at_records.page
    (tmp_path / "scan.pdf").write_bytes(bytes(20_000_000))
    page.route(
        "**/uploads/**",
        lambda route: route.abort() if route.request.method == "PATCH" else route.continue_(),
    )
    choose(page, tmp_path / "scan.pdf")
    page.get_by_role("button", name="Pause scan.pdf").click()
    expect(page.locator(".so-file__status").first).to_have_text("Paused")
    page.get_by_role("link", name="How it works").first.evaluate(
        "a => document.querySelector('main').append(a)"
    )
    page.locator("main").get_by_role("link", name="How it works").click()
    expect(page.get_by_role("alert")).to_contain_text("still on their way")
    page.get_by_role("button", name="Go on scan.pdf").click()
    page.get_by_role("button", name="Cancel scan.pdf").click()
    expect(page.locator("[data-uploader-list] .so-file")).to_have_count(0)
    for _ in range(50):
        if not Upload.objects.exists():
            break
        page.wait_for_timeout(200)
    assert not Upload.objects.exists()
