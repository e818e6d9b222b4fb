"""A coordinator who is signed in, at the desk of one case."""

from __future__ import annotations

import pytest

from tests.factories import opinion_request_at
from tests.requests_app.desk.items import paper


@pytest.fixture
def it(staff, clinic):
    return opinion_request_at("collecting", clinic)


@pytest.fixture
def made(it):
    return paper(it)
