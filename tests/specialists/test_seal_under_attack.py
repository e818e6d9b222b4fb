"""Seal and reveal under attack: two tabs, replays, edited requests, clocks that lie, safety."""

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from records.models import AccessGrant
from requests_app.models import StaffTask
from secondop.audit.models import AuditEvent
from secondop.lib.canonical import canonical_json
from specialists import workflow
from specialists.models import Opinion, OpinionRevision, Referral, Seal
from specialists.reporting import build_snapshot
from specialists.verifying import verify
from tests.factories import (
    INDEPENDENT,
    completed,
    coordinator,
    opinion_request_at,
    sealed,
    specialist,
    write_independent,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def written():
    return write_independent(opinion_request_at("in_review").referrals.get())


@pytest.fixture
def own(client, written):
    client.force_login(written.specialist.user)
    return client


def url(name, referral):
    return reverse(f"specialists:{name}", args=[referral.pk])


def fresh(referral):
    return Referral.objects.get(pk=referral.pk)


def is_closed():
    return AccessGrant.objects.live().get().sight == "sealed"


class TestTwoTabs:
    def test_an_old_tab_cannot_write_into_what_the_other_sealed(self, own, written):
        version = fresh(written).opinion.version
        own.post(url("seal", written))
        content = Seal.objects.get().content
        typed = {**INDEPENDENT, "diagnosis": "Something else", "version": version}
        for address in (url("write", written), url("autosave", written)):
            assert own.post(address, typed).status_code == 409
        assert own.post(f"{url('autosave', written)}?part=complete", typed).status_code == 409
        assert Seal.objects.get().content == content
        assert Opinion.objects.get().diagnosis == INDEPENDENT["diagnosis"]

    def test_a_tab_from_before_the_seal_opens_nothing(self, own, written):
        assert own.post(url("reveal", written)).status_code == 409
        assert is_closed()

    def test_a_seal_takes_what_was_saved_not_what_another_tab_still_shows(self, own, written):
        own.post(url("seal", written), {**INDEPENDENT, "diagnosis": "Typed and never saved"})
        assert (
            json.loads(Seal.objects.get().content)["opinion"]["diagnosis"]
            == (INDEPENDENT["diagnosis"])
        )


class TestReplays:
    def test_every_step_sent_again_changes_nothing(self, own, written):
        steps = ("seal", "reveal", "seal", "reveal", "break_seal", "take", "decline")
        for name in steps:
            own.post(url(name, written), {"reason": "no_time", "is_sure": "on"})
        events = AuditEvent.objects.filter(verb__startswith="opinion.").order_by("number")
        assert [event.verb for event in events] == ["opinion.sealed", "opinion.revealed"]
        assert fresh(written).status == "sealed"
        assert StaffTask.objects.filter(kind="seal_broken").count() == 0

    def test_a_seal_of_a_case_that_ended_opens_nothing(self, own, written):
        own.post(url("seal", written))
        workflow.recall(fresh(written), by=coordinator(written.clinic))
        assert own.post(url("reveal", written)).status_code == 409
        assert not AccessGrant.objects.live().exists()
        assert own.get(url("complete", written)).status_code in (404, 409)


class TestEditedRequests:
    def test_a_seal_cannot_be_given_another_time_or_hash(self, own, written):
        lies = {"sealed_at": "2001-01-01T00:00:00Z", "sha256": "0" * 64, "status": "signed",
                "content": "{}", "review_mode": "open"}  # fmt: skip
        own.post(url("seal", written), lies)
        seal = Seal.objects.get()
        assert seal.sealed_at > timezone.now() - timedelta(hours=1)
        assert seal.sha256 != "0" * 64 and fresh(written).status == "sealed"

    @pytest.mark.parametrize("name", ["complete", "revise", "sign", "reveal", "others"])
    def test_no_later_step_can_be_asked_for_early(self, own, written, name):
        for ask in (own.get, own.post):
            answer = ask(url(name, written), {"field": "plan", "after": "x", "reason": "y"})
            assert answer.status_code in (405, 409), answer.status_code
            assert b"Mastectomy" not in answer.content and b"Dr Original" not in answer.content
        assert is_closed()

    def test_the_completing_form_never_reaches_a_sealed_field(self, own, written):
        own.post(url("seal", written))
        own.post(url("reveal", written))
        version = Opinion.objects.get().version
        own.post(url("complete", written), {"version": version, "diagnosis": "Mastectomy it is",
                                            "plain_summary": "Plain."})  # fmt: skip
        opinion = Opinion.objects.get()
        assert opinion.diagnosis == INDEPENDENT["diagnosis"] and opinion.plain_summary == "Plain."

    def test_a_colleague_can_neither_seal_nor_open(self, client, written):
        other = specialist(written.clinic)
        client.force_login(other.user)
        for name in ("seal", "reveal", "break_seal", "others"):
            assert client.post(url(name, written)).status_code == 404
        assert not Seal.objects.exists()


class TestClocks:
    def test_a_server_clock_set_back_cannot_turn_seal_and_reveal_round(self, written, monkeypatch):
        sealed(written)
        real = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real() - timedelta(days=3))
        workflow.reveal(fresh(written), by=written.specialist.user)
        opinion = Opinion.objects.get()
        assert opinion.revealed_at >= opinion.seal.sealed_at
        events = AuditEvent.objects.filter(verb__in=["opinion.sealed", "opinion.revealed"])
        first, second = events.order_by("number")
        assert (first.verb, second.verb) == ("opinion.sealed", "opinion.revealed")
        assert first.at <= second.at

    def test_a_seal_from_the_future_is_never_after_its_reveal(self, written):
        """The database's clock stood ahead at the seal and was put right before the reveal."""
        ahead = timezone.now() + timedelta(days=2)
        referral = fresh(written)
        from specialists.sealing import write_seal

        referral.move_to(Referral.Status.SEALED)
        write_seal(referral.opinion, sealed_at=ahead)
        workflow.reveal(fresh(written), by=written.specialist.user)
        assert Opinion.objects.get().revealed_at == ahead

    def test_the_report_proves_the_order_without_any_clock(self, monkeypatch):
        referral = opinion_request_at("in_review").referrals.get()
        real, steps = timezone.now, iter(range(10_000))
        monkeypatch.setattr(timezone, "now", lambda: real() - timedelta(minutes=next(steps)))
        completed(referral)
        workflow.sign(fresh(referral), by=referral.specialist.user)
        found = verify(canonical_json(build_snapshot(fresh(referral).opinion_request)))
        assert found.problems == [] and "order" in found.proven


