"""How far a case can be sealed: the true grade, the estimate, and what a sealed reader is told."""

import pytest
from django.urls import reverse

from records.grading import cleared_of, grade_of
from records.models import OriginalDiagnosis
from specialists.reporting import build_snapshot
from tests.factories import coordinator, document, draft, opinion_request_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def case():
    return opinion_request_at("referred")


def hide(case, **fields):
    fields = {"kind": "pathology_report", "blinding_class": "withheld"} | fields
    return document(case.case_file, by=case.started_by, **fields)


class TestGrade:
    @pytest.mark.parametrize(
        ("state", "code"),
        [("not_started", "full"), ("none", "full"), ("unknown", "partial"),
         ("started", "not_possible"), ("finished", "not_possible")],
    )  # fmt: skip
    def test_it_follows_the_treatment_already_given(self, case, state, code):
        OriginalDiagnosis.objects.update(treatment_state=state)
        grade = grade_of(case.case_file)
        assert grade.code == code
        assert bool(grade.reasons) == (code != "full")

    def test_evidence_kept_back_makes_it_partial_and_a_redacted_copy_full_again(self, case):
        hidden = hide(case)
        grade = grade_of(case.case_file)
        assert grade.code == "partial" and "papers that also name" in str(grade.reasons[0])
        document(case.case_file, by=case.started_by, kind="pathology_report", parent=hidden,
                 parent_sha256=hidden.sha256)  # fmt: skip
        assert grade_of(case.case_file).code == "full"

    def test_a_letter_kept_back_costs_nothing(self, case):
        hide(case, kind="letter")
        assert grade_of(case.case_file).code == "full"

    def test_when_nothing_could_be_shown_it_was_not_possible(self, case):
        case.case_file.documents.update(blinding_class="withheld")
        assert grade_of(case.case_file).code == "not_possible"

    def test_the_report_prints_it(self):
        done = opinion_request_at("quality_check")
        OriginalDiagnosis.objects.update(treatment_state="unknown")
        review = build_snapshot(done)["review"]
        assert review["grade"] == {"code": "partial", "label": "Partly sealed"}
        assert review["reasons"] == ["It was not known whether treatment had begun."]


class TestEstimate:
    def test_the_patient_reads_it_before_sending(self, client):
        case = draft()
        client.force_login(case.started_by)
        page = reverse("requests:check", args=[case.pk])
        assert "It can be fully sealed." in client.get(page).content.decode()
        hide(case, blinding_class="", status="screening")
        assert "It can be partly sealed." in client.get(page).content.decode()
        OriginalDiagnosis.objects.update(treatment_state="started")
        shown = client.get(page).content.decode()
        assert "It can hardly be sealed." in shown and "Your treatment has begun" in shown

    def test_an_open_review_has_none(self, client):
        case = draft(review_mode="open")
        client.force_login(case.started_by)
        page = client.get(reverse("requests:check", args=[case.pk])).content.decode()
        assert "can be sealed" not in page


class TestReader:
    def offer(self, client, case):
        referral = case.referrals.get()
        client.force_login(referral.specialist.user)
        return client.get(reverse("specialists:referral", args=[referral.pk])).content

    def test_the_offer_says_what_can_be_judged_from(self, client, case):
        assert b"You can judge in part." in self.offer(client, case)  # one letter
        document(case.case_file, by=case.started_by, kind="lab_results")
        assert b"You can judge from the evidence." in self.offer(client, case)
        case.case_file.documents.update(blinding_class="withheld")
        assert b"There is no record to judge from." in self.offer(client, case)

    def test_nothing_sealed_changes_a_byte_of_it(self, client, case, monkeypatch):
        monkeypatch.setattr("django.middleware.csrf._get_new_csrf_string", lambda: "t" * 32)
        monkeypatch.setattr("django.middleware.csrf._mask_cipher_secret", lambda _secret: "m" * 64)
        before, told = self.offer(client, case), cleared_of(case.case_file)
        OriginalDiagnosis.objects.update(treatment_state="started")
        hide(case)
        assert grade_of(case.case_file).code == "not_possible"
        assert cleared_of(case.case_file) == told
        assert self.offer(client, case) == before

    def test_the_coordinator_sees_the_true_one(self, client, case):
        OriginalDiagnosis.objects.update(treatment_state="started")
        client.force_login(coordinator(case.clinic))
        page = client.get(reverse("specialists:refer", args=[case.pk])).content.decode()
        assert "Could not be sealed." in page
