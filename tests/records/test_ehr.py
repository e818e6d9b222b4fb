"""Records out of a hospital's system: whole, once, of the right patient, and only while allowed."""

from __future__ import annotations

import json
import logging

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from records.ehr import client, running
from records.models import ClinicalFact, Document, EhrPage, IdentityCheck
from records.transfers import secrets
from tests import factories
from tests.records import asking
from tests.records.ehr_worlds import (
    a_patient_s_case,
    an_ehr,
    begun,
    fill,
    its_patient,
    launch_of,
    let_in,
    pulled,
    run,
    signed_in_there,
)
from tests.records.fhir_server import Hospital, hospital
from tests.secondop.api.dicomweb_files import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    with hospital() as it:
        yield fill(it)


@pytest.fixture
def case_file():
    return a_patient_s_case()


@pytest.fixture
def visit(case_file):
    return signed_in(case_file.patient.user)


def page_of(visit, pull) -> str:
    return visit.get(reverse("records:ehr_pull", args=[pull.pk])).content.decode()


def contents_of(group: str) -> list[dict]:
    document = Document.objects.get(name__file_name__startswith=group)
    with default_storage.open(document.key) as stored:
        return [entry["resource"] for entry in json.loads(stored.read())["entry"]]


class TestWhole:
    def test_a_patient_s_records_become_documents_and_facts(
        self, anna: Hospital, case_file, visit, caplog
    ):
        caplog.set_level(logging.DEBUG)
        ehr = an_ehr(anna, case_file)
        offer = visit.get(reverse("records:ehr", args=[case_file.pk])).content.decode()
        assert "Get my records from St. Anna" in offer
        assert "We never see your hospital password" in offer
        pull = begun(visit, case_file, ehr)
        assert (pull.status, pull.step, pull.last_error) == ("done", "answer", "")
        launch = launch_of(visit, pull)
        scopes = launch["scope"].split()
        assert {"launch/patient", "patient/Observation.read"} <= set(scopes)
        assert "offline_access" not in scopes
        assert launch["aud"] == anna.base
        assert signed_in_there(anna, visit, pull).status_code == 302
        pull.refresh_from_db()
        code = json.loads(secrets.unseal(pull.sealed))["code"]
        assert code not in pull.sealed
        pull = run(pull)
        assert (pull.status, pull.last_error, pull.done_count) == ("done", "", 10)
        # Tokens: sealed while it ran, gone afterwards, and in no log.
        token = next(iter(anna.tokens))
        assert pull.sealed == ""
        assert pull.told == pull.query == {}
        text = caplog.text
        for word in (token, code, launch["state"], "Example", "o003", "Binary/b1", "pat-1"):
            assert word not in text, word
        # What came.
        names = dict(
            Document.objects.filter(case_file=case_file).values_list("name__file_name", "kind")
        )
        assert names["Lab results - St. Anna.json"] == "lab_results"
        assert names["Medicines - St. Anna.json"] == "medication_list"
        assert names["Leaving hospital"] == "discharge_summary"
        assert names["Pathology report"] == "pathology_report"
        assert len(names) == 11
        parent = Document.objects.get(name__file_name="Letters and notes - St. Anna.json")
        inside = Document.objects.get(name__file_name="Leaving hospital")
        assert inside.findings["taken_from"] == str(parent.pk)
        assert inside.dated_on.isoformat() == "2026-01-05"
        let_in(case_file)
        assert set(Document.objects.values_list("status", flat=True)) == {"available"}
        kinds = ClinicalFact.objects.filter(case_file=case_file).values_list("kind", flat=True)
        assert {kind: list(kinds).count(kind) for kind in set(kinds)} == {
            "lab": 25, "problem": 1, "medicine": 1, "allergy": 1, "procedure": 1,
        }  # fmt: skip
        assert ClinicalFact.objects.get(kind="medicine").text == "Tamoxifen 20 mg"
        lab = ClinicalFact.objects.get(place="Observation/o003")
        assert lab.document.name.file_name == "Lab results - St. Anna.json"
        page = page_of(visit, pull)
        for words in ("Lab results</strong>: 25", "MR breast", "320 pictures", "by network",
                      "kept at another address"):  # fmt: skip
            assert words in page, words
        # Nothing is left lying about.
        assert not EhrPage.objects.exclude(key="").exists()
        # Once more: the same bytes are the same documents.
        again = pulled(anna, visit, case_file, ehr)
        assert (again.status, Document.objects.count()) == ("done", 11)
        anna.resources.append(anna.of("Condition")[0] | {"id": "c2"})
        third = pulled(anna, visit, case_file, ehr)
        assert (third.status, Document.objects.count()) == ("done", 12)
        # The clinic sees it too; a stranger does not.
        staff = signed_in(factories.coordinator(case_file.clinic))
        assert "Lab results</strong>: 25" in page_of(staff, pull)
        path = reverse("records:ehr_pull", args=[pull.pk])
        assert signed_in(factories.UserFactory()).get(path).status_code == 404

    def test_a_record_request_of_that_hospital_is_answered(self, anna: Hospital):
        opinion_request = asking.collecting()
        case_file = opinion_request.case_file
        its_patient(case_file)
        asked = asking.sent(opinion_request, name="St. Anna", kind="hospital")
        visit = signed_in(case_file.patient.user)
        pull = pulled(anna, visit, case_file, an_ehr(anna, case_file))
        assert (pull.status, pull.record_request_id) == ("done", asked.pk)
        asked = asking.again(asked)
        assert asked.status == "partly_received"  # images were asked for too: they never come so
        arrived = asked.events.get(kind="arrived")
        assert (arrived.by_holder, arrived.count) == (True, 11)
        asked.items.update(form="reports")
        anna.resources.append(anna.of("Condition")[0] | {"id": "c2"})
        pull = pulled(anna, visit, case_file, pull.ehr)
        assert (pull.status, asking.again(asked).status) == ("done", "received")


