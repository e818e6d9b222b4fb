"""Workers that are killed, images in the wrong syntax, and a sender that wants our memory."""

from __future__ import annotations

import socket
import struct
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from django.db.models.functions import Now
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE

from records.models import ImagingInstance, Transfer
from records.transfers import bounds
from records.transfers.receiver import CANNOT_READ, NOT_EXPECTED, Receiver
from records.transfers.workflow import retry
from secondop.jobs.reasons import REASONS
from tests.records.dicom.samples import a_case_file, as_bytes, ct
from tests.records.moving import a_peer, a_transfer, run
from tests.records.peers import a_free_port
from tests.records.test_transfers_bad_peers import copying, three
from tests.records.tls_peers import tricky

pytestmark = pytest.mark.django_db
MEGABYTE = 1024**2


def killed(transfer: Transfer, done: int = 0) -> Transfer:
    """A worker claims it and is gone; its lease runs out."""
    claimed = Transfer.claim(transfer.pk)
    assert claimed is not None
    Transfer.objects.filter(pk=transfer.pk).update(leased_until=Now(), done_count=done)
    return Transfer.objects.get(pk=transfer.pk)


class TestKilledWorkers:
    def test_kills_use_up_no_try_while_images_come_over(self, tmp_path):
        case_file = a_case_file()
        with tricky(tmp_path) as server:
            server.objects = three()
            transfer = copying(case_file, server)
            for number in range(2 * Transfer.MAX_KILLS):
                transfer = killed(transfer, done=number)
            server.way = "half"
            transfer = run(transfer)  # a failure after many kills is the first failure
            assert (transfer.status, transfer.last_error) == ("failed", "half_a_study")
            assert (transfer.failures, transfer.kills) == (1, 0)
            server.way = ""
            assert run(transfer).status == "done"
            assert ImagingInstance.objects.filter(case_file=case_file).count() == 3

    def test_what_fails_again_and_again_ends(self):
        case_file = a_case_file()
        transfer = a_transfer(a_peer(case_file, f"http://127.0.0.1:{a_free_port()}"), case_file)
        for _try in range(Transfer.MAX_ATTEMPTS):
            assert transfer.status in ("queued", "failed")
            transfer = run(transfer)
        assert (transfer.status, transfer.last_error) == ("dead", "peer_away")

    def test_what_kills_its_worker_each_time_ends_and_a_person_may_try_again(self, tmp_path):
        with tricky(tmp_path) as server:
            server.objects = three()
            transfer = copying(a_case_file(), server)
            for _kill in range(Transfer.MAX_KILLS):
                transfer = killed(transfer)
            transfer = run(transfer)
            assert (transfer.status, transfer.last_error) == ("dead", "killed_too_often")
            assert "killed_too_often" in REASONS
            retry(transfer, by=transfer.by)
            assert run(transfer).status == "done"


class TestWrongSyntax:
    def test_what_is_written_otherwise_than_it_says_is_refused_and_the_rest_is_kept(self, tmp_path):
        """Named as explicit, written as implicit; and a syntax that only one maker knows."""
        case_file = a_case_file()
        lies = as_bytes(ct(4), ImplicitVRLittleEndian).replace(
            ImplicitVRLittleEndian.encode() + b"\0", ExplicitVRLittleEndian.encode(), 1
        )
        plain = as_bytes(ct(5))
        told = ExplicitVRLittleEndian.encode()
        private = plain.replace(told, b"1.2.840.99999.1.999"[: len(told)].ljust(len(told), b"0"), 1)
        with tricky(tmp_path) as server:
            good = three()
            server.objects = [
                *good, ("1.2.3.4.901", good[0][1], lies), ("1.2.3.4.902", good[0][1], private),
            ]  # fmt: skip
            transfer = run(copying(case_file, server))
            assert ImagingInstance.objects.filter(case_file=case_file).count() == 3
            refused = transfer.studies.get().refused
            assert sum(refused.values()) == 2, refused
            assert "unknown_transfer_syntax" in refused
            assert transfer.status == "failed"  # the two that it named are asked for again
            for _try in range(Transfer.MAX_ATTEMPTS):
                transfer = run(transfer)
            assert (transfer.status, transfer.last_error) == ("dead", "half_a_study")
            assert ImagingInstance.objects.filter(case_file=case_file).count() == 3


# --- the receiver of C-STORE ------------------------------------------------------------------
def peak_megabytes() -> float:
    told = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in told.splitlines() if "VmHWM" in line) / 1024


