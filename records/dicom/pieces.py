"""A file filled piece by piece, with the hash of each. No Django here: the guarded child uses it.

Bytes go to the file unbuffered and are hashed as they come; or by a thread, beside whoever brings
the next ones. It takes whole pieces from memory, and others from the file, where they are still in
the memory of the system. It does nothing else: a thread waits for the interpreter after each call
that leaves it, for as long as the other one reads headers.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from mmap import ACCESS_READ, mmap
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

from isal import isal_zlib

BLOCK_BYTES = 1024**2
MAX_WAITING = 8  # pieces on their way to a thread; the whole ones in memory
PUSH_BYTES = 1024**2
NO_PREAMBLE = bytes(128)


@dataclass(slots=True)
class Piece:
    start: int
    length: int
    sha256: str = ""
    crc32: int = 0  # of the object as it is sent: with an empty preamble

    @property
    def end(self) -> int:
        return self.start + self.length


class PieceFile:
    """Pieces back to back in one file. The hashes of a piece are there after `settle`."""

    def __init__(self, path: Path, *, in_thread: bool = False) -> None:
        self.path = path
        self._file = path.open("r+b", buffering=0)
        self.size_bytes = self._begun = self._file.seek(0, os.SEEK_END)
        self._hasher = (_ThreadedHasher if in_thread else _Hasher)(self._file.fileno())
        self._pushed = self.size_bytes

    def close(self) -> None:
        self._hasher.close()
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def begin(self) -> None:
        self._begun = self.size_bytes
        self._hasher.begin()

    def write(self, block: bytes | memoryview) -> None:
        self._put(block)
        self._hasher.add(block)

    def end(self) -> Piece:
        piece = Piece(self._begun, self.size_bytes - self._begun)
        self._hasher.end(piece)
        return piece

    def append(self, content: bytes) -> Piece:
        """A whole piece."""
        self._begun = self.size_bytes
        piece = Piece(self._begun, len(content))
        self._put(content)
        self._hasher.take(piece, content)
        return piece

    def _put(self, block: bytes | memoryview) -> None:
        """All of it: on a disc that gets full a call takes less than it was given."""
        left = memoryview(block)
        while left:
            left = left[self._file.write(left) :]
        self.size_bytes += len(block)
        if self.size_bytes - self._pushed >= PUSH_BYTES:
            self._push()

    def _push(self) -> None:
        """Have the system write what is there while more comes, so that the last flush is short.

        Linux begins to write what is told not to be needed soon, and goes on to remember it.
        """
        if hasattr(os, "posix_fadvise"):
            count = self.size_bytes - self._pushed
            os.posix_fadvise(self.fileno(), self._pushed, count, os.POSIX_FADV_DONTNEED)
        self._pushed = self.size_bytes

    def settle(self) -> None:
        """Wait until every piece has its hashes."""
        self._hasher.settle()

    @property
    def open_bytes(self) -> int:
        """How much the piece that was begun holds so far."""
        return self.size_bytes - self._begun

    def drop(self) -> None:
        """Forget the piece that was begun last."""
        self.drop_to(self._begun)

    def drop_to(self, place: int) -> None:
        """Forget everything from `place` on."""
        self.settle()
        self._file.truncate(place)
        self._file.seek(place)
        self.size_bytes = self._begun = place
        self._pushed = min(self._pushed, place)

    def mapped(self) -> mmap | bytes:
        """What was written so far, as a buffer. Close it before the next one."""
        self.settle()
        return mmap(self.fileno(), self.size_bytes, access=ACCESS_READ) if self.size_bytes else b""


class MustMove(Exception):
    """The objects cannot stay where they stand."""


class InPlace(PieceFile):
    """Pieces that stand in an archive already: they are hashed, and nothing is written."""

    def __init__(self, archive: int) -> None:
        self._hasher, self._place = _Hasher(archive), -1

    def at(self, place: int) -> None:
        """Where the next piece stands."""
        self._place = place

    def append(self, content: bytes) -> Piece:
        """Raises MustMove for what was made of an object: it would be written."""
        if self._place < 0:
            raise MustMove
        piece, self._place = Piece(self._place, len(content)), -1
        self._hasher.take(piece, content)
        return piece

    def begin(self) -> None:
        raise MustMove

    def drop_to(self, place: int) -> None:
        raise MustMove


class _Hasher:
    """SHA-256 and CRC-32 of each piece, as its bytes come."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.begin()

    def begin(self) -> None:
        self._sha256, self._crc32 = hashlib.sha256(), 0

    def add(self, block: bytes | memoryview) -> None:
        self._sha256.update(block)
        self._crc32 = isal_zlib.crc32(block, self._crc32)

    def end(self, piece: Piece) -> None:
        piece.sha256, piece.crc32 = self._sha256.hexdigest(), self._crc32
        if _is_sent_otherwise(os.pread(self._descriptor, 132, piece.start)):
            piece.crc32 = sent_crc32(self._descriptor, piece.start, piece.length)

    def take(self, piece: Piece, content: bytes) -> None:
        """A whole piece, from memory."""
        piece.sha256 = hashlib.sha256(content).hexdigest()
        if _is_sent_otherwise(content[:132]):
            piece.crc32 = isal_zlib.crc32(memoryview(content)[128:], isal_zlib.crc32(NO_PREAMBLE))
        else:
            piece.crc32 = isal_zlib.crc32(content)

    def settle(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing runs."""


class _ThreadedHasher(_Hasher):
    """The same of whole pieces, in a thread: hashing leaves the interpreter free."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._failed: Exception | None = None
        self._thread = Thread(target=self._run, name="hash", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while task := self._queue.get():
            try:
                task()
            except Exception as exc:
                self._failed = exc

    def _hash(self, piece: Piece) -> None:
        super().begin()
        buffer, at = memoryview(bytearray(BLOCK_BYTES)), piece.start
        while at < piece.end:
            count = os.preadv(self._descriptor, [buffer[: piece.end - at]], at)
            if not count:
                raise OSError(errno.EIO, "the file is shorter than what was written")
            super().add(buffer[:count])
            at += count
        super().end(piece)

    def begin(self) -> None:
        """The bytes are taken from the file."""

    def add(self, block: bytes | memoryview) -> None:
        """The bytes are taken from the file."""

    def end(self, piece: Piece) -> None:
        self._later(partial(self._hash, piece))

    def take(self, piece: Piece, content: bytes) -> None:
        self._later(partial(super().take, piece, content))

    def _later(self, task: Callable[[], None]) -> None:
        if self._queue.qsize() >= MAX_WAITING:
            self.settle()
        self._queue.put(task)

    def settle(self) -> None:
        done = Event()
        self._queue.put(done.set)
        done.wait()
        if self._failed:
            raise self._failed

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()


def _is_sent_otherwise(head: bytes) -> bool:
    """Whether the preamble of an object is emptied before it is sent."""
    return head[128:] == b"DICM" and head[:128] != NO_PREAMBLE


def sent_crc32(descriptor: int, start: int, length: int) -> int:
    """The CRC-32 of a stored object as it is sent: with an empty preamble."""
    head = os.pread(descriptor, 132, start)
    crc, at = 0, 0
    if head[128:] == b"DICM":
        crc, at = isal_zlib.crc32(NO_PREAMBLE), 128
    while at < length:
        block = os.pread(descriptor, min(BLOCK_BYTES, length - at), start + at)
        if not block:
            break
        crc, at = isal_zlib.crc32(block, crc), at + len(block)
    return crc


class Lines:
    """The headers of a pack: one JSON line an instance, compressed as they come."""

    def __init__(self) -> None:
        self._machine = isal_zlib.compressobj(1)
        self._parts: list[bytes] = []

    def add(self, line: str) -> None:
        self._parts.append(self._machine.compress(line.encode() + b"\n"))

    def packed(self) -> bytes:
        """All lines; nothing can be added after."""
        return b"".join([*self._parts, self._machine.flush()])


def only(packed: bytes, wanted: list[int]) -> bytes:
    """These lines of the packed ones."""
    every, lines = unpacked(packed), Lines()
    for number in wanted:
        lines.add(every[number])
    return lines.packed()


def unpacked(packed: bytes) -> list[str]:
    """The lines of one or several that were packed, one behind the other."""
    text = b""
    while packed:
        machine = zlib.decompressobj()
        text += machine.decompress(packed) + machine.flush()
        packed = machine.unused_data
    return text.decode().removesuffix("\n").split("\n")
