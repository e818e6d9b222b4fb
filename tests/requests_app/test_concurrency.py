"""Two coordinators on one request: one wins, the other is told who changed what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from requests_app import workflow
from requests_app.concurrency import Stale, at_version, changes_since, seen_token
from requests_app.models import Message, OpinionRequest, StatusChange
from secondop.audit.trail import broken_links
from tests.factories import ClinicFactory, coordinator, opinion_request_at

AT_ONCE = 40


@pytest.mark.django_db
class TestAtVersion:
    def test_it_lets_through_who_has_seen_the_latest(self):
        it = opinion_request_at("submitted")
        by = coordinator(it.clinic)
        with at_version(it, seen_token(it), by=by) as fresh:
            workflow.accept(fresh, by=by)
        assert OpinionRequest.objects.get().status == "collecting"

    def test_it_tells_who_changed_what_since(self):
        it = opinion_request_at("submitted")
        first, second = coordinator(it.clinic), coordinator(it.clinic)
        seen = seen_token(it)
        workflow.accept(it, by=first)
        with pytest.raises(Stale) as stale, at_version(it, seen, by=second):
            raise AssertionError("a stale page must not get this far")
        assert [(c.who, str(c.what)) for c in stale.value.changes] == [
            (first.full_name, "accepted the request")
        ]

    def test_ones_own_other_window_is_named_as_such(self):
        it = opinion_request_at("submitted")
        by = coordinator(it.clinic)
        workflow.accept(it, by=by)
        assert changes_since(it, 0, reader=by)[0].who == "You, in another window"

    @pytest.mark.parametrize(
        "seen", ["", "1", "x.y", "-1.0", "².", "9" * 30 + ".1", "1.1.1", "0.0"]
    )
    def test_an_unreadable_version_is_an_old_one(self, seen):
        it = opinion_request_at("submitted")
        with pytest.raises(Stale), at_version(it, seen, by=coordinator(it.clinic)):
            raise AssertionError("an unreadable version must not get this far")


@pytest.mark.django_db
class TestStalePage:
    @pytest.fixture
    def it(self, client):
        it = opinion_request_at("submitted", ClinicFactory())
        self.me = coordinator(it.clinic)
        client.force_login(self.me)
        return it

    def test_it_says_who_and_what_and_keeps_what_was_typed(self, client, it):
        seen = seen_token(it)
        colleague = coordinator(it.clinic)
        workflow.ask_patient(it, text="Please add the report.", by=colleague)
        workflow.submit(it, truth_name="Maria Example", by=it.started_by)
        typed = "Please see your family doctor first, and come back with the blood test."
        response = client.post(
            reverse("requests:return_with_advice", args=[it.pk]), {"text": typed, "seen": seen}
        )
        page = response.content.decode()
        assert response.status_code == 409
        assert colleague.full_name in page
        assert "asked the patient for something" in page
        assert typed in page
        assert OpinionRequest.objects.get(pk=it.pk).status == "submitted"
        assert not Message.objects.filter(text=typed).exists()

    def test_reading_by_a_colleague_makes_nothing_stale(self, client, it):
        page = client.get(reverse("requests:triage", args=[it.pk])).content.decode()
        seen = page.split('name="seen" value="')[1].split('"')[0]
        other = Client()
        other.force_login(coordinator(it.clinic))
        assert other.get(reverse("requests:triage", args=[it.pk])).status_code == 200
        url = reverse("requests:accept", args=[it.pk])
        assert client.post(url, {"urgency": "urgent", "seen": seen}).status_code == 302
        assert OpinionRequest.objects.get(pk=it.pk).urgency == "urgent"


@pytest.mark.django_db(transaction=True)
def test_of_forty_triages_at_once_exactly_one_wins():
    it = opinion_request_at("submitted")
    seen, url = seen_token(it), reverse("requests:accept", args=[it.pk])
    before = StatusChange.objects.count()
    people = [coordinator(it.clinic) for _ in range(4)]
    clients = []
    for number in range(AT_ONCE):
        client = Client()
        client.force_login(people[number % len(people)])
        clients.append(client)
    start = Barrier(AT_ONCE)

    def triage(client: Client) -> int:
        try:
            start.wait(timeout=60)
            return client.post(url, {"urgency": "routine", "seen": seen}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(triage, clients))
    assert sorted(answers) == [302] + [409] * (AT_ONCE - 1)
    assert StatusChange.objects.count() == before + 1
    assert OpinionRequest.objects.get().status == "collecting"
    assert not list(broken_links())
