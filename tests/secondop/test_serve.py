"""The web server: what it hands to the application, and what is left when something dies."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse

from records import documents
from records.models import Document, ImagingInstance
from secondop.serve import READ_BYTES, BrokeOff, served
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, ct
from tests.secondop.api.dicomweb_files import BOUNDARY, body_of, root, signed_in
from tests.served import a_server, is_open, through_our_server, workers_of


def answers(response):
    """An application that gives it, and the environments it was called with."""
    seen = []

    def application(environ, _start_response):
        seen.append(environ)
        return response

    return application, seen


@pytest.mark.django_db
class TestServed:
    def test_the_environment_of_the_process_is_not_the_requests(self, monkeypatch):
        monkeypatch.setenv("SECRET_KEY", "hush")
        monkeypatch.setenv("HTTP_PROXY", "http://proxy")
        monkeypatch.setenv("PATH_INFO", "/of-the-process/")
        application, seen = answers(HttpResponse())
        request = {"PATH_INFO": "/here/", "HTTP_HOST": "example.org", "wsgi.input": None}
        served(application)(dict(os.environ) | request, None)
        assert seen == [request]

    def test_a_whole_answer_is_handed_over_at_once_and_closed(self):
        response = HttpResponse(b"whole")
        application, _ = answers(response)
        assert served(application)({}, None) == [b"whole"]
        assert response.closed

    def test_a_stream_comes_block_by_block(self):
        response = StreamingHttpResponse(iter([b"one", b"two"]))
        application, _ = answers(response)
        body = served(application)({}, None)
        assert list(body) == [b"one", b"two"]
        body.close()
        assert response.closed

    def test_the_words_of_an_error_in_a_stream_are_not_logged(self, caplog):
        def broken():
            yield b"one"
            raise ValueError("Casey Greaves has cancer")

        application, _ = answers(StreamingHttpResponse(broken()))
        body = iter(served(application)({}, None))
        assert next(body) == b"one"
        with pytest.raises(BrokeOff) as told:
            next(body)
        assert caplog.messages == ["A streamed answer broke off: ValueError"]
        assert "Casey" not in repr(told.value) and told.value.__suppress_context__


def eventually(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def status(port, headers=None):
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as line:
        line.request("GET", "/livez", headers=headers or {})
        with line.getresponse() as answer:
            return answer.status


class TestProcess:
    def test_a_killed_worker_is_replaced(self):
        with a_server("--workers", "2") as (process, port):
            eventually(lambda: len(workers_of(process)) == 2)
            before = workers_of(process)
            os.kill(before[0], signal.SIGKILL)
            eventually(lambda: len(set(workers_of(process)) - set(before)) == 1)
            assert [status(port) for _ in range(8)] == [200] * 8

    def test_no_worker_outlives_its_parent(self):
        with a_server("--workers", "2") as (process, port):
            eventually(lambda: len(workers_of(process)) == 2)
            workers = workers_of(process)
            process.kill()
            eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
            assert not is_open(port)

    def test_a_head_without_end_is_refused(self):
        with a_server("--workers", "1") as (_process, port):
            assert status(port, {"X-Long": "a" * 2 * READ_BYTES}) == 431

    def test_who_vanished_is_noticed(self):
        """The kernel asks: of `/proc/net/tcp` the timer of our end stands on keep-alive."""
        with (
            a_server("--workers", "1") as (_process, port),
            socket.create_connection(("127.0.0.1", port)) as line,
        ):
            line.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(15) == b"HTTP/1.1 200 OK"
            ends = f":{port:04X} 0100007F:{line.getsockname()[1]:04X} 01"
            eventually(lambda: any(
                ends in row and row.split()[5].startswith("02:")
                for row in Path("/proc/net/tcp").read_text().splitlines()
            ))  # fmt: skip


@pytest.mark.django_db(transaction=True)
class TestCut:
    def test_altered_bytes_never_look_complete(self):
        case_file = a_case_file()
        content = b"%PDF-1.4" + bytes(documents.CHECK_FIRST_BYTES)
        document = factories.document(case_file, by=case_file.patient.user, content=content)
        Path(default_storage.path(document.key)).write_bytes(content[:-1] + b"?")
        cookie = f"session={signed_in(case_file.patient.user).cookies['session'].value}"
        with through_our_server() as address:
            where = address.removeprefix("http://")
            with closing(HTTPConnection(where, timeout=20)) as line:
                path = reverse("records:download", args=[document.pk])
                line.request("GET", path, headers={"Cookie": cookie})
                with line.getresponse() as answer:
                    assert answer.status == 200
                    with pytest.raises(IncompleteRead):
                        answer.read()
        assert Document.objects.get(pk=document.pk).status == "quarantined"

    @pytest.mark.parametrize("is_chunked", [False, True])
    def test_a_batch_that_was_cut_stores_nothing(self, is_chunked):
        case_file = a_case_file()
        body = body_of(as_bytes(ct(1)), as_bytes(ct(2)))
        cookie = f"session={signed_in(case_file.patient.user).cookies['session'].value}"
        length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(body)}"
        head = (
            f"POST {root(case_file)}/studies HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
            f'Content-Type: multipart/related; type="application/dicom"; boundary={BOUNDARY}\r\n'
            f"{length}\r\n\r\n"
        ).encode()
        cut = body[:-40]
        sent = b"%x\r\n%s\r\n" % (len(cut), cut) if is_chunked else cut
        with through_our_server() as address:
            place = "127.0.0.1", int(address.rsplit(":", 1)[1])
            line = socket.create_connection(place, timeout=20)
            line.sendall(head + sent)
            line.shutdown(socket.SHUT_WR)
            told = line.recv(15)
            line.close()
        assert told in (b"", b"HTTP/1.1 400 Ba")
        assert not ImagingInstance.objects.filter(case_file=case_file).exists()
