"""Deciding at the blinding desk: one answer each, undo, new hits, a second person."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from records import blinding
from records.models import BlindingHit, BlindingSearch, Document, Patient
from requests_app import deciding
from requests_app.models import DeskDecision, Question
from secondop.audit.models import AuditEvent
from secondop.audit.trail import note
from secondop.lib.verdicts import Refused
from tests.factories import UserFactory, add_question, coordinator, opinion_request_at, specialist
from tests.requests_app.desk.items import (
    answer,
    cover,
    desk_url,
    hit,
    item_of,
    page_of,
    paper,
    sealed_titles,
    searched,
    taken_by,
)

pytestmark = pytest.mark.django_db


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
