"""After sending: where it is, whose turn it is, messages, who looked, stopping and going on."""

import pytest
from django.urls import reverse

from records.models import AccessGrant
from requests_app.models import Message, OpinionRequest
from secondop.audit.trail import note
from secondop.notifications.models import Notification
from tests.factories import WALK, UserFactory, coordinator, opinion_request_at, specialist

pytestmark = pytest.mark.django_db

PAGES = ("status", "messages", "withdraw", "reopen", "access_log")
EVERY_STATE = [*WALK[1:], "needs_patient", "returned", "withdrawn"]


def url(page, opinion_request):
    return reverse(f"requests:{page}", args=[opinion_request.pk])


def as_patient(client, status):
    opinion_request = opinion_request_at(status)
    client.force_login(opinion_request.started_by)
    return opinion_request


def text(client, page, opinion_request):
    return client.get(url(page, opinion_request)).content.decode()


class TestDoors:
    @pytest.mark.parametrize("page", PAGES)
    def test_strangers_staff_and_specialists_find_nothing_here(self, client, page):
        who = specialist()
        sent = opinion_request_at("in_review", who.clinic, who=who)
        for user in (UserFactory(), coordinator(sent.clinic), coordinator(), who.user):
            client.force_login(user)
            assert client.get(url(page, sent)).status_code == 404

    def test_a_draft_has_no_status_page_but_its_list(self, client):
        mine = as_patient(client, "draft")
        assert client.get(url("status", mine)).url == url("task_list", mine)


class TestStatus:
    @pytest.mark.parametrize("status", EVERY_STATE)
    def test_every_state_has_one_step_that_is_now_or_an_end(self, client, status):
        mine = as_patient(client, status)
        steps = client.get(url("status", mine)).context["steps"]
        states = [step["state"] for step in steps]
        if status in ("returned", "withdrawn"):
            assert states.count("stopped") == 1
            assert states[-1] == "stopped"
        elif status == "closed":
            assert set(states) == {"done"}
        else:
            assert states.count("now") == 1
            assert states == sorted(states, key=["done", "now", "next"].index)

    @pytest.mark.parametrize(
        ("status", "who"),
        [("submitted", "The clinic"), ("needs_patient", "You"), ("referred", "The specialist"),
         ("quality_check", "A second clinician")],
    )  # fmt: skip
    def test_it_says_who_acts_next_and_by_when(self, client, status, who):
        mine = as_patient(client, status)
        page = text(client, "status", mine)
        assert who in page
        assert mine.due_at.strftime("%Y-%m-%d") in page

    def test_what_the_clinic_asked_is_on_top_with_one_big_button(self, client):
        mine = as_patient(client, "needs_patient")
        page = text(client, "status", mine)
        assert "Please add the report." in page
        assert page.index("Answer and send again") < page.index("so-timeline")

    def test_advice_is_shown_when_the_request_came_back(self, client):
        mine = as_patient(client, "returned")
        assert "See your doctor first." in text(client, "status", mine)

    def test_the_report_is_one_click_away(self, client):
        mine = as_patient(client, "delivered")
        report = mine.reports.get()
        assert reverse("requests:report", args=[report.pk]) in text(client, "status", mine)

    def test_a_report_that_is_not_delivered_is_not_there(self, client):
        mine = as_patient(client, "quality_check")
        assert "Read your report" not in text(client, "status", mine)

    def test_htmx_gets_the_moving_part_only(self, client):
        mine = as_patient(client, "collecting")
        part = client.get(url("status", mine), headers={"hx-request": "true"}).content.decode()
        assert "<html" not in part
        assert 'hx-trigger="every 60s"' in part
        assert "We are gathering your records" in part

    def test_its_queries_do_not_grow(self, client, django_assert_max_num_queries):
        mine = as_patient(client, "collecting")
        client.get(url("status", mine))
        with django_assert_max_num_queries(24):
            client.get(url("status", mine))
        for _number in range(20):
            Message.objects.create(
                clinic=mine.clinic, opinion_request=mine, thread="patient",
                author=mine.coordinator, from_clinic=True, text="News",
            )  # fmt: skip
        with django_assert_max_num_queries(24):
            assert "20 new messages" in text(client, "status", mine)


