"""The resumable way in: beginning and sending, spoken as tus."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records import uploads
from records.models import Document, Screening, Upload
from tests import factories
from tests.records import files
from tests.records.uploads.tus import TUS, Cut, create, offset_at, patch, send

pytestmark = pytest.mark.django_db


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
