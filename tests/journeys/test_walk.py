"""The whole main job through the workflow: from a patient's draft to an acknowledged report."""

import pytest

from records.models import AccessGrant
from requests_app.models import OpinionRequest, StatusChange
from secondop.audit.trail import broken_links
from tests.factories import WALK, opinion_request_at

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", [*WALK, "needs_patient", "returned", "withdrawn"])
def test_every_state_is_reached_by_walking(status):
    opinion_request = opinion_request_at(status)
    assert opinion_request.status == status
    assert not list(broken_links())


def test_history_is_a_chain_from_draft_to_closed():
    opinion_request = opinion_request_at("closed")
    changes = list(StatusChange.objects.filter(opinion_request=opinion_request))
    assert [c.old for c in changes[1:]] == [c.new for c in changes[:-1]]
    assert changes[-1].new == "closed"
    assert not AccessGrant.objects.live().exists()
    assert OpinionRequest.objects.get().version == len(changes) + 1
