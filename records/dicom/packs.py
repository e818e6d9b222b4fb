"""Packs: the instances of one batch, back to back in one immutable stored object.

Writing: pieces are appended to a file on our own disk, and the whole is flushed once and put into
storage once. Reading: by byte range, from a local file or from an object store.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from records.models import ImagingPack
from secondop.lib.storage import new_key

BLOCK_BYTES = 1024**2


class Damaged(Exception):
    """The stored bytes are not what was stored."""


@dataclass(frozen=True)
class Piece:
    start: int
    length: int
    sha256: str

    @property
    def end(self) -> int:
        return self.start + self.length


class PackWriter:
    """A pack being filled. Use as a context: what was not sealed is gone at the end."""

    def __init__(self) -> None:
        folder = Path(settings.UPLOADS_DIR) / "packs"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115
        self.path = Path(self._file.name)
        self._at = self._begun = 0
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def write(self, block: bytes) -> None:
        self._file.write(block)
        self._digest.update(block)
        self._at += len(block)

    def begin(self) -> None:
        self._begun, self._digest = self._at, hashlib.sha256()

    @property
    def open_bytes(self) -> int:
        """How much the piece that was begun holds so far."""
        return self._at - self._begun

    def end(self) -> Piece:
        return Piece(self._begun, self._at - self._begun, self._digest.hexdigest())

    def append(self, content: bytes) -> Piece:
        self.begin()
        self.write(content)
        return self.end()

    def drop(self) -> None:
        """Forget the piece that was begun last."""
        self.drop_to(self._begun)

    def drop_to(self, place: int) -> None:
        """Forget everything from `place` on."""
        self._file.flush()
        self._file.truncate(place)
        self._file.seek(place)
        self._at = self._begun = place

    def mapped(self) -> mmap | bytes:
        """What was written so far, as a buffer. Close it before the next one."""
        self._file.flush()
        return mmap(self._file.fileno(), self._at, access=ACCESS_READ) if self._at else b""

    def keep_only(self, pieces: list[Piece]) -> list[Piece]:
        """Leave out everything else, in a file of its own; return where the pieces stand now."""
        if sum(piece.length for piece in pieces) == self._at:
            return pieces
        kept, old = PackWriter(), self.path
        moved = []
        self._file.flush()
        with old.open("rb") as source:
            for piece in pieces:
                kept.begin()
                for block in _blocks_of(source, piece.start, piece.length):
                    kept.write(block)
                moved.append(Piece(kept._begun, piece.length, piece.sha256))
        self._file.close()
        old.unlink(missing_ok=True)
        self._file, self.path, self._at = kept._file, kept.path, kept._at
        return moved

    def seal(self, pieces: list[Piece], headers: list[str]) -> dict[str, Any]:
        """Append the headers, flush once and store; return the fields of an `ImagingPack`."""
        tail = self.append(zlib.compress("\n".join(headers).encode(), 1))
        self._file.flush()
        key = new_key("packs")
        _store(self._file.fileno(), self.path, key)
        return {
            "key": key,
            "size_bytes": self._at,
            "headers_offset": tail.start,
            "sha256": hash_of([*(piece.sha256 for piece in pieces), tail.sha256]),
        }


def hash_of(hashes: list[str]) -> str:
    """The hash of a pack: over those of its pieces, so that nothing is read or hashed twice."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _store(descriptor: int, path: Path, key: str) -> None:
    """One flush for the whole batch, then a rename; or an upload to the object store."""
    target = local_path(key)
    if target is None:
        with path.open("rb") as whole:
            default_storage.save(key, File(whole))
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.fsync(descriptor)
    path.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def local_path(key: str) -> Path | None:
    """Where the object stands as a file; None in an object store."""
    try:
        return Path(default_storage.path(key))
    except NotImplementedError:
        return None


def read(key: str, offset: int, length: int) -> bytes:
    """One range as bytes. For ranges known to be small; else `blocks`."""
    path = local_path(key)
    if path is None:
        return b"".join(blocks(key, offset, length))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)


def blocks(key: str, offset: int, length: int) -> Iterator[bytes]:
    """One range in blocks of at most 1 MiB. Raises Damaged when the object is shorter."""
    if length <= 0:
        return
    if (path := local_path(key)) is not None:
        with path.open("rb") as file:
            yield from _blocks_of(file, offset, length)
        return
    store: Any = default_storage
    answer = store.connection.meta.client.get_object(
        Bucket=store.bucket_name, Key=key, Range=f"bytes={offset}-{offset + length - 1}"
    )
    yield from answer["Body"].iter_chunks(BLOCK_BYTES)


def _blocks_of(file: Any, offset: int, length: int) -> Iterator[bytes]:
    file.seek(offset)
    while length > 0:
        block = file.read(min(BLOCK_BYTES, length))
        if not block:
            raise Damaged
        length -= len(block)
        yield block


def headers(pack: ImagingPack) -> list[str]:
    """The header of each instance of the pack, as JSON text, in the order they were stored."""
    return lines(pack.key, pack.headers_offset, pack.size_bytes - pack.headers_offset)


def lines(key: str, offset: int, length: int) -> list[str]:
    return zlib.decompress(read(key, offset, length)).decode().split("\n")


def is_intact(pack: ImagingPack) -> bool:
    """Read the whole object and compare every piece with the hash taken at receipt."""
    hashes: list[str] = []
    at = 0
    rows = pack.instances.order_by("offset").values_list("offset", "size_bytes", "sha256")
    try:
        for offset, length, expected in rows:
            if offset > at:  # what was made of the instance before: inflated, or whole frames
                hashes.append(_hash_of_range(pack.key, at, offset - at))
            if _hash_of_range(pack.key, offset, length) != expected:
                return False
            hashes.append(expected)
            at = offset + length
        if pack.headers_offset > at:
            hashes.append(_hash_of_range(pack.key, at, pack.headers_offset - at))
        tail = pack.size_bytes - pack.headers_offset
        hashes.append(_hash_of_range(pack.key, pack.headers_offset, tail))
    except (Damaged, OSError):
        return False
    return hash_of(hashes) == pack.sha256


def _hash_of_range(key: str, offset: int, length: int) -> str:
    digest = hashlib.sha256()
    for block in blocks(key, offset, length):
        digest.update(block)
    return digest.hexdigest()
