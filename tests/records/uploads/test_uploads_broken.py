"""Uploads that break off, meet each other, are forgotten, or come as a plain form."""

from __future__ import annotations

import threading
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from records import uploads, workflow
from records.models import Document, Upload
from records.tasks import forget_unfinished_uploads
from tests import factories
from tests.records import files
from tests.records.uploads.tus import create, offset_at, patch

pytestmark = pytest.mark.django_db


class TestCrash:
    """Killed between any two lines, the next HEAD, PATCH or hourly round completes it, once."""

    def whole(self, patient, opinion_request, monkeypatch, where: str) -> Upload:
        def die(*_: object, **__: object) -> None:
            raise SystemError(where)

        create(patient, opinion_request, 5)
        upload = Upload.objects.get()
        with monkeypatch.context() as dying, pytest.raises(SystemError):
            dying.setattr(
                *{"store": (uploads, "_store", die), "commit": (workflow, "receive", die)}[where]
            )
            uploads.append(upload, BytesIO(b"12345"), offset=0, length=5)
        return Upload.objects.get()

    @pytest.mark.parametrize("where", ["store", "commit"])
    def test_asking_for_the_offset_completes_it(self, patient, opinion_request, monkeypatch, where):
        upload = self.whole(patient, opinion_request, monkeypatch, where)
        assert not upload.finished_at
        url = reverse("records:upload", args=[upload.pk])
        assert offset_at(patient, url) == offset_at(patient, url) == 5
        document = Document.objects.get(status="screening")
        assert files.stored(document.key) == b"12345"
        assert not uploads.part_of(upload).exists()

    @pytest.mark.parametrize("where", ["store", "commit"])
    def test_the_hourly_round_completes_it(self, patient, opinion_request, monkeypatch, where):
        self.whole(patient, opinion_request, monkeypatch, where)
        forget_unfinished_uploads()
        forget_unfinished_uploads()
        assert Document.objects.filter(status="screening").count() == 1

    def test_bytes_the_disk_lost_are_never_made_up(self, patient, opinion_request):
        url = create(patient, opinion_request, 10)["Location"]
        patch(patient, url, b"12345", 0)
        uploads.part_of(Upload.objects.get()).unlink()
        assert patch(patient, url, b"67890", 5).status_code == 410
        assert not Upload.objects.exists()

    def test_bytes_past_the_promised_offset_are_written_again(self, patient, opinion_request):
        url = create(patient, opinion_request, 10)["Location"]
        patch(patient, url, b"12345", 0)
        with uploads.part_of(Upload.objects.get()).open("ab") as part:
            part.write(b"garbage")
        patch(patient, url, b"67890", 5)
        document = Document.objects.get(status="screening")
        assert files.stored(document.key) == b"1234567890"


class TestForget:
    def test_an_upload_nobody_went_on_with_is_forgotten(self, patient, opinion_request):
        url = create(patient, opinion_request, 10)["Location"]
        patch(patient, url, b"12345", 0)
        part = uploads.part_of(Upload.objects.get())
        forget_unfinished_uploads()
        assert part.exists()
        Upload.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
        forget_unfinished_uploads()
        assert not part.exists()
        assert not Upload.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTogether:
    def test_of_many_writers_of_one_file_the_bytes_come_out_once(self):
        opinion_request = factories.draft()
        content = bytes(range(256)) * 2000
        upload = uploads.begin(
            opinion_request.case_file,
            by=opinion_request.started_by,
            file_name="a.pdf",
            size_bytes=len(content),
        )

        def write() -> None:
            try:
                mine = Upload.objects.get(pk=upload.pk)
                while not mine.finished_at:
                    try:
                        start = mine.offset_bytes
                        body = BytesIO(content[start : start + 50_000])
                        length = min(50_000, len(content) - start)
                        uploads.append(mine, body, offset=start, length=length)
                    except (uploads.WrongOffset, uploads.Refused):
                        pass
                    mine.refresh_from_db()
            finally:
                connection.close()

        threads = [threading.Thread(target=write) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        document = Document.objects.get(case_file=opinion_request.case_file, status="screening")
        assert files.stored(document.key) == content


class TestWithoutJavaScript:
    def post(self, client, opinion_request, *contents: bytes, **fields: str):
        sent = [SimpleUploadedFile(f"{n}.pdf", content) for n, content in enumerate(contents)]
        url = reverse("records:upload_simple", args=[opinion_request.case_file_id])
        return client.post(url, {"files": sent} | fields, follow=True)

    def test_several_files_at_once(self, patient, opinion_request):
        page = self.post(patient, opinion_request, files.pdf(text="one"), files.pdf(text="two"))
        assert Document.objects.filter(status="screening").count() == 2
        assert "0.pdf is here and is being checked." in page.content.decode()

    def test_an_empty_one_gets_a_sentence_and_the_other_is_kept(self, patient, opinion_request):
        page = self.post(patient, opinion_request, b"", files.pdf())
        assert Document.objects.filter(status="screening").count() == 1
        assert "This file is empty." in page.content.decode()

    def test_none_chosen(self, patient, opinion_request):
        assert "Choose a file first." in self.post(patient, opinion_request).content.decode()

    def test_it_never_leads_elsewhere(self, patient, opinion_request):
        url = reverse("records:upload_simple", args=[opinion_request.case_file_id])
        response = patient.post(url, {"next": "https://evil.example/"})
        assert response["Location"] == reverse(
            "records:documents", args=[opinion_request.case_file_id]
        )


def test_parts_are_readable_by_the_service_alone(patient, opinion_request):
    url = create(patient, opinion_request, 10)["Location"]
    patch(patient, url, b"12345", 0)
    part = uploads.part_of(Upload.objects.get())
    assert part.stat().st_mode & 0o777 == 0o600
    assert Path(settings.UPLOADS_DIR) in part.parents
