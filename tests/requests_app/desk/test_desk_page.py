"""The page of the blinding desk: an item beside its hits, in front what is open."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from requests_app.models import Message
from tests.factories import add_question, add_statement, document, opinion_request_at, specialist
from tests.requests_app.desk.items import answer, hit, page_of, paper, sealed_titles, searched

pytestmark = pytest.mark.django_db


class TestThePage:
    def test_nothing_is_released_by_default_and_the_first_open_item_is_in_front(
        self, client, it, made
    ):
        statement = add_statement(it, "story", "It began in spring.")
        page = page_of(client, it)
        assert "2 of 4 decided" in page
        assert page.count("Not decided, so withheld") >= 2
        assert 'id="here-title" tabindex="-1">letter.pdf' in page
        assert sealed_titles(it) == ["Letter 1"]
        assert "It began in spring." in page_of(client, it, statement)

    def test_hits_stand_beside_the_page_as_boxes_and_in_words(self, client, it, made):
        hit(made)
        hit(made, page=None, boxes=[], place="file_name", excerpt="Mastectomy plan", found_at=0)
        searched(made)
        page = page_of(client, it, made)
        assert '<rect class="so-desk__hit" x="100.0" y="280.0" width="200.0" height="70.0">' in page
        assert "We advise <mark>Mastectomy</mark> soon" in page
        assert "The treatment that was suggested: mastectomy" in page
        assert "1 place found on this page" in page
        assert "<mark>Mastectomy</mark> plan" in page
        assert " style=" not in page[page.index("<main") :]

    def test_it_says_what_was_not_searched_and_what_could_not_be_read(self, client, it, made):
        assert "The search has not finished" in page_of(client, it, made)
        searched(made, is_poorly_read=True, poor_reason="low_confidence")
        page = page_of(client, it, made)
        assert "Handwriting or a poor scan" in page
        assert "the search knows words, not meanings" in page

    def test_four_hundred_pages_are_looked_at_one_by_one(self, client, it):
        long = paper(it, pages=400)
        hit(long, page=317)
        page = page_of(client, it, long)
        assert "Page 317 of 400" in page  # the first page with a hit
        assert page.count('class="so-desk__image"') == 1
        assert "Page 400 of 400" in page_of(client, it, long, page=99999)
        assert "Page 1 of 400" in page_of(client, it, long, page=1)
        assert "Page 317 of 400" in page_of(client, it, long, page="x")

    def test_files_that_are_still_checked_are_named_without_answers(self, client, it):
        waiting = document(it.case_file, by=it.started_by, status="screening", blinding_class="")
        page = page_of(client, it)
        assert f"document-{waiting.pk}" not in page
        assert "It can be decided about once it is received." in page

    def test_after_the_review_it_can_only_be_read(self, client, staff, clinic):
        it = opinion_request_at("quality_check", clinic)
        page = page_of(client, it)
        assert "The review is over." in page
        assert 'name="action"' not in page
        row = it.case_file.documents.get()
        assert answer(client, it, row, "withhold").status_code == 409
        row.refresh_from_db()
        assert row.blinding_class == "clear"

    def test_it_costs_the_same_queries_for_little_and_for_much(self, client, it, made):
        hit(made)
        searched(made)
        add_statement(it, "story", "It began in spring.")
        answer(client, it, it.case_file.documents.exclude(pk=made.pk).get(), "withhold")
        page_of(client, it, made)
        with CaptureQueriesContext(connection) as little:
            page_of(client, it, made)
        for number in range(12):
            row = paper(it, pages=3)
            for _n in range(4):
                hit(row)
                hit(made)
            searched(row)
            answer(client, it, row, "release")
            add_question(it, f"Question {number}?", blinding_class="")
        with CaptureQueriesContext(connection) as much:
            page_of(client, it, made)
        assert len(little) == len(much)

    def test_messages_that_were_sent_to_the_specialist_are_shown_with_their_hits(
        self, client, it, staff, clinic
    ):
        who = specialist(clinic)
        message = Message.objects.create(
            clinic=clinic, opinion_request=it, thread="specialist", specialist=who.user,
            author=staff, from_clinic=True, text="Please look at the margins.",
        )  # fmt: skip
        hit(message, about="message", page=None, boxes=[])
        page = page_of(client, it)
        assert "Please look at the margins." in page
        assert "1 hit" in page[page.index("written-title") :]
