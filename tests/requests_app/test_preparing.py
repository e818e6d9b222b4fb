"""The blinding desk: hints, classes, neutral words, and what the specialist will see."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from records import blinding
from records.models import DocumentPage, Patient
from requests_app import preparing
from requests_app.models import Question
from secondop.audit.models import AuditEvent
from tests.factories import (
    ClinicFactory,
    add_question,
    add_statement,
    coordinator,
    document,
    opinion_request_at,
    specialist,
)

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


def page_of(made, text: str, number: int = 1) -> DocumentPage:
    return DocumentPage.objects.create(
        clinic=made.clinic, case_file=made.case_file, document=made, number=number, key="k",
        width=100, height=140, text=text, size_bytes=1,
    )  # fmt: skip


def desk_url(it) -> str:
    return reverse("requests:prepare", args=[it.pk])


def url_of(item) -> str:
    kind = {"document": "document", "question": "question", "patientstatement": "statement"}
    return reverse(f"requests:classify_{kind[item._meta.model_name]}", args=[item.pk])


class TestHints:
    def test_they_find_words_whatever_their_case_and_accents(self):
        found = preparing.hits_in(
            "MASTECTOMY, mastectomies; José Müller", ["mastectomy", "jose", "muller"]
        )
        assert {(hit.word, hit.count) for hit in found} == {
            ("mastectomy", 1),
            ("jose", 1),
            ("muller", 1),
        }

    def test_they_count_and_put_the_commonest_first(self):
        found = preparing.hits_in("tumour mastectomy mastectomy", ["tumour", "mastectomy"])
        assert [(hit.word, hit.count) for hit in found] == [("mastectomy", 2), ("tumour", 1)]

    def test_a_word_within_a_word_is_none(self):
        assert preparing.hits_in("premastectomyx", ["mastectomy"]) == []

    def test_signs_in_a_diagnosis_are_taken_literally(self):
        assert preparing.hits_in("HER2+ (stage.1)", [".*", "her2"]) == [preparing.Hit("her2", 1)]

    def test_they_know_diagnosis_treatment_doctor_hospital_code_and_patient(self, it):
        words = set(preparing.giveaways(it.case_file))
        assert {"invasive", "ductal", "carcinoma", "breast", "mastectomy", "original", "maria",
                "c50.912"} <= words  # fmt: skip
        assert "left" not in words
        assert "hospital" not in words

    def test_they_are_shown_with_their_count(self, client, it):
        made = document(
            it.case_file, by=it.started_by, file_name="MASTECTOMY_plan.pdf", blinding_class=""
        )
        page_of(made, "We advise mastectomy.")
        page = client.get(desk_url(it)).content.decode()
        assert re.search("mastectomy\\s+\\(2\u00d7\\)", page)


class TestPrepare:
    def test_it_says_that_unclassified_is_withheld_and_how_far_it_is(self, client, it):
        document(it.case_file, by=it.started_by, blinding_class="")
        add_statement(it, "story", "It began in spring.")
        page = client.get(desk_url(it)).content.decode()
        assert "Not classified, so it is withheld" in page
        assert "2 of 4 classified" in page

    def test_it_previews_what_the_sealed_specialist_gets_and_nothing_else(self, client, it):
        document(
            it.case_file, by=it.started_by, blinding_class="withheld", neutral_title="CANARY-1"
        )
        document(it.case_file, by=it.started_by, blinding_class="check", neutral_title="CANARY-2")
        document(it.case_file, by=it.started_by, blinding_class="", neutral_title="CANARY-3")
        add_question(it, "CANARY-4?", blinding_class="withheld")
        add_statement(it, "story", "CANARY-5")
        page = client.get(desk_url(it)).content.decode()
        shown = page[page.index('id="desk-preview"') :]
        assert "CANARY" not in shown
        assert "Letter 1" in shown
        assert "Can I keep my breast?" in shown

    def test_files_that_are_still_checked_cannot_be_classified(self, client, it):
        made = document(it.case_file, by=it.started_by, status="screening", blinding_class="")
        page = client.get(desk_url(it)).content.decode()
        assert f"item-{made.pk}" not in page
        assert "It can be classified once it is received." in page

    def test_after_the_offer_it_can_only_be_read(self, client, staff, clinic):
        it = opinion_request_at("referred", clinic)
        page = client.get(desk_url(it)).content.decode()
        assert "What they may see is fixed now." in page
        assert 'name="blinding_class"' not in page

    def test_it_costs_the_same_queries_for_little_and_for_much(self, client, it):
        page_of(it.case_file.documents.get(), "One page.")
        add_statement(it, "story", "It began in spring.")
        client.get(desk_url(it))
        with CaptureQueriesContext(connection) as little:
            client.get(desk_url(it))
        for number in range(12):
            page_of(document(it.case_file, by=it.started_by), "Another.")
            add_question(it, f"Question {number}?")
        with CaptureQueriesContext(connection) as much:
            client.get(desk_url(it))
        assert len(little) == len(much)


class TestClassifyDocument:
    @pytest.fixture
    def made(self, it):
        return document(it.case_file, by=it.started_by, blinding_class="", neutral_title="")

    def data(self, made, blinding_class="clear", title="MRI report, March 2026", **more):
        seen = preparing.seen_of(made)
        return {"blinding_class": blinding_class, "neutral_title": title, "seen": seen} | more

    def test_it_saves_and_notes_the_class_alone(self, client, it, staff, made):
        response = client.post(url_of(made), self.data(made))
        assert (response.status_code, response.url) == (302, f"{desk_url(it)}#item-{made.pk}")
        made.refresh_from_db()
        assert (made.blinding_class, made.classified_by) == ("clear", staff)
        event = AuditEvent.objects.get(verb="document.classified")
        assert event.details == {"blinding_class": "clear"}
        assert "MRI report, March 2026" in [
            t for _d, t in blinding.documents_for(it.case_file, "sealed")
        ]

    def test_htmx_gets_the_item_the_counts_and_the_preview(self, client, it, made):
        response = client.post(url_of(made), self.data(made), headers={"HX-Request": "true"})
        page = response.content.decode()
        assert response.status_code == 200
        assert f'id="item-{made.pk}"' in page
        assert page.count('hx-swap-oob="true"') == 2
        assert "3 of 3 classified" in page
        assert "<html" not in page

    def test_no_choice_is_refused_and_the_title_kept(self, client, made):
        response = client.post(url_of(made), self.data(made, "", "A title I typed"))
        page = response.content.decode()
        assert "Choose one. Until you do, it is withheld." in page
        assert "A title I typed" in page
        made.refresh_from_db()
        assert made.blinding_class == ""

    def test_a_class_that_does_not_exist_is_refused(self, client, made):
        client.post(url_of(made), self.data(made, "public"))
        made.refresh_from_db()
        assert made.blinding_class == ""

    def test_the_second_of_two_is_told_who_decided(self, client, it, made, clinic):
        colleague, data = coordinator(clinic), self.data(made)
        preparing.classify_document(
            made, blinding_class="withheld", neutral_title="", seen=data["seen"], by=colleague
        )
        response = client.post(url_of(made), data, headers={"HX-Request": "true"})
        assert response.status_code == 409
        assert colleague.full_name in response.content.decode()
        made.refresh_from_db()
        assert made.blinding_class == "withheld"

    def test_after_the_offer_nothing_changes(self, client, staff, clinic):
        made = opinion_request_at("referred", clinic).case_file.documents.get()
        response = client.post(url_of(made), self.data(made, "withheld"))
        assert response.status_code == 409
        made.refresh_from_db()
        assert made.blinding_class == "clear"

    def test_others_do_not_get_there(self, client, staff, clinic, it, made):
        assert (
            client.post(
                url_of(opinion_request_at("collecting").case_file.documents.get())
            ).status_code
            == 404
        )
        Patient.objects.filter(pk=it.case_file.patient_id).update(user=staff)
        assert client.post(url_of(made), self.data(made)).status_code == 403
        client.force_login(specialist(clinic).user)
        assert client.post(url_of(made), self.data(made)).status_code == 404


class TestClassifyWords:
    def post(self, client, item, choice, neutral="", **more):
        data = {"choice": choice, "neutral_text": neutral, "seen": preparing.seen_of(item)}
        return client.post(url_of(item), data | more)

    @pytest.mark.parametrize(
        ("choice", "neutral", "shown"),
        [
            ("as_written", "", "Is a mastectomy needed?"),
            ("neutral", "Is the operation needed?", "Is the operation needed?"),
            ("withhold", "", ""),
            ("withhold", "left over", ""),
            ("as_written", "left over", "Is a mastectomy needed?"),
        ],
    )
    def test_a_sealed_reader_gets_what_was_chosen(self, client, it, choice, neutral, shown):
        question = add_question(it, "Is a mastectomy needed?", blinding_class="")
        assert self.post(client, question, choice, neutral).status_code == 302
        question = Question.objects.get(pk=question.pk)
        assert blinding.words_for(question, "sealed") == shown
        assert blinding.words_for(question, "full") == "Is a mastectomy needed?"
        assert preparing.choice_of(question) == choice

    def test_neutral_without_words_is_refused(self, client, it):
        question = add_question(it, "Is a mastectomy needed?", blinding_class="")
        assert "Write the neutral words" in self.post(client, question, "neutral").content.decode()
        question.refresh_from_db()
        assert question.blinding_class == ""

    def test_a_statement_goes_the_same_way_and_into_the_same_chain(self, client, it):
        statement = add_statement(it, "story", "They want to operate.")
        assert self.post(client, statement, "withhold").status_code == 302
        statement.refresh_from_db()
        assert statement.blinding_class == "withheld"
        event = AuditEvent.objects.get(verb="statement.classified")
        assert event.case_file_id == it.case_file_id
        assert event.details == {"blinding_class": "withheld", "is_reworded": False}

    def test_another_clinics_question_is_not_there(self, client, staff):
        other = opinion_request_at("collecting")
        for item in (other.questions.get(), add_statement(other, "story", "x")):
            assert self.post(client, item, "as_written").status_code == 404
        assert (
            client.post(reverse("requests:classify_question", args=[other.pk])).status_code == 404
        )
