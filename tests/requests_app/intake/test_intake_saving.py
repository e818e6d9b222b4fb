"""Writing a request: saved in part, never lost, in two tabs."""

import pytest

from records.models import CaseFile, OriginalDiagnosis
from requests_app.models import OpinionRequest, SectionSave
from secondop.audit.models import AuditEvent
from tests.factories import opinion_request_at
from tests.requests_app.intake.pages import ABOUT, TOLD, autosave, url

pytestmark = pytest.mark.django_db


class TestAutosave:
    def test_a_part_is_kept_and_the_version_told(self, patient, opinion_request):
        address = url("about", opinion_request)
        answer = autosave(patient, address, full_name="Maria Muster", version="0", tab="a")
        assert answer.json() == {"set": {"version": "1"}}
        assert CaseFile.objects.get().patient.full_name == "Maria Muster"
        assert str(CaseFile.objects.get().patient.born_on) == "1970-03-14"

    def test_one_box_of_a_date_goes_with_the_stored_others(self, patient, opinion_request):
        autosave(patient, url("about", opinion_request), born_on_day="15", version="0", tab="a")
        assert str(CaseFile.objects.get().patient.born_on) == "1970-03-15"

    def test_a_half_date_gets_a_sentence_and_the_rest_is_kept(self, patient, opinion_request):
        address = url("told", opinion_request)
        answer = autosave(
            patient, address, told_on_month="5", treatment="Wait", version="0", tab="a"
        )
        assert answer.status_code == 422
        assert "Enter the day." in answer.json()["message"]
        assert OriginalDiagnosis.objects.get().treatment == "Wait"

    def test_a_box_unticked_is_saved(self, patient, opinion_request):
        address = url("told", opinion_request)
        autosave(patient, address, was_not_named="on", version="0", tab="a")
        autosave(patient, address, was_not_named="", version="1", tab="a")
        assert not OriginalDiagnosis.objects.get().was_not_named

    def test_purposes_unticked_are_saved(self, patient, opinion_request):
        address = url("questions", opinion_request)
        autosave(patient, address, purposes=["options"], version="0", tab="a")
        assert autosave(patient, address, purposes="", version="1", tab="a").status_code == 200
        assert OpinionRequest.objects.get().purposes == []

    def test_an_ended_session_is_401_so_that_the_page_keeps_the_text(
        self, patient, opinion_request
    ):
        patient.logout()
        answer = autosave(patient, url("told", opinion_request), treatment="Long text", version="0")
        assert answer.status_code == 401
        assert not OriginalDiagnosis.objects.exists()

    def test_after_sending_it_is_told_why_not(self, client):
        sent = opinion_request_at("submitted")
        client.force_login(sent.started_by)
        answer = autosave(client, url("told", sent), treatment="More", version="0", tab="a")
        assert answer.status_code == 409
        assert "with the clinic" in answer.json()["message"]

    def test_the_trail_grows_on_continue_and_not_while_typing(self, patient, opinion_request):
        address = url("told", opinion_request)
        for number in range(3):
            autosave(patient, address, treatment=f"Text {number}", version=str(number), tab="a")
        answered = AuditEvent.objects.filter(verb="request.answered")
        assert answered.count() == 0
        patient.post(address, TOLD | {"treatment": "Text 2", "version": "3"})
        patient.post(address, TOLD | {"treatment": "Text 2", "version": "4"})
        assert answered.count() == 1
        assert answered.get().details == {"section": "told"}


class TestTwoTabs:
    def test_the_second_is_told_who_and_when_and_keeps_what_was_typed(
        self, patient, opinion_request
    ):
        address = url("told", opinion_request)
        patient.post(address, TOLD | {"tab": "one"})
        answer = patient.post(address, TOLD | {"diagnosis": "Something else", "tab": "two"})
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "changed by you, on another page" in page
        assert "Something else" in page
        assert OriginalDiagnosis.objects.get().diagnosis == "Breast cancer"
        again = TOLD | {"diagnosis": "Something else", "tab": "two", "version": "1"}
        assert patient.post(address, again).status_code == 302
        assert OriginalDiagnosis.objects.get().diagnosis == "Something else"

    def test_typing_in_the_second_is_refused_too(self, patient, opinion_request):
        address = url("told", opinion_request)
        autosave(patient, address, treatment="One", version="0", tab="one")
        answer = autosave(patient, address, treatment="Two", version="0", tab="two")
        assert answer.status_code == 409
        assert "another page" in answer.json()["message"]

    def test_the_same_answers_twice_are_no_quarrel(self, patient, opinion_request):
        address = url("told", opinion_request)
        patient.post(address, TOLD | {"tab": "one"})
        assert patient.post(address, TOLD | {"tab": "two"}).status_code == 302

    def test_other_sections_do_not_disturb_each_other(self, patient, opinion_request):
        patient.post(url("about", opinion_request), ABOUT | {"tab": "one"})
        assert patient.post(url("told", opinion_request), TOLD | {"tab": "two"}).status_code == 302
        assert SectionSave.objects.count() == 2

    def test_ones_own_autosave_on_its_way_is_no_quarrel(self, patient, opinion_request):
        address = url("told", opinion_request)
        autosave(patient, address, treatment="Hal", version="0", tab="a")
        assert patient.post(address, TOLD | {"treatment": "Half"}).status_code == 302
