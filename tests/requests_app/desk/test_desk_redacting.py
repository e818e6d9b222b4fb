"""Redacting at the blinding desk: what is covered, the copy, and taking it back."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from records.blinding_search.passages import Passage, Reading
from records.models import BlindingHit, Burning, Document
from records.tasks import burn_redaction
from secondop.lib.storage import new_key
from tests.factories import coordinator
from tests.records.burned import boxes_of
from tests.records.nasty import WORD, shown
from tests.requests_app.desk.items import (
    answer,
    cover,
    hit,
    item_of,
    page_of,
    paper,
    sealed_titles,
    searched,
)

pytestmark = pytest.mark.django_db


class TestRedacting:
    @pytest.fixture
    def made(self, it):
        told = it.case_file.original_diagnosis
        told.treatment = WORD
        told.save()
        row = paper(it, content=shown())
        box = boxes_of(shown(), [WORD])["1"][0]
        hit(row, boxes=[box])
        hit(row, place="file_name", page=None, boxes=[])
        searched(row)
        return row

    def burn(self, made) -> Document | None:
        job = Burning.objects.filter(document=made).latest("created_at")
        burn_redaction(str(job.pk))
        return Burning.objects.get(pk=job.pk).copy

    def test_one_answer_covers_what_was_found_and_shows_the_copy(self, client, it, made):
        assert "Cover the 1 place found and show a copy" in page_of(client, it, made)
        assert answer(client, it, made, "redact", title="Surgeon").status_code == 302
        assert item_of(it, made).state == "making"
        assert "The copy is being made" in page_of(client, it, made)
        assert sealed_titles(it) == ["Letter 1"]
        copy = self.burn(made)
        item = item_of(it, made)
        assert (item.state, item.copy) == ("copy_shown", copy)
        assert sealed_titles(it).count("Surgeon") == 1
        made.refresh_from_db()
        assert made.blinding_class == "withheld"
        page = page_of(client, it, made)
        assert "nothing of what we look for was found" in page
        assert "The specialist gets this in place of the original." in page

    def test_places_are_taken_from_hits_drawn_and_given_back(self, client, it, made):
        one = BlindingHit.objects.of("document", made.pk).get(page=1)
        assert cover(client, it, made, "hits", hit=str(one.pk)).status_code == 302
        assert "marked to be covered" in page_of(client, it, made)
        assert cover(client, it, made, "box", box="0.5,0.5,0.6,0.55").status_code == 302
        page = page_of(client, it, made)
        assert "Show a copy with 2 places covered" in page
        assert page.count('class="so-desk__area"') == 2
        drawn = made.redaction_areas.get(source="hand")
        assert cover(client, it, made, "remove", area=str(drawn.pk)).status_code == 302
        assert made.redaction_areas.count() == 1
        cover(client, it, made, "remove_all")
        cover(client, it, made, "page")
        assert made.redaction_areas.get().why == "treatment"

    @pytest.mark.parametrize(
        ("action", "more"),
        [
            ("box", {"box": "0.5,0.5"}), ("box", {"box": "a" * 99}), ("box", {}), ("lines", {}),
            ("box", {"box": "0.5,0.5,0.5,0.5"}), ("hits", {"hit": "x"}), ("fly", {}),
            ("lines", {"line": "99"}),
        ],
    )  # fmt: skip
    def test_what_covers_nothing_is_refused_in_words(self, client, it, made, action, more):
        assert cover(client, it, made, action, **more).status_code == 409
        assert not made.redaction_areas.exists()

    def test_a_copy_that_still_says_it_waits_for_a_person(self, client, it, made):
        cover(client, it, made, "box", box="0.7,0.7,0.8,0.8")
        answer(client, it, made, "redact", title="Surgeon")
        self.burn(made)
        assert item_of(it, made).state == "copy_check"
        assert sealed_titles(it) == ["Letter 1"]
        page = page_of(client, it, made)
        assert "These words are still there" in page
        assert f"Page 1: {WORD}" in page
        assert answer(client, it, made, "show_copy").status_code == 409  # it is being searched
        searched(item_of(it, made).copy)
        assert answer(client, it, made, "show_copy").status_code == 302
        assert "Surgeon" in sealed_titles(it)

    def test_lines_and_words_are_chosen_without_a_mouse(self, client, it, made):
        words = [
            [0, 2, 1000, 1000, 1300, 1100, 0],
            [3, 13, 1400, 1000, 3000, 1100, 0],
            [14, 25, 1000, 2000, 2500, 2100, 0],
            [26, 36, 2600, 2000, 4000, 2100, 0],
        ]
        text = "We Mastectomy\nHaemoglobin mastectomy"
        reading = Reading([Passage("page_text", text, page=1, has_lines=True, words=words)])
        key = default_storage.save(new_key("texts"), ContentFile(reading.packed()))
        searched(made, texts_key=key)
        assert "Choose lines to cover" in page_of(client, it, made)
        assert "Haemoglobin mastectomy" in page_of(client, it, made, lines=1)
        assert cover(client, it, made, "lines", line="1").status_code == 302
        assert made.redaction_areas.get().box == [0.1, 0.2, 0.4, 0.21]
        cover(client, it, made, "remove_all")
        assert cover(client, it, made, "phrase", phrase="mastectomy").status_code == 302
        assert [area.box for area in made.redaction_areas.all()] == [
            [0.14, 0.1, 0.3, 0.11], [0.26, 0.2, 0.4, 0.21],
        ]  # fmt: skip
        assert cover(client, it, made, "phrase", phrase="lymphoma").status_code == 409

    def test_a_copy_that_cannot_be_made_is_told_and_nothing_is_shown(self, client, it, made):
        Document.objects.filter(pk=made.pk).update(page_count=3)  # the file has one
        answer(client, it, made, "redact", title="Surgeon")
        assert self.burn(made) is None
        assert item_of(it, made).state == "copy_failed"
        assert "A page could not be painted over." in page_of(client, it, made)
        assert sealed_titles(it) == ["Letter 1"]

    def test_the_patient_meets_the_file_they_sent_and_no_copy(self, client, it, made):
        answer(client, it, made, "redact", title="Surgeon")
        self.burn(made)
        client.force_login(it.started_by)
        page = client.get(reverse("records:documents", args=[it.case_file_id])).content.decode()
        assert "letter.pdf" in page
        assert "redacted" not in page

    def test_undo_takes_the_copy_back(self, client, it, made):
        answer(client, it, made, "redact", title="Surgeon")
        copy = self.burn(made)
        assert answer(client, it, made, "undo").status_code == 302
        copy.refresh_from_db()
        made.refresh_from_db()
        assert (copy.status, made.blinding_class) == ("removed", "")
        assert sealed_titles(it) == ["Letter 1"]
        answer(client, it, made, "redact", title="Surgeon")
        assert answer(client, it, made, "undo").status_code == 302  # while it is being made
        assert self.burn(made) is None
        assert item_of(it, made).state == "undecided"

    def test_releasing_the_original_takes_the_copy_back(self, client, it, made):
        answer(client, it, made, "redact", title="Surgeon")
        self.burn(made)
        answer(client, it, made, "release", title="Surgeon")
        assert sealed_titles(it).count("Surgeon") == 1
        assert item_of(it, made).state == "shown"

    def test_with_a_second_person_the_copy_waits_too(self, client, it, made, clinic):
        clinic.demands_second_look = True
        clinic.save()
        answer(client, it, made, "redact", title="Surgeon")
        client.force_login(coordinator(clinic))
        assert answer(client, it, made, "agree").status_code == 409  # no copy to look at yet
        self.burn(made)
        assert item_of(it, made).state == "second_look"
        assert sealed_titles(it) == ["Letter 1"]
        assert answer(client, it, made, "show_copy").status_code == 409
        assert answer(client, it, made, "agree").status_code == 409  # it is being searched
        searched(item_of(it, made).copy)
        assert answer(client, it, made, "agree").status_code == 302
        assert "Surgeon" in sealed_titles(it)