class TestSigningIn:
    def test_only_the_browser_that_began_comes_back_and_once(
        self, anna: Hospital, case_file, visit
    ):
        ehr = an_ehr(anna, case_file)
        pull = begun(visit, case_file, ehr)
        back = reverse("records:ehr_back")
        other = signed_in(case_file.patient.user)  # the same person, elsewhere
        assert "begun in another browser" in page_of(other, pull)
        state = launch_of(visit, pull)["state"]
        assert other.get(back, {"code": "x", "state": state}).status_code == 400
        assert visit.get(back, {"code": "x", "state": "made up"}).status_code == 400
        assert visit.get(back, {"code": "x"}).status_code == 400
        pull.refresh_from_db()
        assert (pull.step, anna.forms) == ("answer", [])
        # Another server's answer is not taken (RFC 9207).
        wrong = signed_in_there(anna, visit, pull, iss="https://evil.example.org")
        assert wrong.status_code == 409
        pull.refresh_from_db()
        assert pull.step == "answer"
        pull = begun(visit, case_file, ehr)
        launch = launch_of(visit, pull)
        assert signed_in_there(anna, visit, pull, iss=anna.base).status_code == 302
        assert visit.get(back, {"code": "y", "state": launch["state"]}).status_code == 400
        assert run(pull).status == "done"
        # PKCE: a code that belongs to another verifier is worth nothing.
        thief = begun(visit, case_file, ehr)
        stolen = launch_of(visit, begun(visit, case_file, ehr))
        anna.codes["stolen"] = stolen
        assert signed_in_there(anna, visit, thief, code="stolen").status_code == 302
        thief = run(thief)
        assert (thief.status, thief.last_error, thief.sealed) == ("dead", "ehr_sign_in_again", "")

    def test_a_no_is_calm_and_can_be_taken_back(self, anna: Hospital, case_file, visit):
        pull = begun(visit, case_file, an_ehr(anna, case_file))
        answer = signed_in_there(anna, visit, pull, code="", error="access_denied")
        assert answer.status_code == 302
        page = page_of(visit, pull)
        assert "You did not allow it at the hospital" in page
        assert "Sign in again" in page
        pull.refresh_from_db()
        assert (pull.status, pull.last_error, pull.sealed) == ("dead", "ehr_declined", "")
        again = visit.post(reverse("records:ehr_again", args=[pull.pk]))
        assert again.status_code == 302
        assert run(pull).step == "answer"
        assert signed_in_there(anna, visit, pull).status_code == 302
        assert run(pull).status == "done"

    def test_older_newer_and_lacking_servers(self, anna: Hospital, case_file, visit):
        ehr = an_ehr(anna, case_file, client_secret="hush", asks_offline=True)
        assert "hush" not in ehr.secret
        anna.client_secret = "hush"
        anna.has_configuration = False  # an older one: the CapabilityStatement says it
        pull = pulled(anna, visit, case_file, ehr)
        assert (pull.status, pull.last_error) == ("done", "")
        assert "client_id" not in anna.forms[-1]
        anna.has_configuration, anna.capabilities = True, ("permission-v2",)
        pull = begun(visit, case_file, ehr)
        scopes = launch_of(visit, pull)["scope"].split()
        assert {"patient/Condition.rs", "offline_access", "launch/patient"} <= set(scopes)
        anna.names_patient = False
        assert signed_in_there(anna, visit, pull).status_code == 302
        assert run(pull).last_error == "ehr_no_patient"
        anna.trick("smart-configuration", 404)
        anna.trick("metadata", 200, body=b'{"resourceType": "CapabilityStatement"}')
        pull = begun(visit, case_file, ehr)
        assert (pull.status, pull.last_error) == ("dead", "ehr_no_smart")


