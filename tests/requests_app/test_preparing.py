"""What the specialist will see."""

from __future__ import annotations

from datetime import date

import pytest

from requests_app import preparing
from tests.factories import ClinicFactory, add_question, add_statement, document, opinion_request_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return opinion_request_at("collecting", ClinicFactory())


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
