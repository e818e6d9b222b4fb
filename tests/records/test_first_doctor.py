"""The lane of the first doctor: the patient holds the switch, and "not told" sends nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core import mail
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from records import chasing, first_doctor, holder_links, holder_mails, record_requests
from records import first_doctor_duties as duties
from records import first_doctor_letters as letters
from records.models import (
    Authorization,
    FirstDoctorLetter,
    HolderLetter,
    HolderLink,
    HolderMail,
    RecordRequest,
)
from requests_app import rules
from requests_app.first_doctor_told import tell_coordinators
from secondop.lib.verdicts import Refused
from tests import factories
from tests.records import asking

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TODAY = date(2026, 11, 2)


def made(letter):
    """What a worker does with it."""
    from records.tasks import write_first_doctor_letter

    write_first_doctor_letter(str(letter.pk))
    letter.refresh_from_db()
    return letter


@pytest.fixture
def delivered():
    """A delivered report whose patient wants the first doctor told."""
    opinion_request = factories.opinion_request_at("delivered")
    case_file = opinion_request.case_file
    first_doctor.choose(case_file, "told_after", by=case_file.patient.user)
    return opinion_request


class TestTheFirstDoctor:
    PLACES = [("First Hospital", True), ("FIRST hospital of Springfield", True),
              ("Dr. Original, practice", True), ("Dr Oríginal", True),
              ("Lakeside Imaging", False), ("General Hospital", False)]  # fmt: skip

    @pytest.mark.parametrize(("name", "is_theirs"), PLACES)
    def test_their_place_is_known_by_its_telling_words(self, name, is_theirs):
        holder = asking.holder_of(asking.collecting(), name=name)
        assert first_doctor.is_first_doctors(holder) is is_theirs
        assert holder.is_first_doctor is is_theirs

    def test_not_told_sends_nothing_on_any_path(self, django_capture_on_commit_callbacks):
        """No mail, no link, no job about them until the patient has said so for this very ask."""
        opinion_request = asking.collecting()
        with django_capture_on_commit_callbacks(execute=True):
            it = asking.drafted(opinion_request, name="First Hospital", email="first@first.example")
            patient = it.case_file.patient
            assert first_doctor.choice_of(it.case_file) == "not_told"
            with pytest.raises(Refused, match="first doctor"):
                asking.signed(it)  # without the tick the signature itself is refused
            # even with a signature that does not say so, nothing may go out
            Authorization.objects.filter(record_request=it).update(
                signed_at=timezone.now(), signed_by=patient.user, signed_name="Maria Example"
            )
            RecordRequest.objects.filter(pk=it.pk).update(status="authorized")
            for path in (
                lambda it: record_requests.send(it, channel="email", by=it.created_by),
                lambda it: record_requests.send(it, channel="post", by=it.created_by),
                lambda it: record_requests.remind(it, by=it.created_by),
                lambda it: record_requests.renew_link(it, by=it.created_by),
                lambda it: record_requests.escalate(it, kind="escalation", by=it.created_by),
            ):
                with pytest.raises(Refused):
                    path(asking.again(it))
        assert HolderLink.objects.count() == 0
        assert HolderMail.objects.count() == 0
        assert HolderLetter.objects.count() == 0
        assert not any("first" in address for m in mail.outbox for address in m.to)
        # a mail that was queued before the patient changed their mind is not sent either
        RecordRequest.objects.filter(pk=it.pk).update(
            status="sent", sent_at=timezone.now() - 40 * DAY, channel="email",
            due_at=timezone.now() - DAY,
        )  # fmt: skip
        holder_links.open_link(asking.again(it))
        holder_mails.queue_mail(asking.again(it), "asked", once="asked")
        holder_mails.deliver(HolderMail.objects.get())
        chasing.chase()
        assert HolderMail.objects.count() == 1
        assert HolderLetter.objects.count() == 0
        assert not any("first" in address for m in mail.outbox for address in m.to)
        # nor the letter after delivery, however it is asked for
        case_file = it.case_file
        assert letters.write_after_delivery(case_file, delivered_on=TODAY) is None
        with pytest.raises(Refused):
            letters.write_again(case_file, by=it.created_by)
        queued = FirstDoctorLetter.objects.create(
            clinic_id=case_file.clinic_id, case_file=case_file, number=1, delivered_on=TODAY,
            written_on=TODAY,
        )  # fmt: skip
        made(queued)
        queued.refresh_from_db()
        assert (queued.status, queued.key) == ("done", "")
        with pytest.raises(Refused):
            letters.say_sent(queued, by=it.created_by)
        with pytest.raises(Refused):
            letters.write_again(case_file, by=it.created_by)
        assert letters.write_after_delivery(case_file, delivered_on=TODAY) is None
        assert FirstDoctorLetter.objects.count() == 1

    def test_with_consent_it_goes_out_and_invited_says_so(self):
        it = asking.drafted(name="First Hospital")
        it = asking.signed(it, tells_first_doctor=True)
        it = record_requests.send(it, channel="email", by=it.created_by)
        assert it.status == "sent"
        case_file = it.case_file
        first_doctor.choose(case_file, "invited", by=case_file.patient.user)
        assert not first_doctor.needs_consent(it.holder)
        with pytest.raises(Refused):
            first_doctor.choose(case_file, "not_told", by=it.created_by)  # the patient's alone


class TestTheLetter:
    def test_it_is_made_once_opened_by_both_sides_and_says_nothing_of_the_case(
        self, delivered, client
    ):
        case_file = delivered.case_file
        tell_coordinators()
        tell_coordinators()
        letter = made(case_file.first_doctor_letters.get())
        assert letter.status == "done"
        with default_storage.open(letter.key) as stored:
            assert stored.read().startswith(b"%PDF-")
        page = letters.html_of(letter)
        assert case_file.patient.full_name in page
        assert case_file.alias not in page
        told = case_file.original_diagnosis
        assert told.diagnosis not in page
        tell_coordinators()
        assert case_file.first_doctor_letters.count() == 1

        url = reverse("holders:first_doctor_letter", args=[letter.pk])
        step = reverse("holders:first_doctor_step", args=[case_file.pk])
        of_case_file = reverse("holders:of_case_file", args=[case_file.pk])
        for person in (case_file.patient.user, factories.coordinator(delivered.clinic)):
            client.force_login(person)
            answer = client.get(url)
            assert b"".join(answer.streaming_content).startswith(b"%PDF-")
        assert url in client.get(of_case_file).content.decode()
        client.post(step, {"step": "sent", "letter": "another"})
        letter.refresh_from_db()
        assert letter.sent_at is None
        client.post(step, {"step": "sent", "letter": str(letter.pk)})
        letter.refresh_from_db()
        assert str(letter.sent_by_id) == client.session["_auth_user_id"]
        assert client.post(step, {"step": "sent", "letter": str(letter.pk)}).status_code == 409
        client.force_login(case_file.patient.user)
        mine = client.get(reverse("holders:mine", args=[case_file.pk])).content.decode()
        assert "We sent your first doctor a letter on" in mine
        assert client.post(step, {"step": "again"}).status_code == 404
        client.force_login(factories.coordinator())  # of another clinic
        assert client.get(url).status_code == 404

    def test_a_change_of_mind_shuts_it_at_every_moment(self, delivered, client):
        case_file, patient = delivered.case_file, delivered.case_file.patient.user
        by = factories.coordinator(delivered.clinic)
        tell_coordinators()
        queued = case_file.first_doctor_letters.get()
        first_doctor.choose(case_file, "not_told", by=patient)
        assert made(queued).key == ""  # given up by the worker
        first_doctor.choose(case_file, "told_after", by=patient)
        tell_coordinators()
        letter = made(case_file.first_doctor_letters.get(number=2))
        assert letter.key
        first_doctor.choose(case_file, "not_told", by=patient)
        url = reverse("holders:first_doctor_letter", args=[letter.pk])
        for person in (patient, by):
            client.force_login(person)
            assert client.get(url).status_code == 409
        page = client.get(reverse("holders:of_case_file", args=[case_file.pk])).content.decode()
        assert "Do not send a copy" in page
        assert url not in page
        with pytest.raises(Refused):
            letters.say_sent(letter, by=by)
        with pytest.raises(Refused):
            letters.write_again(case_file, by=by)
        client.force_login(patient)
        mine = client.get(reverse("holders:first_doctor", args=[case_file.pk])).content.decode()
        assert "we do not send it" in mine

    def test_nobody_to_write_to_and_a_better_address(self, delivered):
        case_file, by = delivered.case_file, factories.coordinator(delivered.clinic)
        told = case_file.original_diagnosis
        type(told).objects.filter(pk=told.pk).update(doctor_name="", hospital_name="")
        tell_coordinators()
        assert case_file.first_doctor_letters.count() == 0
        record_requests.name_holder(
            case_file, by=by, name="Hospital Uno", country="ES", language="es",
            is_first_doctor=True, address="Calle Mayor 1",
        )  # fmt: skip
        tell_coordinators()
        letter = made(case_file.first_doctor_letters.get())
        assert "Calle Mayor 1" in letters.html_of(letter)
        again = letters.write_again(case_file, by=by)
        assert again.number == 2
        with pytest.raises(Refused, match="being written"):
            letters.write_again(case_file, by=by)


class TestWhereTheyMustTakePart:
    def test_the_clinic_states_it_and_the_patient_can_only_agree(self, client):
        opinion_request = asking.collecting()
        case_file, clinic = opinion_request.case_file, opinion_request.clinic
        country = case_file.patient.country or clinic.country
        client.force_login(factories.administrator(clinic))
        url = reverse("holders:duties")
        assert client.post(url, {"country": country, "source": " "}).status_code == 422
        client.post(url, {"country": country, "source": "State Medical Act, section 7"})
        page = client.get(url).content.decode()
        assert "State Medical Act, section 7" in page

        by, patient = factories.coordinator(clinic), case_file.patient.user
        verdict = rules.may_mark_ready(by, opinion_request, waiver="enough")
        assert not verdict
        assert "must take part" in str(verdict.reason)
        client.force_login(patient)
        choice = reverse("holders:first_doctor", args=[case_file.pk])
        assert "State Medical Act" in client.get(choice).content.decode()
        for wrong in ("not_told", "told_after"):
            assert client.post(choice, {"choice": wrong}).status_code == 422
            with pytest.raises(Refused, match="must take part"):
                first_doctor.choose(case_file, wrong, by=patient)
        assert letters.write_after_delivery(case_file, delivered_on=TODAY) is None  # not agreed
        assert client.post(choice, {"choice": "takes_part"}).status_code == 302
        assert "must take part" not in str(
            rules.may_mark_ready(by, opinion_request, waiver="enough").reason
        )
        holder = asking.holder_of(opinion_request, by=by, name="First Hospital")
        assert not first_doctor.needs_consent(holder)
        assert first_doctor.wants_their_view(case_file)

        stranger = factories.administrator()
        client.force_login(stranger)
        duty = clinic.first_doctor_duties.get()
        assert client.post(reverse("holders:duty_end", args=[duty.pk])).status_code == 404
        with pytest.raises(Refused):
            duties.state(clinic, country="FR", source="mine", by=stranger)
        client.force_login(factories.administrator(clinic))
        client.post(reverse("holders:duty_end", args=[duty.pk]))
        assert first_doctor.duty_of(case_file) is None
