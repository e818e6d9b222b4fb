"""The redacted copy: made from a stored original, read again, and given in its place."""

from __future__ import annotations

import hashlib
from io import BytesIO

import pikepdf
import pytest
from django.core.files.storage import default_storage

from records import blinding, redaction
from records.models import Burning, Document, DocumentPage, RedactionArea
from records.redaction import Place
from records.tasks import burn_redaction
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from tests.factories import ClinicFactory, coordinator, document, opinion_request_at
from tests.records.burned import boxes_of, ocr_of, said_by, text_of
from tests.records.files import pdf, picture, stored
from tests.records.nasty import WORD, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def it(django_capture_on_commit_callbacks):
    return opinion_request_at("collecting", ClinicFactory())


@pytest.fixture
def staff(it):
    return coordinator(it.clinic)


def original(it, content: bytes, **fields):
    """A received document whose first opinion is the word that the nasty files say."""
    told = it.case_file.original_diagnosis
    told.treatment = WORD
    told.save()
    common = {"blinding_class": "", "page_count": 1, "neutral_title": "Surgeon's letter"}
    made = document(it.case_file, by=it.started_by, content=content, **common | fields)
    DocumentPage.objects.create(
        clinic=made.clinic, case_file=made.case_file, document=made, number=1, key=made.key,
        width=1400, height=1980, text="We advise Mastectomy soon",
    )  # fmt: skip
    return made


def places(content: bytes) -> list[Place]:
    found = boxes_of(content, [WORD])
    return [Place(int(page), tuple(box)) for page, boxes in found.items() for box in boxes]


def burned(made, staff, where: list[Place]) -> Burning:
    redaction.cover(made, where, by=staff)
    job = redaction.ask_for_copy(Document.objects.get(pk=made.pk), by=staff)
    burn_redaction(str(job.pk))
    return Burning.objects.get(pk=job.pk)


