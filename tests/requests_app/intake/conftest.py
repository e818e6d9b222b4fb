"""A patient who is signed in, and a request in which nothing is written."""

import pytest

from records.models import OriginalDiagnosis
from tests.factories import draft


@pytest.fixture
def opinion_request():
    """A draft in which nothing has been answered yet."""
    made = draft()
    made.questions.all().delete()
    OriginalDiagnosis.objects.all().delete()
    made.purposes, made.review_mode = [], ""
    made.save()
    return made


@pytest.fixture
def patient(client, opinion_request):
    client.force_login(opinion_request.started_by)
    return client
