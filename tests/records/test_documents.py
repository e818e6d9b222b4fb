"""What people see and may do with documents: the list, the pages, the original, the removal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from records.blinding import sight_of, withheld_count
from records.grants import grant
from records.models import Document
from records.tasks import forget_unfinished_uploads
from secondop.accounts.models import Membership
from secondop.audit.models import AuditEvent
from tests import factories
from tests.records import files

pytestmark = pytest.mark.django_db
CONTENT = b"0123456789" * 1000


@pytest.fixture
def opinion_request():
    return factories.opinion_request_at("collecting")


@pytest.fixture
def document(opinion_request) -> Document:
    import hashlib

    made = factories.document(
        opinion_request.case_file,
        by=opinion_request.started_by,
        content=CONTENT,
        file_name="Mammakarzinom „links“.pdf",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    return files.with_pages(made)


def url(name: str, document: Document, *more: int) -> str:
    return reverse(f"records:{name}", args=[document.pk, *more])


def body(response) -> bytes:
    return b"".join(response.streaming_content)


class TestDownload:
    def test_the_patient_gets_the_bytes_as_an_attachment(self, client, opinion_request, document):
        client.force_login(opinion_request.started_by)
        response = client.get(url("download", document))
        assert body(response) == CONTENT
        assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''Mamma")
        assert response["Content-Security-Policy"].endswith("sandbox")
        assert response["Cache-Control"] == "private, no-store"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert (
            AuditEvent.objects.filter(verb="document.downloaded", actor_role="patient").count() == 1
        )

    @pytest.mark.parametrize(
        ("asked", "status", "got", "said"),
        [
            ("bytes=0-9", 206, CONTENT[:10], "bytes 0-9/10000"),
            ("bytes=9990-", 206, CONTENT[9990:], "bytes 9990-9999/10000"),
            ("bytes=-5", 206, CONTENT[-5:], "bytes 9995-9999/10000"),
            ("bytes=9990-99999", 206, CONTENT[9990:], "bytes 9990-9999/10000"),
            ("bytes=10000-", 416, b"", "bytes */10000"),
            ("bytes=-0", 416, b"", "bytes */10000"),
            ("bytes=5-2", 416, b"", "bytes */10000"),
            ("bytes=0-1,4-5", 200, CONTENT, None),
            ("pages=1-2", 200, CONTENT, None),
            ("bytes=-", 200, CONTENT, None),
        ],
    )
    def test_ranges(self, client, opinion_request, document, asked, status, got, said):
        client.force_login(opinion_request.started_by)
        response = client.get(url("download", document), headers={"Range": asked})
        assert response.status_code == status
        assert response.get("Content-Range") == said
        assert (body(response) if response.streaming else response.content) == got

    def test_a_range_of_another_object_is_answered_with_the_whole(
        self, client, opinion_request, document
    ):
        client.force_login(opinion_request.started_by)
        headers = {"Range": "bytes=0-9", "If-Range": '"other"'}
        assert body(client.get(url("download", document), headers=headers)) == CONTENT

    def test_a_proxy_in_front_gets_the_address_and_no_bytes(
        self, client, opinion_request, document, settings
    ):
        settings.ACCEL_REDIRECT_PREFIX = "/_stored/"
        client.force_login(opinion_request.started_by)
        response = client.get(url("download", document))
        assert response["X-Accel-Redirect"] == f"/_stored/{document.key}"
        assert response.content == b""

    def test_altered_bytes_are_kept_back_and_set_aside(self, client, opinion_request, document):
        Path(default_storage.path(document.key)).write_bytes(b"1" + CONTENT[1:])
        client.force_login(opinion_request.started_by)
        response = client.get(url("download", document))
        assert response.status_code == 500
        document.refresh_from_db()
        assert (document.status, document.problem) == ("quarantined", "altered")
        assert AuditEvent.objects.filter(verb="document.quarantined").exists()
        assert client.get(url("download", document)).status_code == 404
        assert client.get(url("page_image", document, 1)).status_code == 404

    def test_altered_bytes_of_a_large_file_never_look_complete(
        self, client, opinion_request, document, monkeypatch
    ):
        from records import documents
        from records.serving import Altered

        monkeypatch.setattr(documents, "CHECK_FIRST_BYTES", 10)
        Path(default_storage.path(document.key)).write_bytes(b"1" + CONTENT[1:])
        client.force_login(opinion_request.started_by)
        response = client.get(url("download", document))
        received = b""
        with pytest.raises(Altered):
            for block in response.streaming_content:
                received += block
        assert len(received) < len(CONTENT)
        document.refresh_from_db()
        assert document.status == "quarantined"

    def test_a_stranger_and_another_clinic_find_nothing(self, client, document):
        for user in (factories.UserFactory(), factories.coordinator(), factories.administrator()):
            client.force_login(user)
            for name in ("download", "document"):
                assert client.get(url(name, document)).status_code == 404
            assert client.get(url("page_image", document, 1)).status_code == 404


class TestPages:
    def test_every_page_with_its_text_and_one_line_in_the_trail(
        self, client, opinion_request, document
    ):
        client.force_login(opinion_request.started_by)
        page = client.get(url("document", document)).content.decode()
        assert "words of page 2" in page
        assert url("page_image", document, 2) in page
        response = client.get(url("page_image", document, 2))
        assert body(response) == files.picture()
        client.get(url("document", document))
        assert AuditEvent.objects.filter(verb="document.opened").count() == 1

    def test_a_page_that_is_not_there(self, client, opinion_request, document):
        client.force_login(opinion_request.started_by)
        assert client.get(url("page_image", document, 3)).status_code == 404

    def test_the_number_of_pages_costs_no_queries(
        self, client, opinion_request, django_assert_max_num_queries
    ):
        client.force_login(opinion_request.started_by)
        by = opinion_request.started_by
        one = files.with_pages(factories.document(opinion_request.case_file, by=by), 1)
        many = files.with_pages(factories.document(opinion_request.case_file, by=by), 40)
        counts = []
        for document in (one, many):
            client.get(url("document", document))  # the first opening writes the trail
            with django_assert_max_num_queries(40) as queries:
                client.get(url("document", document))
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestSealedReader:
    """SECURITY: pictures of clear documents under neutral names, and nothing else."""

    @pytest.fixture
    def review(self):
        return factories.opinion_request_at("in_review")

    @pytest.fixture
    def reader(self, review):
        return review.referrals.get().specialist.user

    def make(self, review, **fields: object) -> Document:
        return files.with_pages(
            factories.document(
                review.case_file, by=review.started_by, file_name="CANARY.pdf", **fields
            )
        )

    def test_a_clear_document_shows_its_pages_without_its_name(self, client, review, reader):
        document = self.make(review, neutral_title="Letter 7")
        client.force_login(reader)
        page = client.get(url("document", document))
        assert page.status_code == 200
        assert b"Letter 7" in page.content
        assert b"CANARY" not in page.content
        assert b"Download" not in page.content
        response = client.get(url("page_image", document, 1))
        assert response.status_code == 200
        assert "CANARY" not in str(response.headers)
        body(response)

    def test_the_original_is_never_given(self, client, review, reader):
        document = self.make(review)
        client.force_login(reader)
        assert client.get(url("download", document)).status_code == 404

    @pytest.mark.parametrize("blinding_class", ["", "check", "withheld"])
    def test_anything_not_clear_is_not_there(self, client, review, reader, blinding_class):
        document = self.make(review, blinding_class=blinding_class)
        client.force_login(reader)
        assert client.get(url("document", document)).status_code == 404
        assert client.get(url("page_image", document, 1)).status_code == 404

    def test_the_list_is_not_theirs(self, client, review, reader):
        client.force_login(reader)
        listing = reverse("records:documents", args=[review.case_file_id])
        assert client.get(listing).status_code == 404

    def test_a_seal_wins_over_being_coordinator_of_the_clinic(self, client, review, reader):
        document = self.make(review, blinding_class="withheld")
        Membership.objects.create(user=reader, clinic=review.clinic, role="coordinator")
        client.force_login(reader)
        for name in ("document", "download"):
            assert client.get(url(name, document)).status_code == 404
        listing = reverse("records:documents", args=[review.case_file_id])
        assert client.get(listing).status_code == 404
        assert client.get(url("remove", document)).status_code == 404

    def test_after_the_reveal_everything_opens(self, client, review, reader):
        document = self.make(review, blinding_class="withheld")
        factories.revealed(review.referrals.get())
        client.force_login(reader)
        assert b"CANARY" in client.get(url("document", document)).content
        assert body(client.get(url("download", document)))

    def test_sight(self, review, reader):
        case_file = review.case_file
        assert sight_of(reader, case_file) == "sealed"
        assert sight_of(review.started_by, case_file) == "full"
        assert sight_of(factories.coordinator(review.clinic), case_file) == "full"
        assert sight_of(factories.coordinator(), case_file) == ""
        before = withheld_count(case_file)
        self.make(review, blinding_class="check")
        assert withheld_count(case_file) == before + 1

    def test_a_lapsed_grant_gives_nothing(self, review, reader):
        review.case_file.grants.update(until="2020-01-01T00:00Z")
        assert sight_of(reader, review.case_file) == ""

    def test_a_sealed_grant_of_somebody_who_left_gives_nothing(self, review, reader):
        reader.memberships.update(ended_at="2020-01-01T00:00Z")
        fresh = type(reader).objects.get(pk=reader.pk)
        assert sight_of(fresh, review.case_file) == ""


class TestList:
    def rows(self, client: Client, opinion_request) -> str:
        page = client.get(
            reverse("records:documents", args=[opinion_request.case_file_id]),
            headers={"HX-Request": "true"},
        )
        assert page.status_code == 200
        return page.content.decode()

    def test_it_asks_again_only_while_something_is_checked(self, client, opinion_request, document):
        client.force_login(opinion_request.started_by)
        assert "every 3s" not in self.rows(client, opinion_request)
        Document.objects.filter(pk=document.pk).update(status="screening")
        page = self.rows(client, opinion_request)
        assert "every 3s" in page
        assert "Being checked" in page

    def test_a_problem_is_a_sentence_and_a_way_out(self, client, opinion_request, document):
        Document.objects.filter(pk=document.pk).update(status="rejected", problem="password")
        client.force_login(opinion_request.started_by)
        page = self.rows(client, opinion_request)
        assert "locked with a password" in page
        assert "Save as PDF" in page

    def test_a_second_copy_names_the_first(self, client, opinion_request, document):
        factories.document(
            opinion_request.case_file,
            by=opinion_request.started_by,
            status="rejected",
            problem="duplicate",
            findings={"same_as": str(document.pk)},
        )
        client.force_login(opinion_request.started_by)
        assert "the same as “Mammakarzinom" in self.rows(client, opinion_request)

    def test_its_length_costs_no_queries(
        self, client, opinion_request, document, django_assert_max_num_queries
    ):
        client.force_login(opinion_request.started_by)
        self.rows(client, opinion_request)
        counts = []
        for _ in range(2):
            with django_assert_max_num_queries(40) as queries:
                self.rows(client, opinion_request)
            counts.append(len(queries))
            for _ in range(15):
                factories.document(opinion_request.case_file, by=opinion_request.started_by)
        assert counts[0] == counts[1]

    def test_a_name_with_markup_stays_a_name(self, client, opinion_request):
        factories.document(
            opinion_request.case_file,
            by=opinion_request.started_by,
            file_name='<img src=x onerror="alert(1)">.pdf',
        )
        client.force_login(opinion_request.started_by)
        assert "<img" not in self.rows(client, opinion_request)


class TestDescribeAndRemove:
    def test_the_patient_says_what_it_is(self, client, opinion_request, document):
        client.force_login(opinion_request.started_by)
        assert client.post(url("set_kind", document), {"kind": "photo"}).status_code == 302
        document.refresh_from_db()
        assert document.kind == "photo"

    def test_a_kind_nobody_knows_changes_nothing(self, client, opinion_request, document):
        client.force_login(opinion_request.started_by)
        headers = {"HX-Request": "true"}
        response = client.post(url("set_kind", document), {"kind": "x"}, headers=headers)
        assert response.status_code == 400
        document.refresh_from_db()
        assert document.kind == "letter"

    def test_removing_asks_first_then_erases_within_the_hour(
        self, client, opinion_request, document
    ):
        client.force_login(opinion_request.started_by)
        assert b"Remove this file?" in client.get(url("remove", document)).content
        key = document.key
        pages = list(document.pages.values_list("key", flat=True))
        assert client.post(url("remove", document)).status_code == 302
        assert client.get(url("document", document)).status_code == 404
        forget_unfinished_uploads()
        assert not any(default_storage.exists(k) for k in [key, *pages])
        document.refresh_from_db()
        assert (document.status, document.key, document.pages.count()) == ("removed", "", 0)
        assert not hasattr(Document.objects.get(pk=document.pk), "name")

    def test_a_second_click_is_told_so(self, client, opinion_request, document):
        client.force_login(opinion_request.started_by)
        client.post(url("remove", document))
        assert client.post(url("remove", document)).status_code == 409

    def test_nothing_is_removed_once_a_specialist_reads(self, client):
        review = factories.opinion_request_at("in_review")
        document = review.case_file.documents.get()
        client.force_login(review.started_by)
        assert client.post(url("remove", document)).status_code == 409
        client.force_login(review.referrals.get().specialist.user)
        assert client.post(url("remove", document)).status_code == 404
        assert client.post(url("set_kind", document), {"kind": "photo"}).status_code == 404


def test_open_for_records_follows_the_request(opinion_request):
    opinion_request.case_file.refresh_from_db()
    assert opinion_request.case_file.is_open_for_records
    later = factories.opinion_request_at("referred")
    assert not later.case_file.is_open_for_records


def test_full_sight_by_grant(opinion_request):
    reviewer = factories.quality_reviewer(opinion_request.clinic)
    from django.utils import timezone

    grant(
        opinion_request.case_file,
        to=reviewer,
        as_role="quality_reviewer",
        sight="full",
        until=timezone.now() + timedelta(days=1),
        by=reviewer,
    )
    assert sight_of(reviewer, opinion_request.case_file) == "full"
