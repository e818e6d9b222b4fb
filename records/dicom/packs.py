"""Packs: the instances of one batch, back to back in one immutable stored object.

Writing: pieces are appended to a file on our own disk, and the whole is flushed once and put into
storage once. Reading: by byte range, from a local file or from an object store.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

from records.dicom.pieces import BLOCK_BYTES, Lines, PieceFile, unpacked
from records.dicom.pieces import Piece as Piece
from records.models import ImagingPack
from secondop.lib.storage import new_key


class Damaged(Exception):
    """The stored bytes are not what was stored."""


class PackWriter(PieceFile):
    """A pack being filled. Use as a context: what was not sealed is gone at the end."""

    def __init__(self, *, in_thread: bool = False) -> None:
        super().__init__(new_file(), in_thread=in_thread)

    @classmethod
    def of(cls, path: Path) -> Self:
        """One that was filled by somebody else, such as a child."""
        writer = cls.__new__(cls)
        PieceFile.__init__(writer, path)
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()
        self._forget(self.path)

    def _forget(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def _is_all(self, pieces: list[Piece]) -> bool:
        return sum(piece.length for piece in pieces) == self.size_bytes

    def keep_only(self, pieces: list[Piece]) -> list[Piece]:
        """Leave out everything else, in a file of its own; return where the pieces stand now."""
        if self._is_all(pieces):
            return pieces
        old, moved = self.path, []
        source, self.path = self._file, new_file()
        self._hasher.close()
        PieceFile.__init__(self, self.path)
        for piece in pieces:
            moved.append(Piece(self.size_bytes, piece.length, piece.sha256, piece.crc32))
            for block in _blocks_of(source, piece.start, piece.length):
                self._put(block)
        source.close()
        self._forget(old)
        return moved

    def seal(self, pieces: list[Piece], headers: list[str] | bytes) -> dict[str, Any]:
        """Append the headers, flush once and store; return the fields of an `ImagingPack`.

        `headers` as lines, or as `Lines` packed them.
        """
        if not isinstance(headers, bytes):
            lines = Lines()
            for header in headers:
                lines.add(header)
            headers = lines.packed()
        tail = self.append(headers)
        self.settle()
        key = new_key("packs")
        with or_nothing(key):
            _store(self.fileno(), self.path, key)
        return {
            "key": key,
            "size_bytes": self.size_bytes,
            "headers_offset": tail.start,
            "sha256": hash_of([*(piece.sha256 for piece in pieces), tail.sha256]),
        }


class StayingPack(PackWriter):
    """An archive whose members are stored as they are, and all of them objects: it is their pack.

    Not a byte of it is written again. What is new of it alone goes into a file of its own.
    """

    def __init__(self, archive: Path, count: int) -> None:
        PieceFile.__init__(self, archive)
        self._archive, self._count = archive, count

    def _forget(self, path: Path) -> None:
        """The archive is the job's."""
        if path != self._archive:
            super()._forget(path)

    def _is_all(self, pieces: list[Piece]) -> bool:
        return len(pieces) == self._count

    def seal(self, pieces: list[Piece], headers: list[str] | bytes) -> dict[str, Any]:
        if self.path != self._archive or not isinstance(headers, bytes):
            return super().seal(pieces, headers)
        hashes, at = list[str](), 0
        for piece in pieces:
            hashes += _between(self.fileno(), at, piece.start)
            hashes.append(piece.sha256)
            at = piece.end
        hashes += _between(self.fileno(), at, self.size_bytes)
        key, headers_key = new_key("packs"), new_key("packs")
        with PackWriter() as beside, or_nothing(key, headers_key):
            beside.append(headers)
            _store(beside.fileno(), beside.path, headers_key)
            _link(self.path, key)
        return {
            "key": key,
            "headers_key": headers_key,
            "size_bytes": self.size_bytes + len(headers),
            "headers_offset": self.size_bytes,
            "sha256": hash_of([*hashes, hashlib.sha256(headers).hexdigest()]),
        }


@contextmanager
def or_nothing(*keys: str) -> Iterator[None]:
    """Until it succeeds no row knows what was stored, and nothing would erase it: do it here."""
    try:
        yield
    except BaseException:
        forget(*keys)
        raise


def forget(*keys: str) -> None:
    """Delete what is stored under these; empty ones and those that are gone are no matter."""
    for key in filter(None, keys):
        with suppress(OSError):
            default_storage.delete(key)


def _between(descriptor: int, start: int, stop: int) -> list[str]:
    """The hash of what stands between objects, such as the directory of an archive."""
    if start >= stop:
        return []
    return [hashlib.sha256(os.pread(descriptor, stop - start, start)).hexdigest()]


def new_folder() -> Path:
    folder = Path(settings.UPLOADS_DIR) / "packs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def new_file() -> Path:
    with NamedTemporaryFile(dir=new_folder(), delete=False) as file:
        return Path(file.name)


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
    _flush_folder(target.parent)


def _link(path: Path, key: str) -> None:
    """A stored file under a second key: whoever deletes one of them leaves the other."""
    target = Path(default_storage.path(key))
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        target.hardlink_to(path)
    except OSError:  # not every file system has links
        shutil.copyfile(path, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    _flush_folder(target.parent)


def _flush_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def local_path(key: str) -> Path | None:
    """Where the object stands as a file; None in an object store."""
    return Path(default_storage.path(key)) if is_local() else None


def is_local() -> bool:
    return isinstance(default_storage, FileSystemStorage)


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
    return lines(*place_of_headers(pack))


def place_of_headers(pack: ImagingPack) -> tuple[str, int, int]:
    """In which object they stand, from where on, and how many bytes they are."""
    length = pack.size_bytes - pack.headers_offset
    if pack.headers_key:
        return pack.headers_key, 0, length
    return pack.key, pack.headers_offset, length


def lines(key: str, offset: int, length: int) -> list[str]:
    return unpacked(read(key, offset, length))


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
        hashes.append(_hash_of_range(*place_of_headers(pack)))
    except (Damaged, OSError):
        return False
    return hash_of(hashes) == pack.sha256


def _hash_of_range(key: str, offset: int, length: int) -> str:
    digest = hashlib.sha256()
    for block in blocks(key, offset, length):
        digest.update(block)
    return digest.hexdigest()
