"""multipart/related in blocks, in and out: no body is held whole. Source: RFC 2387, RFC 2046."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

BLOCK_BYTES = 512 * 1024
MAX_HEADER_BYTES = 8192
# RFC 2046 allows 70; Orthanc's DICOMweb peers send 73.
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,200})"|([^;\s"]{1,200}))', re.IGNORECASE)


class Malformed(Exception):
    """The body is not multipart/related as it says."""


class Readable(Protocol):
    """What has `readinto`, too, is read without a copy."""

    def read(self, size: int, /) -> bytes: ...


class Sink(Protocol):
    """Takes the parts as they come. A block is a memoryview, there while `write` runs."""

    def begin(self, headers: str) -> None: ...
    def write(self, block: Any) -> None: ...
    def finish(self) -> None: ...


def boundary_of(content_type: str) -> bytes:
    """Raises Malformed when the content type names none."""
    found = _BOUNDARY.search(content_type)
    if not found:
        raise Malformed
    return (found[1] or found[2]).encode("latin-1")


def feed(body: Readable, boundary: bytes, sink: Sink) -> None:
    """Cut the body at its boundaries. Raises Malformed when it ends before its last boundary."""
    reader = _Reader(body)
    if not reader.skip_past(b"--" + boundary):
        raise Malformed
    delimiter = b"\r\n--" + boundary
    while not reader.take(2).startswith(b"--"):
        head = reader.until(b"\r\n\r\n", MAX_HEADER_BYTES)
        sink.begin(head.decode("latin-1"))
        for block in reader.blocks_until(delimiter):
            sink.write(block)
        sink.finish()


class _Reader:
    """A window on the body: one buffer that is filled again and again."""

    def __init__(self, body: Readable) -> None:
        self._buffer = bytearray(BLOCK_BYTES)
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0  # what is held of the body stands between them
        self._body = body
        self._read_into = getattr(body, "readinto", self._copy_into)

    def _copy_into(self, room: memoryview) -> int:
        block = self._body.read(len(room))
        room[: len(block)] = block
        return len(block)

    def _more(self) -> bool:
        """Hold more. What is held is little here: it moves to the front, to leave room."""
        held = bytes(self._view[self._begin : self._end])
        self._view[: len(held)] = held
        self._begin, self._end = 0, len(held)
        count: int = self._read_into(self._view[self._end :])
        self._end += count
        return count > 0

    def _find(self, mark: bytes) -> int:
        return self._buffer.find(mark, self._begin, self._end)

    def _held(self) -> int:
        return self._end - self._begin

    def take(self, count: int) -> bytes:
        """The next bytes; Malformed when there are fewer."""
        while self._held() < count:
            if not self._more():
                raise Malformed
        self._begin += count
        return bytes(self._view[self._begin - count : self._begin])

    def skip_past(self, mark: bytes) -> bool:
        skipped = 0
        while (at := self._find(mark)) < 0:
            skipped += self._held()
            self._begin = max(self._begin, self._end - len(mark))
            if skipped > MAX_HEADER_BYTES + BLOCK_BYTES or not self._more():
                return False
        self._begin = at + len(mark)
        return True

    def until(self, mark: bytes, limit: int) -> bytes:
        """Up to the mark, which is taken away. A part without headers begins with an empty line."""
        if self._starts_with_empty_line():
            return b""
        while (at := self._find(mark)) < 0:
            if self._held() > limit or not self._more():
                raise Malformed
        if at - self._begin > limit:
            raise Malformed
        found = bytes(self._view[self._begin : at])
        self._begin = at + len(mark)
        return found

    def _starts_with_empty_line(self) -> bool:
        while self._held() < 2 and self._more():
            pass
        if not self._buffer.startswith(b"\r\n", self._begin, self._end):
            return False
        self._begin += 2
        return True

    def blocks_until(self, delimiter: bytes) -> Iterator[memoryview]:
        keep = len(delimiter) - 1  # as much as may be the beginning of a delimiter
        while (at := self._find(delimiter)) < 0:
            if self._held() > keep:
                begin, self._begin = self._begin, self._end - keep
                yield self._view[begin : self._begin]
            if not self._more():
                raise Malformed
        if at > self._begin:
            yield self._view[self._begin : at]
        self._begin = at + len(delimiter)


def new_boundary() -> str:
    return secrets.token_hex(16)


def part_head(boundary: str, content_type: str, location: str = "") -> bytes:
    line = f"Content-Location: {location}\r\n" if location else ""
    return f"--{boundary}\r\nContent-Type: {content_type}\r\n{line}\r\n".encode()


def end(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode()


def parts(boundary: str, each: Iterable[tuple[str, str, Iterable[bytes]]]) -> Iterator[bytes]:
    """The body of an answer: (content type, location, blocks) for each part."""
    for content_type, location, blocks in each:
        yield part_head(boundary, content_type, location)
        yield from blocks
        yield b"\r\n"
    yield end(boundary)
