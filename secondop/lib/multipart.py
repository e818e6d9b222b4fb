"""multipart/related in blocks, in and out: no body is held whole. Source: RFC 2387, RFC 2046."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Protocol

BLOCK_BYTES = 512 * 1024
MAX_HEADER_BYTES = 8192
# RFC 2046 allows 70; Orthanc's DICOMweb peers send 73.
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,200})"|([^;\s"]{1,200}))', re.IGNORECASE)


class Malformed(Exception):
    """The body is not multipart/related as it says."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Sink(Protocol):
    """Takes the parts as they come."""

    def begin(self, headers: str) -> None: ...
    def write(self, block: bytes) -> None: ...
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
    def __init__(self, body: Readable) -> None:
        self._body, self._held = body, b""

    def _more(self) -> bool:
        block = self._body.read(BLOCK_BYTES)
        self._held += block
        return bool(block)

    def take(self, count: int) -> bytes:
        """The next bytes; Malformed when there are fewer."""
        while len(self._held) < count:
            if not self._more():
                raise Malformed
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def skip_past(self, mark: bytes) -> bool:
        skipped = 0
        while (at := self._held.find(mark)) < 0:
            skipped += len(self._held)
            self._held = self._held[-len(mark) :]
            if skipped > MAX_HEADER_BYTES + BLOCK_BYTES or not self._more():
                return False
        self._held = self._held[at + len(mark) :]
        return True

    def until(self, mark: bytes, limit: int) -> bytes:
        """Up to the mark, which is taken away. A part without headers begins with an empty line."""
        if self._starts_with_empty_line():
            return b""
        while (at := self._held.find(mark)) < 0:
            if len(self._held) > limit or not self._more():
                raise Malformed
        if at > limit:
            raise Malformed
        found, self._held = self._held[:at], self._held[at + len(mark) :]
        return found

    def _starts_with_empty_line(self) -> bool:
        while len(self._held) < 2 and self._more():
            pass
        if not self._held.startswith(b"\r\n"):
            return False
        self._held = self._held[2:]
        return True

    def blocks_until(self, delimiter: bytes) -> Iterator[bytes]:
        keep = len(delimiter) - 1  # as much as may be the beginning of a delimiter
        while (at := self._held.find(delimiter)) < 0:
            if len(self._held) > keep:
                yield self._held[:-keep]
                self._held = self._held[-keep:]
            if not self._more():
                raise Malformed
        if at:
            yield self._held[:at]
        self._held = self._held[at + len(delimiter) :]


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
