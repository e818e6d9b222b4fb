"""Writing the independent opinion: saving as it is typed, two windows, what is refused."""

import pytest
from django.urls import reverse

from records.models import AccessGrant, IcdCode
from requests_app.models import StaffTask
from secondop.notifications.models import Notification
from specialists import workflow
from specialists.models import Opinion
from tests.factories import opinion_request_at, revealed, sealed

pytestmark = pytest.mark.django_db


@pytest.fixture
def taken():
    return opinion_request_at("in_review").referrals.get()


@pytest.fixture
def own(client, taken):
    client.force_login(taken.specialist.user)
    return client


def url(name, referral, query=""):
    return reverse(f"specialists:{name}", args=[referral.pk]) + query


def save(client, referral, version, **fields):
    return client.post(url("autosave", referral), {"version": version, "autosave": "1"} | fields)


class TestAutosave:
    def test_it_keeps_what_was_typed_and_says_the_new_version(self, own, taken):
        answer = save(own, taken, 1, reasoning="Hyper-dense lesion, 14 mm.")
        assert answer.status_code == 200
        assert answer.json()["version"] == 2
        assert answer.json()["set"] == {"version": 2}
        assert answer.json()["saved_at"]
        assert Opinion.objects.get().reasoning == "Hyper-dense lesion, 14 mm."

    def test_it_leaves_fields_that_were_not_sent(self, own, taken):
        save(own, taken, 1, reasoning="One.")
        save(own, taken, 2, plan="Two.")
        opinion = Opinion.objects.get()
        assert (opinion.reasoning, opinion.plan) == ("One.", "Two.")

    def test_the_second_window_is_told_and_changes_nothing(self, own, taken):
        save(own, taken, 1, reasoning="First window.")
        answer = save(own, taken, 1, reasoning="Second window.")
        assert answer.status_code == 409
        assert "another window" in answer.json()["message"]
        assert Opinion.objects.get().reasoning == "First window."

    def test_half_a_code_does_not_stop_the_rest(self, own, taken):
        answer = save(own, taken, 1, icd10_code="C5", reasoning="Text.")
        assert answer.status_code == 200
        assert Opinion.objects.get().reasoning == "Text."
        assert Opinion.objects.get().icd10_code == ""

    def test_a_text_that_is_too_long_is_refused_whole(self, own, taken):
        answer = save(own, taken, 1, reasoning="x" * 8001)
        assert answer.status_code == 422
        assert "8000" in answer.json()["message"]
        assert Opinion.objects.get().version == 1

    @pytest.mark.parametrize("version", ["", "one", "999999999999999999999"])
    def test_a_broken_version_is_never_a_server_error(self, own, taken, version):
        assert save(own, taken, version, reasoning="x").status_code in (409, 422)
        assert Opinion.objects.get().reasoning == ""

    def test_after_the_seal_it_is_refused(self, own, taken):
        sealed(taken)
        before = Opinion.objects.get()
        answer = save(own, taken, before.version, diagnosis="Something else")
        assert answer.status_code == 409
        assert "sealed" in answer.json()["message"]
        assert Opinion.objects.get().diagnosis == before.diagnosis

    def test_the_part_after_the_reveal_is_closed_before_it(self, own, taken):
        words = {"version": 1, "plain_summary": "Too early."}
        answer = own.post(url("autosave", taken, "?part=complete"), words)
        assert answer.status_code == 409
        assert Opinion.objects.get().plain_summary == ""

    def test_without_a_session_it_says_401_so_that_the_text_stays(self, client, taken):
        assert save(client, taken, 1, reasoning="x").status_code == 401


class TestWrite:
    def test_it_saves_and_leads_to_the_seal(self, own, taken):
        IcdCode.objects.get_or_create(
            code="C50.912",
            defaults={"title": "Malignant neoplasm", "search_text": "c50.912", "is_billable": True},
        )
        words = {"version": 1, "diagnosis": "Carcinoma", "icd10_code": "c50912", "plan": "Excise."}
        assert own.post(url("write", taken), words).url == url("seal", taken)
        opinion = Opinion.objects.get()
        assert (opinion.diagnosis, opinion.icd10_code) == ("Carcinoma", "C50.912")

    def test_an_unknown_code_gets_a_sentence_and_keeps_the_text(self, own, taken):
        words = {"version": 1, "diagnosis": "Carcinoma", "icd10_code": "Z99.999X"}
        page = own.post(url("write", taken), words).content.decode()
        assert "We do not know this code" in page
        assert 'value="Carcinoma"' in page
        assert Opinion.objects.get().diagnosis == ""

    def test_a_conflict_keeps_the_typed_text_on_the_page(self, own, taken):
        save(own, taken, 1, reasoning="First window.")
        answer = own.post(url("write", taken), {"version": 1, "reasoning": "Second window."})
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "Second window." in page
        assert 'name="version" value="2"' in page
        assert Opinion.objects.get().reasoning == "First window."
        own.post(url("write", taken), {"version": 2, "reasoning": "Second window."})
        assert Opinion.objects.get().reasoning == "Second window."

    def test_after_the_seal_it_is_refused(self, own, taken):
        sealed(taken)
        assert own.get(url("write", taken)).status_code == 409
        assert own.post(url("write", taken), {"version": 2, "plan": "x"}).status_code == 409

    def test_in_an_open_review_it_leads_to_the_comparison(self, client):
        taken = opinion_request_at("in_review", review_mode="open").referrals.get()
        client.force_login(taken.specialist.user)
        answer = client.post(url("write", taken), {"version": 1, "plan": "Watch."})
        assert answer.url == url("complete", taken)
        assert client.get(url("complete", taken)).status_code == 200


class TestBreakSeal:
    def test_it_opens_alarms_and_marks(self, own, taken):
        words = {"reason": "Contrast allergy and contrast planned.", "is_sure": "on"}
        assert own.post(url("break_seal", taken), words).url == url("complete", taken)
        assert AccessGrant.objects.live().get().sight == "full"
        assert Opinion.objects.get().seal_broken_at
        assert StaffTask.objects.get().kind == "seal_broken"
        assert Notification.objects.filter(message="seal_broken").exists()
        assert own.post(url("seal", taken)).status_code == 409

    @pytest.mark.parametrize("words", [{"is_sure": "on"}, {"reason": "Danger"}])
    def test_it_needs_a_reason_and_a_second_thought(self, own, taken, words):
        assert "Please" in own.post(url("break_seal", taken), words).content.decode()
        assert AccessGrant.objects.live().get().sight == "sealed"

    def test_twice_is_refused(self, own, taken):
        workflow.break_seal(taken, reason="Danger", by=taken.specialist.user)
        answer = own.post(url("break_seal", taken), {"reason": "Again", "is_sure": "on"})
        assert answer.status_code == 409
        assert StaffTask.objects.count() == 1

    def test_after_the_reveal_there_is_nothing_to_open(self, own, taken):
        revealed(taken)
        assert own.get(url("break_seal", taken)).status_code == 409
