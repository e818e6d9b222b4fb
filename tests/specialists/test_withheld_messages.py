"""A message to a sealed reader that should not have been sent: taken back, or told."""

import json

import pytest
from django.urls import reverse

from records.grading import grade_of
from records.models import BlindingSearch, OriginalDiagnosis
from requests_app.models import FollowUpQuestion, Message, OpinionRequest
from secondop.audit.models import AuditEvent
from secondop.lib.canonical import canonical_json, sha256_of
from secondop.notifications.models import Notification
from specialists import conversation, desk, workflow
from specialists.models import Referral
from specialists.reporting import build_snapshot
from specialists.verifying import RULE, verify
from tests.factories import (
    coordinator,
    deliver,
    opinion_request_at,
    quality_reviewer,
    sealed,
    sign,
    specialist,
)

pytestmark = pytest.mark.django_db
LEAK = "Please look at the xylophone quadrant again."


@pytest.fixture
def case():
    return opinion_request_at("in_review")


@pytest.fixture
def staff(case):
    return coordinator(case.clinic)


@pytest.fixture
def referral(case):
    return case.referrals.get()


def wrote(referral, by, text=LEAK):
    conversation.write_to_specialist(referral, text=text, by=by)
    return Message.objects.get(text=text)


def thread_of(client, referral):
    client.force_login(referral.specialist.user)
    return client.get(reverse("specialists:thread", args=[referral.pk])).content.decode()


def withhold(client, referral, staff, message):
    client.force_login(staff)
    address = reverse("specialists:specialist_thread", args=[referral.pk])
    return client.post(address, {"withhold": message.pk}, follow=True)


class TestUnopened:
    def test_it_is_gone_for_the_sealed_reader_and_counts_for_nothing(
        self, client, case, staff, referral
    ):
        message = wrote(referral, staff)
        assert desk.reviews(referral.specialist.user)[0].has_news
        page = withhold(client, referral, staff, message).content.decode()
        assert "Withheld. The specialist has not opened it." in page
        assert LEAK in page  # the clinic keeps its own words
        assert LEAK not in thread_of(client, referral)
        assert not desk.reviews(referral.specialist.user)[0].has_news
        assert not AuditEvent.objects.filter(verb="message.opened").exists()
        assert "message_read" not in _reasons(case)
        again = withhold(client, referral, staff, message)
        assert again.status_code == 409

    def test_it_comes_back_with_the_reveal(self, client, staff, referral):
        message = wrote(referral, staff)
        withhold(client, referral, staff, message)
        sealed(referral)
        assert LEAK not in thread_of(client, referral)
        workflow.reveal(Referral.objects.get(pk=referral.pk), by=referral.specialist.user)
        assert LEAK in thread_of(client, referral)
        other = wrote(referral, staff, "And now this.")
        assert withhold(client, referral, staff, other).status_code == 409

    def test_nobody_else_withholds(self, client, case, staff, referral):
        message = wrote(referral, staff)
        address = reverse("specialists:specialist_thread", args=[referral.pk])
        client.force_login(coordinator())
        assert client.post(address, {"withhold": message.pk}).status_code == 404
        client.force_login(staff)
        for wrong in ("nonsense", case.pk):
            assert client.post(address, {"withhold": wrong}).status_code in (404, 409)
        assert not Message.objects.exclude(withheld_at=None).exists()


def _reasons(case):
    return [str(reason) for reason in grade_of(case.case_file).reasons]


