"""Two coordinators press a key at the same moment: one decides, the other is told."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from requests_app.models import DeskDecision
from tests.factories import ClinicFactory, coordinator, opinion_request_at
from tests.requests_app.desk.items import item_of, paper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("actions", [("release", "withhold"), ("undo", "undo")])
def test_of_two_at_once_one_wins_and_one_is_told(actions):
    clinic = ClinicFactory()
    it = opinion_request_at("collecting", clinic)
    made = paper(it)
    people = [coordinator(clinic), coordinator(clinic)]
    address = reverse("requests:decide", args=[it.pk])
    if actions == ("undo", "undo"):
        client = Client()
        client.force_login(people[0])
        item = item_of(it, made)
        client.post(address, {"item": item.key, "seen": item.seen, "action": "release"})
    item = item_of(it, made)
    together, answers = Barrier(2), []

    def press(user, action):
        client = Client()
        client.force_login(user)
        together.wait()
        data = {"item": item.key, "seen": item.seen, "action": action}
        answers.append(client.post(address, data).status_code)
        connection.close()

    threads = [Thread(target=press, args=pair) for pair in zip(people, actions, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 409]
    standing = DeskDecision.objects.standing().filter(about_id=made.pk).count()
    assert standing == (0 if actions == ("undo", "undo") else 1)