class TestBadServers:
    @pytest.fixture
    def pull(self, anna, case_file, visit, monkeypatch):
        monkeypatch.setattr(running, "PATIENCE_SECONDS", 2.0)
        pull = begun(visit, case_file, an_ehr(anna, case_file))
        signed_in_there(anna, visit, pull)
        return pull

    def pages(self, anna, kind="category=laboratory") -> list[str]:
        return [path for path in anna.asked if kind in path]

    def test_500_on_a_later_page_goes_on_there_without_doubling(self, anna, case_file, pull):
        anna.page_size = 3
        anna.trick("at=18", 500)  # page 7 of 9
        pull = run(pull)
        assert (pull.status, pull.last_error) == ("failed", "peer_fails")
        assert Document.objects.count() == 0
        before = len(self.pages(anna))
        pull = run(pull)
        assert (pull.status, pull.last_error) == ("done", "")
        later = self.pages(anna)[before:]
        assert "at=18" in later[0]
        assert len(later) == 3
        numbers = [one["id"] for one in contents_of("Lab results") if one["id"][0] == "o"]
        assert (len(numbers), len(set(numbers))) == (25, 25)

    def test_429_is_waited_for_and_an_hour_is_left_alone(self, anna, pull):
        anna.trick("Condition", 429, headers={"Retry-After": "1"})
        late = anna.trick("Procedure", 429, times=1, headers={"Retry-After": "1800"})
        pull = run(pull)
        assert (pull.status, pull.last_error, late.times) == ("failed", "peer_busy", 0)
        assert (pull.run_after - pull.created_at).total_seconds() > 1700
        assert run(pull).status == "done"

    def test_an_expired_token_is_renewed_or_asks_the_patient(self, anna, case_file, visit, pull):
        once = iter([True])
        anna.on_ask = lambda path: "Procedure" in path and next(once, False) and anna.expire()
        pull = run(pull)
        assert (pull.status, pull.last_error, pull.sealed) == ("dead", "ehr_sign_in_again", "")
        assert "Please sign in there again" in page_of(visit, pull)
        visit.post(reverse("records:ehr_again", args=[pull.pk]))
        run(pull)
        before = len(self.pages(anna))
        signed_in_there(anna, visit, pull)
        assert run(pull).status == "done"
        assert len(self.pages(anna)) == before  # what was here was not asked for again
        anna.gives_refresh, twice = True, iter([True])
        anna.on_ask = lambda path: "Procedure" in path and next(twice, False) and anna.expire()
        renewed = pulled(anna, visit, case_file, pull.ehr)
        assert (renewed.status, renewed.last_error) == ("done", "")
        assert anna.forms[-1]["grant_type"] == "refresh_token"

    def test_loops_foreign_pages_and_refusals_end_one_kind_alone(self, anna, visit, pull):
        anna.loops = "Observation"
        anna.trick("AllergyIntolerance", 403, body=b'{"resourceType": "OperationOutcome", "issue":'
                   b'[{"diagnostics": "No <b>scope</b>\\u202e for this"}]}')  # fmt: skip
        anna.trick("_include", 400, body=b"{}")
        anna.trick("MedicationStatement", 404, body=b"not json")
        anna.files.pop("b2")
        pull = run(pull)
        assert (pull.status, pull.last_error) == ("done", "")
        page = page_of(visit, pull)
        for words in ("went round in circles", "does not give this to us",
                      "No &lt;b&gt;scope&lt;/b&gt; for this", "does not have this",
                      "could not be opened", "Lab results</strong>: 25",
                      "Prescriptions</strong>: 1"):  # fmt: skip
            assert words in page, words
        assert len(self.pages(anna)) == 4

    def test_the_token_goes_nowhere_else(self, anna, pull):
        with hospital() as evil:
            anna.next_at = f"{evil.address}/r4"
            pull = run(pull)
            assert (pull.status, evil.asked) == ("done", [])
        row = EhrPage.objects.get(pull=pull, search="laboratory")
        assert (row.problem, row.entry_count) == ("elsewhere", 10)

    def test_limits_and_nonsense(self, anna, pull, monkeypatch):
        anna.trick("Condition", 200, body=b"<html>", times=1)
        assert run(pull).last_error == "answer_unreadable"
        monkeypatch.setattr(running, "MAX_PAGES", 2)
        monkeypatch.setattr(client, "MAX_FILE_BYTES", 100)
        pull = run(pull)
        problems = set(pull.pages.values_list("problem", flat=True))
        assert {"too_much", "file_too_large"} <= problems
        assert (pull.status, pull.pages.filter(search="laboratory").count()) == ("done", 2)

    def test_records_of_somebody_else_are_left_out(self, anna, case_file, visit, pull):
        stranger = anna.of("Condition")[0] | {"id": "c9", "subject": {"reference": "Patient/no"}}
        anna.resources.append(stranger)
        pull = run(pull)
        assert (pull.status, pull.last_error) == ("done", "")
        assert "about another person" in page_of(visit, pull)
        assert {one["id"] for one in contents_of("Diagnoses")} == {"pat-1", "c1"}


