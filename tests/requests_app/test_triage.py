"""The triage page and the steps a coordinator takes from it."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from records.models import AccessGrant, Patient
from requests_app.concurrency import seen_token
from requests_app.models import Message, OpinionRequest, PrivateReason, StatusChange
from secondop.audit.models import AuditEvent
from secondop.notifications.models import Notification
from specialists import workflow as referrals
from tests.factories import (
    UserFactory,
    add_question,
    add_statement,
    clinic_now,
    document,
    opinion_request_at,
    specialist,
)

pytestmark = pytest.mark.django_db
STEPS = ["ask_patient", "return_with_advice", "mark_ready", "staff_reopen", "staff_messages"]


def url(name: str, it: OpinionRequest) -> str:
    return reverse(f"requests:{name}", args=[it.pk])


class TestTriage:
    def test_it_shows_everything_known(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        add_statement(it, "story", "It began in spring.")
        document(
            it.case_file,
            by=it.started_by,
            file_name="scan.pdf",
            findings={"antivirus": "not scanned"},
        )
        page = client.get(url("triage", it)).content.decode()
        for text in (
            "Maria Example", "Penicillin", "Invasive ductal carcinoma", "Mastectomy", "Dr Original",
            "Can I keep my breast?", "It began in spring.", "scan.pdf", "Not checked for viruses",
            "What are my treatment options?", it.case_file.alias, "Who has the ball", "Days so far",
        ):  # fmt: skip
            assert text in page, text

    def test_the_private_reason_is_never_shown(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        PrivateReason.objects.create(opinion_request=it, clinic=clinic, text="CANARY-7731")
        for name in ("triage", *STEPS[:3], "staff_messages", "prepare"):
            assert "CANARY-7731" not in client.get(url(name, it)).content.decode()

    def test_what_a_patient_writes_is_text(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        add_question(it, "<script>alert(1)</script>")
        page = client.get(url("triage", it)).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page

    def test_it_names_every_ball(self, client, staff, clinic):
        it = opinion_request_at("in_review", clinic)
        who = it.referrals.get().specialist
        document(it.case_file, by=it.started_by, status="held")
        document(it.case_file, by=it.started_by, status="screening", blinding_class="")
        Message.objects.create(clinic=clinic, opinion_request=it, thread="patient",
                               author=it.started_by, from_clinic=False, text="Hello")  # fmt: skip
        page = client.get(url("triage", it)).content.decode()
        panel = page[page.index('id="ball-title"') : page.index('id="referrals-title"')]
        for text in (who.signature_name, "write and sign the opinion", "check 1 file",
                     "decide about 1 file", "read 1 message"):  # fmt: skip
            assert text in panel, text

    def test_a_step_that_is_not_possible_says_why(self, client, staff, clinic):
        page = client.get(url("triage", opinion_request_at("submitted", clinic))).content.decode()
        assert "Accept the request before you mark its records complete." in page
        assert "Mark the records complete before you ask a specialist." in page

    def test_looking_is_noted(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        client.get(url("triage", it))
        event = AuditEvent.objects.get(verb="request.viewed")
        assert (event.actor_id, event.case_file_id) == (staff.pk, it.case_file_id)

    def test_it_costs_the_same_queries_for_little_and_for_much(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        client.get(url("triage", it))
        with CaptureQueriesContext(connection) as little:
            client.get(url("triage", it))
        for number in range(12):
            document(it.case_file, by=it.started_by)
            add_question(it, f"Question {number}?")
            common = {"clinic": clinic, "opinion_request": it, "text": "Hello"}
            Message.objects.create(
                thread="patient", author=UserFactory(), from_clinic=False, **common
            )
        with CaptureQueriesContext(connection) as much:
            client.get(url("triage", it))
        assert len(little) == len(much)

    def test_another_clinics_request_is_not_there(self, client, staff):
        it = opinion_request_at("submitted")
        for name in ("triage", "prepare", *STEPS):
            assert client.get(url(name, it)).status_code == 404, name

    def test_it_is_not_there_for_a_specialist(self, client, clinic):
        it = opinion_request_at("submitted", clinic)
        client.force_login(specialist(clinic).user)
        assert client.get(url("triage", it)).status_code == 404

    def test_nobody_works_on_their_own_request(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        Patient.objects.filter(pk=it.case_file.patient_id).update(user=staff)
        for name in ("triage", "prepare", "ask_patient", "staff_messages"):
            assert client.get(url(name, it)).status_code == 403, name
        response = client.post(url("accept", it), {"urgency": "routine", "seen": seen_token(it)})
        assert response.status_code == 403
        assert "Nobody works on their own request." in response.content.decode()

    def test_who_reviews_it_sealed_does_not_coordinate_it(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        until = clinic_now().replace(year=clinic_now().year + 1)
        AccessGrant.objects.create(clinic=clinic, case_file=it.case_file, to=staff,
                                   as_role="specialist", sight="sealed", until=until)  # fmt: skip
        response = client.get(url("triage", it))
        assert response.status_code == 404
        assert "Mastectomy" not in response.content.decode()
        patient = it.case_file.patient
        assert not Patient.objects.visible_as("coordinator", staff).filter(pk=patient.pk).exists()
        assert client.get(reverse("records:proxies", args=[patient.pk])).status_code == 404
        AccessGrant.objects.update(revoked_at=clinic_now())
        assert client.get(reverse("records:proxies", args=[patient.pk])).status_code == 200


class TestAccept:
    def test_it_moves_on_and_gives_the_request_to_who_accepted(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        response = client.post(url("accept", it), {"urgency": "urgent", "seen": seen_token(it)})
        assert response.status_code == 302
        it.refresh_from_db()
        assert (it.status, it.urgency, it.coordinator) == ("collecting", "urgent", staff)

    def test_nothing_chosen_changes_nothing(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        client.post(url("accept", it), {"seen": seen_token(it)})
        it.refresh_from_db()
        assert it.status == "submitted"

    def test_twice_is_once(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        data = {"urgency": "routine", "seen": seen_token(it)}
        answers = [client.post(url("accept", it), data).status_code for _ in range(2)]
        assert answers == [302, 409]
        assert StatusChange.objects.filter(opinion_request=it, new="collecting").count() == 1


class TestAskPatient:
    def test_the_patient_gets_the_words_and_the_ball(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        Notification.objects.all().delete()
        data = {"text": "Please send the biopsy report.", "seen": seen_token(it)}
        assert client.post(url("ask_patient", it), data).status_code == 302
        it.refresh_from_db()
        assert (it.status, it.ball_with) == ("needs_patient", "patient")
        assert it.messages.get().text == "Please send the biopsy report."
        assert Notification.objects.get().message == "patient_needed"

    def test_it_offers_texts_to_start_from(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        page = client.get(url("ask_patient", it)).content.decode()
        starts = re.findall(r'href="\?start=(\w+)"', page)
        assert len(starts) >= 3
        assert (
            "pathology report"
            in client.get(url("ask_patient", it) + "?start=report").content.decode()
        )
        assert client.get(url("ask_patient", it) + "?start=nonsense").status_code == 200

    def test_empty_words_are_refused_with_a_sentence(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        response = client.post(url("ask_patient", it), {"text": "  ", "seen": seen_token(it)})
        assert "Write what you need." in response.content.decode()
        it.refresh_from_db()
        assert it.status == "submitted"

    def test_later_it_is_refused_with_the_rules_reason(self, client, staff, clinic):
        it = opinion_request_at("ready", clinic)
        response = client.get(url("ask_patient", it))
        assert response.status_code == 409
        assert "during triage and while gathering records" in response.content.decode()


class TestReturn:
    def test_advice_is_required_and_what_was_typed_is_kept(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        assert (
            "Advice is required"
            in client.post(
                url("return_with_advice", it), {"text": "", "seen": seen_token(it)}
            ).content.decode()
        )
        short = client.post(
            url("return_with_advice", it), {"text": "See a GP.", "seen": seen_token(it)}
        )
        assert "Say a little more" in short.content.decode()
        assert "See a GP." in short.content.decode()
        it.refresh_from_db()
        assert it.status == "submitted"

    def test_the_patient_reads_it(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        advice = (
            "Please have the biopsy first: without it nobody can tell. Come back with the report."
        )
        client.post(url("return_with_advice", it), {"text": advice, "seen": seen_token(it)})
        it.refresh_from_db()
        assert it.status == "returned"
        assert it.status_changes.last().reason == advice


class TestMarkReady:
    def test_nothing_cleared_needs_a_reason_that_the_patient_reads(self, client, staff, clinic):
        it = opinion_request_at("collecting", clinic)
        it.case_file.documents.update(blinding_class="withheld")
        refused = client.post(url("mark_ready", it), {"text": "", "seen": seen_token(it)})
        assert "No record is cleared" in refused.content.decode()
        it.refresh_from_db()
        assert it.status == "collecting"
        reason = "The hospital has no pictures any more."
        client.post(url("mark_ready", it), {"text": reason, "seen": seen_token(it)})
        it.refresh_from_db()
        assert it.status == "ready"
        assert it.status_changes.last().reason == reason

    def test_files_that_are_being_checked_must_be_waited_for(self, client, staff, clinic):
        it = opinion_request_at("collecting", clinic)
        document(it.case_file, by=it.started_by, status="screening", blinding_class="")
        response = client.post(url("mark_ready", it), {"text": "Go on.", "seen": seen_token(it)})
        assert response.status_code == 409

    def test_an_open_review_needs_no_cleared_record(self, client, staff, clinic):
        it = opinion_request_at("collecting", clinic, review_mode="open")
        it.case_file.documents.update(blinding_class="withheld")
        client.post(url("mark_ready", it), {"text": "Enough.", "seen": seen_token(it)})
        it.refresh_from_db()
        assert it.status == "ready"

    def test_what_the_checklist_misses_is_named_and_waived_with_one_reason(
        self, client, staff, clinic
    ):
        it = opinion_request_at("collecting", clinic)
        refused = client.post(url("mark_ready", it), {"text": "", "seen": seen_token(it)})
        assert "Still missing: " in refused.content.decode()
        client.post(url("mark_ready", it), {"text": "Not needed here.", "seen": seen_token(it)})
        it.refresh_from_db()
        assert it.status == "ready"
        assert {waiver.reason for waiver in it.waivers.all()} == {"Not needed here."}
        assert it.waivers.filter(item="core.medicines").exists()


class TestReopen:
    def test_an_ended_request_goes_back_to_triage(self, client, staff, clinic):
        it = opinion_request_at("withdrawn", clinic)
        data = {"text": "The patient called and wants to go on.", "seen": seen_token(it)}
        assert client.post(url("staff_reopen", it), data).status_code == 302
        it.refresh_from_db()
        assert it.status == "submitted"

    def test_an_open_one_is_refused(self, client, staff, clinic):
        it = opinion_request_at("submitted", clinic)
        assert client.get(url("staff_reopen", it)).status_code == 409


class TestStaffMessages:
    def test_it_sends_tells_and_notes(self, client, staff, clinic):
        it = opinion_request_at("collecting", clinic)
        Notification.objects.all().delete()
        assert (
            client.post(url("staff_messages", it), {"text": "Your records came."}).status_code
            == 302
        )
        message = it.messages.get()
        assert (message.author, message.from_clinic, message.thread) == (staff, True, "patient")
        told = Notification.objects.get()
        assert (told.message, told.to) == ("message_for_patient", it.started_by)
        assert "records" not in told.path.replace("/requests/", "")
        assert AuditEvent.objects.filter(verb="message.sent").count() == 1

    def test_showing_it_marks_the_patients_messages_as_read(self, client, staff, clinic):
        it = opinion_request_at("collecting", clinic)
        common = {"clinic": clinic, "opinion_request": it, "text": "Hello", "from_clinic": False}
        from_patient = Message.objects.create(thread="patient", author=it.started_by, **common)
        other = specialist(clinic).user
        elsewhere = Message.objects.create(
            thread="specialist", specialist=other, author=other, **common
        )
        assert "New" in client.get(url("staff_messages", it)).content.decode()
        from_patient.refresh_from_db()
        elsewhere.refresh_from_db()
        assert from_patient.read_at
        assert not elsewhere.read_at

    def test_an_empty_message_is_not_sent(self, client, staff, clinic):
        it = opinion_request_at("collecting", clinic)
        assert (
            "Write a message first."
            in client.post(url("staff_messages", it), {"text": ""}).content.decode()
        )
        assert not it.messages.exists()


def test_a_broken_seal_and_a_declined_offer_are_told(client, staff, clinic):
    it = opinion_request_at("referred", clinic)
    offer = it.referrals.get()
    referrals.decline(offer, reason="no_time", text="On leave.", by=offer.specialist.user)
    page = client.get(url("triage", it)).content.decode()
    assert "Declined" in page
    assert "No time: On leave." in page