class TestBurning:
    def test_a_clean_copy_stands_in_for_the_original_which_is_untouched(self, it, staff, tmp_path):
        content = shown()
        made = original(it, content)
        job = burned(made, staff, places(content))
        assert (job.status, job.left, job.unread_pages) == ("done", [], [])
        copy, parent = job.copy, Document.objects.get(pk=made.pk)
        assert (copy.parent_id, copy.parent_sha256) == (
            parent.pk,
            hashlib.sha256(content).hexdigest(),
        )
        assert (copy.blinding_class, copy.status, copy.page_count) == ("clear", "available", 1)
        assert (copy.kind, copy.neutral_title, copy.received_at) == (
            parent.kind, parent.neutral_title, parent.received_at,
        )  # fmt: skip
        assert stored(parent.key) == content
        stuff = stored(copy.key)
        assert hashlib.sha256(stuff).hexdigest() == copy.sha256
        assert text_of(stuff).strip() == ""
        assert said_by(stuff, [WORD]) == set()
        assert WORD.lower() not in ocr_of(stuff, tmp_path).lower()
        assert "13.1" in ocr_of(stuff, tmp_path)
        page = copy.pages.get()
        assert (page.text, page.media_type) == ("", "image/png")
        assert default_storage.size(page.key) == page.size_bytes > 1000

    def test_sealed_gets_the_copy_and_full_sight_gets_both(self, it, staff):
        content = shown()
        made = original(it, content, blinding_class="withheld")
        before = len(blinding.documents_for(it.case_file, "sealed"))
        copy = burned(made, staff, places(content)).copy
        sealed = [document for document, _title in blinding.documents_for(it.case_file, "sealed")]
        full = [document for document, _title in blinding.documents_for(it.case_file, "full")]
        assert copy in sealed
        assert made not in sealed
        assert len(sealed) == before + 1
        assert {copy, made} <= set(full)

    def test_even_a_released_original_is_not_shown_beside_its_copy(self, it, staff):
        """Both together would tell that something was covered."""
        content = shown()
        made = original(it, content, blinding_class="clear")
        copy = burned(made, staff, places(content)).copy
        sealed = [document for document, _title in blinding.documents_for(it.case_file, "sealed")]
        assert copy in sealed
        assert made not in sealed

    def test_a_copy_that_still_says_it_is_not_released(self, it, staff):
        made = original(it, shown())
        job = burned(made, staff, [Place(1, (0.7, 0.7, 0.9, 0.9))])
        assert job.copy.blinding_class == "check"
        assert [left["found"].lower() for left in job.left] == [WORD.lower()]
        x0, y0, x1, y1 = job.left[0]["boxes"][0]
        assert 0 < x0 < x1 < 1
        assert 0.1 < y0 < y1 < 0.2
        assert job.copy not in [d for d, _t in blinding.documents_for(it.case_file, "sealed")]

    def test_a_page_that_nobody_can_read_waits_for_a_person(self, it, staff):
        noise = picture("PNG", size=(900, 900))
        from PIL import Image

        out = BytesIO()
        Image.effect_noise((900, 900), 120).save(out, "PNG")
        assert noise != out.getvalue()
        made = original(it, out.getvalue(), media_type="image/png")
        job = burned(made, staff, [Place(1, (0.1, 0.1, 0.2, 0.2))])
        assert job.unread_pages == [1]
        assert job.copy.blinding_class == "check"

    def test_where_two_must_agree_nothing_is_released_by_a_machine(self, it, staff):
        it.clinic.demands_second_look = True
        it.clinic.save()
        content = shown()
        job = burned(original(it, content), staff, places(content))
        assert (job.left, job.copy.blinding_class) == ([], "check")

    def test_a_text_and_a_record_lose_the_phrase(self, it, staff, tmp_path):
        text = f"Plan: {WORD}. Haemoglobin 13.1".encode()
        record = (
            b'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><structuredBody><component>'
            b"<section><title>Plan</title><text><paragraph>We advise mastectomy soon.</paragraph>"
            b"<paragraph>Haemoglobin 13.1</paragraph></text></section>"
            b"</component></structuredBody></component></ClinicalDocument>"
        )
        for content, media_type, count in (
            (text, "text/plain", 1),
            (record, "application/cda+xml", None),
        ):
            made = original(it, content, media_type=media_type, page_count=count)
            job = burned(made, staff, [Place(phrase=WORD)])
            assert (job.status, job.left) == ("done", []), media_type
            read = ocr_of(stored(job.copy.key), tmp_path)
            assert "13.1" in read
            assert WORD.lower() not in read.lower()
            assert said_by(stored(job.copy.key), [WORD]) == set()

    def test_many_pages_are_burned_in_batches_and_counted(self, it, staff):
        content = pdf(6, text=WORD)
        made = original(it, content, page_count=6)
        job = burned(made, staff, places(content))
        assert (job.status, job.done_count, job.copy.page_count) == ("done", 6, 6)
        assert list(job.copy.pages.order_by("number").values_list("number", flat=True)) == [
            1, 2, 3, 4, 5, 6,
        ]  # fmt: skip
        with pikepdf.open(BytesIO(stored(job.copy.key))) as made_pdf:
            assert len(made_pdf.pages) == 6

    def test_an_original_that_was_altered_is_set_aside(self, it, staff):
        made = original(it, shown())
        redaction.cover(made, [Place(1, (0.1, 0.1, 0.2, 0.2))], by=staff)
        job = redaction.ask_for_copy(Document.objects.get(pk=made.pk), by=staff)
        with default_storage.open(made.key, "r+b") as file:
            file.write(b"%PDF-9")
        burn_redaction(str(job.pk))
        job.refresh_from_db()
        made.refresh_from_db()
        assert (job.status, job.last_error) == ("dead", "original_changed")
        assert made.status == "quarantined"
        assert not made.copies.exists()

    def test_what_is_not_a_pdf_after_all_makes_no_copy(self, it, staff):
        made = original(it, b"%PDF-1.4 broken")
        job = burned(made, staff, [Place(1, (0.1, 0.1, 0.2, 0.2))])
        assert (job.status, job.last_error, job.copy) == ("dead", "page_not_readable", None)

    def test_the_trail_says_who_had_it_made_and_no_word_of_it(self, it, staff):
        content = shown()
        copy = burned(original(it, content), staff, places(content)).copy
        event = AuditEvent.objects.get(verb="document.redacted")
        assert (event.actor_id, event.about_id) == (staff.pk, str(copy.pk))
        assert event.details["areas"] == 1
        assert WORD.lower() not in repr(event.details).lower()