@pytest.fixture
def on_ask(monkeypatch):
    """Do something in the moment in which the worker asks for labs; tell what it asked later."""
    later: list[str] = []
    get, happens = client.Fhir.get, []

    def asked(self, url):
        if happens and "Observation" in url:
            happens.pop()()
            later.clear()
        else:
            later.append(url)
        return get(self, url)

    monkeypatch.setattr(client.Fhir, "get", asked)
    return happens, later


class TestStopping:
    def test_a_stop_ends_it_before_the_next_question(self, anna, case_file, visit, on_ask):
        happens, later = on_ask
        pull = begun(visit, case_file, an_ehr(anna, case_file))
        signed_in_there(anna, visit, pull)
        path = reverse("records:ehr_cancel", args=[pull.pk])
        happens.append(lambda: visit.post(path))
        pull = run(pull)
        assert (pull.status, pull.last_error, pull.sealed) == ("dead", "ehr_cancelled", "")
        assert (happens, later) == ([], [])
        assert not Document.objects.exists()
        assert not EhrPage.objects.exists()
        # One that only waits is over at once.
        other = begun(visit, case_file, pull.ehr)
        assert visit.post(reverse("records:ehr_cancel", args=[other.pk])).status_code == 302
        other.refresh_from_db()
        assert (other.status, other.last_error, other.sealed) == ("dead", "ehr_cancelled", "")

    def test_a_permission_taken_back_ends_it_within_one_item(self, anna, on_ask):
        happens, later = on_ask
        opinion_request = asking.collecting()
        case_file = opinion_request.case_file
        its_patient(case_file)
        before = case_file.documents.count()
        asked = asking.sent(opinion_request, name="St. Anna")
        visit = signed_in(case_file.patient.user)
        pull = begun(visit, case_file, an_ehr(anna, case_file))
        signed_in_there(anna, visit, pull)
        happens.append(lambda: asked.links.update(revoked_at="2026-01-01T00:00:00Z"))
        pull = run(pull)
        assert (pull.status, pull.last_error) == ("dead", "permission_ended")
        assert (happens, later, case_file.documents.count()) == ([], [], before)


class TestWrongPatient:
    def test_a_stranger_s_health_is_never_fetched(self, anna, case_file, visit):
        anna.of("Patient")[0].update(birthDate="1951-12-01", name=[{"family": "Fremd"}])
        ehr = an_ehr(anna, case_file)
        pull = pulled(anna, visit, case_file, ehr)
        assert (pull.status, pull.last_error) == ("dead", "ehr_other_patient")
        assert [path for path in anna.asked if "patient=" in path] == []
        let_in(case_file)
        document = Document.objects.get()
        assert (document.status, document.problem) == ("held", "other_patient")
        check = IdentityCheck.objects.get()
        assert check.verdict in ("different", "unsure")
        assert "seem to be of somebody else" in page_of(visit, pull)
        # A coordinator finds that it is the patient: then it goes through.
        IdentityCheck.objects.update(
            decision="belongs", decided_at="2026-01-01T00:00:00Z", reason="Maiden name",
            decided_by=factories.coordinator(case_file.clinic),
        )  # fmt: skip
        assert pulled(anna, visit, case_file, ehr).status == "done"