class TestRevisions:
    def test_before_after_and_reason_stay_for_good(self, own, written):
        own.post(url("seal", written))
        own.post(url("reveal", written))
        by = written.specialist.user
        for after in ("Watch and wait.", "Lumpectomy with radiotherapy."):  # there and back
            workflow.revise(fresh(written), field="plan", after=after, reason="New letter.", by=by)
        rows = list(OpinionRevision.objects.values_list("before", "after", "reason"))
        assert rows == [
            ("Lumpectomy with radiotherapy.", "Watch and wait.", "New letter."),
            ("Watch and wait.", "Lumpectomy with radiotherapy.", "New letter."),
        ]
        for change in (lambda r: r.update(reason="another"), lambda r: r.delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                change(OpinionRevision.objects.all())


class TestSafety:
    def test_it_alerts_at_once_and_marks_the_report(
        self, own, written, client, django_capture_on_commit_callbacks, run_jobs
    ):
        case = written.opinion_request
        staff = case.coordinator
        with django_capture_on_commit_callbacks(execute=True):
            page = own.get(url("break_seal", written))
            own.post(url("break_seal", written),
                     {"reason": "A clot in the lung on image 12.", "is_sure": "on"})  # fmt: skip
        assert page.status_code == 200
        run_jobs()
        alarm = [m for m in mail.outbox if m.to == [staff.email] and "Urgent" in m.subject]
        assert len(alarm) == 1 and "clot" not in alarm[0].body
        task = StaffTask.objects.get(kind="seal_broken")
        assert task.done_at is None
        client.force_login(staff)
        assert "Safety finding" in client.get(reverse("requests:tasks")).content.decode()
        referral = fresh(written)
        assert referral.status == "taken" and not is_closed()
        client.force_login(referral.specialist.user)
        assert client.post(url("seal", written)).status_code == 409  # no seal after a look
        self.finish(referral)
        snapshot = build_snapshot(fresh(referral).opinion_request)
        blinding = snapshot["opinions"][0]["blinding"]
        assert blinding["seal_broken_reason"] == "A clot in the lung on image 12."
        assert blinding["seal"] == {} and "sealed_at" not in blinding
        found = verify(canonical_json(snapshot))
        assert found.problems == [] and "broken" in found.not_proven
        assert "sealed" not in found.proven

    @staticmethod
    def finish(referral):
        by, opinion = referral.specialist.user, fresh(referral).opinion
        opinion.comparisons.update(result="same", why="Both agree.")
        opinion.answers.update(text="Yes.")
        opinion.options.update(benefits="Good.", harms="Bad.", is_recommended=True)
        workflow.save_completion(referral, version=opinion.version, by=by,
                                 plain_summary="Go now.", limits="Nobody examined.")  # fmt: skip
        workflow.sign(fresh(referral), by=by)
