"""Copying studies from and to real archives: whole, once, and only while it is allowed."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from records.grants import grant
from records.models import Authorization, CaseFile, ImagingInstance, Peer, Transfer
from records.transfers import net, secrets, sink
from records.transfers.dicomweb import Web
from records.transfers.receiver import Receiver
from secondop.jobs.reasons import REASONS
from tests import factories
from tests.records import asking
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store
from tests.records.moving import a_peer, a_transfer, choose, run
from tests.records.peers import Archive, a_free_port, dcmtk, orthanc
from tests.secondop.api.dicomweb_files import signed_in

STUDY = "1.2.3.4"


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    with orthanc() as one:
        one.put(*[as_bytes(ct(n)) for n in range(1, 6)])
        other = "1.2.3.5"
        one.put(*[as_bytes(ct(n, study=other, series=other + ".1")) for n in (1, 2)])
        yield one


@pytest.fixture
def case_file() -> CaseFile:
    return a_case_file()


@pytest.mark.django_db
class TestDicomweb:
    def test_it_searches_copies_and_asks_only_for_what_is_missing(
        self, archive, case_file, monkeypatch
    ):
        transfer = run(a_transfer(archive.peer(case_file.clinic), case_file))
        assert (transfer.status, transfer.last_error) == ("done", "")
        told = transfer.studies.get(StudyInstanceUID=STUDY)
        assert transfer.studies.count() == 2
        assert (told.person["name"], told.person["born"]) == ("Example^Maria", "19700314")
        assert told.expected_count == 5
        transfer = choose(transfer, STUDY)
        assert (transfer.status, transfer.done_count, transfer.total_count) == ("done", 5, 5)
        first = set(ImagingInstance.objects.values_list("SOPInstanceUID", "sha256"))
        assert len(first) == 5
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 5
        # Two more appear there: the second run fetches these two and nothing else.
        asked: list[int] = []
        begin = sink.CaseFileSink.begin
        monkeypatch.setattr(sink.CaseFileSink, "begin", lambda s: (asked.append(1), begin(s))[1])
        archive.put(as_bytes(ct(6)), as_bytes(ct(7)))
        Transfer.objects.filter(pk=transfer.pk).update(status="queued")
        transfer = run(transfer)
        assert (transfer.status, transfer.done_count, len(asked)) == ("done", 7, 2)
        assert first < set(ImagingInstance.objects.values_list("SOPInstanceUID", "sha256"))


@pytest.mark.django_db
class TestDimse:
    def test_it_searches_and_gets(self, archive, case_file):
        transfer = run(a_transfer(archive.peer(case_file.clinic, "dimse"), case_file))
        assert (transfer.status, transfer.last_error) == ("done", "")
        assert transfer.studies.get(StudyInstanceUID=STUDY).person["name"] == "Example^Maria"
        transfer = choose(transfer, "1.2.3.5")
        assert (transfer.status, transfer.last_error, transfer.done_count) == ("done", "", 2)
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 2

    def test_nothing_leaves_while_somebody_reads_sealed(self, archive, case_file):
        store(case_file, as_bytes(ct(1, study="1.2.9", series="1.2.9.1")))
        before = archive.count()
        reader = factories.specialist(case_file.clinic).user
        by = factories.coordinator(case_file.clinic)
        until = timezone.now() + timedelta(days=1)
        grant(case_file, to=reader, as_role="specialist", sight="sealed", until=until, by=by)
        peer = archive.peer(case_file.clinic, "dimse")
        transfer = a_transfer(peer, case_file, direction="out", step="copy")
        transfer.studies.create(clinic=case_file.clinic, StudyInstanceUID="1.2.9", is_chosen=True)
        transfer = run(transfer)
        assert (transfer.status, transfer.last_error) == ("dead", "read_sealed")
        assert archive.count() == before

    def test_it_sends_to_both_kinds(self, case_file):
        store(case_file, *[as_bytes(ct(n, study="1.2.9", series="1.2.9.1")) for n in range(1, 8)])
        for kind in ("dimse", "dicomweb"):
            with orthanc() as there:
                transfer = a_transfer(
                    there.peer(case_file.clinic, kind), case_file, direction="out", step="copy"
                )
                study = transfer.studies.create(
                    clinic=case_file.clinic, StudyInstanceUID="1.2.9", is_chosen=True
                )
                transfer = run(transfer)
                assert (transfer.status, transfer.last_error) == ("done", ""), kind
                assert (transfer.done_count, there.count()) == (7, 7)
                study.refresh_from_db()
                assert study.refused == {}


@pytest.mark.django_db
class TestPages:
    def test_a_coordinator_looks_chooses_stops_and_starts_again(self, archive, case_file):
        patient = case_file.patient
        patient.full_name, patient.born_on = "Maria Example", date(1970, 3, 14)
        patient.save()
        staff = signed_in(factories.coordinator(case_file.clinic))
        chief = signed_in(factories.administrator(case_file.clinic))
        told = {"title": "St. Anna", "kind": "dicomweb", "address": f"{archive.http}/dicom-web",
                "port": "0", "fetch": "get", "our_ae": "SECONDOP", "is_inside": "on",
                "token": "very-secret"}  # fmt: skip
        assert chief.post("/records/clinic/systems/", told | {"uses_tls": "on"}).status_code == 400
        assert chief.post("/records/clinic/systems/", told).status_code == 302
        assert staff.get("/records/clinic/systems/").status_code in (403, 404)
        peer = Peer.objects.get()
        assert "very-secret" not in peer.secret
        assert json.loads(secrets.unseal(peer.secret))["token"] == "very-secret"
        assert b"very-secret" not in chief.get("/records/clinic/systems/").content
        path = reverse("records:fetch", args=[case_file.pk])
        assert b"Example*" in staff.get(path).content
        assert staff.post(path, {"peer": peer.pk, "PatientName": "*"}).status_code == 400
        answer = staff.post(path, {"peer": peer.pk, "PatientID": "P1"})
        assert answer.status_code == 302
        transfer = run(Transfer.objects.get())
        assert (transfer.status, transfer.last_error) == ("done", "")
        assert transfer.studies.count() == 2
        page = staff.get(answer.url).content.decode()
        assert "Same patient" in page
        assert "E… M…" in page
        assert "Maria" not in page.split("<main")[1]
        row = transfer.studies.get(StudyInstanceUID="1.2.3.5")
        assert staff.post(answer.url, {}).status_code == 409
        assert staff.post(answer.url, {"study": row.pk}).status_code == 302
        assert staff.post(answer.url + "cancel/").status_code == 302
        assert "Somebody at the clinic stopped this" in staff.get(answer.url).content.decode()
        assert staff.post(answer.url + "retry/").status_code == 302
        transfer = run(transfer)
        assert (transfer.status, transfer.done_count) == ("done", 2)
        assert "2 / 2" in staff.get(answer.url).content.decode()
        send = reverse("records:send", args=[case_file.pk])
        study = case_file.imaging_studies.get()
        assert staff.post(send, {"peer": peer.pk, "studies": study.pk}).status_code == 302
        transfer = run(Transfer.objects.get(direction="out"))
        assert (transfer.status, transfer.done_count) == ("done", 2)
        assert chief.post(reverse("records:peer_retire", args=[peer.pk])).status_code == 302
        assert b"No other system is set up" in staff.get(path).content


@contextmanager
def receiving(port: int) -> Iterator[None]:
    receiver = Receiver(our_ae="SECONDOP", host="127.0.0.1", port=port)
    receiver.start()
    try:
        yield
    finally:
        receiver.stop()


@pytest.mark.django_db(transaction=True)
class TestMove:
    def test_what_was_asked_for_comes_in_and_nothing_else(self, case_file, tmp_path):
        port = a_free_port()
        with orthanc(our_port=port) as there, receiving(port):
            there.put(*[as_bytes(ct(n)) for n in range(1, 5)])
            peer = there.peer(case_file.clinic, "dimse", fetch="move")
            transfer = run(a_transfer(peer, case_file))
            transfer = choose(transfer, STUDY)
            assert (transfer.status, transfer.last_error, transfer.done_count) == ("done", "", 4)
            assert ImagingInstance.objects.filter(case_file=case_file).count() == 4
            # dcmtk pushes what nobody asked for: under a foreign name, then under the peer's.
            file = tmp_path / "one.dcm"
            file.write_bytes(as_bytes(ct(9, study="1.2.77", series="1.2.77.1")))
            for name in ("STRANGER", "ORTHANC"):
                push = [dcmtk("storescu"), "-v", "-aet", name, "-aec", "SECONDOP", "127.0.0.1",
                        str(port), file]  # fmt: skip
                pushed = subprocess.run(push, capture_output=True, timeout=20, check=False)
                said = pushed.stdout + pushed.stderr
                assert b"0x124" in said or (name == "STRANGER" and b"Not Recognized" in said), said
        assert ImagingInstance.objects.count() == 4


class Rude(BaseHTTPRequestHandler):
    """A peer that misbehaves in the way that its address names."""

    def do_GET(self):
        way = self.path.split("/")[1]
        if way == "elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.end_headers()
        elif way == "locked":
            self.send_error(401)
        elif way == "silent":
            time.sleep(3)
        elif way == "nonsense":
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.end_headers()
            self.wfile.write(b'[{"0020000D": 7}]')
        else:
            self.send_error(500)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def rude() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rude)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.django_db
class TestBadPeers:
    # pynetdicom forgets to close a socket whose connection was refused.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_each_gets_its_sentence_and_only_some_another_try(self, rude, case_file, monkeypatch):
        monkeypatch.setattr(net, "READ_SECONDS", 0.5)
        closed = f"http://127.0.0.1:{a_free_port()}"
        for address, more, status, code in [
            (f"{rude}/elsewhere", {}, "dead", "address_forbidden"),
            (f"{rude}/locked", {}, "dead", "peer_refuses_us"),
            (f"{rude}/silent", {}, "failed", "peer_hangs"),
            (f"{rude}/nonsense", {}, "failed", "answer_unreadable"),
            (f"{rude}/broken", {}, "failed", "peer_fails"),
            (closed, {}, "failed", "peer_away"),
            (f"{rude}/inside", {"is_inside": False}, "dead", "address_forbidden"),
            ("http://169.254.169.254/dicom-web", {}, "dead", "address_forbidden"),
            (f"{rude}/plain", {"uses_tls": True}, "dead", "address_forbidden"),
        ]:
            transfer = run(a_transfer(a_peer(case_file, address, **more), case_file))
            assert (transfer.status, transfer.last_error) == (status, code), address
            assert code in REASONS
        dimse = a_peer(case_file, "127.0.0.1", kind="dimse", port=a_free_port(), their_ae="X")
        assert run(a_transfer(dimse, case_file)).last_error == "peer_away"
        Peer.objects.filter(pk=dimse.pk).update(is_inside=False)
        assert run(a_transfer(dimse, case_file)).last_error == "address_forbidden"

    def test_addresses_dressed_up_are_seen_through(self):
        for text in ("10.0.0.1", "127.0.0.1", "192.168.1.1", "::1", "fd00::1", "100.64.0.1",
                     "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"):  # fmt: skip
            assert not net.may_dial(text, is_inside=False), text
            assert text.startswith("::ffff") or net.may_dial(text, is_inside=True), text
        for text in ("169.254.169.254", "::ffff:169.254.169.254", "fe80::1%eth0", "0.0.0.0",
                     "224.0.0.1", "100.100.100.200", "fd00:ec2::254"):  # fmt: skip
            assert not net.may_dial(text, is_inside=True), text
        assert net.may_dial("93.184.216.34", is_inside=False)


@pytest.mark.django_db
class TestStopping:
    def test_half_a_study_stays_and_another_version_is_not_taken(
        self, archive, case_file, monkeypatch
    ):
        transfer = run(a_transfer(archive.peer(case_file.clinic), case_file))
        told = ["1.2.3.999"]
        original = Web.instances

        def with_one_more(self, study):
            found = original(self, study)
            next(iter(found.values())).update(told)
            return found

        monkeypatch.setattr(Web, "instances", with_one_more)
        transfer = choose(transfer, "1.2.3.5")
        assert (transfer.status, transfer.last_error) == ("failed", "half_a_study")
        assert (transfer.done_count, transfer.total_count) == (2, 3)
        told.clear()
        transfer = run(transfer)
        assert (transfer.status, transfer.done_count, transfer.total_count) == ("done", 2, 2)

    def test_a_permission_that_ends_stops_within_one_item(self, archive, monkeypatch):
        asked = asking.sent(asking.collecting())
        case_file = asked.case_file
        transfer = run(a_transfer(archive.peer(case_file.clinic), case_file, record_request=asked))
        assert transfer.status == "done"
        monkeypatch.setattr(sink, "BATCH_OBJECTS", 1)
        finish = sink.CaseFileSink.finish

        def finish_and_revoke(self):
            finish(self)
            Authorization.objects.filter(record_request=asked).update(
                revoked_at=Now(), revoked_by=transfer.by
            )

        monkeypatch.setattr(sink.CaseFileSink, "finish", finish_and_revoke)
        transfer = choose(transfer, STUDY)
        assert (transfer.status, transfer.last_error) == ("dead", "permission_ended")
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 1
        assert asked.events.filter(kind="arrived").count() == 1
