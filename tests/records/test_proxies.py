"""Acting for a patient: asked by e-mail, accepted by the owner of the address, ended at once."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from records import proxies
from records.models import CaseFile, Patient, Proxy, ProxyInvitation
from requests_app import workflow as requests
from secondop.audit.models import AuditEvent
from tests.factories import PatientFactory, UserFactory, coordinator, draft

pytestmark = pytest.mark.django_db


def in_days(days):
    return timezone.localdate() + timedelta(days=days)


def form_data(email, day=None, **more):
    day = day or in_days(100)
    return {
        "email": email, "authority": "permission", "note": "",
        "until_month": day.month, "until_day": day.day, "until_year": day.year,
    } | more  # fmt: skip


@pytest.fixture
def patient():
    return PatientFactory()


@pytest.fixture
def helper():
    user = UserFactory(email="helper@example.org")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def ask(patient, helper, **more):
    defaults = {"email": helper.email, "authority": "permission", "until": in_days(30),
                "reason": "", "by": patient.user}  # fmt: skip
    return proxies.invite(patient, **(defaults | more))


def url_of(patient):
    return reverse("records:proxies", args=[patient.pk])


class TestAsking:
    def test_the_patient_asks_by_e_mail_and_the_mail_names_nobody(self, client, patient, run_jobs):
        client.force_login(patient.user)
        answer = client.post(url_of(patient), form_data("Helper@Example.org"), follow=True)
        assert b"They can act once they accept" in answer.content
        run_jobs()
        (sent,) = mail.outbox
        invitation = ProxyInvitation.objects.get()
        assert sent.to == ["helper@example.org"]
        assert reverse("records:proxy_accept", args=[invitation.pk]) in sent.body
        assert patient.full_name not in sent.body and patient.user.email not in sent.body
        assert not Proxy.objects.exists()

    def test_a_coordinator_records_a_paper(self, client, patient):
        client.force_login(coordinator(patient.clinic))
        data = form_data("h@x.org", authority="power_of_attorney", note="Copy in the cabinet")
        client.post(url_of(patient), data)
        assert ProxyInvitation.objects.get().authority == "power_of_attorney"

    @pytest.mark.parametrize(
        ("days", "sentence"),
        [(-1, b"today or in the future"), (800, b"within the next two years")],
    )
    def test_an_end_in_the_past_or_far_away_is_refused_and_the_text_kept(
        self, client, patient, days, sentence
    ):
        client.force_login(patient.user)
        answer = client.post(url_of(patient), form_data("helper@x.org", in_days(days)))
        assert sentence in answer.content and b"helper@x.org" in answer.content
        assert not ProxyInvitation.objects.exists()

    def test_an_end_date_is_required(self, client, patient):
        client.force_login(patient.user)
        data = form_data("helper@x.org") | {"until_year": "", "until_month": "", "until_day": ""}
        assert b"Enter a date" in client.post(url_of(patient), data).content

    def test_the_patients_own_address_is_refused(self, client, patient):
        client.force_login(patient.user)
        answer = client.post(url_of(patient), form_data(patient.user.email))
        assert b"own address" in answer.content.replace(b"&#x27;", b"'")

    def test_a_helper_cannot_let_another_one_act(self, client, patient, helper):
        proxies.accept(ask(patient, helper), by=helper)
        client.force_login(helper)
        assert client.get(url_of(patient)).status_code == 200
        assert client.post(url_of(patient), form_data("friend@x.org")).status_code == 403

    def test_strangers_and_other_clinics_get_404(self, client, patient):
        for user in (UserFactory(), coordinator()):
            client.force_login(user)
            assert client.get(url_of(patient)).status_code == 404
            assert client.post(url_of(patient), form_data("x@y.org")).status_code == 404


class TestAccepting:
    def test_the_owner_of_the_address_accepts_and_sees_the_patient(self, client, patient, helper):
        invitation = ask(patient, helper)
        assert patient not in Patient.objects.of(helper)
        client.force_login(helper)
        url = reverse("records:proxy_accept", args=[invitation.pk])
        assert patient.full_name.encode() in client.get(url).content
        client.post(url)
        assert patient in Patient.objects.of(helper)
        proxy = proxies.acting_for(helper, patient)
        assert proxy.recorded_by == patient.user
        event = AuditEvent.objects.get(verb="proxy.recorded")
        assert (event.actor_id, event.on_behalf_of_id) == (helper.pk, patient.pk)

    def test_somebody_else_with_the_link_gets_404(self, client, patient, helper):
        url = reverse("records:proxy_accept", args=[ask(patient, helper).pk])
        client.force_login(UserFactory())
        assert client.get(url).status_code == 404
        assert client.post(url).status_code == 404
        assert not Proxy.objects.exists()

    def test_an_address_that_is_not_confirmed_is_not_enough(self, client, patient):
        claimer = UserFactory(email="victim@example.org")
        EmailAddress.objects.create(user=claimer, email=claimer.email, verified=False)
        invitation = ask(patient, claimer)
        client.force_login(claimer)
        url = reverse("records:proxy_accept", args=[invitation.pk])
        assert client.post(url).status_code == 404

    @pytest.mark.parametrize("how", ["used", "taken back", "too old"])
    def test_a_link_that_no_longer_works_is_404(self, client, patient, helper, how):
        invitation = ask(patient, helper)
        if how == "used":
            proxies.accept(invitation, by=helper)
        elif how == "taken back":
            proxies.take_back(invitation, by=patient.user)
        else:
            ProxyInvitation.objects.update(expires_at=timezone.now())
        client.force_login(helper)
        url = reverse("records:proxy_accept", args=[invitation.pk])
        assert client.post(url).status_code == 404
        assert Proxy.objects.count() == (1 if how == "used" else 0)

    def test_accepting_a_newer_one_replaces_the_older(self, patient, helper):
        proxies.accept(ask(patient, helper), by=helper)
        proxies.accept(ask(patient, helper, until=in_days(200)), by=helper)
        assert Proxy.objects.live().get().until == in_days(200)


class TestEnding:
    @pytest.mark.parametrize("who", ["patient", "coordinator", "helper"])
    def test_the_helper_sees_nothing_at_the_next_request(self, client, who):
        case_file = draft().case_file
        patient = case_file.patient
        helper = UserFactory(email="helper@example.org")
        EmailAddress.objects.create(user=helper, email=helper.email, verified=True)
        proxy = proxies.accept(ask(patient, helper), by=helper)
        client.force_login(helper)
        assert client.get(url_of(patient)).status_code == 200
        by = {"patient": patient.user, "coordinator": coordinator(patient.clinic), "helper": helper}
        client.force_login(by[who])
        assert client.post(reverse("records:proxy_end", args=[proxy.pk])).status_code == 302
        client.force_login(helper)
        assert client.get(url_of(patient)).status_code == 404
        assert not CaseFile.objects.visible_to(helper).exists()

    def test_the_end_date_ends_it_by_itself(self, patient, helper):
        proxies.accept(ask(patient, helper), by=helper)
        Proxy.objects.update(until=in_days(-2))
        assert patient not in Patient.objects.of(helper)
        assert proxies.acting_for(helper, patient) is None

    def test_a_stranger_cannot_end_it(self, client, patient, helper):
        proxy = proxies.accept(ask(patient, helper), by=helper)
        client.force_login(UserFactory())
        assert client.post(reverse("records:proxy_end", args=[proxy.pk])).status_code == 404
        assert Proxy.objects.live().exists()

    def test_the_page_says_for_whom_and_until_when_the_helper_acts(self, client, patient, helper):
        proxies.accept(ask(patient, helper), by=helper)
        client.force_login(helper)
        assert b"You act for <strong>Maria Example</strong>" in client.get(url_of(patient)).content


class TestTrail:
    """What somebody does for a patient is kept as theirs, and as done for the patient."""

    @pytest.fixture
    def it(self, helper):
        it = draft()
        Proxy.objects.create(
            clinic=it.clinic, patient=it.case_file.patient, user=helper, authority="permission",
            until=in_days(30), recorded_by=it.started_by,
        )  # fmt: skip
        return it

    def events(self, it, verb):
        rows = AuditEvent.objects.about_case_file(it.case_file_id).filter(verb=verb)
        return list(rows.values_list("actor_id", "on_behalf_of_id"))

    def test_of_the_request(self, it, helper):
        requests.submit(it, truth_name="Maria Example", by=helper)
        assert self.events(it, "request.submitted") == [(helper.pk, it.case_file.patient_id)]

    def test_of_documents(self, client, it, helper):
        client.force_login(helper)
        document = it.case_file.documents.get()
        answer = client.get(reverse("records:download", args=[document.pk]))
        assert b"".join(answer.streaming_content).startswith(b"%PDF")
        assert self.events(it, "document.downloaded") == [(helper.pk, it.case_file.patient_id)]
        client.post(reverse("records:remove", args=[document.pk]))
        assert self.events(it, "document.removed") == [(helper.pk, it.case_file.patient_id)]

    def test_the_patient_and_the_clinic_act_for_nobody(self, it):
        it = requests.submit(it, truth_name="Maria Example", by=it.started_by)
        requests.accept(it, by=coordinator(it.clinic))
        patient = it.case_file.patient
        assert self.events(it, "request.submitted") == [(patient.user_id, None)]
        assert [behalf for _who, behalf in self.events(it, "request.accepted")] == [None]
