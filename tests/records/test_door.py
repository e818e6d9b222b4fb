"""The record holders' door: a link for a cookie, files in, nothing out, shut at once."""

from __future__ import annotations

import base64
import io

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records import arrivals, authorizations, door, holder_links
from records.models import Document, ImagingInstance, ImagingPack, RecordRequestEvent, Upload
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from tests import factories
from tests.records import asking
from tests.records.dicom import samples

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n% a report\n"
TUS = {"tus-resumable": "1.0.0", "accept": "*/*"}


@pytest.fixture(autouse=True)
def _no_limits_left_over():
    cache.clear()


def name(text):
    return "filename " + base64.b64encode(text.encode()).decode()


def begin(client, content=PDF, file_name="report.pdf"):
    return client.post(
        reverse("door:upload_create"),
        headers=TUS | {"upload-length": str(len(content)), "upload-metadata": name(file_name)},
    )


def go_on(client, url, content=PDF, offset=0):
    return client.patch(
        url, content, content_type="application/offset+octet-stream",
        headers=TUS | {"upload-offset": str(offset)},
    )  # fmt: skip


def slices(count):
    return [samples.ct(number) for number in range(1, count + 1)]


def stow(client, *objects):
    body = b"".join(
        b"--cut\r\nContent-Type: application/dicom\r\n\r\n" + samples.as_bytes(one) + b"\r\n"
        for one in objects
    )
    return client.post(
        reverse("dicomweb:door_store"), body + b"--cut--\r\n",
        content_type='multipart/related; type="application/dicom"; boundary=cut',
    )  # fmt: skip


