"""Documents that must agree with the code."""

from pathlib import Path

import pytest

from records.models import Document, RecordRequest
from requests_app.deadlines import DEADLINES
from requests_app.models import OpinionRequest
from secondop.lib.state_diagram import mermaid
from secondop.notifications.messages import CATALOGUE
from specialists.models import Referral

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("model", "app"),
    [
        (OpinionRequest, "requests_app"),
        (Referral, "specialists"),
        (Document, "records"),
        (RecordRequest, "records"),
    ],
)
def test_the_readme_shows_the_current_states(model, app):
    assert mermaid(model) in (ROOT / app / "README.md").read_text()


def test_every_status_has_a_deadline_and_a_ball():
    assert set(DEADLINES) == set(OpinionRequest.Status.values)


@pytest.mark.parametrize("key", CATALOGUE)
def test_messages_take_no_free_text(key):
    """PRIVACY: a message that could hold a name or a diagnosis would need a placeholder."""
    wording = CATALOGUE[key]
    for text in (str(wording.subject), str(wording.sentence)):
        assert "%" not in text
        assert "{" not in text
