"""The playground: every state walked to, twice the same, and only in a demo."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import validate_totp_code
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings

from records.models import ClinicalFact, Document, ImagingSeries, RecordRequest, Specimen
from requests_app.models import OpinionRequest, Report
from secondop.accounts.models import Clinic, Membership, User
from secondop.accounts.roles import PATIENT, ROLES
from secondop.demo.people import DEMO_PEOPLE, PASSWORD
from secondop.lib.canonical import canonical_json
from specialists.models import Opinion
from specialists.verifying import verify

pytestmark = pytest.mark.django_db
COUNTED = (User, Clinic, Membership, OpinionRequest, Document, Opinion, Report)


@pytest.fixture(scope="class")
def seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The playground, made once for the class: it walks sixteen requests and screens their files.

    Each test runs in a savepoint inside the transaction that is undone at the end.
    """
    with django_db_blocker.unblock(), override_settings(DEMO=True), transaction.atomic():
        call_command("seed_demo", stdout=io.StringIO())
        yield
        transaction.set_rollback(True)


@pytest.fixture
def demo(seeded, settings):
    settings.DEMO = True


class TestSeedDemo:
    def test_it_covers_every_state_at_two_clinics_in_every_role(self, demo):
        assert OpinionRequest.objects.count() == 16
        statuses = set(OpinionRequest.objects.values_list("status", flat=True))
        assert statuses == set(OpinionRequest.Status.values)
        assert Clinic.objects.filter(opinion_requests__isnull=False).distinct().count() == 2
        assert set(Membership.objects.values_list("role", flat=True)) == set(ROLES)

    def test_the_chase_for_records_stands_at_three_stages(self, demo):
        asks = RecordRequest.objects.order_by("created_at")
        assert [ask.status for ask in asks] == ["promised", "sent", "drafted"]
        assert Specimen.objects.get().status == "shipped"

    def test_twice_gives_the_same(self, demo):
        before = [model.objects.count() for model in COUNTED]
        call_command("seed_demo", stdout=io.StringIO())
        assert [model.objects.count() for model in COUNTED] == before

    def test_the_founding_example_stands_at_three_stages(self, demo):
        def of(email):
            return OpinionRequest.objects.get(started_by__email=f"{email}@patients.example")

        desk, reading, done = of("nadia"), of("clara"), of("maria")
        assert desk.status == "collecting"
        assert set(desk.case_file.documents.values_list("blinding_class", "status")) == {
            ("", "screening")  # the workers look at them within seconds
        }
        assert desk.questions.filter(blinding_class="")
        assert sorted(reading.referrals.values_list("status", flat=True)) == ["sealed", "taken"]
        assert not Opinion.objects.filter(referral__opinion_request=reading).exclude(
            revealed_at=None
        )
        snapshot = done.reports.get().snapshot
        assert [o["blinding"]["is_intact"] for o in snapshot["opinions"]] == [True, True]
        assert verify(canonical_json(snapshot)).problems == []
        for case in (desk, reading, done):
            assert ImagingSeries.objects.filter(case_file=case.case_file_id).count() == 1

    def test_two_oncologists_disagree_in_the_founding_example(self, demo):
        report = Report.objects.get(opinion_request__started_by__email="maria@patients.example")
        recommended = [
            option["name"]
            for opinion in report.snapshot["opinions"]
            for option in opinion["options"]
            if option["is_recommended"]
        ]
        assert len(recommended) == 2
        assert "Lumpectomy" in recommended[0] and "Mastectomy" in recommended[1]
        for opinion in report.snapshot["opinions"]:
            assert opinion["blinding"]["opened_before"] == [1, 2, 3]
            assert opinion["blinding"]["opened_after"] == [4]

    def test_the_workers_accept_every_paper(self, demo, run_jobs):
        cleared = set(Document.objects.filter(blinding_class="clear").values_list("pk", flat=True))
        run_jobs()
        still = set(Document.objects.filter(blinding_class="clear").values_list("pk", flat=True))
        assert cleared == still  # the search found nothing in what the stories show
        papers = Document.objects.exclude(media_type="application/fhir+json")
        assert set(papers.values_list("status", "page_count")) == {("available", 1)}
        record = Document.objects.get(media_type="application/fhir+json")
        assert record.status == "available"
        assert ClinicalFact.objects.filter(document=record).count() == 14  # 10 values, 4 others

    def test_its_papers_are_pdfs_with_text(self, demo):
        for document in Document.objects.exclude(kind="other", case_file__patient__user=None):
            with default_storage.open(document.key, "rb") as file:
                pdf = pypdfium2.PdfDocument(file.read())
            text = pdf[0].get_textpage().get_text_bounded()
            pdf.close()
            is_named = document.case_file.patient.full_name in text
            assert is_named == (document.blinding_class != "clear"), document.pk

    def test_everybody_can_sign_in(self, demo):
        for person in DEMO_PEOPLE:
            user = User.objects.get(email=person.email)
            assert user.check_password(PASSWORD)
            has_second = Authenticator.objects.filter(user=user).exists()
            assert has_second == (person.role != PATIENT)

    def test_the_printed_code_is_the_one_that_signs_in(self):
        for person in DEMO_PEOPLE:
            if person.role != PATIENT:
                assert validate_totp_code(person.totp_secret, person.code_now())


class TestOutsideOfADemo:
    def test_nothing_is_seeded(self, settings):
        settings.DEMO = False
        with pytest.raises(CommandError):
            call_command("seed_demo")
        assert not User.objects.exists()


class TestDemoLogins:
    def test_it_prints_password_and_people(self, settings):
        settings.DEMO = True
        out = io.StringIO()
        call_command("demo_logins", stdout=out)
        assert PASSWORD in out.getvalue() and "maria@patients.example" in out.getvalue()

    def test_it_refuses_outside_of_a_demo(self, settings):
        settings.DEMO = False
        with pytest.raises(CommandError):
            call_command("demo_logins")
