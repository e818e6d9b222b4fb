"""A patient who is signed in, with a draft."""

from __future__ import annotations

import pytest
from django.test import Client

from requests_app.models import OpinionRequest
from tests import factories


@pytest.fixture
def opinion_request() -> OpinionRequest:
    return factories.draft()


@pytest.fixture
def patient(opinion_request, client: Client) -> Client:
    client.force_login(opinion_request.started_by)
    return client
