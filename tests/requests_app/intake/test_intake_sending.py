"""Sending a request: checked first, sent exactly once, or thrown away."""

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from records.models import OriginalDiagnosis
from requests_app.models import OpinionRequest, StatusChange
from tests.factories import UserFactory, draft, opinion_request_at
from tests.requests_app.intake.pages import TOLD, url

pytestmark = pytest.mark.django_db


class TestCheck:
    def test_it_shows_every_answer_with_a_way_to_change_it(self, client):
        full = draft()
        client.force_login(full.started_by)
        page = client.get(url("check", full)).content.decode()
        assert "Can I keep my breast?" in page
        assert "Penicillin" in page
        assert "Not provided" in page
        assert page.count(url("told", full)) >= 5

    def test_what_lacks_is_listed_and_nothing_can_be_sent(self, patient, opinion_request):
        page = patient.get(url("check", opinion_request)).content.decode()
        assert "Write at least one question." in page
        assert "Send my request" not in page
        answer = patient.post(url("check", opinion_request), {"truth_name": "Maria Example"})
        assert answer.status_code == 422
        assert OpinionRequest.objects.get().status == "draft"

    @pytest.mark.parametrize("name", ["", "   ", "Maria"])
    def test_a_name_is_needed_to_sign(self, client, name):
        full = draft()
        client.force_login(full.started_by)
        answer = client.post(url("check", full), {"truth_name": name})
        assert answer.status_code == 422
        assert OpinionRequest.objects.get().status == "draft"

    def test_sending_leads_to_the_status_page(self, client):
        full = draft()
        client.force_login(full.started_by)
        answer = client.post(url("check", full), {"truth_name": "Maria Example"}, follow=True)
        assert "Your request is sent" in answer.content.decode()
        assert OpinionRequest.objects.get().truth_name == "Maria Example"

    def test_the_second_time_says_that_it_is_sent(self, client):
        full = draft()
        client.force_login(full.started_by)
        client.post(url("check", full), {"truth_name": "Maria Example"})
        answer = client.post(url("check", full), {"truth_name": "Maria Example"})
        assert answer.status_code == 409
        assert "You have already sent this request" in answer.content.decode()
        assert StatusChange.objects.count() == 1

    @pytest.mark.parametrize("page", ["task_list", "about", "told", "questions", "review", "check"])
    def test_the_back_button_after_sending_leads_to_the_status_page(self, client, page):
        sent = opinion_request_at("submitted")
        client.force_login(sent.started_by)
        assert client.get(url(page, sent)).url == sent.get_absolute_url()

    def test_a_form_of_before_changes_nothing_after_sending(self, client):
        sent = opinion_request_at("submitted")
        client.force_login(sent.started_by)
        assert client.post(url("told", sent), TOLD).status_code == 409
        assert OriginalDiagnosis.objects.get().diagnosis != "Breast cancer"


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_send_it_once():
    full = draft()
    gate, statuses = threading.Barrier(2), []

    def click():
        client = Client()
        client.force_login(full.started_by)
        gate.wait()
        answer = client.post(url("check", full), {"truth_name": "Maria Example"})
        statuses.append(answer.status_code)
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted(statuses) == [302, 409]
    assert StatusChange.objects.filter(new="submitted").count() == 1


class TestDiscard:
    def test_it_asks_first_and_then_stops_the_draft(self, patient, opinion_request):
        assert (
            "Throw this request away?"
            in patient.get(url("discard", opinion_request)).content.decode()
        )
        assert OpinionRequest.objects.get().status == "draft"
        patient.post(url("discard", opinion_request))
        assert OpinionRequest.objects.get().status == "withdrawn"
        documents = opinion_request.case_file.documents
        assert set(documents.values_list("status", flat=True)) == {"removed"}
        page = patient.get(opinion_request.get_absolute_url()).content.decode()
        assert "This request was never sent" in page
        assert reverse("requests:reopen", args=[opinion_request.pk]) not in page

    def test_a_sent_request_is_not_thrown_away_here(self, client):
        sent = opinion_request_at("submitted")
        client.force_login(sent.started_by)
        assert client.post(url("discard", sent)).url == sent.get_absolute_url()
        assert OpinionRequest.objects.get().status == "submitted"


class TestAnswerAndSendAgain:
    def test_what_the_clinic_asked_is_on_top_of_the_list(self, client):
        asked = opinion_request_at("needs_patient")
        client.force_login(asked.started_by)
        assert "Please add the report." in client.get(url("task_list", asked)).content.decode()
        client.post(url("check", asked), {"truth_name": "Maria Example"})
        assert OpinionRequest.objects.get().status == "submitted"

    def test_a_proxy_whose_time_is_over_finds_nothing(self, client):
        from datetime import timedelta

        from django.utils import timezone

        from records.models import Proxy

        full = draft()
        helper = UserFactory()
        proxy = Proxy.objects.create(
            clinic=full.clinic, patient=full.case_file.patient, user=helper,
            authority="permission", until=timezone.localdate(), recorded_by=full.started_by,
        )  # fmt: skip
        client.force_login(helper)
        assert client.get(url("about", full)).status_code == 200
        Proxy.objects.filter(pk=proxy.pk).update(until=timezone.localdate() - timedelta(days=2))
        assert client.get(url("about", full)).status_code == 404
