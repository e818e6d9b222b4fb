"""The quality check: never the own work, sent back, approved once."""

from __future__ import annotations

import pytest
from django.urls import reverse

from secondop.accounts.models import Membership
from secondop.accounts.roles import QUALITY_REVIEWER
from specialists import workflow as referrals
from specialists.models import Referral
from tests.factories import ClinicFactory, opinion_request_at, quality_reviewer, specialist

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting():
    return opinion_request_at("quality_check")


@pytest.fixture
def checker(waiting):
    return quality_reviewer(waiting.clinic)


def check_url(opinion_request):
    return reverse("specialists:check", args=[opinion_request.pk])


def decide_url(opinion_request):
    return reverse("specialists:decide", args=[opinion_request.pk])


class TestList:
    def test_it_shows_what_waits(self, client, waiting, checker):
        client.force_login(checker)
        assert waiting.reference in client.get(reverse("specialists:checks")).content.decode()

    def test_it_never_shows_the_own_work(self, client, waiting):
        author = waiting.referrals.get().specialist.user
        Membership.objects.create(user=author, clinic=waiting.clinic, role=QUALITY_REVIEWER)
        client.force_login(author)
        assert waiting.reference not in client.get(reverse("specialists:checks")).content.decode()

    def test_another_clinic_sees_nothing(self, client, waiting):
        client.force_login(quality_reviewer(ClinicFactory()))
        assert waiting.reference not in client.get(reverse("specialists:checks")).content.decode()

    def test_its_queries_do_not_grow(self, client, waiting, checker, django_assert_max_num_queries):
        client.force_login(checker)
        client.get(reverse("specialists:checks"))
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as one:
            client.get(reverse("specialists:checks"))
        for _ in range(3):
            opinion_request_at("quality_check", waiting.clinic)
        with django_assert_max_num_queries(len(one)):
            client.get(reverse("specialists:checks"))


class TestCheck:
    def test_the_report_opens_only_once_the_check_is_taken(self, client, waiting, checker):
        client.force_login(checker)
        page = client.get(check_url(waiting)).content.decode()
        assert "Begin the check" in page and "You can keep your breast." not in page
        assert client.post(check_url(waiting)).status_code == 302
        page = client.get(check_url(waiting)).content.decode()
        for words in ("You can keep your breast.", "Mastectomy", "Yes, if the margins are clear.",
                      "1 of 1", "Matches its fingerprint"):  # fmt: skip
            assert words in page, words

    def test_it_refuses_the_author(self, client, waiting):
        author = waiting.referrals.get().specialist.user
        Membership.objects.create(user=author, clinic=waiting.clinic, role=QUALITY_REVIEWER)
        client.force_login(author)
        assert client.get(check_url(waiting)).status_code == 403
        assert client.post(check_url(waiting)).status_code == 403
        assert not waiting.quality_checks.exists()

    def test_another_clinic_gets_404(self, client, waiting):
        client.force_login(quality_reviewer(ClinicFactory()))
        assert client.get(check_url(waiting)).status_code == 404

    def test_a_colleague_is_told_that_it_is_taken(self, client, waiting, checker):
        referrals.begin_check(waiting, by=checker)
        client.force_login(quality_reviewer(waiting.clinic))
        assert client.post(check_url(waiting)).status_code == 409

    def test_a_specialist_may_not_enter(self, client, waiting):
        client.force_login(specialist(waiting.clinic).user)
        assert client.get(check_url(waiting)).status_code == 404


class TestDecide:
    @pytest.fixture
    def begun(self, client, waiting, checker):
        client.force_login(checker)
        return referrals.begin_check(waiting, by=checker)

    def test_approving_asks_once_more(self, client, begun):
        answer = client.post(decide_url(begun), {"outcome": "approved", "comments": "Well done."})
        assert "Yes, deliver it" in answer.content.decode()
        begun.refresh_from_db()
        assert begun.status == "quality_check"

    def test_approving_delivers_and_names_the_reviewer(self, client, begun, checker):
        client.post(decide_url(begun), {"outcome": "approved", "confirmed": "yes"})
        begun.refresh_from_db()
        report = begun.reports.get()
        assert begun.status == "delivered" and report.approved_by == checker
        assert report.snapshot["checked_by"]["name"] == checker.full_name

    def test_approving_twice_is_too_late(self, client, begun):
        data = {"outcome": "approved", "confirmed": "yes"}
        assert client.post(decide_url(begun), data).status_code == 302
        assert client.post(decide_url(begun), data).status_code == 409
        assert begun.reports.count() == 1

    def test_deciding_before_beginning_is_refused(self, client, waiting, checker):
        client.force_login(checker)
        answer = client.post(decide_url(waiting), {"outcome": "approved", "confirmed": "yes"})
        assert answer.status_code == 409

    def test_sending_back_needs_words_and_keeps_what_was_chosen(self, client, begun):
        answer = client.post(decide_url(begun), {"outcome": "sent_back", "comments": " "})
        assert "Say what should be changed." in answer.content.decode()
        begun.refresh_from_db()
        assert begun.status == "quality_check"

    def test_no_choice_is_refused_and_comments_are_kept(self, client, begun):
        page = client.post(decide_url(begun), {"comments": "Keep these words"}).content.decode()
        assert "Choose what should happen" in page and "Keep these words" in page

    def test_sent_back_reopens_the_opinion_and_it_comes_back(self, client, begun, checker):
        client.post(decide_url(begun), {"outcome": "sent_back", "comments": "Explain the harms."})
        referral = Referral.objects.get(opinion_request=begun)
        assert referral.status == "sealed" and referral.opinion.signed_at is None
        begun.refresh_from_db()
        assert begun.status == "in_review"
        referrals.sign(referral, by=referral.specialist.user)
        begun.refresh_from_db()
        assert begun.status == "quality_check"
        page = client.get(check_url(begun)).content.decode()
        assert "Explain the harms." in page
