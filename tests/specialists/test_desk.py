"""The desk: offers without identity, taking, declining, the thread, the own entry."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from records.models import AccessGrant
from requests_app.models import Message, OpinionRequest
from secondop.accounts.models import Membership
from secondop.accounts.roles import SPECIALIST
from secondop.notifications.models import Notification
from specialists import workflow
from specialists.models import Referral, Specialist
from tests.factories import (
    ClinicFactory,
    document,
    member,
    opinion_request_at,
    revealed,
    specialist,
)

pytestmark = pytest.mark.django_db


def url(name, referral, query=""):
    return reverse(f"specialists:{name}", args=[referral.pk]) + query


@pytest.fixture
def offered():
    return opinion_request_at("referred").referrals.get()


@pytest.fixture
def taken():
    return opinion_request_at("in_review").referrals.get()


def signed_in(client, referral):
    client.force_login(referral.specialist.user)
    return client


class TestDesk:
    def test_an_offer_says_what_is_needed_and_no_identity(self, client, offered):
        patient = offered.opinion_request.case_file.patient
        page = signed_in(client, offered).get(reverse("specialists:desk")).content.decode()
        assert offered.opinion_request.case_file.alias in page
        assert "50-59" in page
        assert "Sealed review" in page
        assert "1 document" in page
        assert "about 40 minutes" in page
        for secret in (patient.full_name, patient.user.email, offered.opinion_request.reference):
            assert secret not in page

    def test_withheld_records_are_not_counted_in_a_sealed_offer(self, client, offered):
        case_file = offered.opinion_request.case_file
        document(case_file, by=offered.offered_by, blinding_class="withheld")
        document(case_file, by=offered.offered_by, blinding_class="")
        page = signed_in(client, offered).get(url("referral", offered)).content.decode()
        assert "1 document" in page

    def test_an_empty_desk_says_what_will_come(self, client):
        client.force_login(specialist().user)
        assert (
            "Nothing is waiting for you" in client.get(reverse("specialists:desk")).content.decode()
        )

    def test_reviews_and_finished_ones_stand_apart(self, client, taken):
        page = signed_in(client, taken).get(reverse("specialists:desk")).content.decode()
        assert "0 of 4 main parts" in page
        workflow.decline(taken, reason="no_time", by=taken.specialist.user)
        page = client.get(reverse("specialists:desk")).content.decode()
        assert "Finished" in page
        assert "Declined" in page

    def test_the_number_of_queries_does_not_grow(self, client, django_assert_max_num_queries):
        who = specialist()
        for count in (1, 5):
            for _ in range(count):
                opinion_request_at("referred", who.clinic, who=who)
                opinion_request_at("in_review", who.clinic, who=who)
            client.force_login(who.user)
            with django_assert_max_num_queries(18):
                client.get(reverse("specialists:desk"))


class TestTake:
    def test_one_click_opens_the_case_file_sealed(self, client, offered):
        answer = signed_in(client, offered).post(url("take", offered))
        assert answer.url == url("case_file", offered)
        assert AccessGrant.objects.live().get().sight == "sealed"
        assert Referral.objects.get().status == "taken"

    def test_a_double_click_lands_in_the_same_place(self, client, offered):
        client = signed_in(client, offered)
        first, second = client.post(url("take", offered)), client.post(url("take", offered))
        assert first.url == second.url
        assert AccessGrant.objects.count() == 1

    def test_an_expired_offer_is_refused_with_a_sentence(self, client, offered):
        Referral.objects.update(answer_by=timezone.now() - timedelta(hours=1))
        workflow.expire_offer(Referral.objects.get())
        answer = signed_in(client, offered).post(url("take", offered))
        assert answer.status_code == 409
        assert "no longer open" in answer.content.decode()

    def test_who_coordinates_there_cannot_take_a_sealed_case(self, client, offered):
        """The triage page would tell them the original diagnosis."""
        user = offered.specialist.user
        Membership.objects.create(user=user, clinic=offered.clinic, role="coordinator")
        answer = signed_in(client, offered).post(url("take", offered))
        assert answer.status_code == 409
        assert not AccessGrant.objects.exists()

    @pytest.mark.parametrize(
        "name", ["referral", "case_file", "write", "seal", "thread", "complete"]
    )
    def test_somebody_elses_referral_is_not_there(self, client, taken, name):
        client.force_login(specialist(taken.clinic).user)
        assert client.get(url(name, taken)).status_code == 404


class TestDecline:
    def test_it_needs_a_reason_and_tells_the_clinic(self, client, offered):
        client = signed_in(client, offered)
        assert "Please answer this." in client.post(url("decline", offered)).content.decode()
        client.post(url("decline", offered), {"reason": "conflict", "note": "We publish together."})
        offered.refresh_from_db()
        assert (offered.status, offered.decline_reason) == ("declined", "conflict")
        assert OpinionRequest.objects.get().status == "ready"
        assert Notification.objects.filter(message="referral_declined").exists()

    def test_reading_ends_with_the_next_request(self, client, taken):
        client = signed_in(client, taken)
        assert client.get(url("case_file", taken)).status_code == 200
        workflow.decline(taken, reason="no_time", by=taken.specialist.user)
        answer = client.get(url("case_file", taken))
        assert answer.status_code == 409
        assert "Letter 1" not in answer.content.decode()

    def test_a_revoked_membership_ends_reading_with_the_next_request(self, client, taken):
        client = signed_in(client, taken)
        assert client.get(url("case_file", taken)).status_code == 200
        Membership.objects.filter(user=taken.specialist.user).update(ended_at=timezone.now())
        assert client.get(url("case_file", taken)).status_code == 404

    def test_a_revoked_grant_alone_ends_reading(self, client, taken):
        client = signed_in(client, taken)
        AccessGrant.objects.update(revoked_at=timezone.now())
        assert client.get(url("case_file", taken)).status_code == 404


class TestThread:
    def test_a_line_to_the_clinic_changes_no_state(self, client, taken):
        signed_in(client, taken).post(url("thread", taken), {"text": "Is there a biopsy?"})
        assert Message.objects.get().thread == "specialist"
        assert OpinionRequest.objects.get().status == "in_review"
        assert Notification.objects.filter(message="message_for_clinic").exists()

    def test_asking_for_records_hands_the_ball_to_the_clinic(self, client, taken):
        words = {"text": "I need the slides.", "needs_records": "on"}
        signed_in(client, taken).post(url("thread", taken), words)
        assert OpinionRequest.objects.get().status == "collecting"

    def test_an_empty_message_is_not_sent(self, client, taken):
        answer = signed_in(client, taken).post(url("thread", taken), {"text": " "})
        assert "Please answer this." in answer.content.decode()
        assert not Message.objects.exists()

    def test_messages_of_the_patient_are_not_in_it(self, client, taken):
        Message.objects.create(
            clinic=taken.clinic, opinion_request=taken.opinion_request, thread="patient",
            author=taken.opinion_request.started_by, from_clinic=False, text="They said lymphoma",
        )  # fmt: skip
        assert "lymphoma" not in signed_in(client, taken).get(url("thread", taken)).content.decode()

    def test_reading_marks_the_clinics_words_as_read(self, client, taken):
        Message.objects.create(
            clinic=taken.clinic, opinion_request=taken.opinion_request, thread="specialist",
            specialist=taken.specialist.user, author=taken.offered_by,
            from_clinic=True, text="Hello",
        )  # fmt: skip
        client = signed_in(client, taken)
        assert "New message" in client.get(reverse("specialists:desk")).content.decode()
        assert "Hello" in client.get(url("thread", taken)).content.decode()
        assert "New message" not in client.get(reverse("specialists:desk")).content.decode()

    def test_after_the_end_it_is_closed(self, client, taken):
        workflow.decline(taken, reason="no_time", by=taken.specialist.user)
        assert signed_in(client, taken).get(url("thread", taken)).status_code == 409


class TestProfile:
    def test_a_new_specialist_is_asked_for_their_field_first(self, client):
        user = member(SPECIALIST, ClinicFactory())
        client.force_login(user)
        assert client.get(reverse("specialists:desk")).url == reverse("specialists:profile")
        entry = {"title": "Dr", "specialty": "Pathology", "licence": "NY 1", "capacity": "2",
                 "languages": ["en", "es"], "is_available": "on"}  # fmt: skip
        assert client.post(reverse("specialists:profile"), entry).url == reverse("specialists:desk")
        made = Specialist.objects.get()
        assert (made.user, made.specialty, made.languages) == (user, "Pathology", ["en", "es"])

    def test_a_licence_is_asked_for(self, client):
        client.force_login(member(SPECIALIST))
        entry = {"specialty": "Pathology", "capacity": "2", "languages": ["en"]}
        answer = client.post(reverse("specialists:profile"), entry)
        assert "Please answer this." in answer.content.decode()
        assert not Specialist.objects.exists()

    def test_nobody_writes_the_entry_of_another_clinic(self, client):
        other, who = specialist(), specialist()
        client.force_login(who.user)
        page = reverse("specialists:profile") + f"?clinic={other.clinic_id}"
        entry = {"specialty": "Surgery", "licence": "1", "capacity": "2", "languages": ["en"]}
        client.post(page, entry)
        other.refresh_from_db()
        assert other.specialty == "Medical oncology"


def test_the_next_step_of_a_revealed_review_is_the_comparison(client, taken):
    revealed(taken)
    page = signed_in(client, taken).get(url("referral", taken)).content.decode()
    assert "Compare and complete" in page