class TestOpened:
    def test_the_report_tells_it_and_anybody_can_recount(self, client, case, staff, referral):
        message = wrote(referral, staff)
        assert LEAK in thread_of(client, referral)
        thread_of(client, referral)  # a second look is no second opening
        page = withhold(client, referral, staff, message).content.decode()
        assert "The specialist had opened it already" in page
        assert LEAK not in thread_of(client, referral)
        assert grade_of(case.case_file).code == "partial"
        assert any("withheld a message only after" in reason for reason in _reasons(case))
        sign(Referral.objects.get(pk=referral.pk))
        case = deliver(OpinionRequest.objects.get(pk=case.pk), by=quality_reviewer(case.clinic))
        [opinion] = (report := case.reports.get()).snapshot["opinions"]
        blinding = opinion["blinding"]
        assert (blinding["messages_before"], blinding["messages_withheld_too_late"]) == (1, 1)
        client.force_login(case.case_file.patient.user)
        shown = client.get(report.get_absolute_url()).content.decode()
        assert "Read before the seal: 1 message of the clinic." in shown
        assert "withheld too late" in shown
        assert LEAK not in shown

    def test_a_message_that_was_only_read_changes_no_grade(self, client, case, staff, referral):
        wrote(referral, staff, "Take your time.")
        thread_of(client, referral)
        assert not any("withheld a message" in reason for reason in _reasons(case))
        sign(Referral.objects.get(pk=referral.pk))
        [opinion] = build_snapshot(OpinionRequest.objects.get(pk=case.pk))["opinions"]
        assert opinion["blinding"]["messages_before"] == 1
        assert opinion["blinding"]["messages_withheld_too_late"] == 0


class TestFoundLate:
    def test_a_diagnosis_told_later_takes_it_back_and_tells(
        self, client, case, staff, referral, run_jobs
    ):
        message = wrote(referral, staff, "Is it the glioblastoma?")
        calm = wrote(referral, staff, "Take your time.")
        run_jobs()
        OriginalDiagnosis.objects.filter(case_file=case.case_file).update(diagnosis="Glioblastoma")
        from records.blinding_search.asking import search_case_file

        search_case_file(case.case_file)
        BlindingSearch.objects.update(run_after="2026-01-01T00:00Z")
        run_jobs()
        message.refresh_from_db()
        calm.refresh_from_db()
        assert message.withheld_at and message.withheld_by is None
        assert calm.withheld_at is None
        assert "glioblastoma" not in thread_of(client, referral)
        assert Notification.objects.filter(message="another_look_needed").exists()

    def test_what_was_sent_with_its_hits_in_view_stays(self, case, staff, referral, run_jobs):
        message = wrote(referral, staff, "Not the mastectomy, please.")
        run_jobs()
        message.refresh_from_db()
        assert message.withheld_at is None


class TestFollowUps:
    def test_a_question_about_the_report_reaches_no_sealed_reader(self, client, staff):
        """A further reader, asked after delivery, reads the same case sealed."""
        case = opinion_request_at("delivered")
        report = case.reports.get()
        asked = FollowUpQuestion.objects.create(
            clinic=case.clinic, report=report, asked_by=case.started_by,
            text="Was it cancer after all?", due_at="2027-01-01T00:00Z",
        )  # fmt: skip
        workflow.further_opinion(case, reason="They want another view.", by=staff_of(case))
        reader = specialist(case.clinic)
        workflow.refer(OpinionRequest.objects.get(pk=case.pk), to=reader, by=staff_of(case))
        workflow.take(case.referrals.get(specialist=reader), by=reader.user)
        assert desk.open_follow_ups(reader.user) == []
        client.force_login(reader.user)
        address = reverse("specialists:answer_follow_up", args=[asked.pk])
        assert client.get(address).status_code == 404
        assert "Was it cancer" not in client.get(reverse("specialists:desk")).content.decode()


def staff_of(case):
    return coordinator(case.clinic)


class TestVerifying:
    def test_a_forged_count_of_messages_is_found(self, client, case, staff, referral):
        wrote(referral, staff, "Take your time.")
        thread_of(client, referral)
        sign(Referral.objects.get(pk=referral.pk))
        case = deliver(OpinionRequest.objects.get(pk=case.pk), by=quality_reviewer(case.clinic))
        text = canonical_json(case.reports.get().snapshot)
        assert not verify(text).problems
        report = json.loads(text)
        report["opinions"][0]["blinding"]["messages_before"] = 0
        rest = {key: value for key, value in report.items() if key != "integrity"}
        report["integrity"] = {"rule": RULE, "sha256": sha256_of(canonical_json(rest))}
        assert verify(canonical_json(report)).problems == ["opened"]
