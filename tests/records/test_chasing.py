"""The legal clocks and the calendar of reminders."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from records import chasing, holder_mails, record_requests
from records.legal_clocks import ACCESS, AUTHORIZED, EEA, GDPR, Term, basis_for, clock_of
from records.models import RecordRequest
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from tests.records import asking

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def kinds(record_request):
    return [(e.kind, e.new) for e in record_request.events.order_by("at", "id")]


def told(message):
    return list(Notification.objects.filter(message=message).values_list("to__email", flat=True))


class TestTheClockTable:
    def test_every_row_has_a_source_and_a_term(self):
        for clock in (*ACCESS.values(), GDPR, AUTHORIZED):
            assert clock.source
            assert clock.office
            assert clock.office_address.startswith("https://")
            assert clock.term.days or clock.term.months

    def test_the_law_of_the_holders_country_sets_the_term(self):
        assert clock_of("US", "access").term == Term(days=30)
        assert clock_of("US", "access").extension == Term(days=30)
        assert clock_of("DE", "access") is GDPR
        assert clock_of("NO", "access") is GDPR
        assert "CH" not in EEA
        assert clock_of("CH", "access").extension is None
        assert not clock_of("US", "authorization").is_law  # 164.508 permits, it does not bind
        assert not clock_of("XX", "access").is_law
        assert basis_for("US") == "authorization"
        assert basis_for("ES") == "access"

    def test_a_month_ends_on_the_last_day_there_is(self):
        month = Term(months=1)
        end = month.after(datetime(2026, 1, 31, 12, tzinfo=UTC), "Europe/Madrid")
        assert end.date() == date(2026, 2, 28)
        end = Term(months=2).after(datetime(2026, 12, 15, 12, tzinfo=UTC), "UTC")
        assert end == datetime(2027, 2, 15, 12, tzinfo=UTC)


class TestTheCalendar:
    def moved(self, it, days):
        """The ask as if it had been sent that many days earlier."""
        RecordRequest.objects.filter(pk=it.pk).update(
            sent_at=it.sent_at - days * DAY, due_at=it.due_at - days * DAY
        )
        return asking.again(it)

    def test_each_step_is_taken_once_and_the_last_one_tells_the_clinic(self):
        it = asking.sent()
        assert chasing.chase() == 0
        seen = []
        for day in (6, 7, 14, 25, 29, 30, 45):
            asking_at = self.moved(asking.again(it), 0)
            passed = (timezone.now() - asking_at.sent_at).days
            self.moved(asking_at, day - passed)
            seen += [(day, chasing.chase()), (day, chasing.chase())]
        assert [n for _day, n in seen] == [0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0]
        steps = [new for kind, new in kinds(it) if kind == "step"]
        assert steps == ["day 7", "day 14", "day 25", "due"]
        assert list(it.mails.exclude(message="asked").order_by("created_at")
                    .values_list("message", flat=True)) == ["reminder"] * 3 + ["due"]  # fmt: skip
        assert it.letters.filter(kind="escalation").count() == 1
        assert told("record_overdue") == [it.created_by.email]

    def test_by_post_a_person_is_told_to_send_the_reminder(self):
        it = self.moved(asking.sent(channel="post"), 8)
        assert chasing.chase() == 1
        assert told("record_reminder_due") == [it.created_by.email]
        assert not it.mails.exists()
        assert it.letters.filter(kind="reminder").count() == 1

    def test_after_the_one_extension_there_is_a_second_end(self):
        it = self.moved(asking.sent(), 31)
        chasing.chase()
        it = record_requests.extend(asking.again(it), reason="Archive move", by=it.created_by)
        assert it.due_at > timezone.now()
        with pytest.raises(Refused, match="no second time"):
            record_requests.extend(it, reason="Again", by=it.created_by)
        assert chasing.chase() == 0
        self.moved(it, 30)
        assert chasing.chase() == 1
        assert ("step", "due again") in kinds(it)

    def test_where_the_law_names_no_extension_there_is_none(self):
        it = asking.sent(country="CH")
        with pytest.raises(Refused, match="no extension"):
            record_requests.extend(it, reason="Please", by=it.created_by)

    def test_what_has_ended_or_is_not_needed_is_left_in_peace(self):
        ended, closed = asking.sent(), asking.sent()
        record_requests.resolve(ended, outcome="received", by=ended.created_by)
        closed.case_file.is_open_for_records = False
        closed.case_file.save()
        for it in (ended, closed):
            self.moved(it, 40)
        assert chasing.chase() == 0
        [row] = closed.mails.all()
        holder_mails.deliver(row)
        assert mail.outbox == []

    @pytest.mark.django_db(transaction=True)
    def test_two_sweeps_at_once_take_one_step(self):
        it = self.moved(asking.sent(), 8)
        taken, gate = [], threading.Barrier(2)

        def sweep():
            gate.wait()
            taken.append(chasing.chase())
            connection.close()

        threads = [threading.Thread(target=sweep) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(taken) == 1
        assert [new for kind, new in kinds(it) if kind == "step"] == ["day 7"]
