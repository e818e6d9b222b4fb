"""The blinding desk: an item beside its hits, one answer each, undo, and a second person."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from records import blinding
from records.blinding_search.passages import Passage, Reading
from records.models import BlindingHit, BlindingSearch, Burning, Document, DocumentPage, Patient
from records.tasks import burn_redaction
from requests_app import deciding
from requests_app.desk_items import desk_of
from requests_app.models import DeskDecision, Message, OpinionRequest, Question
from secondop.audit.models import AuditEvent
from secondop.audit.trail import note
from secondop.lib.storage import new_key
from secondop.lib.verdicts import Refused
from tests.factories import (
    ClinicFactory,
    UserFactory,
    add_question,
    add_statement,
    coordinator,
    document,
    opinion_request_at,
    specialist,
)
from tests.records.nasty import WORD, shown
from tests.records.test_redaction_pages import boxes_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return ClinicFactory()


@pytest.fixture
def staff(client, clinic):
    user = coordinator(clinic)
    client.force_login(user)
    return user


@pytest.fixture
def it(staff, clinic):
    return opinion_request_at("collecting", clinic)


@pytest.fixture
def made(it):
    return paper(it)


def paper(it, content: bytes = b"", pages: int = 1, **fields):
    common = {"blinding_class": "", "neutral_title": "", "page_count": pages}
    row = document(it.case_file, by=it.started_by, content=content, **common | fields)
    for number in range(1, pages + 1):
        DocumentPage.objects.create(
            clinic=row.clinic, case_file=row.case_file, document=row, number=number, key=row.key,
            width=1000, height=1400, text="", size_bytes=1,
        )  # fmt: skip
    return row


def hit(row, about="document", **fields) -> BlindingHit:
    found = fields.pop("found", WORD)
    common = {
        "clinic_id": row.clinic_id, "case_file_id": row.case_file_id, "about_type": about,
        "about_id": row.pk, "position": BlindingHit.objects.count() + 1, "place": "page_text",
        "found": found, "excerpt": f"We advise {found} soon", "found_at": 10, "why": "treatment",
        "because": "mastectomy", "page": 1, "boxes": [[0.1, 0.2, 0.3, 0.25]],
    }  # fmt: skip
    return BlindingHit.objects.create(**common | fields)


def searched(row, about="document", **fields) -> BlindingSearch:
    """The row that says that the search of an item has ended."""
    count = BlindingHit.objects.of(about, row.pk).count()
    values = {"status": "done", "searched_at": timezone.now(), "hit_count": count} | fields
    search, _new = BlindingSearch.objects.update_or_create(
        about_type=about, about_id=row.pk, defaults=values,
        create_defaults=values | {"clinic_id": row.clinic_id, "case_file_id": row.case_file_id},
    )  # fmt: skip
    return search


def about_of(row) -> str:
    names = {"document": "document", "question": "question", "patientstatement": "statement"}
    return names[row._meta.model_name]


def item_of(it, row):
    desk = desk_of(OpinionRequest.objects.get(pk=it.pk))
    return desk.find(f"{about_of(row)}-{row.pk}")


def desk_url(it) -> str:
    return reverse("requests:prepare", args=[it.pk])


def answer(client, it, row, action, **more):
    item = item_of(it, row)
    data = {"item": item.key, "seen": item.seen, "action": action}
    return client.post(reverse("requests:decide", args=[it.pk]), data | more)


def cover(client, it, row, action, **more):
    data = {"item": f"document-{row.pk}", "page": 1, "action": action}
    return client.post(reverse("requests:redaction_areas", args=[it.pk]), data | more)


def page_of(client, it, row=None, **asked) -> str:
    if row is not None:
        asked["item"] = f"{about_of(row)}-{row.pk}"
    response = client.get(desk_url(it), asked)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def sealed_titles(it) -> list[str]:
    return [title for _row, title in blinding.documents_for(it.case_file, "sealed")]


def taken_by(it, who):
    """A specialist has the case in hand, and reads it sealed."""
    from requests_app import workflow as requests
    from specialists import workflow as referrals

    by = coordinator(it.clinic)
    requests.mark_ready(OpinionRequest.objects.get(pk=it.pk), waiver="Enough.", by=by)
    row = referrals.refer(OpinionRequest.objects.get(pk=it.pk), to=who, by=by)
    referrals.take(it.referrals.get(), by=who.user)
    return row


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


class TestDeciding:
    def test_an_answer_is_kept_noted_and_leads_to_the_next_item(self, client, it, staff, made):
        second = paper(it)
        response = answer(client, it, made, "release", title="MRI report, March 2026")
        assert response.status_code == 302
        assert f"item=document-{second.pk}" in response.url
        assert f"last=document-{made.pk}" in response.url
        made.refresh_from_db()
        assert (made.blinding_class, made.classified_by) == ("clear", staff)
        assert "MRI report, March 2026" in sealed_titles(it)
        event = AuditEvent.objects.get(verb="document.classified")
        assert event.details == {
            "blinding_class": "clear", "choice": "release", "state": "in_force",
            "is_reworded": False,
        }  # fmt: skip
        assert "Undo: letter.pdf" in re.sub(r"\s+", " ", client.get(response.url).content.decode())

    @pytest.mark.parametrize(
        ("action", "shown_as", "cls"),
        [
            ("release", "Is a mastectomy needed?", "clear"),
            ("neutral", "Is the operation needed?", "withheld"),
            ("withhold", "", "withheld"),
            ("unsure", "", "check"),
        ],
    )
    def test_a_sealed_reader_gets_what_was_chosen_of_words(self, client, it, action, shown_as, cls):
        question = add_question(it, "Is a mastectomy needed?", blinding_class="")
        wording = "Is the operation needed?" if action == "neutral" else "left over"
        assert answer(client, it, question, action, wording=wording).status_code == 302
        question = Question.objects.get(pk=question.pk)
        assert blinding.words_for(question, "sealed") == shown_as
        assert blinding.words_for(question, "full") == "Is a mastectomy needed?"
        assert question.blinding_class == cls

    def test_what_is_written_instead_is_searched_too(self, client, it, made):
        question = add_question(it, "Is it needed?", blinding_class="")
        for row, action, field in ((made, "release", "title"), (question, "neutral", "wording")):
            typed = {field: "About the mastectomy"}
            page = answer(client, it, row, action, **typed).content.decode()
            assert "This contains: mastectomy." in page
            assert "About the mastectomy" in page
            row.refresh_from_db()
            assert row.blinding_class == ""
            assert answer(client, it, row, action, sure="on", **typed).status_code == 302
        assert "About the mastectomy" in sealed_titles(it)

    def test_bad_answers_change_nothing(self, client, it, made):
        question = add_question(it, "Why?", blinding_class="")
        assert "Choose one" in answer(client, it, made, "public").content.decode()
        assert "Write the neutral words" in answer(client, it, question, "neutral").content.decode()
        for row, action in ((made, "neutral"), (question, "redact")):
            response = answer(client, it, row, action, wording="x", title="x")
            assert response.status_code in (200, 409)
        data = {"item": f"document-{question.pk}", "seen": "x", "action": "release"}
        assert client.post(reverse("requests:decide", args=[it.pk]), data).status_code == 409
        assert not DeskDecision.objects.exists()

    def test_the_second_of_two_is_told_who_decided(self, client, it, made, clinic):
        colleague, seen = coordinator(clinic), item_of(it, made).seen
        deciding.decide(it, f"document-{made.pk}", choice="withhold", seen=seen, by=colleague)
        data = {"item": f"document-{made.pk}", "seen": seen, "action": "release"}
        response = client.post(reverse("requests:decide", args=[it.pk]), data)
        assert response.status_code == 409
        assert colleague.full_name in response.content.decode()
        made.refresh_from_db()
        assert made.blinding_class == "withheld"

    def test_others_do_not_get_there(self, client, staff, clinic, it, made):
        other = opinion_request_at("collecting")
        foreign = other.case_file.documents.get()
        assert answer(client, other, foreign, "release").status_code == 404
        data = {"item": f"document-{foreign.pk}", "seen": "", "action": "redact"}
        assert client.post(reverse("requests:decide", args=[it.pk]), data).status_code == 404
        assert cover(client, it, foreign, "box", box="0.1,0.1,0.2,0.2").status_code == 404
        Patient.objects.filter(pk=it.case_file.patient_id).update(user=staff)
        assert answer(client, it, made, "release").status_code == 403
        client.force_login(specialist(clinic).user)
        assert answer(client, it, made, "release").status_code == 404
        assert client.get(desk_url(it)).status_code == 404


class TestUndo:
    def test_it_puts_back_what_was_there(self, client, it, made):
        question = add_question(it, "Why?", blinding_class="")
        answer(client, it, made, "withhold", title="A letter")
        answer(client, it, made, "release", title="Another title")
        answer(client, it, question, "neutral", wording="Why so?")
        for row, before in ((made, ("withheld", "A letter")), (question, ("", ""))):
            assert answer(client, it, row, "undo").status_code == 302
            row = type(row).objects.get(pk=row.pk)
            neutral = row.neutral_title if row is not question and hasattr(row, "neutral_title") \
                else row.neutral_text  # fmt: skip
            assert (row.blinding_class, neutral) == before
        assert answer(client, it, made, "undo").status_code == 302  # and the one before that
        made.refresh_from_db()
        assert (made.blinding_class, made.classified_by) == ("", None)
        assert answer(client, it, made, "undo").status_code == 409
        assert AuditEvent.objects.filter(verb="decision.undone").count() == 3

    def test_not_after_the_specialist_opened_it_but_withholding_goes(
        self, client, it, made, clinic
    ):
        answer(client, it, made, "release", title="A letter")
        question = add_question(it, "Why?", blinding_class="")
        answer(client, it, question, "release")
        who = specialist(clinic)
        taken_by(it, who)
        assert answer(client, it, made, "undo").status_code == 302  # not opened yet
        answer(client, it, made, "release", title="A letter")
        note("document.opened", by=who.user, about=made)
        response = answer(client, it, made, "undo")
        assert response.status_code == 409
        page = page_of(client, it, made)
        assert f"{who.user.full_name} opened this on" in page
        assert f"Opened by {who.user.full_name}" in page
        assert answer(client, it, question, "undo").status_code == 302  # the page was not opened
        answer(client, it, question, "release")
        note("case_file.read", by=who.user, about=it.case_file)
        assert answer(client, it, question, "undo").status_code == 409
        assert answer(client, it, made, "withhold").status_code == 302
        assert "A letter" not in sealed_titles(it)
        assert not Document.objects.visible_as("specialist", who.user).filter(pk=made.pk).exists()

    def test_a_colleague_who_looked_is_no_specialist(self, client, it, made, staff):
        answer(client, it, made, "release")
        note("document.opened", by=staff, about=made)
        assert answer(client, it, made, "undo").status_code == 302


class TestSecondLook:
    @pytest.fixture(autouse=True)
    def _policy(self, clinic):
        clinic.demands_second_look = True
        clinic.save()

    def test_nothing_is_shown_until_another_person_agreed(self, client, it, made, staff, clinic):
        question = add_question(it, "A mastectomy?", blinding_class="")
        assert answer(client, it, made, "release", title="MRI").status_code == 302
        assert answer(client, it, question, "neutral", wording="An operation?").status_code == 302
        assert "MRI" not in sealed_titles(it)
        assert blinding.words_for(Question.objects.get(pk=question.pk), "sealed") == ""
        assert item_of(it, made).state == "second_look"
        assert answer(client, it, made, "agree").status_code == 403  # not the same person
        colleague = coordinator(clinic)
        client.force_login(colleague)
        assert "Do you agree?" in page_of(client, it, made)
        assert answer(client, it, made, "agree").status_code == 302
        assert answer(client, it, question, "agree").status_code == 302
        assert "MRI" in sealed_titles(it)
        assert blinding.words_for(Question.objects.get(pk=question.pk), "sealed") == "An operation?"
        decision = DeskDecision.objects.get(about_id=made.pk)
        assert (decision.by, decision.second_by, decision.state) == (staff, colleague, "in_force")
        assert AuditEvent.objects.filter(verb="decision.agreed", actor_id=colleague.pk).count() == 2

    def test_who_does_not_agree_leaves_it_closed(self, client, it, made, clinic):
        answer(client, it, made, "release", title="MRI")
        client.force_login(coordinator(clinic))
        assert answer(client, it, made, "not_agree").status_code == 302
        assert item_of(it, made).state == "undecided"
        assert answer(client, it, made, "agree").status_code == 409
        assert sealed_titles(it) == ["Letter 1"]

    def test_withholding_needs_nobody_else_and_ends_what_waits(self, client, it, made, clinic):
        answer(client, it, made, "release")
        answer(client, it, made, "withhold")
        made.refresh_from_db()
        assert made.blinding_class == "withheld"
        client.force_login(coordinator(clinic))
        assert answer(client, it, made, "agree").status_code == 409

    def test_a_series_cannot_go_past_the_desk(self, it, staff):
        from records import imaging_rules
        from records.models import ImagingSeries

        series = ImagingSeries(
            clinic=it.clinic, case_file=it.case_file, has_pictures=True, may_show_text=False
        )
        assert "Two people must agree" in str(
            imaging_rules.may_classify(staff, series, "clear").reason
        )
        assert imaging_rules.may_classify(staff, series, "clear", is_agreed=True)
        assert imaging_rules.may_classify(staff, series, "withheld")


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
        assert answer(client, it, made, "agree").status_code == 302
        assert "Surgeon" in sealed_titles(it)


class TestNewHits:
    def test_what_was_shown_is_flagged_and_counts_as_open_until_somebody_decides(
        self, client, it, made
    ):
        answer(client, it, made, "release", title="A letter")
        hit(made, is_new=True)
        since = timezone.now() - timedelta(minutes=1)
        searched(made, needs_another_look=True, another_look_since=since)
        item = item_of(it, made)
        assert (item.state, item.needs_somebody) == ("look_again", True)
        assert "It is withheld until you decide again." in page_of(client, it, made)
        assert answer(client, it, made, "withhold").status_code == 302
        search = BlindingSearch.objects.get(about_id=made.pk)
        assert (search.needs_another_look, search.another_look_since) == (False, None)
        assert not BlindingHit.objects.filter(is_new=True).exists()
        assert item_of(it, made).state == "withheld"

    def test_undo_does_not_show_it_again(self, client, it, made):
        answer(client, it, made, "release")
        answer(client, it, made, "withhold")
        searched(made, needs_another_look=True, another_look_since=timezone.now())
        assert answer(client, it, made, "undo").status_code == 409


def test_two_people_cannot_be_one(it, made, staff):
    """The database itself refuses a second look by the first person."""
    from django.db import IntegrityError, transaction

    decision = DeskDecision.objects.create(
        clinic=it.clinic, case_file=it.case_file, about_type="document", about_id=made.pk,
        choice="release", state="waiting", by=staff,
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        DeskDecision.objects.filter(pk=decision.pk).update(
            second_by=staff, second_at=timezone.now()
        )
    with pytest.raises(Refused):
        deciding.second(it, f"document-{made.pk}", agrees=True, seen="", by=UserFactory())
