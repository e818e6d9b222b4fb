"""The coordinators' queue, its CSV and the tasks for people."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from records.models import AccessGrant, Document, Patient
from requests_app import queue as listing
from requests_app.models import Message, OpinionRequest, StaffTask
from secondop.accounts.models import Membership
from secondop.audit.models import AuditEvent
from secondop.lib.csv_answer import csv_answer, harmless
from tests.factories import (
    ClinicFactory,
    UserFactory,
    auditor,
    coordinator,
    document,
    draft,
    opinion_request_at,
    specialist,
)

pytestmark = pytest.mark.django_db
QUEUE = reverse("requests:queue")


def submitted(clinic, **fields):
    """Many rows cheaply: a draft moved by hand, since only the list is looked at."""
    made = draft(clinic)
    fields = {
        "status": "submitted",
        "ball_with": "coordinator",
        "submitted_at": timezone.now(),
    } | fields
    OpinionRequest.objects.filter(pk=made.pk).update(**fields)
    made.refresh_from_db()
    return made


def references(response) -> list[str]:
    found = re.findall(r">(SO-\w{3}-\w{3})<", response.content.decode())
    return list(dict.fromkeys(found))


class TestQueue:
    def test_it_lists_open_requests_by_due_date(self, client, staff, clinic):
        now = timezone.now()
        late = submitted(clinic, due_at=now - timedelta(days=2))
        soon = submitted(clinic, due_at=now + timedelta(hours=1))
        submitted(clinic, status="closed", ball_with="nobody")
        draft(clinic)
        response = client.get(QUEUE)
        assert references(response) == [late.reference, soon.reference]
        assert "Late:" in response.content.decode()

    def test_it_shows_no_other_clinic(self, client, staff):
        other = submitted(ClinicFactory())
        assert other.reference not in client.get(QUEUE).content.decode()

    @pytest.mark.parametrize(
        "who", [lambda c: specialist(c).user, auditor, lambda c: UserFactory()]
    )
    def test_it_is_not_there_for_others(self, client, clinic, who):
        client.force_login(who(clinic))
        assert client.get(QUEUE).status_code == 404
        assert client.get(reverse("requests:queue_csv")).status_code == 404
        assert client.get(reverse("requests:tasks")).status_code == 404

    def test_it_keeps_a_sealed_case_from_its_own_reviewer(self, client, staff, clinic):
        it = submitted(clinic)
        AccessGrant.objects.create(
            clinic=clinic, case_file=it.case_file, to=staff, as_role="specialist", sight="sealed",
            until=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        assert it.reference not in client.get(QUEUE).content.decode()
        assert it.reference not in b"".join(client.get(reverse("requests:queue_csv"))).decode()

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("status=ready", {"ready"}),
            ("ball=patient", {"patient"}),
            ("who=mine", {"mine"}),
            ("who=nobody", {"ready", "patient", "open", "urgent", "late"}),
            ("review_mode=open", {"open"}),
            ("urgent=on", {"urgent"}),
            ("overdue=on", {"late"}),
            ("status=nonsense&ball=%00", {"ready", "patient", "mine", "open", "urgent", "late"}),
        ],
    )
    def test_it_filters(self, client, staff, clinic, query, expected):
        later = timezone.now() + timedelta(days=1)
        made = {
            "ready": submitted(clinic, status="ready", due_at=later),
            "patient": submitted(clinic, ball_with="patient", due_at=later),
            "mine": submitted(clinic, coordinator=staff, due_at=later),
            "open": submitted(clinic, review_mode="open", due_at=later),
            "urgent": submitted(clinic, urgency="urgent", due_at=later),
            "late": submitted(clinic, due_at=timezone.now() - timedelta(days=1)),
        }
        shown = references(client.get(f"{QUEUE}?{query}"))
        assert {name for name, it in made.items() if it.reference in shown} == expected

    def test_it_marks_files_in_trouble_and_unread_messages(self, client, staff, clinic):
        it = submitted(clinic)
        Document.objects.filter(case_file=it.case_file).update(status="held")
        Message.objects.create(
            clinic=clinic, opinion_request=it, thread="patient", author=it.started_by,
            from_clinic=False, text="Hello",
        )  # fmt: skip
        page = client.get(QUEUE).content.decode()
        assert "1 new message" in page
        assert "1 file in trouble" in page

    def test_it_counts_open_requests_by_state_up_to_a_cap(self, clinic, monkeypatch):
        monkeypatch.setattr(listing, "COUNT_CAP", 2)
        for _ in range(3):
            submitted(clinic, due_at=timezone.now() + timedelta(days=1))
        submitted(clinic, status="ready", due_at=timezone.now() - timedelta(days=1))
        submitted(clinic, status="closed")
        counts = listing.counts(clinic.pk)
        assert counts.by_status["submitted"] == "2+"
        assert counts.by_status["ready"] == "1"
        assert counts.overdue == "1"

    def test_it_says_what_to_do_when_there_is_nothing(self, client, staff):
        assert "Nothing is open" in client.get(QUEUE).content.decode()
        assert "Nothing matches" in client.get(f"{QUEUE}?status=ready").content.decode()

    def test_htmx_gets_the_list_alone(self, client, staff, clinic):
        it = submitted(clinic)
        part = client.get(QUEUE, headers={"HX-Request": "true"}).content.decode()
        assert it.reference in part
        assert "<html" not in part

    def test_it_costs_the_same_queries_for_one_and_for_sixty_rows(self, client, staff, clinic):
        submitted(clinic)
        client.get(QUEUE)  # the session's first visit writes when it was
        with CaptureQueriesContext(connection) as one:
            client.get(QUEUE)
        for _ in range(59):
            submitted(clinic)
        with CaptureQueriesContext(connection) as sixty:
            client.get(QUEUE)
        assert len(one) == len(sixty)
        assert len(one) <= 14

    def test_it_reads_the_list_from_the_partial_index(self, staff, clinic):
        rows = listing.listed(staff, listing.Filters(clinic_id=clinic.pk)).order_by("due_at", "id")
        with connection.cursor() as cursor:
            # On a few rows a sort is as cheap: asked is whether the index gives the order at all.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = rows[:50].explain()
        assert "opinion_request_queue" in plan
        assert "Sort" not in plan

    def test_somebody_at_two_clinics_sees_one_at_a_time(self, client, staff, clinic):
        second = ClinicFactory(name="Another")
        Membership.objects.create(user=staff, clinic=second, role="coordinator")
        here, there = submitted(clinic), submitted(second)
        assert references(client.get(f"{QUEUE}?clinic={second.pk}")) == [there.reference]
        assert references(client.get(f"{QUEUE}?clinic={clinic.pk}")) == [here.reference]
        assert references(client.get(f"{QUEUE}?clinic={ClinicFactory().pk}")) == [there.reference]


class TestPages:
    def walk(self, client, step: str) -> list[list[str]]:
        pages, url = [], QUEUE
        while True:
            response = client.get(url)
            pages.append(references(response))
            following = re.search(rf'rel="{step}" href="([^"]+)"', response.content.decode())
            if not following:
                return pages
            url = following[1].replace("&amp;", "&")

    def test_equal_due_times_are_neither_lost_nor_doubled(self, client, staff, clinic, monkeypatch):
        monkeypatch.setattr(listing, "PAGE_SIZE", 3)
        due = timezone.now() + timedelta(days=1)
        made = {submitted(clinic, due_at=due).reference for _ in range(8)}
        pages = self.walk(client, "next")
        assert [len(page) for page in pages] == [3, 3, 2]
        assert {reference for page in pages for reference in page} == made

    def test_back_leads_through_the_same_pages(self, client, staff, clinic, monkeypatch):
        monkeypatch.setattr(listing, "PAGE_SIZE", 2)
        for hour in range(5):
            submitted(clinic, due_at=timezone.now() + timedelta(hours=hour))
        forward = self.walk(client, "next")
        response = client.get(QUEUE)
        while found := re.search(r'rel="next" href="([^"]+)"', response.content.decode()):
            response = client.get(found[1].replace("&amp;", "&"))
        pages = [references(response)]
        while found := re.search(r'rel="prev" href="([^"]+)"', response.content.decode()):
            response = client.get(found[1].replace("&amp;", "&"))
            pages.append(references(response))
        assert pages[::-1] == forward

    def test_a_cursor_somebody_edited_is_the_first_page(self, client, staff, clinic):
        it = submitted(clinic)
        for cursor in ("x", "WzAsICJ4Il0", "%ff"):
            assert references(client.get(f"{QUEUE}?at={cursor}")) == [it.reference]


class TestSearch:
    def search(self, client, text: str, **extra):
        response = client.post(QUEUE, {"text": text, **extra})
        assert response.status_code == 302
        return response.url, client.get(response.url)

    @pytest.mark.parametrize("spelling", ["{0}", "{1}", "so {2}", "{3}"])
    def test_it_finds_a_reference_however_it_is_typed(self, client, staff, clinic, spelling):
        it, other = submitted(clinic), submitted(clinic)
        code = it.reference[3:]
        text = spelling.format(
            it.reference, it.reference.lower(), code.lower(), code.replace("-", "")
        )
        _url, response = self.search(client, text)
        assert references(response) == [it.reference]
        assert other.reference not in response.content.decode()

    def test_it_finds_a_case_file_and_a_part_of_a_name_and_ended_requests(
        self, client, staff, clinic
    ):
        it = submitted(clinic, status="closed", ball_with="nobody")
        Patient.objects.filter(pk=it.case_file.patient_id).update(full_name="Zdenka Österreicher")
        for text in (it.case_file.alias, "zdenka", "österr zden"):
            assert references(self.search(client, text)[1]) == [it.reference], text

    def test_a_name_never_stands_in_an_address(self, client, staff, clinic):
        submitted(clinic)
        url, response = self.search(client, "Maria Example")
        assert "maria" not in url.lower()
        assert "maria" not in re.findall(r'href="([^"]*search[^"]*)"', response.content.decode())[0]

    def test_it_finds_nothing_of_another_clinic(self, client, staff):
        other = submitted(ClinicFactory())
        _url, response = self.search(client, other.reference)
        assert references(response) == []
        assert "Nothing matches" in response.content.decode()

    @pytest.mark.parametrize("text", ["%", "_", "' OR 1=1 --", "a", "x" * 100, "\\", "SO-"])
    def test_odd_text_finds_nothing_and_breaks_nothing(self, client, staff, clinic, text):
        submitted(clinic)
        assert references(self.search(client, text)[1]) == []

    def test_a_second_search_does_not_change_the_first(self, client, staff, clinic):
        it = submitted(clinic)
        first, _ = self.search(client, it.reference)
        self.search(client, "somebody else")
        assert references(client.get(first)) == [it.reference]

    def test_a_search_key_of_somebody_else_finds_nothing_of_theirs(self, client, staff, clinic):
        it = submitted(clinic)
        url, _ = self.search(client, it.reference)
        client.force_login(coordinator(ClinicFactory()))
        assert it.reference not in client.get(url).content.decode()


class TestCsv:
    def rows(self, client, query: str = "") -> list[dict[str, str]]:
        response = client.get(reverse("requests:queue_csv") + query)
        assert response.streaming
        text = b"".join(response).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def test_it_holds_the_rows_of_the_same_filter(self, client, staff, clinic):
        ready, other = submitted(clinic, status="ready"), submitted(clinic)
        assert {row["Reference"] for row in self.rows(client)} == {ready.reference, other.reference}
        assert [row["Reference"] for row in self.rows(client, "?status=ready")] == [ready.reference]

    def test_it_goes_on_after_its_first_chunk(self, client, staff, clinic, monkeypatch):
        monkeypatch.setattr("requests_app.views.queue.CSV_CHUNK", 2)
        made = {submitted(clinic).reference for _ in range(5)}
        assert {row["Reference"] for row in self.rows(client)} == made

    @pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@SUM(A1)", "\t=1", "  =1", "\r=1"])
    def test_a_name_cannot_be_a_formula(self, client, staff, clinic, name):
        it = submitted(clinic)
        Patient.objects.filter(pk=it.case_file.patient_id).update(full_name=name)
        assert self.rows(client)[0]["Patient"].startswith("'")

    def test_a_list_that_broke_off_says_so_in_its_last_line(self, caplog):
        def broken():
            yield ["Reference", "Patient"]
            raise ValueError("Casey Greaves")

        text = b"".join(csv_answer(broken(), "list.csv")).decode("utf-8-sig")
        assert text.splitlines()[0] == "Reference,Patient"
        assert text.splitlines()[-1].startswith("This list is not complete")
        assert caplog.messages == ["A list broke off: ValueError"]

    def test_ordinary_text_and_numbers_stay(self):
        assert harmless("O'Brien-Smith") == "O'Brien-Smith"
        assert harmless(-3) == -3

    def test_taking_it_away_is_noted_without_what_was_searched(self, client, staff, clinic):
        self.rows(client, "?status=ready")
        event = AuditEvent.objects.get(verb="queue.exported")
        assert event.actor_id == staff.pk
        assert event.details == {"filters": ["status"]}


class TestTasks:
    def task(self, clinic, kind="call_unopened", **fields):
        it = submitted(clinic)
        return StaffTask.objects.create(
            clinic=clinic, opinion_request=it, kind=kind, about_due_at=timezone.now(), **fields
        )

    def test_dangers_come_first_then_calls_then_what_is_overdue(self, client, staff, clinic):
        for kind in ("overdue", "call_bounced", "seal_broken"):
            self.task(clinic, kind)
        page = client.get(reverse("requests:tasks")).content.decode()
        places = [page.index(f'so-card__title">{StaffTask.Kind(kind).label}')
                  for kind in ("seal_broken", "call_bounced", "overdue")]  # fmt: skip
        assert places == sorted(places)

    def test_closing_one_needs_its_outcome_and_is_noted(self, client, staff, clinic):
        task = self.task(clinic)
        url = reverse("requests:task_done", args=[task.pk])
        refused = client.post(url, {"outcome": " "})
        assert "Write what came of it" in refused.content.decode()
        task.refresh_from_db()
        assert task.done_at is None
        assert client.post(url, {"outcome": "Called; will read it."}).status_code == 302
        task.refresh_from_db()
        assert (task.done_by, task.outcome) == (staff, "Called; will read it.")
        assert AuditEvent.objects.get(verb="task.done").about_id == str(task.pk)

    def test_what_was_typed_is_kept_when_it_is_too_long(self, client, staff, clinic):
        task = self.task(clinic)
        url = reverse("requests:task_done", args=[task.pk])
        assert "y" * 501 in client.post(url, {"outcome": "y" * 501}).content.decode()

    def test_the_second_is_told_who_was_faster(self, client, staff, clinic):
        task = self.task(clinic)
        colleague = coordinator(clinic)
        listing.finish_task(task, outcome="Called.", by=colleague)
        response = client.post(
            reverse("requests:task_done", args=[task.pk]), {"outcome": "Called too."}
        )
        assert response.status_code == 409
        assert colleague.full_name in response.content.decode()
        task.refresh_from_db()
        assert task.outcome == "Called."

    def test_another_clinics_task_is_not_there(self, client, staff):
        task = self.task(ClinicFactory())
        url = reverse("requests:task_done", args=[task.pk])
        assert client.post(url, {"outcome": "Called."}).status_code == 404

    def test_it_costs_the_same_queries_for_one_and_for_many(self, client, staff, clinic):
        self.task(clinic)
        client.get(reverse("requests:tasks"))
        with CaptureQueriesContext(connection) as one:
            client.get(reverse("requests:tasks"))
        for _ in range(20):
            self.task(clinic)
        with CaptureQueriesContext(connection) as many:
            client.get(reverse("requests:tasks"))
        assert len(one) == len(many)


def test_a_document_in_order_is_no_trouble(client, staff, clinic):
    it = submitted(clinic)
    document(it.case_file, by=it.started_by)
    assert "in trouble" not in client.get(QUEUE).content.decode()


def test_a_request_that_walked_here_is_listed(client, staff, clinic):
    it = opinion_request_at("in_review", clinic)
    assert references(client.get(QUEUE)) == [it.reference]
