"""The quick search of what somebody just typed, and what the specialist will see."""

from __future__ import annotations

from datetime import date

import pytest

from requests_app import preparing
from tests.factories import ClinicFactory, add_question, add_statement, document, opinion_request_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return opinion_request_at("collecting", ClinicFactory())


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


class TestPreview:
    def test_it_holds_what_the_sealed_specialist_gets_and_nothing_else(self, it):
        for n, cls in enumerate(("withheld", "check", "")):
            document(
                it.case_file, by=it.started_by, blinding_class=cls, neutral_title=f"CANARY-{n}"
            )
        add_question(it, "CANARY-4?", blinding_class="withheld")
        add_statement(it, "story", "CANARY-5")
        shown = preparing.preview(it, date(2026, 6, 1))
        assert "CANARY" not in repr(shown)
        assert [title for _document, title in shown.documents] == ["Letter 1"]
        assert shown.words == ["Can I keep my breast?"]
        assert ("Allergies", "Penicillin") in [(str(label), text) for label, text in shown.safety]
        assert (shown.age_band, shown.sex, shown.series_count) == ("50-59", "Female", 0)
