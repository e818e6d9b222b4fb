"""The auditor's page and file, and the sentences of every verb."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from requests_app.concurrency import WORDS
from requests_app.deciding import VERBS
from secondop.audit.models import AuditEvent
from secondop.audit.sentences import SENTENCES
from secondop.audit.trail import note
from tests.factories import ClinicFactory, auditor, coordinator, opinion_request_at

ROOT = Path(__file__).parents[3]
WRITERS = {"note", "note_once", "note_opened", "note_viewed"}


def verbs_in_the_source() -> set[str]:
    """Every verb given to a writer of the trail, in the apps' own files."""
    found = set()
    for app in ("secondop", "records", "requests_app", "specialists"):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                given = [k.value for k in node.keywords if k.arg == "verb"]
                given += node.args[:2] if name in WRITERS else []
                found |= {
                    part.value
                    for one in given
                    for part in ast.walk(one)
                    if isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and "." in part.value
                }
    return found


class TestSentences:
    def test_the_search_finds_verbs_of_every_app(self):
        assert {"job.retried", "request.submitted", "case_file.opened", "opinion.sealed"} <= (
            verbs_in_the_source()
        )

    def test_every_verb_in_the_source_has_a_sentence(self):
        assert sorted(verbs_in_the_source() - set(SENTENCES)) == []

    @pytest.mark.parametrize("verb", sorted({*VERBS.values(), *WORDS, "request.viewed"}))
    def test_so_has_every_verb_that_is_kept_in_a_table(self, verb):
        assert verb in SENTENCES


@pytest.mark.django_db
class TestTrail:
    @pytest.fixture
    def clinic(self):
        return ClinicFactory()

    @pytest.fixture
    def reader(self, client, clinic):
        user = auditor(clinic)
        client.force_login(user)
        return user

    def test_it_tells_what_happened_and_names_staff_but_not_patients(self, client, clinic, reader):
        request = opinion_request_at("collecting", clinic)
        staff = coordinator(clinic)
        note("clinic.changed", by=staff, about=clinic)
        page = client.get(reverse("audit:trail")).content.decode()
        assert "submitted a request" in page and "A patient" in page
        assert staff.full_name in page and "changed the clinic&#x27;s settings" in page
        assert request.case_file.patient.full_name not in page
        assert request.case_file.patient.user.email not in page
        assert "Invasive ductal carcinoma" not in page
        assert request.case_file.alias in page

    def test_another_clinics_events_are_not_there(self, client, reader):
        note("clinic.changed", by=None, about=ClinicFactory())
        assert b"Nothing found" in client.get(reverse("audit:trail")).content

    def test_others_do_not_see_it(self, client, clinic):
        client.force_login(coordinator(clinic))
        for name in ("audit:trail", "audit:export"):
            assert client.get(reverse(name)).status_code == 404

    def test_filters_narrow(self, client, clinic, reader):
        one, two = opinion_request_at("submitted", clinic), opinion_request_at("submitted", clinic)

        def found(**query):
            return [
                line["event"] for line in client.get(reverse("audit:trail"), query).context["lines"]
            ]

        assert {e.case_file_id for e in found(case_file=one.case_file.alias)} == {one.case_file_id}
        assert {e.case_file_id for e in found(case_file=two.reference)} == {two.case_file_id}
        assert {e.verb for e in found(verb="request.submitted")} == {"request.submitted"}
        assert not found(until=timezone.localdate() - timedelta(days=1))
        assert found(since=timezone.localdate())
        staff = coordinator(clinic)
        note("clinic.changed", by=staff, about=clinic)
        assert [e.actor_id for e in found(person=staff.pk)] == [staff.pk]

    def test_wrong_dates_get_a_sentence(self, client, reader):
        query = {"since": "2026-02-02", "until": "2026-01-01"}
        page = client.get(reverse("audit:trail"), query).content
        assert b"This day must not be before the first one" in page

    def test_pages_cover_every_event_once_with_a_fixed_number_of_queries(
        self, client, clinic, reader, django_assert_max_num_queries
    ):
        note("clinic.changed", by=reader, about=clinic)
        client.get(reverse("audit:trail"))
        with django_assert_max_num_queries(14) as few:
            client.get(reverse("audit:trail"))
        for _more in range(119):
            note("clinic.changed", by=reader, about=clinic)
        with django_assert_max_num_queries(len(few)):
            client.get(reverse("audit:trail"))
        seen, url = [], reverse("audit:trail")
        while url:
            page = client.get(url)
            seen += [line["event"].pk for line in page.context["lines"]]
            after = page.context["next_url"]
            url = reverse("audit:trail") + after if after else ""
        expected = AuditEvent.objects.order_by("-id").values_list("pk", flat=True)
        assert seen == list(expected)


@pytest.mark.django_db
class TestExport:
    def test_it_is_the_selection_as_a_file_and_an_event_itself(self, client):
        clinic = ClinicFactory()
        user = auditor(clinic)
        client.force_login(user)
        note("clinic.changed", by=None, about=clinic)
        answer = client.get(reverse("audit:export"), {"verb": "clinic.changed"})
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        assert text.splitlines()[0].startswith("number,time (UTC),who")
        assert len(text.splitlines()) == 2 and "The system" in text
        assert answer["Content-Disposition"].startswith("attachment")
        assert AuditEvent.objects.get(verb="audit.exported").actor_id == user.pk

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
    def test_a_cell_never_starts_like_a_formula(self, client, name):
        clinic = ClinicFactory()
        client.force_login(auditor(clinic))
        staff = coordinator(clinic)
        staff.full_name = name
        staff.save()
        note("clinic.changed", by=staff, about=clinic)
        text = b"".join(client.get(reverse("audit:export")).streaming_content).decode()
        assert f"'{name}" in text

    def test_a_wrong_filter_is_refused(self, client):
        client.force_login(auditor())
        assert client.get(reverse("audit:export"), {"verb": "nonsense"}).status_code == 400
