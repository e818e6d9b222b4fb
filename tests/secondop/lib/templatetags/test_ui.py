"""How times, sizes, ids and ages read."""

import datetime
import uuid

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from secondop.lib.templatetags import ui
from secondop.lib.verdicts import YES, not_now


def at(hour, *, days=0):
    return timezone.localtime().replace(hour=hour, minute=5) + datetime.timedelta(days=days)


class TestDueInWords:
    def test_days_near_by_have_names_and_times(self):
        assert ui.due_in_words(at(14)) == "Today, 14:05"
        assert ui.due_in_words(at(14, days=1)) == "Tomorrow, 14:05"
        assert ui.due_in_words(at(9, days=-1)) == "Yesterday, 09:05"

    def test_other_days_are_counted(self):
        assert ui.due_in_words(at(14, days=3)) == "In 3 days"
        assert ui.due_in_words(at(14, days=-2)) == "2 days ago"

    def test_a_date_has_no_time_and_nothing_is_nothing(self):
        assert ui.due_in_words(timezone.localdate()) == "Today"
        assert ui.due_in_words(None) == ""

    def test_a_day_is_late_only_when_it_is_over(self):
        today = timezone.localdate()
        assert not ui.is_past(today)
        assert ui.is_past(today - datetime.timedelta(days=1))
        assert ui.is_past(timezone.now() - datetime.timedelta(seconds=1))


class TestExactTimes:
    def test_they_are_written_as_each_language_writes_them(self):
        moment = datetime.datetime(2026, 11, 3, 14, 5, 9, tzinfo=datetime.UTC)
        template = Template(
            "{% load ui %}{{ at|exact_day }} · {{ at|exact_time }} · {{ at|exact_second }} · "
            "{{ on|exact_time }}{{ none|exact_day }}{{ none|exact_time }}"
        )
        told = {"at": moment, "on": moment.date(), "none": None}
        with timezone.override("UTC"):
            assert template.render(Context(told)) == (
                "3 November 2026 · 3 November 2026, 14:05 · 3 November 2026, 14:05:09 · "
                "3 November 2026"
            )
            with translation.override("es"):
                assert template.render(Context(told)) == (
                    "3 de noviembre de 2026 · 3 de noviembre de 2026, 14:05 · "
                    "3 de noviembre de 2026, 14:05:09 · 3 de noviembre de 2026"
                )


class TestByteSize:
    @pytest.mark.parametrize(
        ("size_bytes", "text"),
        [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (4_200_000, "4.2 MB"),
         (10_960_000, "11 MB"), (999_600, "1.0 MB"), (2 * 1000**3, "2.0 GB"), (None, "")],
    )  # fmt: skip
    def test_it_counts_in_thousands(self, size_bytes, text):
        assert ui.byte_size(size_bytes) == text


class TestAgeBand:
    @pytest.mark.parametrize(
        ("age_years", "text"),
        [(0.5, "Under 1 year"), (4.9, "1 to 4 years"), (17.99, "12 to 17 years"),
         (18, "18 to 29 years"), (29.9, "18 to 29 years"), (30, "30 to 39 years"),
         (89.9, "80 to 89 years"), (90, "90 years or over"), (103, "90 years or over"),
         (None, "Age not given")],
    )  # fmt: skip
    def test_it_names_the_band(self, age_years, text):
        assert ui.age_band(age_years) == text


class TestShortId:
    def test_it_is_the_beginning(self):
        assert ui.short_id(uuid.UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")) == "7C9E6679"


class TestActionButton:
    TEMPLATE = '{% include "components/action_button.html" with action_url="/x/" label="Send" %}'

    def render(self, verdict):
        return Template(self.TEMPLATE).render(Context({"verdict": verdict}))

    def test_a_yes_can_be_sent(self):
        assert 'type="submit"' in self.render(YES)

    def test_a_no_is_off_and_says_why(self):
        html = self.render(not_now("Add at least one record first."))
        assert 'type="submit"' not in html
        assert "Add at least one record first." in html
        assert 'aria-disabled="true"' in html


class TestDue:
    def render(self, **context):
        return Template('{% include "components/due.html" %}').render(Context(context))

    def test_late_is_said_in_words(self):
        assert "Late:" in self.render(due_at=at(1, days=-3))
        assert "Late:" not in self.render(due_at=at(1, days=-3), done=True)
        assert "No date yet" in self.render(due_at=None)
