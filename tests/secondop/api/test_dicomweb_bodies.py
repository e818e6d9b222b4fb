"""Bodies taken from gunicorn's socket: what it counts stays true, and nothing beyond is taken."""

import socket
from threading import Thread

import pytest
from django.test import RequestFactory
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader

from records.dicom.pieces import PieceFile, sent_crc32
from secondop.api.dicomweb.bodies import body_of
from secondop.api.dicomweb.multipart import Malformed, feed

HEAD = b"--bound\r\nContent-Type: application/dicom\r\n\r\n"


class Sink:
    def __init__(self):
        self.parts = []

    def begin(self, headers):
        self.parts.append(b"")

    def write(self, block):
        self.parts[-1] += bytes(block)

    def finish(self):
        pass


@pytest.fixture
def line():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def request_of(unreader, length):
    request = RequestFactory().post("/")
    request.META["wsgi.input"] = Body(LengthReader(unreader, length))
    return request


class TestBodyOf:
    @pytest.mark.parametrize("early", [0, 10, 700_000])
    def test_it_takes_the_body_and_not_a_byte_of_the_next_request(self, line, early):
        ours, theirs = line
        contents = [bytes(600_000), b"", b"\r\n--boun" * 1000]
        raw = b"".join(HEAD + content + b"\r\n" for content in contents) + b"--bound--\r\n"
        following = b"GET / HTTP/1.1\r\n\r\n"
        sending = Thread(target=theirs.sendall, args=[raw[early:] + following])
        sending.start()
        unreader = SocketUnreader(ours)
        unreader.unread(raw[:early])  # came together with the headers
        request, sink = request_of(unreader, len(raw)), Sink()
        body = body_of(request)
        assert body is not request
        feed(body, b"bound", sink)
        while body.read(100):  # what stands behind the last boundary is gunicorn's to discard
            pass
        sending.join()
        assert sink.parts == contents
        assert request.META["wsgi.input"].reader.length == 0
        assert unreader.read() == following

    def test_a_client_that_hangs_up_is_no_whole_body(self, line):
        ours, theirs = line
        theirs.sendall(HEAD + bytes(1000))
        theirs.close()
        request = request_of(SocketUnreader(ours), 5000)
        with pytest.raises(Malformed):
            feed(body_of(request), b"bound", Sink())
        assert request.META["wsgi.input"].reader.length > 0

    def test_a_line_that_breaks_is_not_used_again(self, line):
        ours, _theirs = line
        ours.settimeout(0.01)
        request = request_of(SocketUnreader(ours), 10)
        with pytest.raises(TimeoutError):
            body_of(request).readinto(memoryview(bytearray(10)))
        assert request.META["wsgi.input"].failed

    def test_another_server_is_read_the_usual_way(self):
        request = RequestFactory().post("/", b"content", content_type="text/plain")
        assert body_of(request) is request


class TestPieceFile:
    def test_a_thread_finds_the_same_hashes(self, tmp_path):
        dressed = b"MZ" + bytes(126) + b"DICM" + bytes(range(256)) * 9000
        contents = [b"", b"short", bytes(128) + b"DICM", dressed, bytes(3_000_000)]
        told = []
        for in_thread in (False, True):
            path = tmp_path / str(in_thread)
            path.touch()
            file = PieceFile(path, in_thread=in_thread)
            pieces = []
            for content in contents:
                pieces.append(file.append(content))
                file.append(b"dropped")
                file.drop()
                file.begin()  # the same again, as it comes in blocks
                for at in range(0, len(content), 700_000):
                    file.write(memoryview(content)[at : at + 700_000])
                pieces.append(file.end())
            file.settle()
            told.append([(p.start, p.length, p.sha256, p.crc32) for p in pieces])
            assert path.read_bytes() == b"".join(content * 2 for content in contents)
            start, length = pieces[6].start, pieces[6].length
            assert pieces[6].crc32 == sent_crc32(file.fileno(), start, length)
            file.close()
        assert told[0] == told[1]