class TestTheLink:
    def test_it_is_exchanged_for_a_cookie_that_goes_to_the_door_alone(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        cookie = client.cookies["door"]
        assert cookie["path"] == "/door/"
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert holder_links.code_of(asking.link_of(it)) not in cookie.value
        page = client.get("/door/", headers={"accept": "text/html"}).content.decode()
        assert it.reference in page
        assert "MRI of the left breast" in page
        assert asking.again(it).status == "acknowledged"

    def test_a_wrong_old_or_spoiled_key_opens_nothing(self):
        it = asking.sent()
        client = Client()
        for code in ("0" * 52, "z" * 52):
            assert client.get(f"/door/{code}/").status_code == 302
            assert client.get("/door/", headers={"accept": "text/html"}).status_code == 404
        assert client.get("/door/short/").status_code == 404
        client = asking.at_the_door(it)
        client.cookies["door"] = client.cookies["door"].value[:-2] + "xx"
        assert client.get("/door/").status_code == 404
        client = asking.at_the_door(it)
        it.links.update(expires_at=timezone.now())
        assert client.get("/door/").status_code == 404

    def test_the_code_can_be_typed_from_paper(self):
        it = asking.sent()
        client = Client()
        spoken = holder_links.spoken(holder_links.code_of(asking.link_of(it)))
        assert client.post("/door/code/", {"code": "not a code"}).status_code == 200
        answer = client.post("/door/code/", {"code": spoken.replace(" ", "-").replace("0", "O")})
        assert answer.url == "/door/"
        assert client.get("/door/").status_code == 200

    def test_guessing_is_slowed_down(self):
        client = Client()
        statuses = [client.get(f"/door/{'0' * 51}{n % 10}/").status_code for n in range(25)]
        assert statuses.count(429) >= 4

    def test_staff_get_in_by_the_link_alone(self):
        it = asking.sent()
        client = Client()
        client.force_login(it.created_by)
        assert client.get("/door/").status_code == 404


class TestFiles:
    def test_a_file_goes_on_after_a_cut_and_names_its_request(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        url = begin(client)["Location"]
        assert url.startswith("/door/files/")
        assert go_on(client, url, PDF[:8]).status_code == 204
        assert client.head(url, headers=TUS)["Upload-Offset"] == "8"
        assert go_on(client, url, PDF[8:], 8).status_code == 204
        document = Document.objects.get(record_request=it)
        assert document.by is None
        assert document.status == "screening"
        assert asking.again(it).status == "partly_received"
        event = it.events.get(kind="arrived")
        assert (event.by_holder, event.size_bytes, event.new) == (True, len(PDF), "document")
        audit = AuditEvent.objects.get(verb="document.received", about_id=str(document.pk))
        assert (audit.actor_id, audit.actor_role) == (None, "record_holder")
        told = Notification.objects.get(message="record_arrived")
        assert told.to == it.created_by

    def test_without_javascript_it_is_a_form(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        file = SimpleUploadedFile("letter.pdf", PDF)
        answer = client.post(reverse("door:file"), {"files": [file]}, follow=True)
        assert "is here and is being checked" in answer.content.decode()
        assert Document.objects.filter(record_request=it).count() == 1

    def test_an_upload_of_another_request_does_not_exist_here(self):
        one, other = asking.sent(), asking.sent()
        url = begin(asking.at_the_door(one))["Location"]
        client = asking.at_the_door(other)
        assert client.head(url, headers=TUS).status_code == 404
        assert go_on(client, url).status_code == 404
        own = Upload.objects.create(
            clinic=other.clinic, case_file=other.case_file, by=other.case_file.patient.user,
            file_name="a", size_bytes=3, key="documents/aa/x", expires_at=timezone.now(),
        )  # fmt: skip
        assert client.head(reverse("door:upload", args=[own.pk]), headers=TUS).status_code == 404

    def test_a_permission_taken_back_on_the_way_stops_within_that_file(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        url = begin(client)["Location"]
        row = Upload.objects.get(record_request=it)
        assert go_on(client, url, PDF[:8]).status_code == 204
        authorizations.take_back(asking.paper_of(it), by=it.case_file.patient.user)
        assert go_on(client, url, PDF[8:], 8).status_code == 404
        # the last piece was already being written when it was taken back
        with pytest.raises(Refused) as refused:
            from records import uploads

            uploads.append(row, io.BytesIO(PDF[8:]), offset=8, length=len(PDF) - 8)
        assert refused.value.status == arrivals.GONE
        door.turn_away(row)
        assert not Upload.objects.filter(record_request=it).exists()
        assert not Document.objects.filter(record_request=it).exists()
        from django.core.files.storage import default_storage

        assert not default_storage.exists(row.key)
        moves = [e.kind for e in it.events.order_by("at", "id")]
        assert moves.count("arrived") == 0
        assert moves[-1] == "refused_at_door"
        assert asking.again(it).status == "stopped"


class TestImages:
    def test_a_folder_comes_in_by_stow_and_names_its_request(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        objects = slices(3)
        answer = stow(client, *objects)
        assert answer.status_code == 200
        assert str(it.case_file_id) not in answer.content.decode()
        assert ImagingPack.objects.get().record_request == it
        study = it.case_file.imaging_studies.get()
        assert (study.by, study.record_request) == (None, it)
        assert it.events.get(kind="arrived").count == 3
        here = client.get(reverse("door:images_here")).json()["instances"]
        assert set(here) == {str(one.SOPInstanceUID) for one in objects}
        assert stow(client, *objects).status_code == 200  # again: nothing doubles
        assert ImagingInstance.objects.count() == 3

    def test_what_others_sent_is_not_told(self):
        it = asking.sent()
        other = asking.sent(it.case_file.opinion_request, name="Other Centre")
        assert stow(asking.at_the_door(other), *slices(2)).status_code == 200
        client = asking.at_the_door(it)
        assert client.get(reverse("door:images_here")).json() == {"instances": {}}

    def test_a_permission_taken_back_while_a_batch_is_read_keeps_nothing(self, monkeypatch):
        it = asking.sent()
        client = asking.at_the_door(it)
        admitted = []

        def admit_then_end(pk, admit=arrivals.admit):
            row = admit(pk)
            if not admitted:  # asked before the first byte; then the patient ends it
                admitted.append(pk)
                authorizations.take_back(asking.paper_of(it), by=it.case_file.patient.user)
            return row

        monkeypatch.setattr(arrivals, "admit", admit_then_end)
        assert stow(client, *slices(2)).status_code == 410
        assert not ImagingInstance.objects.exists()
        assert it.events.filter(kind="arrived").count() == 0
        assert it.events.filter(kind="refused_at_door").count() == 1

    def test_without_a_link_and_from_another_site_it_is_refused(self):
        it = asking.sent()
        assert stow(Client(), *slices(1)).status_code == 404
        client = asking.at_the_door(it)
        url = reverse("dicomweb:door_store")
        kind = 'multipart/related; type="application/dicom"; boundary=cut'
        foreign = client.post(url, b"--cut--", content_type=kind,
                              headers={"origin": "https://evil.example"})  # fmt: skip
        assert foreign.status_code == 403


class TestAnswers:
    def test_more_time_takes_the_extension_when_a_reason_is_given(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        day = timezone.localdate() + timezone.timedelta(days=45)
        typed = {"what": "time", "day_year": day.year, "day_month": day.month, "day_day": day.day}
        assert client.post(reverse("door:answer"), typed | {"text": ""}).status_code == 302
        late = asking.again(it)
        assert (late.status, late.promised_on, late.is_extended) == ("promised", day, False)
        client.post(reverse("door:answer"), typed | {"text": "The archive is outside."})
        later = asking.again(it)
        assert later.is_extended
        assert (later.due_at - it.due_at).days == 30

    def test_no_needs_a_reason_and_shuts_the_chase(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        url = reverse("door:answer")
        no = {"what": "no", "answer": "refused", "text": ""}
        assert client.post(url, no).status_code == 422
        answer = client.post(url, no | {"text": "We need a signature on paper."})
        assert answer.url == reverse("door:thanks")
        assert asking.again(it).status == "refused"
        assert Notification.objects.filter(message="record_refused").count() == 1
        assert client.post(url, {"what": "no", "answer": "not_held"}).status_code == 409

    def test_all_is_sent_only_after_something_came(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        url = reverse("door:answer")
        assert client.post(url, {"what": "complete"}).status_code == 409
        go_on(client, begin(client)["Location"])
        assert client.post(url, {"what": "complete"}).url == reverse("door:thanks")
        assert asking.again(it).status == "received"
        assert "looks at it now" in client.get(reverse("door:thanks")).content.decode()

    def test_a_note_reaches_the_clinic_and_stays_out_of_every_mail(self):
        it = asking.sent()
        client = asking.at_the_door(it)
        client.post(reverse("door:answer"), {"what": "note", "text": "Slides come by courier."})
        assert it.events.get(kind="noted").text == "Slides come by courier."
        assert Notification.objects.filter(message="record_holder_wrote").exists()

    def test_an_invited_first_doctors_note_is_a_withheld_document(self):
        it = asking.sent(name="Lakeside Imaging")
        type(it).objects.filter(pk=it.pk).update(wants_context=True)
        client = asking.at_the_door(it)
        assert "should know" in client.get("/door/").content.decode()
        client.post(reverse("door:answer"), {"what": "note", "text": "I would wait and see."})
        document = Document.objects.get(record_request=it)
        assert document.blinding_class == ""  # unclassified is withheld
        from django.core.files.storage import default_storage

        with default_storage.open(document.key) as stored:
            assert stored.read() == b"I would wait and see."


class TestNothingLeavesByTheDoor:
    def test_no_page_of_the_door_names_what_the_case_file_holds(self):
        """Canaries in everything else of the case; the door shows what is asked, no more."""
        opinion_request = asking.collecting()
        case_file = opinion_request.case_file
        user = case_file.patient.user
        factories.document(case_file, by=user, file_name="canary-file.pdf")
        factories.add_statement(opinion_request, "story", "canary-story")
        case_file.original_diagnosis.diagnosis = "canary-diagnosis"
        case_file.original_diagnosis.save()
        other = asking.sent(opinion_request, name="canary-hospital")
        go_on(asking.at_the_door(other), begin(asking.at_the_door(other), PDF, "c.pdf")["Location"])
        RecordRequestEvent.objects.create(
            clinic=other.clinic, case_file=case_file, record_request=other, kind="noted",
            text="canary-note",
        )  # fmt: skip
        it = asking.sent(opinion_request)
        client = asking.at_the_door(it)
        begin(client)
        pages = [
            "/door/",
            "/door/permission/",
            "/door/images/here/",
            "/door/thanks/",
            "/door/code/",
        ]
        for url in pages:
            answer = client.get(url, headers={"accept": "text/html"})
            body = answer.content.decode()
            assert answer.status_code == 200
            assert "canary" not in body, url
            assert str(case_file.pk) not in body
            assert str(case_file.patient_id) not in body
        # and the cookie is nothing elsewhere
        for name_of in ("records:documents", "holders:of_case_file", "dicomweb:studies"):
            answer = client.get(reverse(name_of, args=[case_file.pk]))
            assert answer.status_code in (302, 401, 403)
