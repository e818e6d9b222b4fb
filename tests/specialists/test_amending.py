"""After delivery: a change of the report by its authors, and one more specialist."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from records.models import AccessGrant
from requests_app import workflow as requests
from requests_app.concurrency import seen_token
from requests_app.models import Message, OpinionRequest
from secondop.accounts.models import Membership
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from specialists import workflow
from specialists.models import Referral
from specialists.reporting import build_snapshot
from tests.factories import (
    ClinicFactory,
    coordinator,
    deliver,
    opinion_request_at,
    quality_reviewer,
    sign,
    specialist,
)

pytestmark = pytest.mark.django_db
WHY = "The side of the operation is wrong on page 2."


@pytest.fixture
def it(staff, clinic):
    return opinion_request_at("delivered", clinic)


def fresh(it: OpinionRequest) -> OpinionRequest:
    return OpinionRequest.objects.get(pk=it.pk)


def url(name: str, it: OpinionRequest) -> str:
    return reverse(f"specialists:{name}", args=[it.pk])


def signed_again(it: OpinionRequest) -> OpinionRequest:
    referral = it.referrals.get()
    workflow.sign(referral, by=referral.specialist.user)
    return deliver(fresh(it), by=quality_reviewer(it.clinic))


class TestAmend:
    def test_it_opens_the_opinion_and_tells_author_and_patient(self, it, staff):
        Notification.objects.all().delete()
        workflow.amend(it, reason=WHY, by=staff)
        referral = it.referrals.select_related("specialist__user").get()
        author = referral.specialist.user
        assert fresh(it).status == "in_review" and it.status_changes.last().reason == WHY
        assert referral.status == "sealed" and referral.opinion.signed_at is None
        assert referral.review_by >= fresh(it).due_at
        message = Message.objects.get(thread="specialist")
        assert (message.text, message.specialist, message.from_clinic) == (WHY, author, True)
        told = set(Notification.objects.values_list("message", "to"))
        assert told == {
            ("opinion_sent_back", author.pk),
            ("report_amending", it.case_file.patient.user_id),
        }
        verbs = set(AuditEvent.objects.about_case_file(it.case_file_id).values_list("verb", flat=1))
        assert "request.amended" in verbs

    def test_the_next_approval_is_version_two_and_the_first_stays_readable(self, client, it, staff):
        first = it.reports.get()
        client.force_login(it.started_by)
        before = client.get(first.get_absolute_url())
        assert before.status_code == 200
        workflow.amend(it, reason=WHY, by=staff)
        assert client.get(first.get_absolute_url()).status_code == 200
        page = client.get(it.get_absolute_url()).content.decode()
        assert "A new version of your report will follow" in page and WHY in page
        signed_again(it)
        assert list(it.reports.values_list("version", flat=True)) == [1, 2]
        assert it.reports.get(version=1).snapshot == first.snapshot
        for report in it.reports.all():
            assert client.get(report.get_absolute_url()).status_code == 200

    def test_an_author_whose_access_ran_out_can_read_again(self, it, staff):
        author = it.referrals.get().specialist.user
        grants = AccessGrant.objects.filter(case_file=it.case_file, to=author)
        Referral.objects.update(review_by=timezone.now() - timedelta(days=40))
        grants.update(until=timezone.now() - timedelta(days=10))
        workflow.amend(it, reason=WHY, by=staff)
        live = grants.live().get()
        assert live.sight == "full" and live.until > fresh(it).due_at

    def test_an_opinion_without_a_seal_goes_back_to_taken(self, staff, clinic):
        it = opinion_request_at("delivered", clinic, review_mode="open")
        workflow.amend(it, reason=WHY, by=staff)
        assert it.referrals.get().status == "taken"

    def test_an_author_who_left_is_not_asked(self, it, staff):
        author = it.referrals.get().specialist.user
        Membership.objects.filter(user=author).update(ended_at=timezone.now())
        with pytest.raises(Refused, match="does not work here any more"):
            workflow.amend(it, reason=WHY, by=staff)

    @pytest.mark.parametrize("status", ["in_review", "quality_check", "closed"])
    def test_it_is_possible_only_while_delivered(self, staff, clinic, status):
        with pytest.raises(Refused):
            workflow.amend(opinion_request_at(status, clinic), reason=WHY, by=staff)

    def test_it_needs_a_reason(self, it, staff):
        with pytest.raises(Refused):
            workflow.amend(it, reason=" ", by=staff)
        assert fresh(it).status == "delivered"

    def test_the_patient_cannot(self, it):
        with pytest.raises(Refused) as refused:
            workflow.amend(it, reason=WHY, by=it.started_by)
        assert refused.value.status == 403


class TestFurtherOpinion:
    def test_one_more_opinion_joins_the_next_version(self, it, staff, clinic):
        workflow.further_opinion(it, reason="The two plans differ.", by=staff)
        assert fresh(it).status == "ready"
        assert Notification.objects.filter(message="further_opinion").count() == 1
        workflow.refer(fresh(it), to=specialist(clinic), by=staff)
        second = it.referrals.get(status="offered")
        workflow.take(second, by=second.specialist.user)
        sign(Referral.objects.get(pk=second.pk))
        deliver(fresh(it), by=quality_reviewer(clinic))
        newest = it.reports.get(version=2)
        assert len(newest.snapshot["opinions"]) == 2
        assert len(it.reports.get(version=1).snapshot["opinions"]) == 1

    def test_its_reason_is_no_gap_in_the_records(self, it, staff):
        workflow.further_opinion(it, reason="The two plans differ.", by=staff)
        assert build_snapshot(fresh(it))["gaps"] == ["What we have is enough."]

    def test_when_they_decline_another_is_chosen_instead_of_checking_the_old(
        self, it, staff, clinic
    ):
        workflow.further_opinion(it, reason="The two plans differ.", by=staff)
        workflow.refer(fresh(it), to=specialist(clinic), by=staff)
        offered = it.referrals.get(status="offered")
        workflow.decline(offered, reason="no_time", by=offered.specialist.user)
        assert fresh(it).status == "ready"

    def test_who_wrote_the_first_is_not_asked_again(self, it, staff):
        author = it.referrals.get().specialist
        workflow.further_opinion(it, reason="The two plans differ.", by=staff)
        with pytest.raises(Refused):
            workflow.refer(fresh(it), to=author, by=staff)


@pytest.mark.parametrize(("name", "after"), [("amend", "in_review"), ("further_opinion", "ready")])
class TestPages:
    def test_triage_leads_to_it_and_it_works(self, client, it, name, after):
        triage = reverse("requests:triage", args=[it.pk])
        assert url(name, it) in client.get(triage).content.decode()
        assert client.get(url(name, it)).status_code == 200
        answer = client.post(url(name, it), {"text": WHY, "seen": seen_token(it)})
        assert answer.status_code == 302 and fresh(it).status == after
        assert url(name, it) not in client.get(triage).content.decode()
        assert client.get(url(name, it)).status_code == 409

    def test_an_empty_reason_is_asked_for_again(self, client, it, name, after):
        page = client.post(url(name, it), {"text": " ", "seen": seen_token(it)})
        assert "Write why." in page.content.decode() and fresh(it).status == "delivered"

    def test_an_outdated_page_changes_nothing(self, client, it, name, after):
        seen = seen_token(it)
        requests.close(it, by=it.started_by)
        answer = client.post(url(name, it), {"text": WHY, "seen": seen})
        assert answer.status_code == 409 and fresh(it).status == "closed"

    def test_another_clinic_gets_404(self, client, it, name, after):
        client.force_login(coordinator(ClinicFactory()))
        assert client.get(url(name, it)).status_code == 404
