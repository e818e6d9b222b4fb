"""The watch over deadlines: what expires, who is reminded, what becomes a task; once each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.utils import timezone

from records.documents import erase_removed
from records.models import Document, ImagingPack, ImagingStudy
from requests_app import workflow as requests
from requests_app.delivery import acknowledge, ask_follow_up, open_report
from requests_app.models import OpinionRequest, Report, StaffTask
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from specialists import workflow as referrals
from specialists.deadlines import watch
from specialists.models import Referral
from specialists.tasks import watch_deadlines
from tests.factories import coordinator, opinion_request_at, specialist
from tests.records.dicom.samples import as_bytes, ct, store

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def watch_twice() -> None:
    watch_deadlines.run()
    watch_deadlines.run()


def due_in(opinion_request: OpinionRequest, delta: timedelta) -> OpinionRequest:
    OpinionRequest.objects.filter(pk=opinion_request.pk).update(due_at=timezone.now() + delta)
    return OpinionRequest.objects.get(pk=opinion_request.pk)


def told(message: str) -> int:
    return Notification.objects.filter(message=message).count()


class TestExpiry:
    def test_an_offer_nobody_answered_expires_and_the_request_is_ready_again(self):
        it = opinion_request_at("referred")
        Referral.objects.update(answer_by=timezone.now() - timedelta(minutes=1))
        watch_twice()
        it.refresh_from_db()
        assert it.status == "ready" and it.referrals.get().status == "expired"
        assert told("referral_expired") == 1

    def test_an_offer_in_time_stays(self):
        opinion_request_at("referred")
        watch_twice()
        assert Referral.objects.get().status == "offered"

    def test_a_patient_who_does_not_answer_in_21_days(self):
        it = due_in(opinion_request_at("needs_patient"), -timedelta(minutes=1))
        watch_twice()
        it.refresh_from_db()
        assert it.status == "expired" and told("request_expired") == 1


def stored(case_file) -> list[str]:
    """The key of every file in the store that a row of this case file names."""
    keys: list[str] = []
    for model in apps.get_models():
        if {"key", "case_file"} <= {field.name for field in model._meta.get_fields()}:
            rows = model._default_manager.filter(case_file=case_file)
            keys += [key for key in rows.values_list("key", flat=True) if key]
    return keys


class TestDrafts:
    def test_one_that_was_never_sent_goes_with_all_its_files(self):
        it = opinion_request_at("draft")
        store(it.case_file, as_bytes(ct()), by=it.started_by)
        keys = stored(it.case_file)
        assert len(keys) > 1 and all(default_storage.exists(key) for key in keys)
        due_in(it, -timedelta(minutes=1))
        watch_twice()
        erase_removed()
        it.refresh_from_db()
        assert it.status == "withdrawn"
        assert not any(default_storage.exists(key) for key in keys)
        assert not ImagingStudy.objects.exists() and not ImagingPack.objects.exists()
        assert told("draft_discarded") == 1
        trail = AuditEvent.objects.about_case_file(it.case_file_id)
        verbs = list(trail.filter(actor_id=None).values_list("verb", flat=True))
        for verb in ("request.discarded", "document.removed", "imaging.removed"):
            assert verbs.count(verb) == 1, verb

    def test_one_that_was_sent_or_has_time_stays(self):
        sent, young = opinion_request_at("submitted"), opinion_request_at("draft")
        due_in(sent, -DAY)
        due_in(young, DAY)
        watch_twice()
        assert {one.status for one in OpinionRequest.objects.all()} == {"submitted", "draft"}
        assert Document.objects.exclude(status="available").count() == 0

    def test_a_sent_request_that_was_stopped_keeps_its_images(self):
        it = opinion_request_at("draft")
        store(it.case_file, as_bytes(ct()), by=it.started_by)
        requests.submit(it, truth_name="Maria Example", by=it.started_by)
        requests.withdraw(it, by=it.started_by)
        watch_twice()
        assert ImagingPack.objects.exists()

    def test_it_cannot_be_opened_again(self):
        it = due_in(opinion_request_at("draft"), -DAY)
        watch_twice()
        with pytest.raises(Refused, match="never sent"):
            requests.reopen(it, reason="I want to go on.", by=it.started_by)


class TestReminders:
    @pytest.mark.parametrize(("status", "days"), [("needs_patient", 21), ("draft", 60)])
    @pytest.mark.parametrize("place", [0, 1])
    def test_a_patient_is_reminded_once_on_the_day(self, status, days, place):
        day = {"needs_patient": (3, 7), "draft": (3, 10)}[status][place]
        it = opinion_request_at(status)
        due_in(it, timedelta(days=days - day, minutes=-1))
        watch_twice()
        assert told("reminder_patient") == 1

    def test_nobody_is_reminded_on_the_first_day(self):
        opinion_request_at("needs_patient")
        opinion_request_at("draft")
        watch_twice()
        assert told("reminder_patient") == 0

    @pytest.mark.parametrize("delta", [timedelta(hours=23), -timedelta(minutes=1)])
    def test_a_specialist_is_reminded_a_day_before_and_when_it_is_due(self, delta):
        opinion_request_at("in_review")
        Referral.objects.update(review_by=timezone.now() + delta)
        watch_twice()
        assert told("review_due") == 1


class TestOverdue:
    @pytest.mark.parametrize("status", ["submitted", "collecting", "ready", "in_review",
                                        "quality_check"])  # fmt: skip
    def test_each_breach_is_one_task_and_one_message(self, status):
        it = due_in(opinion_request_at(status), -timedelta(minutes=1))
        before = told("overdue")
        watch_twice()
        task = StaffTask.objects.get(kind="overdue")
        assert task.opinion_request == it and task.about_due_at == it.due_at
        assert told("overdue") - before == len(set(
            Notification.objects.filter(message="overdue").values_list("to", flat=True)
        )) > 0  # fmt: skip

    def test_a_new_deadline_that_passes_is_a_new_breach(self):
        it = due_in(opinion_request_at("submitted"), -DAY)
        watch_twice()
        due_in(it, -timedelta(minutes=1))
        watch_twice()
        assert StaffTask.objects.filter(kind="overdue").count() == 2

    def test_an_open_offer_is_not_overdue_however_long_it_is(self):
        it = opinion_request_at("ready")
        by, now = coordinator(it.clinic), timezone.now()
        first, second = now + 2 * DAY, now + 5 * DAY
        it = referrals.refer(it, to=specialist(it.clinic), by=by, answer_by=first)
        assert it.due_at == first
        it = referrals.refer(it, to=specialist(it.clinic), by=by, answer_by=second)
        it = referrals.refer(it, to=specialist(it.clinic), by=by, answer_by=first)
        it.refresh_from_db()
        assert it.due_at == second
        watch(now + 4 * DAY)
        assert not StaffTask.objects.filter(kind="overdue").exists()

    @pytest.mark.parametrize("status", ["delivered", "closed", "withdrawn", "returned"])
    def test_a_ball_that_is_not_ours_is_not_escalated(self, status):
        due_in(opinion_request_at(status), -timedelta(minutes=1))
        watch_twice()
        assert not StaffTask.objects.filter(kind="overdue").exists()


class TestUnopened:
    def test_a_report_nobody_opened_becomes_one_call(self):
        due_in(opinion_request_at("delivered"), -timedelta(minutes=1))
        watch_twice()
        assert StaffTask.objects.get().kind == "call_unopened"
        assert told("call_patient") == 1

    def test_an_opened_report_needs_no_call(self):
        it = opinion_request_at("delivered")
        open_report(it.reports.get(), by=it.started_by)
        due_in(it, -timedelta(minutes=1))
        watch_twice()
        assert not StaffTask.objects.exists()


class TestBounced:
    def test_a_patients_lost_mail_becomes_one_call(self):
        it = opinion_request_at("delivered")
        lost = Notification.objects.filter(
            to=it.started_by, message__in=["report_ready", "specialist_found"]
        )
        assert lost.count() == 2
        lost.update(status="dead", finished_at=timezone.now())
        watch_twice()
        task = StaffTask.objects.get()
        assert task.kind == "call_bounced" and task.opinion_request == it

    def test_a_colleagues_lost_mail_is_no_call_to_a_patient(self):
        it = opinion_request_at("submitted")
        staff = Notification.objects.exclude(to=it.started_by)
        staff.update(status="dead", finished_at=timezone.now())
        watch_twice()
        assert not StaffTask.objects.filter(kind="call_bounced").exists()


class TestEndOfFollowUp:
    @pytest.fixture
    def read(self):
        it = opinion_request_at("delivered")
        report = it.reports.get()
        open_report(report, by=it.started_by)
        acknowledge(report, by=it.started_by)
        return it

    def over(self, it: OpinionRequest) -> OpinionRequest:
        past = timezone.now() - timedelta(days=it.clinic.follow_up_days, minutes=1)
        Report.objects.update(delivered_at=past)
        return due_in(it, -timedelta(minutes=1))

    def test_a_read_report_without_open_questions_is_closed(self, read):
        it = self.over(read)
        watch_twice()
        it.refresh_from_db()
        assert it.status == "closed" and told("request_closed") == 1
        assert not it.case_file.grants.live().exists()

    def test_an_open_question_keeps_it_open(self, read):
        ask_follow_up(read.reports.get(), text="And now?", by=read.started_by)
        it = self.over(read)
        watch_twice()
        it.refresh_from_db()
        assert it.status == "delivered"

    def test_it_is_not_closed_within_the_time_for_questions(self, read):
        watch_twice()
        read.refresh_from_db()
        assert read.status == "delivered"

    def test_a_report_nobody_confirmed_is_not_closed(self):
        it = self.over(opinion_request_at("delivered"))
        watch_twice()
        it.refresh_from_db()
        assert it.status == "delivered"


class TestTwoAtOnce:
    @pytest.mark.django_db(transaction=True)
    def test_two_watches_at_the_same_time_do_everything_once(self):
        from concurrent.futures import ThreadPoolExecutor

        from django.db import connection

        for status in ("submitted", "quality_check"):
            due_in(opinion_request_at(status), -timedelta(minutes=1))
        due_in(opinion_request_at("delivered"), -timedelta(minutes=1))
        opinion_request_at("referred")
        Referral.objects.filter(status="offered").update(answer_by=timezone.now() - DAY)

        def run(_: int) -> None:
            try:
                watch_deadlines.run()
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(run, range(4)))
        assert StaffTask.objects.filter(kind="overdue").count() == 2
        assert StaffTask.objects.filter(kind="call_unopened").count() == 1
        assert told("referral_expired") == 1
