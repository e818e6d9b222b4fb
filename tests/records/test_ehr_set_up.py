"""Record systems are set up, asked by the clinic's token, and found from a record request."""

from __future__ import annotations

import pytest
from django.urls import reverse

from records import first_doctor
from records.ehr import workflow
from records.models import Document, Ehr, EhrPull
from records.tasks import run_transfer
from records.transfers import workflow as transfers
from secondop.jobs.reasons import REASONS
from secondop.lib.verdicts import Refused
from tests import factories
from tests.records import asking
from tests.records.ehr_worlds import (
    a_patient_s_case,
    an_ehr,
    begun,
    fill,
    run,
)
from tests.records.fhir_server import hospital
from tests.records.moving import a_peer, a_transfer
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


class TestByToken:
    def test_the_clinic_looks_compares_and_copies(self, anna, case_file):
        anna.tokens.add("clinic-token")
        ehr = an_ehr(anna, case_file, way="token", client_id="", token="clinic-token")
        assert "clinic-token" not in ehr.secret
        staff = signed_in(factories.coordinator(case_file.clinic))
        own = signed_in(case_file.patient.user)
        path = reverse("records:ehr", args=[case_file.pk])
        assert "St. Anna" not in own.get(path).content.decode()
        assert own.post(path, {"ehr": ehr.pk}).url == path
        assert not EhrPull.objects.exists()
        assert staff.post(path, {"ehr": ehr.pk, "number": "../x"}).status_code == 400
        told = {"ehr": ehr.pk, "name": "example", "born_on_month": "3", "born_on_day": "14",
                "born_on_year": "1970"}  # fmt: skip
        answer = staff.post(path, told)
        assert answer.status_code == 302
        pull = run(EhrPull.objects.get())
        assert (pull.status, pull.last_error) == ("done", "")
        page = staff.get(answer.url).content.decode()
        assert "Same patient" in page
        assert "E… M…" in page
        assert [path for path in anna.asked if "patient=" in path] == []
        choose = reverse("records:ehr_choose", args=[pull.pk])
        assert staff.post(choose, {"person": "someone"}).status_code == 409
        assert staff.post(choose, {"person": "pat-1"}).status_code == 302
        assert run(pull).status == "done"
        assert Document.objects.count() == 11
        anna.expire()
        staff.post(path, {"ehr": ehr.pk, "number": "pat-1"})
        assert run(EhrPull.objects.latest("created_at")).last_error == "peer_refuses_us"


class TestSettingUp:
    def test_an_administrator_sets_it_up_and_inside_addresses_are_refused(
        self, anna, case_file, visit
    ):
        chief = signed_in(factories.administrator(case_file.clinic))
        path = reverse("records:ehrs")
        told = {"title": "St. Anna", "way": "smart", "address": anna.base, "client_id": "c"}
        assert chief.post(path, told).status_code == 400  # not encrypted
        assert chief.post(path, told | {"is_inside": "on", "client_id": ""}).status_code == 400
        for wrong in ("fhir", "http://fhir.example.org/r4", "https://user@fhir.example.org/r4",
                      "https://fhir.example.org/r4?x=1", "https://10.0.0.1:0/r4"):  # fmt: skip
            assert chief.post(path, told | {"address": wrong}).status_code == 400, wrong
        # In our own network a host needs no dot. Whoever does not say so is refused.
        for mine in ("http://fhir:8080/r4", "https://epic/api/FHIR/R4", "fhir-test/r4"):
            inside = told | {"address": mine, "title": mine, "is_inside": "on"}
            assert chief.post(path, told | {"address": mine}).status_code == 400, mine
            assert chief.post(path, inside).status_code == 302, mine
            assert chief.post(path, inside | {"address": f"{mine} x"}).status_code == 400
        assert Ehr.objects.filter(address="https://fhir-test/r4").exists()
        Ehr.objects.all().delete()
        assert chief.post(path, told | {"is_inside": "on"}).status_code == 302
        page = chief.get(path).content.decode()
        assert "/records/hospital-records/signed-in/" in page
        assert signed_in(factories.coordinator(case_file.clinic)).get(path).status_code == 404
        ehr = Ehr.objects.get()
        Ehr.objects.update(is_inside=False)
        pull = begun(visit, case_file, ehr)
        assert (pull.status, pull.last_error, anna.asked) == ("dead", "address_forbidden", [])
        # A server outside that leads inside, at its first word or with a file.
        Ehr.objects.update(is_inside=True, client_id="second-op")
        anna.trick("smart-config", 302, headers={"Location": "http://169.254.169.254/x"}, body=b"")
        pull = begun(visit, case_file, ehr)
        assert (pull.status, pull.last_error) == ("dead", "address_forbidden")
        assert chief.post(reverse("records:ehr_retire", args=[ehr.pk])).status_code == 302
        assert (
            "St. Anna"
            not in visit.get(reverse("records:ehr", args=[case_file.pk]))
            .content.decode()
            .split("Until now")[0]
        )

    def test_every_end_has_a_sentence(self):
        for code in ("ehr_cancelled", "ehr_declined", "ehr_no_patient", "ehr_no_smart",
                     "ehr_other_patient", "ehr_sign_in_again", "ehr_sign_in_failed",
                     "ehr_too_long", "peer_busy"):  # fmt: skip
            assert code in REASONS


