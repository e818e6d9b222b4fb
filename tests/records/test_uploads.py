"""The resumable way in, spoken as tus over the application's own URLs."""

from __future__ import annotations

import hashlib
import threading
from base64 import b64encode
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records import uploads, workflow
from records.models import Document, Screening, Upload
from records.tasks import forget_unfinished_uploads
from requests_app.models import OpinionRequest
from tests import factories
from tests.records import files

pytestmark = pytest.mark.django_db
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def opinion_request() -> OpinionRequest:
    return factories.draft()


@pytest.fixture
def patient(opinion_request, client: Client) -> Client:
    client.force_login(opinion_request.started_by)
    return client


def create(client: Client, opinion_request, size: int, *, name: str = "letter.pdf", **told: str):
    pairs = {"filename": name} | told
    metadata = ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in pairs.items())
    url = reverse("records:upload_create", args=[opinion_request.case_file_id])
    headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata}
    return client.post(url, headers=headers, content_type="application/x-none")


def patch(client: Client, url: str, body: bytes, offset: int, **headers: str):
    return client.patch(
        url,
        body,
        content_type="application/offset+octet-stream",
        headers=TUS | {"Upload-Offset": str(offset)} | headers,
    )


def offset_at(client: Client, url: str) -> int:
    return int(client.head(url, headers=TUS)["Upload-Offset"])


def send(client: Client, opinion_request, content: bytes, **options: str) -> Document:
    url = create(client, opinion_request, len(content), **options)["Location"]
    assert patch(client, url, content, 0).status_code == 204
    return (
        Document.objects.order_by("-received_at", "-pk")
        .filter(case_file=opinion_request.case_file_id, status="screening")
        .first()
    )


class TestCreate:
    def test_it_says_what_it_can(self, patient, opinion_request):
        url = reverse("records:upload_create", args=[opinion_request.case_file_id])
        response = patient.options(url)
        assert response["Tus-Extension"] == "creation,termination,expiration,checksum"
        assert response["Tus-Max-Size"] == str(settings.MAX_DOCUMENT_BYTES)

    def test_it_answers_with_a_place_and_an_end(self, patient, opinion_request):
        response = create(patient, opinion_request, 10, kind="lab_results")
        upload = Upload.objects.get()
        assert response.status_code == 201
        assert response["Location"] == reverse("records:upload", args=[upload.pk])
        assert response["Upload-Expires"].endswith("GMT")
        assert (upload.file_name, upload.kind, upload.offset_bytes) == (
            "letter.pdf",
            "lab_results",
            0,
        )

    def test_a_file_of_two_gigabytes_is_refused_before_any_byte(self, patient, opinion_request):
        response = create(patient, opinion_request, 2 * 1024**3)
        assert response.status_code == 413
        assert response.content.decode().startswith("This file is larger than 2.1 GB")
        assert not Upload.objects.exists()

    def test_an_empty_file_is_refused_with_what_to_do(self, patient, opinion_request):
        response = create(patient, opinion_request, 0)
        assert response.status_code == 400
        assert "save it again" in response.content.decode()

    def test_a_full_case_file_is_refused(self, patient, opinion_request, settings):
        settings.MAX_CASE_FILE_BYTES = 1000
        assert create(patient, opinion_request, 600).status_code == 201
        assert create(patient, opinion_request, 600).status_code == 413

    def test_a_full_disk_is_refused(self, patient, opinion_request, monkeypatch):
        monkeypatch.setattr(uploads, "MIN_FREE_BYTES", 10**18)
        assert create(patient, opinion_request, 10).status_code == 507

    def test_a_stranger_finds_nothing(self, client, opinion_request):
        client.force_login(factories.UserFactory())
        assert create(client, opinion_request, 10).status_code == 404

    def test_a_specialist_who_reads_the_case_may_not_add_to_it(self, client):
        opinion_request = factories.opinion_request_at("in_review")
        client.force_login(opinion_request.referrals.get().specialist.user)
        assert create(client, opinion_request, 10).status_code == 404

    def test_a_coordinator_of_the_clinic_may_and_one_of_another_finds_nothing(self, client):
        opinion_request = factories.opinion_request_at("collecting")
        client.force_login(factories.coordinator(opinion_request.clinic))
        assert create(client, opinion_request, 10).status_code == 201
        client.force_login(factories.coordinator())
        assert create(client, opinion_request, 10).status_code == 404

    def test_it_refuses_once_a_specialist_was_asked(self, client):
        opinion_request = factories.opinion_request_at("referred")
        client.force_login(opinion_request.started_by)
        response = create(client, opinion_request, 10)
        assert response.status_code == 409
        assert "already looking" in response.content.decode()

    def test_it_wants_the_csrf_token(self, opinion_request):
        client = Client(enforce_csrf_checks=True)
        client.force_login(opinion_request.started_by)
        assert create(client, opinion_request, 10).status_code == 403
        assert not Upload.objects.exists()

    def test_an_old_page_is_told_to_reload(self, patient, opinion_request):
        url = reverse("records:upload_create", args=[opinion_request.case_file_id])
        response = patient.post(url, headers={"Upload-Length": "1"}, content_type="a/b")
        assert (response.status_code, response["Tus-Version"]) == (412, "1.0.0")

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("../../etc/passwd", "passwd"),
            ("C:\\scans\\a.pdf", "a.pdf"),
            ("exe.\u202egpj", "exe.gpj"),
            ("a\0b\n.pdf", "ab.pdf"),
            ("", "file"),
            ("x" * 400 + ".pdf", "x" * 240 + ".pdf"),
        ],
    )
    def test_a_name_is_only_a_name(self, sent, kept):
        assert uploads.clean_name(sent) == kept


