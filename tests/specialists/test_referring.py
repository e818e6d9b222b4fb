"""Choosing a specialist, taking a referral back, handing back, writing to a specialist."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from records.models import AccessGrant, Patient
from requests_app.concurrency import seen_token
from requests_app.models import Message
from requests_app.overview import days_since
from secondop.notifications.models import Notification
from specialists import workflow
from specialists.matching import candidates
from specialists.models import Referral, Specialist
from tests.factories import (
    coordinator,
    opinion_request_at,
    quality_reviewer,
    sealed,
    sign,
    specialist,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def it(staff, clinic):
    return opinion_request_at("ready", clinic)


def refer_url(it) -> str:
    return reverse("specialists:refer", args=[it.pk])


def offer(it, to, **changes):
    now = timezone.now()
    return {
        "to": str(to.pk), "summary": "Woman, 50-59. Asks about options.", "seen": seen_token(it),
        "answer_by": f"{now + timedelta(hours=12):%Y-%m-%dT%H:%M}",
        "review_by": f"{now + timedelta(hours=60):%Y-%m-%dT%H:%M}",
    } | changes  # fmt: skip


def changed(who: Specialist, **fields) -> Specialist:
    Specialist.objects.filter(pk=who.pk).update(**fields)
    who.refresh_from_db()
    return who


class TestCandidates:
    def test_field_interest_and_language_come_first_with_their_reasons(self, it, staff, clinic):
        heart = changed(specialist(clinic), specialty="Cardiology", languages=["de"])
        breast = changed(
            specialist(clinic), specialty="Medical oncology", interests=["Breast conservation"],
            languages=["en"],
        )  # fmt: skip
        ranked = candidates(staff, it)
        assert [one.specialist for one in ranked] == [breast, heart]
        assert ranked[0].reasons[:3] == [
            "Works in the field of this request",
            "Special interest: Breast conservation",
            "Speaks the patient's language (English)",
        ]
        assert ranked[1].cautions == ["Does not speak the patient's language"]

    def test_an_operator_is_proposed_for_a_question_about_an_operation(self, staff, clinic):
        it = opinion_request_at("ready", clinic, purposes=["need_surgery"])
        changed(specialist(clinic), specialty="Dermatology")
        surgeon = changed(specialist(clinic), specialty="Surgery")
        assert candidates(staff, it)[0].specialist == surgeon

    def test_who_is_full_comes_after_who_has_room(self, it, staff, clinic):
        full = changed(specialist(clinic), capacity=0)
        free = specialist(clinic)
        ranked = candidates(staff, it)
        assert [one.specialist for one in ranked] == [free, full]
        assert "Has as many open reviews as they want" in ranked[1].cautions

    def test_who_cannot_be_asked_is_last_and_told_why(self, it, staff, clinic):
        away = changed(specialist(clinic), is_available=False)
        knows = specialist(clinic)
        AccessGrant.objects.create(
            clinic=clinic, case_file=it.case_file, to=knows.user, as_role="specialist",
            sight="full",
            until=timezone.now(), revoked_at=timezone.now(),
        )  # fmt: skip
        themselves = specialist(clinic)
        Patient.objects.filter(pk=it.case_file.patient_id).update(user=themselves.user)
        possible = specialist(clinic)
        ranked = candidates(staff, type(it).objects.get(pk=it.pk))
        assert ranked[0].specialist == possible
        assert {one.specialist: str(one.verdict.reason) for one in ranked[1:]} == {
            away: "This specialist is not available now.",
            knows: "This specialist already knows the original diagnosis of this case.",
            themselves: "Nobody reviews their own records.",
        }

    def test_the_usual_time_is_the_median_of_what_was_signed(self, it, staff, clinic):
        who = specialist(clinic)
        for days in (1, 3, 8):
            done = opinion_request_at("in_review", clinic, who=who).referrals.get()
            sign(done)
            Referral.objects.filter(pk=done.pk).update(
                taken_at=timezone.now() - timedelta(days=days)
            )
        assert candidates(staff, it)[0].turnaround == "3.0 days in the middle (3 opinions)"

    def test_the_rate_of_disagreement_changes_nothing(self, it, staff, clinic):
        agrees, differs = specialist(clinic), specialist(clinic)
        for who, result in ((agrees, "same"), (differs, "different")):
            referral = opinion_request_at("in_review", clinic, who=who).referrals.get()
            sign(referral)
            referral.opinion.comparisons.update(result=result)
        scores = {one.specialist: one.score for one in candidates(staff, it)}
        assert scores[agrees] == scores[differs]


class TestRefer:
    def test_it_offers_with_the_words_and_deadlines_given(self, client, it, staff, clinic):
        who = specialist(clinic)
        Notification.objects.all().delete()
        assert client.post(refer_url(it), offer(it, who)).status_code == 302
        made = it.referrals.get()
        assert (made.specialist, made.status, made.offered_by) == (who, "offered", staff)
        assert made.offer_summary == "Woman, 50-59. Asks about options."
        assert days_since(made.answer_by) == 0
        it.refresh_from_db()
        assert it.status == "referred"
        assert Notification.objects.get().to == who.user

    def test_it_proposes_neutral_words_and_the_clinics_deadlines(self, client, it, clinic):
        specialist(clinic)
        page = client.get(refer_url(it)).content.decode()
        summary = page[page.index('name="summary"') :].split(">", 1)[1].split("</textarea>")[0]
        assert summary.strip() == "Female, 50-59. What are my treatment options?"
        for word in ("Maria", "Mastectomy", "carcinoma"):
            assert word not in summary

    def test_several_are_asked_one_after_another_but_nobody_twice(self, client, it, clinic):
        first, second = specialist(clinic), specialist(clinic)
        for who in (first, second):
            assert client.post(refer_url(it), offer(it, who)).status_code == 302
            it.refresh_from_db()
        again = client.post(refer_url(it), offer(it, first))
        assert again.status_code == 409
        assert "This specialist has already been asked." in again.content.decode()
        assert it.referrals.count() == 2

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"to": ""}, "Choose a specialist."),
            ({"to": "x"}, "Choose a specialist from the list."),
            ({"summary": " "}, "Write a sentence or two"),
            ({"answer_by": ""}, "Choose a date and a time."),
            ({"answer_by": "31.02.2027"}, "Write the date and time like"),
            ({"answer_by": "2020-01-01T10:00"}, "This time has passed."),
            ({"review_by": f"{timezone.now() + timedelta(hours=1):%Y-%m-%dT%H:%M}"},
             "due after the answer"),
        ],
    )  # fmt: skip
    def test_bad_input_gets_a_sentence_and_is_kept(self, client, it, clinic, changes, sentence):
        who = specialist(clinic)
        data = offer(it, who) | {"summary": "Words I typed"} | changes
        page = client.post(refer_url(it), data).content.decode()
        assert sentence in page
        assert changes.get("summary", "Words I typed") in page
        assert not it.referrals.exists()

    def test_words_of_the_diagnosis_are_pointed_out_before_they_go(self, client, it, clinic):
        who = specialist(clinic)
        data = offer(it, who, summary="Woman who was told to have a mastectomy.")
        page = client.post(refer_url(it), data).content.decode()
        assert "This contains: mastectomy." in page
        assert not it.referrals.exists()
        assert client.post(refer_url(it), data | {"sure": "on"}).status_code == 302

    def test_another_clinics_specialist_is_not_there(self, client, it):
        assert client.post(refer_url(it), offer(it, specialist())).status_code == 404

    def test_who_looked_at_the_case_as_a_coordinator_cannot_review_it_sealed(
        self, client, it, clinic
    ):
        from secondop.accounts.models import Membership

        who = specialist(clinic)
        Membership.objects.create(user=who.user, clinic=clinic, role="coordinator")
        other = type(client)()
        other.force_login(who.user)
        assert other.get(reverse("requests:triage", args=[it.pk])).status_code == 200
        response = client.post(refer_url(it), offer(it, who))
        assert response.status_code == 409
        assert "already knows" in response.content.decode()

    def test_an_old_page_is_told_who_was_faster(self, client, it, clinic):
        who, data = specialist(clinic), offer(it, specialist(clinic))
        colleague = coordinator(clinic)
        workflow.refer(it, to=who, by=colleague)
        response = client.post(refer_url(it), data)
        assert response.status_code == 409
        assert colleague.full_name in response.content.decode()

    def test_too_early_and_elsewhere(self, client, staff, clinic):
        assert client.get(refer_url(opinion_request_at("collecting", clinic))).status_code == 409
        assert client.get(refer_url(opinion_request_at("ready"))).status_code == 404

    def test_not_ones_own(self, client, it, staff):
        Patient.objects.filter(pk=it.case_file.patient_id).update(user=staff)
        assert client.get(refer_url(it)).status_code == 403

    def test_it_is_not_there_for_a_specialist(self, client, it, clinic):
        client.force_login(specialist(clinic).user)
        assert client.get(refer_url(it)).status_code == 404

    def test_it_costs_the_same_queries_for_one_and_for_thirty(self, client, it, clinic):
        specialist(clinic)
        client.get(refer_url(it))
        with CaptureQueriesContext(connection) as one:
            client.get(refer_url(it))
        for _ in range(29):
            specialist(clinic)
        with CaptureQueriesContext(connection) as thirty:
            client.get(refer_url(it))
        assert len(one) == len(thirty)


class TestRecall:
    def post(self, client, referral):
        it = referral.opinion_request
        url = reverse("specialists:recall", args=[referral.pk])
        return client.post(url, {"seen": seen_token(it)})

    def test_the_reader_is_shut_out_and_the_request_waits_again(self, client, staff, clinic):
        it = opinion_request_at("in_review", clinic)
        referral = it.referrals.get()
        assert self.post(client, referral).status_code == 302
        it.refresh_from_db()
        referral.refresh_from_db()
        assert (it.status, referral.status) == ("ready", "recalled")
        assert not AccessGrant.objects.live().filter(to=referral.specialist.user).exists()

    def test_what_has_ended_is_refused(self, client, staff, clinic):
        referral = opinion_request_at("quality_check", clinic).referrals.get()
        response = self.post(client, referral)
        assert response.status_code == 409
        assert "already signed" in response.content.decode()

    def test_who_did_not_see_that_it_was_taken_is_told(self, client, staff, clinic):
        it = opinion_request_at("referred", clinic)
        seen, referral = seen_token(it), it.referrals.get()
        workflow.take(referral, by=referral.specialist.user)
        url = reverse("specialists:recall", args=[referral.pk])
        response = client.post(url, {"seen": seen})
        assert response.status_code == 409
        assert "took the referral" in response.content.decode()
        referral.refresh_from_db()
        assert referral.status == "taken"

    def test_elsewhere_is_not_there(self, client, staff):
        assert self.post(client, opinion_request_at("referred").referrals.get()).status_code == 404


class TestResume:
    def test_the_case_goes_back_to_who_asked_for_more(self, client, staff, clinic):
        it = opinion_request_at("in_review", clinic)
        referral = it.referrals.get()
        workflow.ask_for_more(referral, text="The MRI, please.", by=referral.specialist.user)
        it.refresh_from_db()
        triage = client.get(reverse("requests:triage", args=[it.pk])).content.decode()
        assert "Hand back to the specialist" in triage
        url = reverse("specialists:resume", args=[it.pk])
        assert client.post(url, {"seen": seen_token(it)}).status_code == 302
        it.refresh_from_db()
        assert it.status == "in_review"

    def test_without_anybody_waiting_it_is_refused(self, client, staff, clinic):
        it = opinion_request_at("collecting", clinic)
        url = reverse("specialists:resume", args=[it.pk])
        assert client.post(url, {"seen": seen_token(it)}).status_code == 409


class TestSpecialistThread:
    def url(self, referral) -> str:
        return reverse("specialists:specialist_thread", args=[referral.pk])

    def test_it_sends_to_this_specialist_alone(self, client, staff, clinic):
        it = opinion_request_at("in_review", clinic)
        referral = it.referrals.get()
        Notification.objects.all().delete()
        assert client.post(self.url(referral), {"text": "The MRI has come."}).status_code == 302
        message = Message.objects.get()
        assert (message.thread, message.specialist) == ("specialist", referral.specialist.user)
        assert Notification.objects.get().to == referral.specialist.user

    def test_it_shows_and_marks_read_what_they_wrote(self, client, staff, clinic):
        it = opinion_request_at("in_review", clinic)
        referral = it.referrals.get()
        workflow.ask_for_more(referral, text="The MRI, please.", by=referral.specialist.user)
        page = client.get(self.url(referral)).content.decode()
        assert "The MRI, please." in page
        assert Message.objects.get().read_at

    def test_a_sealed_reader_is_not_told_the_diagnosis_by_accident(self, client, staff, clinic):
        referral = opinion_request_at("in_review", clinic).referrals.get()
        data = {"text": "They planned a mastectomy."}
        assert (
            "This contains: mastectomy." in client.post(self.url(referral), data).content.decode()
        )
        assert not Message.objects.exists()
        assert client.post(self.url(referral), data | {"sure": "on"}).status_code == 302

    def test_after_the_reveal_every_word_may_be_written(self, client, staff, clinic):
        referral = opinion_request_at("in_review", clinic).referrals.get()
        sealed(referral)
        workflow.reveal(Referral.objects.get(pk=referral.pk), by=referral.specialist.user)
        data = {"text": "They planned a mastectomy."}
        assert client.post(self.url(referral), data).status_code == 302

    def test_others_do_not_get_there(self, client, staff, clinic):
        assert (
            client.get(self.url(opinion_request_at("referred").referrals.get())).status_code == 404
        )
        referral = opinion_request_at("referred", clinic).referrals.get()
        reviewer = quality_reviewer(clinic)
        client.force_login(reviewer)
        assert client.get(self.url(referral)).status_code == 404