def forget_the_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def pushing(port: int):
    caller = AE(ae_title="STRANGE")
    caller.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    link = caller.associate("127.0.0.1", port, ae_title="SECONDOP")
    assert link.is_established
    return link


def pdu(context: int, control: int, content: bytes) -> bytes:
    """P-DATA-TF with one value (PS3.8 section 9.3.5). `control`: 1 command, 2 last."""
    value = struct.pack(">IBB", len(content) + 2, context, control) + content
    return struct.pack(">BBI", 4, 0, len(value)) + value


def pour(link, *blocks: bytes, count: int = 1) -> int:
    """Send by hand until the other side hangs up; return how many bytes it took."""
    line: socket.socket = link.dul.socket.socket
    sent = 0
    with suppress(OSError):
        for _number in range(count):
            for block in blocks:
                line.sendall(block)
                sent += len(block)
    line.close()
    return sent


def store_command() -> bytes:
    """C-STORE-RQ, implicit little endian: a data set follows."""

    def element(group: int, number: int, value: bytes) -> bytes:
        return struct.pack("<HHI", group, number, len(value)) + value

    uid = b"1.2.3.4.5.6\0"
    fields = [
        element(0, 0x0002, CTImageStorage.encode() + b"\0" * (len(CTImageStorage) % 2)),
        element(0, 0x0100, struct.pack("<H", 1)), element(0, 0x0110, struct.pack("<H", 1)),
        element(0, 0x0700, struct.pack("<H", 0)), element(0, 0x0800, struct.pack("<H", 1)),
        element(0, 0x1000, uid),
    ]  # fmt: skip
    body = b"".join(fields)
    return element(0, 0, struct.pack("<I", len(body))) + body


def many_elements(folder: Path, megabytes: int) -> Path:
    """A file of elements without a value: eight bytes here, hundreds in memory."""
    whole = as_bytes(ct(1))
    at = whole.index(struct.pack("<HH", 0x0008, 0x0008))
    path = folder / "elements.dcm"
    with path.open("wb") as file:
        file.write(whole[:at])
        block = struct.pack("<HH2sH", 0x0008, 0x0001, b"SH", 0) * (MEGABYTE // 8)
        for _megabyte in range(megabytes):
            file.write(block)
        file.write(whole[at:])
    return path


@pytest.mark.django_db(transaction=True)
class TestReceiver:
    # pynetdicom forgets to close a socket whose other side hung up.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_its_memory_is_flat_whatever_a_known_peer_sends(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(bounds, "MAX_OBJECT_BYTES", 8 * MEGABYTE)
        case_file, port = a_case_file(), a_free_port()
        a_peer(case_file, "127.0.0.1", kind="dimse", port=104, their_ae="STRANGE")
        nasty = many_elements(tmp_path, 6)
        receiver = Receiver(our_ae="SECONDOP", host="127.0.0.1", port=port)
        receiver.start()
        try:
            assert status_of(port, as_file(tmp_path)) == NOT_EXPECTED  # warm
            forget_the_peak()
            before = peak_megabytes()
            fragment = b"\0" * (96 * 1024)
            # a PDU that says it is three gigabytes long
            assert pour(pushing(port), struct.pack(">BBI", 4, 0, 3 * 1024**3), fragment) < MEGABYTE
            # a command that never ends
            taken = pour(pushing(port), pdu(1, 1, fragment), count=2000)
            assert taken < 60 * MEGABYTE
            # an object that never ends
            link = pushing(port)
            assert pour(link, pdu(1, 3, store_command())) > 0
            assert pour(link, pdu(1, 0, fragment), count=2000) < 120 * MEGABYTE
            # an object of very many elements
            assert status_of(port, nasty) == CANNOT_READ
            assert peak_megabytes() - before < 96
            # it still answers, and nothing of all that is left on the disk
            assert status_of(port, as_file(tmp_path)) == NOT_EXPECTED
        finally:
            receiver.stop()
        for _wait in range(50):
            left = [one for one in tmp_path.iterdir() if one.suffix != ".dcm" or one.name[0] == "t"]
            if not left:
                break
            time.sleep(0.1)
        assert left == []
        assert not ImagingInstance.objects.exists()


def as_file(folder: Path) -> Path:
    path = folder / "one.dcm"
    path.write_bytes(as_bytes(ct(1)))
    return path


def status_of(port: int, path: Path) -> int:
    link = pushing(port)
    try:
        return int(link.send_c_store(path).Status)
    finally:
        link.release()
