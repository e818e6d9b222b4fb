"""The desk's page of jobs in trouble, and Retry."""

import uuid

import pytest
from django.urls import reverse

from secondop.accounts.models import Letter
from secondop.audit.models import AuditEvent
from secondop.jobs.models import PermanentFailure, TemporaryFailure
from secondop.jobs.sweep import job_models
from secondop.notifications.models import Notification
from tests.factories import UserFactory, administrator, auditor, coordinator

pytestmark = pytest.mark.django_db


def troubled(clinic, failure, **fields):
    """A message whose sending failed, by the job machinery itself."""
    row = Notification.objects.create(
        to=UserFactory(), clinic_id=clinic and clinic.pk, message="report_ready", path="/x/",
        **fields,
    )  # fmt: skip
    claimed = Notification.claim(row.pk)
    with claimed.attempt():
        raise failure
    return claimed


def retry_url(row):
    return reverse("jobs:retry", args=[row._meta.label_lower, row.pk])


class TestList:
    def test_it_says_what_why_and_when_next(self, client, clinic):
        troubled(clinic, TemporaryFailure("mail: OSError"))
        troubled(clinic, PermanentFailure("address refused"))
        client.force_login(coordinator(clinic))
        page = client.get(reverse("jobs:list")).content.decode()
        assert "The mail server does not answer" in page
        assert "The mail server does not know this address" in page
        assert "Failed, tries again" in page and "Given up" in page and "1 / 6" in page

    def test_it_shows_nothing_of_what_a_job_carries(self, client, clinic):
        row = troubled(clinic, PermanentFailure("address refused"), reference="SO-SECRET")
        client.force_login(administrator(clinic))
        page = client.get(reverse("jobs:list")).content.decode()
        assert row.to.email not in page and "SO-SECRET" not in page

    def test_another_clinics_jobs_are_not_there(self, client, clinic):
        row = troubled(clinic, PermanentFailure("address refused"))
        client.force_login(coordinator())
        assert b"Everything works" in client.get(reverse("jobs:list")).content
        assert client.post(retry_url(row)).status_code == 404

    def test_jobs_of_no_clinic_are_the_administrators(self, client, clinic):
        letter = Letter.objects.create(to="x@y.org", subject="s", body="b", status="dead")
        client.force_login(coordinator(clinic))
        assert client.post(retry_url(letter)).status_code == 404
        client.force_login(administrator(clinic))
        page = client.get(reverse("jobs:list")).content.decode()
        assert "E-mail about an account" in page and "x@y.org" not in page

    def test_others_do_not_see_the_page(self, client, clinic):
        for user in (UserFactory(), auditor(clinic)):
            client.force_login(user)
            assert client.get(reverse("jobs:list")).status_code == 404

    def test_the_number_of_queries_is_fixed(self, client, clinic, django_assert_max_num_queries):
        client.force_login(coordinator(clinic))
        troubled(clinic, PermanentFailure("address refused"))
        client.get(reverse("jobs:list"))
        with django_assert_max_num_queries(8 + 2 * len(job_models())) as few:
            client.get(reverse("jobs:list"))
        for _more in range(8):
            troubled(clinic, PermanentFailure("address refused"))
        with django_assert_max_num_queries(len(few)):
            client.get(reverse("jobs:list"))


class TestRetry:
    def test_it_queues_the_job_again_notes_it_and_then_it_works(self, client, clinic, run_jobs):
        row = troubled(clinic, PermanentFailure("address refused"))
        user = coordinator(clinic)
        client.force_login(user)
        client.post(retry_url(row))
        row.refresh_from_db()
        assert row.status == "queued"
        event = AuditEvent.objects.get(verb="job.retried")
        assert (event.actor_id, event.clinic_id) == (user.pk, clinic.pk)
        run_jobs()
        row.refresh_from_db()
        assert row.status == "done"

    def test_a_second_click_changes_nothing(self, client, clinic):
        row = troubled(clinic, PermanentFailure("address refused"))
        client.force_login(coordinator(clinic))
        client.post(retry_url(row))
        answer = client.post(retry_url(row), follow=True)
        assert b"Nothing to do" in answer.content
        assert AuditEvent.objects.filter(verb="job.retried").count() == 1

    def test_an_unknown_kind_is_404(self, client, clinic):
        client.force_login(coordinator(clinic))
        url = reverse("jobs:retry", args=["accounts.user", uuid.uuid4()])
        assert client.post(url).status_code == 404
