"""The page for images, what it is told of what is here, and the way of an archive into its job."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from records import uploads
from records.imaging_archives import rows_of
from records.models import Document, ImagingIngest, ImagingInstance, Upload
from records.models.document import IMAGING_ARCHIVE
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store

pytestmark = pytest.mark.django_db


def a_zip(*contents: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"file {number}", content)
    return out.getvalue()


@pytest.fixture
def case_file() -> Any:
    return a_case_file()


@pytest.fixture
def client(case_file) -> Client:
    client = Client()
    client.force_login(case_file.patient.user)
    return client


def send(client: Client, case_file: Any, content: bytes, name: str = "cd.zip") -> Any:
    """By the form without JavaScript, which ends as tus does."""
    file = SimpleUploadedFile(name, content)
    page = reverse("records:images_add", args=[case_file.pk])
    return client.post(
        reverse("records:upload_simple", args=[case_file.pk]),
        {"files": file, "kind": IMAGING_ARCHIVE, "next": page},
        follow=True,
    )


class TestArchive:
    def test_it_becomes_a_job_and_no_document_and_leaves_no_name(self, client, case_file, run_jobs):
        response = send(client, case_file, a_zip(as_bytes(ct(1)), as_bytes(ct(2)), b"MZ"))
        assert "Taking out the images" in response.content.decode()
        job, upload = ImagingIngest.objects.get(), Upload.objects.get()
        assert (job.key, job.by) == (upload.key, case_file.patient.user)
        assert (upload.file_name, bool(upload.finished_at)) == ("", True)
        assert not Document.objects.exists()
        assert AuditEvent.objects.filter(verb="imaging.archive_received").count() == 1
        run_jobs()
        [row] = rows_of(case_file)
        assert row.result == "2 images were added. 1 other file was left out."
        assert not row.is_open
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 2

    def test_a_single_image_is_taken_as_it_is(self, client, case_file, run_jobs):
        send(client, case_file, as_bytes(ct(1)), "IM1.dcm")
        run_jobs()
        assert rows_of(case_file)[0].result == "1 image was added."
        send(client, case_file, as_bytes(ct(1))[:300], "cut.dcm")
        run_jobs()
        newest = rows_of(case_file)[0]
        assert newest.is_refused
        assert newest.problems[0].startswith("1: This file ")

    def test_a_damaged_one_and_one_without_images_are_refused_in_words(
        self, client, case_file, run_jobs
    ):
        send(client, case_file, b"PK\x03\x04 no archive at all")
        run_jobs()
        response = client.get(
            reverse("records:images_add", args=[case_file.pk]), headers={"HX-Request": "true"}
        )
        text = response.content.decode()
        assert text.lstrip().startswith("<section")
        assert "This ZIP file is damaged and cannot be opened." in text
        assert "every 2s" not in text
        send(client, case_file, a_zip(b"no image"))
        run_jobs()
        assert rows_of(case_file)[0].result.startswith("There was no image in it")

    def test_it_may_be_larger_than_a_document_and_has_a_limit_of_its_own(self, case_file, settings):
        settings.MAX_DOCUMENT_BYTES, settings.MAX_ARCHIVE_BYTES = 1000, 2000
        begin = {"by": case_file.patient.user, "file_name": "cd.zip"}
        made = uploads.begin(case_file, size_bytes=1500, kind=IMAGING_ARCHIVE, **begin)
        assert made.key.startswith("archives/")
        with pytest.raises(Refused, match="larger than 2"):
            uploads.begin(case_file, size_bytes=2500, kind=IMAGING_ARCHIVE, **begin)
        with pytest.raises(Refused):
            uploads.begin(
                case_file, size_bytes=1500, kind="letter", **begin | {"file_name": "cd.pdf"}
            )


class TestHere:
    def test_it_names_each_image_with_its_size_and_of_this_case_file_alone(self, client, case_file):
        one, other = as_bytes(ct(1)), a_case_file()
        result = store(case_file, one)[0]
        store(other, as_bytes(ct(2)))
        url = reverse("records:images_here", args=[case_file.pk])
        assert client.get(url).json() == {"instances": {result.received.instance_uid: len(one)}}
        client.force_login(other.patient.user)
        assert client.get(url).status_code == 404

    def test_its_cost_does_not_grow(self, client, case_file, django_assert_max_num_queries):
        url = reverse("records:images_here", args=[case_file.pk])
        for number in range(1, 4):
            store(case_file, as_bytes(ct(number)))
        with django_assert_max_num_queries(14):
            assert len(client.get(url).json()["instances"]) == 3


class TestPage:
    def test_a_reader_does_not_find_it_and_a_closed_case_file_says_why(self):
        request = factories.opinion_request_at("in_review")
        url = reverse("records:images_add", args=[request.case_file_id])
        client = Client()
        client.force_login(request.referrals.get().specialist.user)
        assert client.get(url).status_code == 404
        client.force_login(request.started_by)
        page = client.get(url).content.decode()
        assert "already looking at the records" in page
        assert "data-images" not in page

    def test_the_way_back_is_ours(self, client, case_file):
        url = reverse("records:images_add", args=[case_file.pk])
        assert 'href="//evil' not in client.get(f"{url}?next=//evil.example/").content.decode()
        assert 'href="/requests/"' in client.get(f"{url}?next=/requests/").content.decode()
