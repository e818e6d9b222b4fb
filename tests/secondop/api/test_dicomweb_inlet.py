"""A hospital pushes: STOW-RS with a token, and nothing else."""

import json
import shutil
import warnings
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records import imaging_inlets
from records.models import ImagingInlet, ImagingInstance, ImagingPack, ImagingStudy
from secondop.api.dicomweb import inlet as door
from secondop.audit.models import AuditEvent
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, ct
from tests.secondop.api.dicomweb_files import root, signed_in, stow
from tests.served import a_free_port, through_our_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    dicomweb_client = pytest.importorskip("dicomweb_client")

TOKEN = "Authorization"


@pytest.fixture
def case_file():
    return a_case_file()


@pytest.fixture
def staff(case_file):
    return factories.coordinator(case_file.clinic)


def made(case_file, staff, days=7):
    cache.clear()
    until = timezone.now() + timedelta(days=days)
    return imaging_inlets.make(case_file, name="St. Anna", until=until, by=staff)


def push(case_file, token, *files, **more):
    machine = Client(enforce_csrf_checks=True)
    return stow(machine, case_file, *files, **more, authorization=f"Bearer {token}")


@pytest.mark.django_db
class TestToken:
    def test_it_stores_without_session_or_csrf_and_the_study_says_so(self, case_file, staff):
        inlet, token = made(case_file, staff)
        answer = push(case_file, token, as_bytes(ct(1)), as_bytes(ct(2)), b"nothing")
        assert answer.status_code == 202
        assert "session" not in answer.cookies
        inlet.refresh_from_db()
        assert inlet.instance_count == 2
        assert inlet.last_used_at
        assert inlet.token_sha256 != token
        study = ImagingStudy.objects.get()
        assert study.inlet == inlet
        shown = signed_in(case_file.patient.user).get(
            reverse("records:images", args=[case_file.pk])
        )
        assert b"Sent by St. Anna." in shown.content
        events = AuditEvent.objects.filter(case_file_id=case_file.pk)
        assert events.get(verb="imaging.received").actor_id is None
        assert events.get(verb="imaging_inlet.used").details == {"instances": 2}
        assert token not in json.dumps(list(events.values("details")))
        assert push(case_file, token, as_bytes(ct(3)), study="1.2.3.4").status_code == 200

    def test_it_reads_nothing(self, case_file, staff):
        _inlet, token = made(case_file, staff)
        push(case_file, token, as_bytes(ct(1)))
        machine = Client(headers={"authorization": f"Bearer {token}"})
        for path in ("/studies", "/studies/1.2.3.4", "/studies/1.2.3.4/metadata",
                     "/studies/1.2.3.4/series/1.2.3.4.5/thumbnail"):  # fmt: skip
            assert machine.get(root(case_file) + path).status_code == 401, path
        for path in (f"/records/case-files/{case_file.pk}/uploads/", root(case_file) + "/series"):
            assert machine.post(path).status_code in (401, 405), path

    def test_it_opens_its_own_case_file_alone(self, case_file, staff):
        _inlet, token = made(case_file, staff)
        assert push(a_case_file(case_file.clinic), token, as_bytes(ct(1))).status_code == 401
        for wrong in ("", "x", token[:-1], token + "=", "é" * 20):
            assert push(case_file, wrong, as_bytes(ct(1))).status_code == 401
        assert ImagingPack.objects.count() == 0

    def test_it_ends_at_once_when_revoked_or_late(self, case_file, staff):
        inlet, token = made(case_file, staff)
        imaging_inlets.revoke(inlet, by=staff)
        assert push(case_file, token, as_bytes(ct(1))).status_code == 401
        other, token = made(case_file, staff)
        ImagingInlet.objects.filter(pk=other.pk).update(until=timezone.now())
        assert push(case_file, token, as_bytes(ct(1))).status_code == 401

    def test_a_case_file_that_takes_no_more_says_so(self, case_file, staff):
        _inlet, token = made(case_file, staff)
        type(case_file).objects.update(is_open_for_records=False)
        answer = push(case_file, token, as_bytes(ct(1)))
        assert answer.status_code == 409
        assert "no more records" in answer.json()["message"]

    def test_too_many_are_slowed_down(self, case_file, staff, monkeypatch):
        _inlet, token = made(case_file, staff)
        monkeypatch.setattr(door, "WRONG_TOKENS_A_MINUTE", 2)
        monkeypatch.setattr(door, "BATCHES_A_MINUTE", 3)
        answers = [push(case_file, token, as_bytes(ct(n))).status_code for n in range(1, 6)]
        assert answers == [200, 200, 200, 429, 429]
        answers = [push(case_file, "wrong", as_bytes(ct(1))).status_code for _ in range(4)]
        assert answers == [401, 401, 429, 429]

    def test_the_page_tells_the_token_once(self, case_file, staff):
        cache.clear()
        client = signed_in(staff)
        path = reverse("records:inlets", args=[case_file.pk])
        assert client.post(path, {"name": "", "days": "400"}).status_code == 400
        shown = client.post(path, {"name": "St. Anna", "days": "14"}).content.decode()
        token = shown.split("Authorization: Bearer ")[1].split("<")[0]
        assert push(case_file, token, as_bytes(ct(1))).status_code == 200
        again = client.get(path).content.decode()
        assert token not in again
        assert "1 image came" in again
        inlet = ImagingInlet.objects.get()
        close = reverse("records:inlet_revoke", args=[inlet.pk])
        assert signed_in(case_file.patient.user).post(close).status_code == 404
        assert client.post(close).status_code == 302
        assert push(case_file, token, as_bytes(ct(1))).status_code == 401
        assert "Closed" in client.get(path).content.decode()