class TestMessages:
    def test_it_reaches_the_clinic_once_even_with_two_clicks(self, client):
        mine = as_patient(client, "collecting")
        for _click in range(2):
            client.post(url("messages", mine), {"text": "When do you call?"})
        message = Message.objects.get(from_clinic=False)
        assert (message.text, message.author) == ("When do you call?", mine.started_by)
        told = Notification.objects.filter(to=mine.coordinator, message="message_for_clinic")
        assert told.count() == 1
        assert "When do you call?" not in str(told.values())

    def test_an_empty_one_is_refused_by_a_sentence(self, client):
        mine = as_patient(client, "collecting")
        answer = client.post(url("messages", mine), {"text": "  "})
        assert answer.status_code == 422
        assert "Write your message first." in answer.content.decode()

    def test_reading_marks_what_the_clinic_wrote(self, client):
        mine = as_patient(client, "needs_patient")
        assert "1 new message" in text(client, "status", mine)
        assert "Please add the report." in text(client, "messages", mine)
        assert "new message from" not in text(client, "status", mine)

    def test_the_thread_with_the_specialist_is_not_shown(self, client):
        who = specialist()
        sent = opinion_request_at("in_review", who.clinic, who=who)
        Message.objects.create(
            clinic=sent.clinic, opinion_request=sent, thread="specialist", specialist=who.user,
            author=who.user, from_clinic=False, text="I think of something else",
        )  # fmt: skip
        client.force_login(sent.started_by)
        assert "something else" not in text(client, "messages", sent)


class TestWithdraw:
    def test_it_asks_first_and_says_what_happens_to_the_records(self, client):
        mine = as_patient(client, "collecting")
        assert "no specialist can open your records" in text(client, "withdraw", mine)
        assert OpinionRequest.objects.get().status == "collecting"

    @pytest.mark.parametrize("status", ["submitted", "needs_patient", "in_review", "quality_check"])
    def test_it_stops_at_any_time_and_shuts_everybody_out(self, client, status):
        mine = as_patient(client, status)
        assert client.post(url("withdraw", mine)).url == mine.get_absolute_url()
        assert OpinionRequest.objects.get().status == "withdrawn"
        assert not AccessGrant.objects.live().exists()
        assert "You stopped this request" in text(client, "status", mine)

    def test_the_second_click_changes_nothing(self, client):
        mine = as_patient(client, "withdrawn")
        assert client.post(url("withdraw", mine)).status_code == 409
        assert OpinionRequest.objects.get().status == "withdrawn"

    def test_a_delivered_report_cannot_be_stopped(self, client):
        mine = as_patient(client, "delivered")
        assert client.post(url("withdraw", mine)).status_code == 409
        assert "Stop this request" not in text(client, "status", mine)


class TestReopen:
    @pytest.mark.parametrize(
        ("status", "after"),
        [("withdrawn", "submitted"), ("returned", "submitted"), ("closed", "collecting")],
    )
    def test_it_opens_again_with_a_reason(self, client, status, after):
        mine = as_patient(client, status)
        client.post(url("reopen", mine), {"reason": "A new result came."})
        assert OpinionRequest.objects.get().status == after
        assert mine.status_changes.last().reason == "A new result came."

    def test_it_needs_a_reason(self, client):
        mine = as_patient(client, "withdrawn")
        answer = client.post(url("reopen", mine), {"reason": ""})
        assert answer.status_code == 422
        assert "what is new" in answer.content.decode()

    def test_an_open_request_is_not_opened_again(self, client):
        mine = as_patient(client, "collecting")
        assert client.post(url("reopen", mine), {"reason": "x"}).status_code == 409


class TestAccessLog:
    def test_it_names_people_of_the_clinic_by_their_role(self, client):
        mine = as_patient(client, "in_review")
        page = text(client, "access_log", mine)
        assert f"Coordinator, {mine.clinic.name}" in page
        assert "Your specialist" in page
        assert "You" in page
        who = mine.referrals.get().specialist.user
        assert who.full_name not in page
        assert mine.coordinator.full_name not in page

    def test_events_of_other_case_files_are_not_there(self, client):
        other = opinion_request_at("submitted")
        mine = as_patient(client, "submitted")
        mine_events = len(client.get(url("access_log", mine)).context["lines"])
        note("document.opened", by=other.started_by, about=other)
        assert len(client.get(url("access_log", mine)).context["lines"]) == mine_events

    def test_long_lists_have_pages_and_a_fixed_number_of_queries(
        self, client, django_assert_max_num_queries
    ):
        mine = as_patient(client, "submitted")
        for _number in range(60):
            note("document.opened", by=mine.started_by, about=mine)
        page = client.get(url("access_log", mine))
        with django_assert_max_num_queries(16):
            page = client.get(url("access_log", mine))
        assert len(page.context["lines"]) == 50
        older = client.get(url("access_log", mine) + page.context["older_url"])
        assert len(older.context["lines"]) == 11
        assert older.context["older_url"] == ""
