"""Kill workers in the middle of a transfer, flush Redis, crash the database: every image, once.

A real Orthanc stands behind a slow line, so that each blow falls while images are on their way.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.conf import settings

from tests.drills.site import Site, eventually
from tests.records.dicom.samples import as_bytes, ct
from tests.records.peers import Archive, orthanc

IMAGES, STUDY = 60, "1.2.3.4"
BYTES_A_SECOND = 4_000_000
BEGIN = """
from records.models import Peer, Transfer
from tests.records.dicom.samples import a_case_file, without_a_name
case_file = without_a_name(a_case_file())
peer = Peer.objects.create(
    clinic=case_file.clinic, kind="dicomweb", title="slow", is_inside=True, uses_tls=False,
    address="{address}", added_by=factories.administrator(case_file.clinic))
transfer = Transfer.objects.create(
    clinic_id=case_file.clinic_id, case_file=case_file, peer=peer, direction="in", step="copy",
    by=factories.coordinator(case_file.clinic))
transfer.studies.create(clinic=case_file.clinic, StudyInstanceUID="{study}", is_chosen=True)
"""


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    assert settings.configured
    with orthanc() as one:
        one.put(*[as_bytes(ct(n, size=512, study=STUDY)) for n in range(1, IMAGES + 1)])
        yield one


@contextmanager
def slow(port: int) -> Iterator[int]:
    """The same server on another port, over a line of BYTES_A_SECOND."""

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as there:
                threading.Thread(target=pump, args=(self.request, there, 0), daemon=True).start()
                pump(there, self.request, BYTES_A_SECOND)

    def pump(source: socket.socket, target: socket.socket, speed: int) -> None:
        with suppress(OSError):
            while block := source.recv(64 * 1024):
                target.sendall(block)
                time.sleep(len(block) / speed if speed else 0)
            target.shutdown(socket.SHUT_WR)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, allow_reuse_address = True, True

    with Server(("127.0.0.1", 0), Line) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def attempts(site: Site) -> int:
    return int(site.sql("SELECT max(attempts) FROM records_transfer WHERE status = 'running'"
                        " HAVING count(*) > 0")[0][0]) if is_running(site) else 0  # fmt: skip


def is_running(site: Site) -> bool:
    return site.count("records_transfer", "status = 'running' AND leased_until > now()") == 1


def wait_for_attempt(site: Site, before: int) -> int:
    """Another worker has taken it up."""
    eventually(lambda: attempts(site) > before, seconds=40, what="another attempt")
    return attempts(site)


def everything_once(site: Site) -> None:
    eventually(
        lambda: site.count("records_transfer", "status = 'done'") == 1,
        seconds=60,
        what=f"the transfer is done: {site.sql('SELECT status, last_error FROM records_transfer')}",
    )
    told = site.sql("SELECT count(*), count(DISTINCT \"SOPInstanceUID\") FROM"
                    " records_imaginginstance")  # fmt: skip
    assert told == [(IMAGES, IMAGES)]
    assert site.sql("SELECT done_count, total_count FROM records_transfer") == [(IMAGES, IMAGES)]
    assert site.count("audit_auditevent", "verb = 'transfer.received'") == 1
    assert site.count("records_imagingpack", "quarantined_at IS NOT NULL") == 0


def test_ten_kills_three_flushes_and_a_crash_of_the_database(site: Site, archive: Archive) -> None:
    with slow(int(archive.http.rpartition(":")[2])) as port:
        site.run(BEGIN.format(address=f"http://127.0.0.1:{port}/dicom-web", study=STUDY))
        attempt, flushed = 0, random.sample(range(10), 3)
        for number in range(10):
            worker = site.worker()
            attempt = wait_for_attempt(site, attempt)
            time.sleep(random.uniform(0, 1.5))
            if number in flushed:
                site.flush_redis()
            site.kill(worker)
        assert site.count("records_transfer", "status = 'running'") == 1  # none of them ended it
        worker = site.worker()
        wait_for_attempt(site, attempt)
        crash = site.postgres.child.process
        assert crash
        os.killpg(crash.pid, signal.SIGKILL)
        crash.wait()
        site.postgres.start()
        everything_once(site)
        site.kill(worker)
