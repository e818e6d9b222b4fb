"""multipart/related in blocks, in and out: no body is held whole. Source: RFC 2387, RFC 2046."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

BLOCK_BYTES = 256 * 1024
MAX_HEADER_BYTES = 8192
# RFC 2046 allows 70; Orthanc's DICOMweb peers send 73.
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,200})"|([^;\s"]{1,200}))', re.IGNORECASE)


class Malformed(Exception):
    """The body is not multipart/related as it says."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Sink(Protocol):
    """Takes the parts as they come. A block is bytes or a view of bytes: it does not change."""

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
    """A window on the body: the block that came last. Blocks are handed on without a copy."""

    def __init__(self, body: Readable) -> None:
        self._body = body
        self._block, self._at = b"", 0  # before that place it was read

    def _more(self) -> bool:
        """Hold more behind what is held, which is little here."""
        came = self._body.read(BLOCK_BYTES)
        self._block, self._at = self._block[self._at :] + came, 0
        return bool(came)

    def _held(self) -> int:
        return len(self._block) - self._at

    def take(self, count: int) -> bytes:
        """The next bytes; Malformed when there are fewer."""
        while self._held() < count:
            if not self._more():
                raise Malformed
        self._at += count
        return self._block[self._at - count : self._at]

    def skip_past(self, mark: bytes) -> bool:
        skipped = 0
        while (at := self._block.find(mark, self._at)) < 0:
            skipped += self._held()
            self._at = max(self._at, len(self._block) - len(mark))
            if skipped > MAX_HEADER_BYTES + BLOCK_BYTES or not self._more():
                return False
        self._at = at + len(mark)
        return True

    def until(self, mark: bytes, limit: int) -> bytes:
        """Up to the mark, which is taken away. A part without headers begins with an empty line."""
        if self._starts_with_empty_line():
            return b""
        while (at := self._block.find(mark, self._at)) < 0:
            if self._held() > limit or not self._more():
                raise Malformed
        if at - self._at > limit:
            raise Malformed
        found = self._block[self._at : at]
        self._at = at + len(mark)
        return found

    def _starts_with_empty_line(self) -> bool:
        while self._held() < 2 and self._more():
            pass
        if not self._block.startswith(b"\r\n", self._at):
            return False
        self._at += 2
        return True

    def blocks_until(self, delimiter: bytes) -> Iterator[bytes | memoryview]:
        keep = len(delimiter) - 1  # as much as may be the beginning of a delimiter
        while (at := self._block.find(delimiter, self._at)) < 0:
            stop = max(self._at, len(self._block) - keep)
            if stop > self._at:
                yield memoryview(self._block)[self._at : stop]
            rest, came = self._block[stop:], self._body.read(BLOCK_BYTES)
            if not came:
                raise Malformed
            if len(came) < keep or delimiter in rest + came[:keep]:
                self._block, self._at = rest + came, 0
                continue
            if rest:
                yield rest
            self._block, self._at = came, 0
        if at > self._at:
            yield memoryview(self._block)[self._at : at]
        self._at = at + len(delimiter)


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