class TestAskingTheRightPlace:
    def test_the_ask_and_the_permission_lead_to_the_system_of_that_place(self, anna, visit):
        it = asking.drafted(name="St. Anna Hospital")
        staff = signed_in(it.created_by)
        patient = signed_in(it.case_file.patient.user)
        ask = reverse("holders:ask", args=[it.holder_id])
        link = reverse("records:ehr", args=[it.case_file_id])
        assert link not in staff.get(ask).content.decode()
        smart = an_ehr(anna, it.case_file, title="St. Anna")
        assert "the patient signs in there" in staff.get(ask).content.decode()
        paper = reverse("holders:authorization", args=[asking.paper_of(it).pk])
        assert "sign in at St. Anna" in patient.get(paper).content.decode()
        assert link in patient.get(paper).content.decode()
        Ehr.objects.filter(pk=smart.pk).update(way="token")
        for page in (ask, it.get_absolute_url()):
            assert link in staff.get(page).content.decode()
        assert link not in patient.get(paper).content.decode()
        Ehr.objects.filter(pk=smart.pk).update(title="Lakeside Imaging")
        assert link not in staff.get(ask).content.decode()

    def test_not_told_means_that_we_do_not_look_in_the_first_doctor_s_system(self, anna):
        """Its log would tell them. The patient's own signing in there is the patient's doing."""
        it = asking.drafted(name="First Hospital")
        case_file, by = it.case_file, it.created_by
        ehr = an_ehr(anna, case_file, title="First Hospital", way="token")
        peer = a_peer(case_file, "https://pacs.first.example", title="First Hospital PACS")
        with pytest.raises(Refused, match="first doctor"):
            workflow.begin(case_file, ehr, by=by, query={"number": "pat-1"})
        with pytest.raises(Refused, match="first doctor"):
            transfers.search(case_file, peer, {"PatientID": "P1"}, by=by)
        transfer = a_transfer(peer, case_file)  # begun before the patient changed their mind
        run_transfer(str(transfer.pk))
        transfer.refresh_from_db()
        assert (transfer.status, transfer.last_error) == ("dead", "first_doctor_not_told")
        assert anna.asked == []
        first_doctor.choose(case_file, "told_after", by=case_file.patient.user)
        pull = workflow.begin(case_file, ehr, by=by, query={"number": "pat-1"})
        first_doctor.choose(case_file, "not_told", by=case_file.patient.user)
        pull = run(pull)
        assert (pull.status, pull.last_error) == ("dead", "first_doctor_not_told")
        assert anna.asked == []
        assert "first_doctor_not_told" in REASONS