class TestSend:
    def test_a_whole_file_becomes_a_document_with_its_job(self, patient, opinion_request):
        content = files.pdf()
        document = send(patient, opinion_request, content, kind="letter")
        assert files.stored(document.key) == content
        assert document.name.file_name == "letter.pdf"
        assert Screening.objects.get(document=document).status == "queued"
        upload = Upload.objects.get()
        assert upload.finished_at
        assert upload.file_name == ""
        assert not uploads.part_of(upload).exists()

    def test_it_goes_on_where_the_line_was_cut(self, patient, opinion_request):
        content = bytes(range(256)) * 4000
        url = create(patient, opinion_request, len(content))["Location"]
        cut = int(len(content) * 0.6)
        upload = Upload.objects.get()
        uploads.append(upload, Cut(content[:cut]), offset=0, length=len(content))
        assert offset_at(patient, url) == cut
        assert patch(patient, url, content[cut:], cut).status_code == 204
        document = Document.objects.get(status="screening")
        stored = files.stored(document.key)
        assert hashlib.sha256(stored).digest() == hashlib.sha256(content).digest()

    def test_a_broken_socket_keeps_what_came(self, patient, opinion_request):
        url = create(patient, opinion_request, 3000)["Location"]
        with pytest.raises(ConnectionResetError):
            uploads.append(
                Upload.objects.get(), Cut(b"x" * 1000, breaks=True), offset=0, length=3000
            )
        assert offset_at(patient, url) == 1000

    def test_the_wrong_place_is_answered_with_the_right_one(self, patient, opinion_request):
        url = create(patient, opinion_request, 10)["Location"]
        patch(patient, url, b"12345", 0)
        response = patch(patient, url, b"12345", 0)
        assert (response.status_code, response["Upload-Offset"]) == (409, "5")

    def test_more_than_announced_is_refused(self, patient, opinion_request):
        url = create(patient, opinion_request, 3)["Location"]
        assert patch(patient, url, b"12345", 0).status_code == 400
        assert offset_at(patient, url) == 0

    def test_a_second_writer_is_told_to_wait(self, patient, opinion_request):
        url = create(patient, opinion_request, 10)["Location"]
        with uploads.sole_writer(Upload.objects.get()):
            assert patch(patient, url, b"12345", 0).status_code == 423
        assert patch(patient, url, b"12345", 0).status_code == 204

    def test_a_right_checksum_is_taken(self, patient, opinion_request):
        url = create(patient, opinion_request, 5)["Location"]
        told = b64encode(hashlib.sha256(b"12345").digest()).decode()
        response = patch(patient, url, b"12345", 0, **{"Upload-Checksum": f"sha256 {told}"})
        assert response.status_code == 204

    def test_a_wrong_checksum_keeps_nothing(self, patient, opinion_request):
        url = create(patient, opinion_request, 10)["Location"]
        told = b64encode(hashlib.sha1(b"other").digest()).decode()
        response = patch(patient, url, b"12345", 0, **{"Upload-Checksum": f"sha1 {told}"})
        assert response.status_code == 460
        assert offset_at(patient, url) == 0

    def test_somebody_else_cannot_go_on_with_it(self, patient, opinion_request, client):
        url = create(patient, opinion_request, 10)["Location"]
        client.force_login(factories.UserFactory())
        assert client.head(url, headers=TUS).status_code == 404
        assert patch(client, url, b"1", 0).status_code == 404
        assert client.delete(url, headers=TUS).status_code == 404

    def test_a_proxy_whose_time_is_over_cannot_go_on(self, opinion_request, client):
        from records.models import Proxy

        helper = factories.UserFactory()
        proxy = Proxy.objects.create(
            clinic=opinion_request.clinic,
            patient=opinion_request.case_file.patient,
            user=helper,
            authority="permission",
            until=timezone.now().date() + timedelta(days=9),
            recorded_by=helper,
        )
        client.force_login(helper)
        url = create(client, opinion_request, 10)["Location"]
        proxy.revoked_at = timezone.now()
        proxy.save()
        assert patch(client, url, b"12345", 0).status_code == 404

    def test_cancelling_forgets_row_and_bytes(self, patient, opinion_request):
        url = create(patient, opinion_request, 10)["Location"]
        patch(patient, url, b"12345", 0)
        part = uploads.part_of(Upload.objects.get())
        assert part.exists()
        assert patient.delete(url, headers=TUS).status_code == 204
        assert not part.exists()
        assert not Upload.objects.exists()

    def test_cancelling_a_finished_one_leaves_the_document(self, patient, opinion_request):
        document = send(patient, opinion_request, b"12345")
        url = reverse("records:upload", args=[Upload.objects.get().pk])
        assert patient.delete(url, headers=TUS).status_code == 204
        assert default_storage.exists(document.key)


class Cut:
    """A sender whose connection ends, or breaks, after some bytes."""

    def __init__(self, content: bytes, *, breaks: bool = False) -> None:
        self.rest, self.breaks = BytesIO(content), breaks

    def read(self, size: int) -> bytes:
        block = self.rest.read(min(size, 700))
        if not block and self.breaks:
            raise ConnectionResetError
        return block


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
