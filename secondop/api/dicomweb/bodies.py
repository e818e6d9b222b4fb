"""The body of a request, read as it comes into a buffer that is there already.

gunicorn hands a body on through four buffers, each a copy: at 250 MB a study that is as much work
as storing it. A body of known length is taken from its socket instead. What gunicorn counts is kept
true, so that the connection serves the next request; any other server is read the usual way.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from gunicorn.http.body import Body, LengthReader  # type: ignore[import-untyped]
from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]

from secondop.api.dicomweb.multipart import Readable


def body_of(request: HttpRequest) -> Readable:
    """Call it once, for a body nobody has read from, with a length that was told."""
    body: Any = request.META.get("wsgi.input")
    if (
        type(body) is Body
        and type(body.reader) is LengthReader
        and type(body.reader.unreader) is SocketUnreader
        and not body.buf.getbuffer().nbytes
    ):
        return _FromSocket(body)
    return request


class _FromSocket:
    def __init__(self, body: Any) -> None:
        self._body, self._reader = body, body.reader
        self._unreader = body.reader.unreader

    def readinto(self, room: memoryview) -> int:
        """How many bytes came; 0 at the end, also when the client is gone."""
        room = room[: self._reader.length]
        if not room:
            return 0
        if early := self._unreader.buf.getbuffer().nbytes:  # came together with the headers
            block = self._reader.read(min(early, len(room)))
            room[: len(block)] = block
            return len(block)
        try:
            count: int = self._unreader.sock.recv_into(room)
        except Exception:
            self._body.failed = True
            raise
        self._reader.length -= count
        return count

    def read(self, size: int, /) -> bytes:
        block = memoryview(bytearray(size))
        return bytes(block[: self.readinto(block)])