class TestTakingBack:
    def test_a_job_that_is_taken_back_leaves_nothing(self, it, staff):
        content = shown()
        made = original(it, content)
        redaction.cover(made, places(content), by=staff)
        job = redaction.ask_for_copy(Document.objects.get(pk=made.pk), by=staff)
        running = Burning.claim(job.pk)
        redaction.take_back(made, by=staff)
        with running.attempt():
            redaction.burn(running)
        assert not made.copies.exists()
        assert Burning.claim(job.pk) is None

    def test_a_copy_that_is_taken_back_is_gone_for_everybody(self, it, staff):
        content = shown()
        made = original(it, content)
        copy = burned(made, staff, places(content)).copy
        redaction.take_back(made, by=staff)
        for sight in ("sealed", "full"):
            assert copy not in [d for d, _t in blinding.documents_for(it.case_file, sight)]
        assert redaction.copy_of(made) is None

    def test_a_new_copy_takes_the_place_of_the_old_one(self, it, staff):
        content = shown()
        made = original(it, content)
        old = burned(made, staff, [Place(1, (0.7, 0.7, 0.9, 0.9))]).copy
        new = burned(made, staff, places(content)).copy
        old.refresh_from_db()
        assert (old.status, new.status) == ("removed", "available")
        assert redaction.copy_of(made) == new


class TestAreas:
    @pytest.mark.parametrize(
        "place",
        [
            Place(0, (0.1, 0.1, 0.2, 0.2)),
            Place(2, (0.1, 0.1, 0.2, 0.2)),
            Place(1, (0.1, 0.1, 0.1, 0.2)),
            Place(1, (1.5, 0.1, 1.6, 0.2)),
        ],
    )
    def test_a_box_that_covers_nothing_is_refused(self, it, staff, place):
        made = original(it, shown())
        with pytest.raises(Refused, match="covers nothing"):
            redaction.cover(made, [place], by=staff)

    def test_the_same_place_twice_is_one_and_a_box_is_put_right(self, it, staff):
        made = original(it, shown())
        place = Place(1, (0.4, 0.3, 0.1, 0.2))
        assert redaction.cover(made, [place, place], by=staff) == 1
        assert redaction.cover(made, [place], by=staff) == 0
        assert RedactionArea.objects.get().box == [0.1, 0.2, 0.4, 0.3]

    def test_nothing_changes_while_a_copy_is_made_or_on_a_copy(self, it, staff):
        content = shown()
        made = original(it, content)
        with pytest.raises(Refused, match="at least one place"):
            redaction.ask_for_copy(made, by=staff)
        job = burned(made, staff, places(content))
        with pytest.raises(Refused, match="Mark the place on the original"):
            redaction.cover(job.copy, places(content), by=staff)
        redaction.ask_for_copy(made, by=staff)
        with pytest.raises(Refused, match="being made"):
            redaction.cover(made, places(content), by=staff)

    def test_a_file_without_pages_is_withheld_instead(self, it, staff):
        made = original(it, b"PK", media_type="application/zip", page_count=None)
        assert "Withhold it" in str(redaction.may_cover(made).reason)
