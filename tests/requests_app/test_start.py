"""The safety gate keeps nothing; the limits page opens one draft for the right person."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from records.models import Patient, Proxy
from requests_app.models import OpinionRequest
from secondop.audit.models import AuditEvent
from tests.factories import ClinicFactory, UserFactory, draft, opinion_request_at

pytestmark = pytest.mark.django_db

START, BEGIN = reverse("requests:start"), reverse("requests:begin")
ALL_WELL = {"signs": "no", "worse": "no", "child": "no", "harm": "no"}


@pytest.fixture
def clinic():
    return ClinicFactory(name="Lakeside", country="GB", emergency_number="999")


class TestSafetyGate:
    def test_four_times_no_leads_on(self, client):
        assert client.post(START, ALL_WELL).url == BEGIN

    @pytest.mark.parametrize("sign", ALL_WELL)
    def test_any_yes_leads_to_help(self, client, sign):
        assert client.post(START, ALL_WELL | {sign: "yes"}).url == reverse("requests:emergency")

    @pytest.mark.parametrize("left_out", ALL_WELL)
    def test_every_question_needs_an_answer(self, client, left_out):
        answer = client.post(START, ALL_WELL | {left_out: ""})
        assert answer.status_code == 422
        assert "Please answer this." in answer.content.decode()

    def test_the_numbers_are_those_of_the_clinics_country(self, client, clinic):
        page = client.get(reverse("requests:emergency")).content.decode()
        assert 'href="tel:999"' in page
        assert "116 123" in page

    def test_each_country_of_several_clinics_is_named(self, client, clinic):
        ClinicFactory(country="US", emergency_number="911")
        page = client.get(reverse("requests:emergency")).content.decode()
        assert "United Kingdom" in page
        assert "988" in page

    def test_nothing_of_the_answers_is_kept(self, client, clinic, caplog):
        """No row, no session, no cookie that depends on them, no address, no line in a log."""
        client.get(START)
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        assert set(cookies) <= {"csrf"}
        rows = OpinionRequest.objects.count(), AuditEvent.objects.count(), Patient.objects.count()
        caplog.set_level("DEBUG")
        answer = client.post(START, ALL_WELL | {"harm": "yes"})
        assert "?" not in answer.url
        client.get(answer.url)
        assert {name: morsel.value for name, morsel in client.cookies.items()} == cookies
        assert not client.session.items()
        after = OpinionRequest.objects.count(), AuditEvent.objects.count(), Patient.objects.count()
        assert after == rows
        assert "harm" not in " ".join(r.getMessage() for r in caplog.records if "SQL" not in r.name)


def begin_answers(clinic, **more):
    return {"clinic": str(clinic.pk), "for_whom": "me", "accepts": "on", **more}


def for_other(clinic, **more):
    until = timezone.localdate() + timedelta(days=300)
    day = {"until_month": until.month, "until_day": until.day, "until_year": until.year}
    name = {"patient_name": "Tim Example", "authority": "parent"}
    return begin_answers(clinic, for_whom="other", **(name | day | more))


class TestBegin:
    def test_a_visitor_signs_in_and_comes_back_here(self, client, clinic):
        answer = client.get(BEGIN)
        assert answer.status_code == 302
        assert answer.url.endswith(f"next={BEGIN}")

    def test_the_only_clinic_is_chosen_already(self, client, clinic):
        client.force_login(UserFactory())
        field = client.get(BEGIN).context["form"]["clinic"]
        assert field.value() == clinic.pk

    def test_a_closed_clinic_is_not_offered_and_not_taken(self, client, clinic):
        closed = ClinicFactory(is_open=False)
        client.force_login(UserFactory())
        assert closed.name not in client.get(BEGIN).content.decode()
        assert client.post(BEGIN, begin_answers(closed)).status_code == 422
        assert not OpinionRequest.objects.exists()

    def test_it_opens_a_draft_with_its_case_file(self, client, clinic):
        user = UserFactory(full_name="Maria Example")
        client.force_login(user)
        answer = client.post(BEGIN, begin_answers(clinic))
        made = OpinionRequest.objects.get()
        assert answer.url == reverse("requests:task_list", args=[made.pk])
        assert made.status == "draft"
        assert made.limits_accepted_at
        assert made.case_file.patient.user == user
        assert made.case_file.patient.full_name == "Maria Example"
        assert AuditEvent.objects.filter(verb="request.begun").count() == 1

    def test_the_limits_must_be_accepted(self, client, clinic):
        client.force_login(UserFactory())
        answer = client.post(BEGIN, begin_answers(clinic) | {"accepts": ""})
        assert answer.status_code == 422
        assert "tick this box" in answer.content.decode()
        assert not OpinionRequest.objects.exists()

    def test_a_second_click_finds_the_first_draft(self, client, clinic):
        client.force_login(UserFactory())
        first = client.post(BEGIN, begin_answers(clinic))
        assert client.post(BEGIN, begin_answers(clinic)).url == first.url
        assert OpinionRequest.objects.count() == 1

    def test_an_open_request_is_offered_first(self, client, clinic):
        mine = opinion_request_at("collecting", clinic)
        client.force_login(mine.started_by)
        page = client.get(BEGIN).content.decode()
        assert page.index(mine.get_absolute_url()) < page.index("What we can and cannot do</h1>")

    def test_a_request_beside_one_that_is_sent_uses_the_same_patient(self, client, clinic):
        mine = opinion_request_at("collecting", clinic)
        client.force_login(mine.started_by)
        client.post(BEGIN, begin_answers(clinic))
        assert OpinionRequest.objects.count() == 2
        assert Patient.objects.count() == 1

    def test_for_somebody_else_the_authority_is_on_record(self, client, clinic):
        user = UserFactory()
        client.force_login(user)
        client.post(BEGIN, for_other(clinic))
        made = OpinionRequest.objects.get()
        proxy = Proxy.objects.get()
        assert made.case_file.patient.user is None
        assert (proxy.user, proxy.authority, proxy.recorded_by) == (user, "parent", user)
        assert client.get(reverse("requests:task_list", args=[made.pk])).status_code == 200

    def test_a_second_click_makes_no_second_patient(self, client, clinic):
        client.force_login(UserFactory())
        client.post(BEGIN, for_other(clinic))
        client.post(BEGIN, for_other(clinic))
        assert Patient.objects.count() == Proxy.objects.count() == 1

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"patient_name": ""}, "Write the name of the patient."),
            ({"authority": ""}, "Choose why you may act"),
            ({"until_year": "2020"}, "today or in the future"),
            ({"until_year": "2199"}, "five years"),
            ({"until_month": "", "until_day": "", "until_year": ""}, "until when you act"),
            ({"until_month": "2", "until_day": "30"}, "Day must be between"),
        ],
    )
    def test_acting_for_somebody_needs_a_name_a_right_and_an_end(
        self, client, clinic, wrong, sentence
    ):
        client.force_login(UserFactory())
        answer = client.post(BEGIN, for_other(clinic, **wrong))
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert not Patient.objects.exists()


class TestMine:
    def test_it_lists_own_requests_only(self, client, clinic):
        mine, other = draft(clinic), draft(clinic)
        client.force_login(mine.started_by)
        page = client.get(reverse("requests:mine")).content.decode()
        assert mine.reference in page
        assert other.reference not in page

    def test_without_a_request_it_says_how_to_begin(self, client):
        client.force_login(UserFactory())
        assert START in client.get(reverse("requests:mine")).content.decode()

    def test_its_queries_do_not_grow_with_the_requests(
        self, client, clinic, django_assert_max_num_queries
    ):
        mine = opinion_request_at("collecting", clinic)
        client.force_login(mine.started_by)
        url = reverse("requests:mine")
        client.get(url)
        with django_assert_max_num_queries(12):
            client.get(url)
        for _number in range(5):
            row = OpinionRequest.objects.get(pk=mine.pk)
            row.pk, row.reference = None, ""
            from tests.factories import CaseFile

            row.case_file = CaseFile.objects.create(clinic=clinic, patient=mine.case_file.patient)
            row.reference = row.case_file.alias
            row._state.adding = True
            row.save(force_insert=True)
        with django_assert_max_num_queries(12):
            assert client.get(url).context["open_requests"]
