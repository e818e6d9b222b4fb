"""A ZIP of anything, sent with the papers or at a record holder's door, simply succeeds."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.cache import cache
from django.urls import reverse

from records import authorizations, documents, door, uploads
from records.models import Document, ImagingIngest, ImagingInstance, ImagingPack, ImagingStudy
from tests import factories
from tests.records import asking, files
from tests.records.dicom import samples
from tests.records.test_door import begin, go_on

pytestmark = pytest.mark.django_db


def a_zip(*entries) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def image(number=1) -> bytes:
    return samples.as_bytes(samples.ct(number))


ANYTHING = a_zip(
    ("letters/discharge.pdf", files.pdf(2)),
    ("../../etc/photo.png", files.picture()),
    ("scans/1", image(1)),
    ("scans/2", image(2)),
    ("inner.zip", a_zip(("hidden.pdf", files.pdf(1)))),
    ("bomb", bytes(128) + b"DICM" + bytes(50_000_000)),
    ("notes.docx", files.DOCX),
)


def send(opinion_request, content, name="everything.zip"):
    user = opinion_request.case_file.patient.user
    upload = uploads.begin(
        opinion_request.case_file, by=user, file_name=name, size_bytes=len(content)
    )
    uploads.append(upload, io.BytesIO(content), offset=0, length=len(content))
    return user


def new(panel):
    """Without the letter that the request had."""
    return [row for row in panel.rows if row.title != "letter.pdf"]


def settle(run_jobs):
    for _round in range(4):  # look at the file, unpack it, look at what was in it, search that
        run_jobs()


class TestWithThePapers:
    def test_letters_become_documents_images_packs_and_the_rest_is_told(self, run_jobs, client):
        opinion_request = factories.draft()
        user = send(opinion_request, ANYTHING)
        case_file = opinion_request.case_file
        settle(run_jobs)
        shown = documents.panel(case_file, user)
        assert sorted(row.title for row in new(shown)) == ["discharge.pdf", "photo.png"]
        assert {row.document.status for row in new(shown)} == {"available"}
        assert {row.document.by_id for row in new(shown)} == {user.pk}
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 2
        [archive] = shown.archives
        assert "2 documents were added." in archive.result
        assert "2 images were added." in archive.result
        told = " ".join(archive.problems)
        assert "a ZIP file inside a ZIP file" in told
        assert "grows far beyond its size" in told
        assert not shown.is_checking

        client.force_login(user)
        page = client.get(reverse("records:documents", args=[case_file.pk])).content.decode()
        assert "Files we unpack here" in page
        send(opinion_request, ANYTHING)  # once more: nothing is doubled
        settle(run_jobs)
        assert len(new(documents.panel(case_file, user))) == 2
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 2

    def test_one_image_among_the_papers_becomes_a_study(self, run_jobs):
        opinion_request = factories.draft()
        user = send(opinion_request, image(), name="IM0001")
        settle(run_jobs)
        assert ImagingStudy.objects.get().case_file_id == opinion_request.case_file_id
        assert new(documents.panel(opinion_request.case_file, user)) == []

    def test_what_cannot_be_opened_says_why(self, run_jobs):
        opinion_request = factories.draft()
        user = send(opinion_request, ANYTHING[:-40])
        settle(run_jobs)
        [archive] = documents.panel(opinion_request.case_file, user).archives
        assert archive.is_refused
        assert archive.result == "This ZIP file is damaged and cannot be opened."

    def test_a_zip_larger_than_any_document_is_taken_by_its_name_and_others_are_not(
        self, run_jobs, settings
    ):
        settings.MAX_DOCUMENT_BYTES = 400
        opinion_request = factories.draft()
        user = send(opinion_request, image(), name="BIG.ZIP")
        settle(run_jobs)
        assert ImagingInstance.objects.count() == 1
        with pytest.raises(uploads.Refused, match="larger than"):
            send(opinion_request, files.pdf(1), name="big.pdf")
        send(opinion_request, bytes(500), name="not really.zip")
        settle(run_jobs)
        shown = documents.panel(opinion_request.case_file, user)
        assert shown.archives[0].is_refused
        assert new(shown) == []


class TestAtTheDoor:
    @pytest.fixture(autouse=True)
    def _no_limits_left_over(self):
        cache.clear()

    def test_it_is_unpacked_under_the_request_and_the_sender_reads_what_became_of_it(
        self, run_jobs
    ):
        it = asking.sent()
        client = asking.at_the_door(it)
        url = begin(client, ANYTHING, "everything.zip")["Location"]
        assert go_on(client, url, ANYTHING).status_code == 204
        assert asking.again(it).status == "partly_received"
        ledger = it.events.filter(kind="arrived").count()
        # Taken back now: what came before stays, and is unpacked.
        link = asking.link_of(it)
        authorizations.take_back(asking.paper_of(it), by=it.case_file.patient.user)
        settle(run_jobs)
        here = Document.objects.filter(record_request=it).exclude(status="removed")
        assert here.count() == 2
        assert {document.by_id for document in here} == {None}
        assert ImagingPack.objects.filter(record_request=it).count() == 1
        assert ImagingStudy.objects.get().record_request_id == it.pk
        assert ImagingIngest.objects.get().record_request_id == it.pk
        assert it.events.filter(kind="arrived").count() == ledger == 1
        sent = door.sent_so_far(link)
        assert [one.kind for one in sent].count("application/zip") == 1
        assert "a ZIP file inside a ZIP file" in sent[-1].problem
        assert "everything" not in str(sent)

    def test_a_page_shows_it_while_it_is_opened(self, run_jobs):
        it = asking.sent()
        client = asking.at_the_door(it)
        content = a_zip(("scans/1", image(1)))
        url = begin(client, content, "disc.zip")["Location"]
        go_on(client, url, content)
        run_jobs()
        run_jobs()
        page = client.get("/door/", headers={"accept": "text/html"}).content.decode()
        assert "1 image" in page
        ImagingIngest.objects.update(status="queued")
        page = client.get("/door/", headers={"accept": "text/html"}).content.decode()
        assert "(packed)" in page
        assert "Being checked" in page