class _Ended:
    """A body that comes in chunks, as the server hands it on."""

    def __init__(self, raw):
        self.raw = raw

    def read(self, size=-1):
        taken, self.raw = self.raw[:size], self.raw[size:]
        return taken

    def readline(self, *_):
        raise AssertionError("a body is read in blocks")


@pytest.mark.django_db
class TestUnknownLength:
    def send(self, case_file, token, **meta):
        from tests.secondop.api.dicomweb_files import BOUNDARY, body_of

        kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
        body = {"CONTENT_TYPE": kind, "wsgi.input": _Ended(body_of(as_bytes(ct(1))))}
        return Client().generic(
            "POST",
            root(case_file) + "/studies",
            headers={"authorization": f"Bearer {token}"},
            **body | meta,
        )

    def test_it_is_taken_when_the_server_marks_its_end(self, case_file, staff):
        _inlet, token = made(case_file, staff)
        assert self.send(case_file, token).status_code == 411
        assert self.send(case_file, token, **{"wsgi.input_terminated": True}).status_code == 200

    def test_it_is_bounded(self, case_file, staff, settings):
        _inlet, token = made(case_file, staff)
        settings.MAX_CASE_FILE_BYTES = 100
        answer = self.send(case_file, token, **{"wsgi.input_terminated": True})
        assert answer.status_code == 413
        assert ImagingPack.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore")
def test_dicomweb_client_pushes_with_the_token_alone(live_server, case_file, staff):
    _inlet, token = made(case_file, staff)
    client = dicomweb_client.DICOMwebClient(
        url=live_server.url + root(case_file), headers={"Authorization": f"Bearer {token}"}
    )
    data = [ct(n) for n in (1, 2, 3)]
    for one in data:
        as_bytes(one)
    assert len(client.store_instances(datasets=data).ReferencedSOPSequence) == 3
    assert ImagingInstance.objects.count() == 3
    import requests

    with pytest.raises(requests.HTTPError, match="401"):
        client.search_for_studies()


@pytest.mark.django_db(transaction=True)
def test_orthanc_pushes_a_study_as_a_dicomweb_peer(case_file, staff, tmp_path):
    """Debian's Orthanc with its DICOMweb plugin: another maker's archive, in its own words."""
    import requests

    assert shutil.which("Orthanc"), "Install orthanc and orthanc-dicomweb."
    from bench.imaging import orthanc

    _inlet, token = made(case_file, staff)
    with orthanc.running(a_free_port()) as archive, through_our_server() as ours:
        for number in (1, 2, 3):
            sent = requests.post(f"{archive}/instances", data=as_bytes(ct(number)), timeout=20)
            sent.raise_for_status()
        peer = {"Url": ours + root(case_file), "HttpHeaders": {TOKEN: f"Bearer {token}"}}
        name = f"{archive}/dicom-web/servers/second-opinion"
        requests.put(name, json=peer, timeout=20).raise_for_status()
        study = requests.get(f"{archive}/studies", timeout=20).json()[0]
        done = requests.post(
            f"{name}/stow", json={"Resources": [study], "Synchronous": True}, timeout=60
        )
        assert done.status_code == 200, done.text
    study = ImagingStudy.objects.get()
    assert (study.StudyInstanceUID, study.instance_count) == ("1.2.3.4", 3)
    assert study.inlet.name == "St. Anna"
