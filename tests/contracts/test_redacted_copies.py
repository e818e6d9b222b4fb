"""A redacted copy is a document like any other to a sealed reader: nothing of its original, not
even that there is one, changes a byte of any answer. After the reveal both are there."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from records.models import (
    BlindingHit,
    BlindingSearch,
    Burning,
    Document,
    DocumentPage,
    RedactionArea,
)
from requests_app.models import DeskDecision
from secondop.audit.trail import note
from secondop.lib.storage import new_key
from tests import factories as make
from tests.contracts.crawl import Crawler, differences
from tests.contracts.hiding import Secret
from tests.contracts.still import BASE, NOW, fixed
from tests.contracts.worlds import build

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SECRET = Secret("Canary lymphoma", 1)
COPY, PARENT = fixed("redacted copy"), fixed("original of the copy")
PIXELS = b"\x89PNG\r\n\x1a\n the painted page"


def with_copy(said: str, size: int = 0, areas: int = 0):
    """A clear document that is an original itself (size 0), or the copy of one that says it."""

    def plant(world) -> None:
        case_file = world.referral.opinion_request.case_file
        by = make.coordinator(case_file.clinic)
        common = {"by": by, "kind": "letter", "page_count": 1, "received_at": BASE}
        parent = None
        if size:
            parent = make.document(
                case_file, id=PARENT, content=said.encode() * size, file_name=f"{said}.pdf",
                blinding_class="withheld", neutral_title=said[:120], **common,
            )  # fmt: skip
            page_of(parent, "original page", said)
        copy = make.document(
            case_file, id=COPY, content=b"%PDF-1.4 pictures only", neutral_title="Letter",
            file_name=f"{said} (redacted).pdf", parent=parent,
            parent_sha256=parent.sha256 if parent else "", **common,
        )  # fmt: skip
        page_of(copy, "copied page", "")
        if parent:
            plant_the_desk(parent, copy, said, areas, by)

    return plant


def page_of(document, name: str, text: str) -> None:
    key = default_storage.save(new_key("pages"), ContentFile(PIXELS))
    DocumentPage.objects.create(
        id=fixed(name), clinic=document.clinic, case_file=document.case_file, document=document,
        number=1, key=key, width=600, height=800, text=text, size_bytes=len(PIXELS),
    )  # fmt: skip


def plant_the_desk(parent, copy, said: str, areas: int, by) -> None:
    """Everything that the desk keeps about it."""
    common = {"clinic_id": parent.clinic_id, "case_file_id": parent.case_file_id}
    for n in range(areas):
        RedactionArea.objects.create(
            document=parent, phrase=f"{said} {n}", source="hand", by=by, **common
        )
        for row in (parent, copy):
            BlindingHit.objects.create(
                about_type="document", about_id=row.pk, position=n, place="page_text", found=said,
                excerpt=said, why="diagnosis", because=said, **common,
            )  # fmt: skip
    for row in (parent, copy):
        BlindingSearch.objects.update_or_create(
            about_type="document", about_id=row.pk,
            defaults={"hit_count": areas, "status": "done", **common},
        )  # fmt: skip
    Burning.objects.create(
        document=parent, copy=copy, by=by, left=[{"page": 1, "found": said}], status="done",
        done_count=areas, total_count=9, **common,
    )  # fmt: skip
    DeskDecision.objects.create(
        about_type="document", about_id=parent.pk, choice="redact", neutral=said, by=by,
        second_by=None, at=timezone.now() - timedelta(hours=areas), **common,
    )  # fmt: skip
    note("document.redacted", by=by, about=copy, parent=str(parent.pk), areas=areas)


WORLDS = {
    "an original": with_copy("nothing"),
    "a copy": with_copy("Canary lymphoma", size=3, areas=1),
    "another copy": with_copy("Zebra hepatic " * 9, size=40, areas=7),
}


def answers_of(monkeypatch, plant, *, is_revealed=False):
    """Every page that shows or counts documents, asked by the reader; the whole crawl is long."""
    cache.clear()
    with transaction.atomic():
        world = build(SECRET)
        plant(world)
        if is_revealed:
            make.revealed(world.referral)
        with monkeypatch.context() as stopped:
            stopped.setattr(timezone, "now", lambda: NOW)
            stopped.setattr("django.utils.cache.time", SimpleNamespace(time=NOW.timestamp))
            stopped.setattr("django.middleware.csrf._get_new_csrf_string", lambda: "t" * 32)
            crawler = Crawler(world)
            for url in addresses(world):
                for method in ("GET", "HEAD"):
                    crawler.ask(method, url)
            review = f"/reviews/{world.referral.pk}"
            for pk in (COPY, PARENT):
                data = {"document": str(pk), "is_read": "yes"}
                crawler.ask("POST", f"{review}/read/", data)
        transaction.set_rollback(True)
    return crawler.answers


def addresses(world):
    review, case_file = f"/reviews/{world.referral.pk}", world.referral.opinion_request.case_file_id
    yield "/reviews/"
    yield from (f"{review}/{page}" for page in ("", "case-file/", "opinion/", "seal/", "messages/"))
    for pk in (COPY, PARENT):
        yield f"{review}/case-file/?document={pk}"
        yield from (f"/records/documents/{pk}/{tail}" for tail in ("", "pages/1/", "file/"))
    yield f"/records/case-files/{case_file}/documents/"
    yield "/inbox/"


def test_neither_the_original_nor_its_existence_shows(monkeypatch):
    first, *others = [answers_of(monkeypatch, plant) for plant in WORLDS.values()]
    status = {url: answer[0] for (method, url), answer in first.items() if method == "GET"}
    assert status[f"/records/documents/{COPY}/"] == 200
    assert status[f"/records/documents/{COPY}/pages/1/"] == 200
    assert status[f"/records/documents/{COPY}/file/"] == 404
    assert sum(code == 200 for code in status.values()) >= 7
    for other in others:
        found = differences(first, other)
        assert not found, "\n".join(f"{key}: {piece}" for key, piece in list(found.items())[:9])
    assert {others[0]["GET", f"/records/documents/{PARENT}/{tail}"][0]
            for tail in ("", "pages/1/", "file/")} == {404}  # fmt: skip
    said = b" ".join(body for _status, _headers, body in others[0].values()).lower()
    assert b"canary lymphoma" not in said
    assert str(PARENT).encode() not in b" ".join(
        body for (_m, url), (_s, _h, body) in others[0].items() if str(PARENT) not in url
    )
    print(f"{len(first)} answers, byte-identical in {len(WORLDS)} worlds")  # noqa: T201


def test_after_the_reveal_both_are_there_and_differ(monkeypatch):
    one, other = [
        answers_of(monkeypatch, WORLDS[name], is_revealed=True)
        for name in ("a copy", "another copy")
    ]
    assert differences(one, other)
    text = b" ".join(body for _status, _headers, body in one.values()).decode(errors="replace")
    assert "Canary lymphoma.pdf" in text
    assert "Canary lymphoma (redacted).pdf" in text


def test_a_released_original_beside_its_copy_is_not_given():
    """By no door: the list, the page, the picture."""
    world = build(SECRET)
    WORLDS["a copy"](world)
    Document.objects.filter(pk=PARENT).update(blinding_class="clear")
    seen = Document.objects.visible_as("specialist", world.reader)
    assert seen.filter(pk=COPY).exists()
    assert not seen.filter(pk=PARENT).exists()
