"""The copy of a case file as a stream: stored members, their hashes counted as they leave.

The length is known before the first byte: every hash has the same length, so that the manifest,
which stands last, is as long with empty hashes as with the true ones. Memory does not grow with
what is sent. Ids and rows are collected before; nothing is asked of the database meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from isal import isal_zlib

from records.dicom import packs
from records.dicom.pieces import NO_PREAMBLE
from records.dicom.zipping import Member, size_of, stream
from records.documents import set_aside
from records.export import dicomdir, fhir, manifest, page
from records.export.contents import Contents, Image, Original
from records.serving import Altered

BLOCK_BYTES = 1024**2
Blocks = Callable[[], Iterator[bytes]]


class Copy:
    """One copy, made ready. `size_bytes` is what `blocks` will give."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._rows: list[dict[str, Any]] = []  # members as the manifest lists them
        self._members: list[Member] = []
        self._at = 0
        self._print = hashlib.sha256()
        self._fill()

    @property
    def size_bytes(self) -> int:
        return size_of(self._members)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self._rows

    @property
    def etag(self) -> str:
        """A strong tag: the copies of the same records in one language are the same to the byte."""
        return f'"{self._print.hexdigest()}"'

    def blocks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """All of it, or the bytes between: what stands before is read and hashed all the same."""
        if not start and end is None:
            return stream(self._members)
        return _between(stream(self._members), start, self.size_bytes if end is None else end)

    def _fill(self) -> None:
        contents = self._contents
        self._made("index.html", page.index(contents))
        for one in contents.originals:
            document = one.document
            self._stored(one.path, document.size_bytes, partial(_document, one), document.sha256)
        for paper in contents.papers:
            blocks = partial(_file, paper.key, paper.sha256)
            self._stored(paper.path, paper.size_bytes, blocks, paper.sha256)
        self._made("fhir/bundle.json", fhir.bundle(contents))
        if contents.studies:
            self._made("DICOMDIR", dicomdir.directory(contents.studies))
        for study in contents.studies:
            for _series, images in study.series:
                for image in images:
                    self._image(image)
        told = manifest.written(contents, self._rows)
        self._print.update(told)
        last = Member(b"manifest.json", len(told), 0, True, self._manifest(len(told)), self._at)
        self._members.append(last)

    def _made(self, path: str, content: bytes) -> None:
        crc32 = isal_zlib.crc32(content)
        told = hashlib.sha256(content).hexdigest()
        self._add(path, len(content), lambda: iter([content]), crc32, told)

    def _stored(self, path: str, size_bytes: int, blocks: Blocks, sha256: str) -> None:
        self._add(path, size_bytes, blocks, None, sha256)

    def _image(self, image: Image) -> None:
        one = image.instance
        self._add(image.path, one.size_bytes, partial(_object, image), one.crc32, one.sha256)

    def _add(
        self, path: str, size_bytes: int, blocks: Blocks, crc32: int | None, sha256: str
    ) -> None:
        self._print.update(f"{path}\0{size_bytes}\0{sha256}\n".encode())
        row = {"path": path, "size_bytes": size_bytes, "sha256": manifest.NOT_YET}
        self._rows.append(row)
        member = Member(
            path.encode(), size_bytes, crc32 or 0, crc32 is None, _hashed(blocks, row), self._at
        )
        self._at += member.written_bytes
        self._members.append(member)

    def _manifest(self, length: int) -> Iterator[bytes]:
        """Written when everything before it has left and is hashed."""
        told = manifest.written(self._contents, self._rows)
        if len(told) != length:
            raise Altered
        yield told


def _between(blocks: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    at = 0
    for block in blocks:
        if at + len(block) > start:
            yield block[max(0, start - at) : end - at]
        at += len(block)
        if at >= end:
            return


def _hashed(blocks: Blocks, row: dict[str, Any]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for block in blocks():
        digest.update(block)
        yield block
    row["sha256"] = digest.hexdigest()


def _document(one: Original) -> Iterator[bytes]:
    try:
        yield from _file(one.document.key, one.document.sha256)
    except Altered:
        set_aside(one.document)
        raise


def _file(key: str, sha256: str) -> Iterator[bytes]:
    """A stored file; its last block is held back until the hash is right."""
    digest, held = hashlib.sha256(), b""
    with default_storage.open(key, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            if held:
                yield held
            held = block
    if sha256 and digest.hexdigest() != sha256:
        raise Altered
    yield held


def _object(image: Image) -> Iterator[bytes]:
    """The original, compared with its hash. SECURITY: its preamble may hold a program."""
    one = image.instance
    digest, held = hashlib.sha256(), b""
    for block in packs.blocks(one.pack.key, one.offset, one.size_bytes):
        digest.update(block)
        if held:
            yield held
        elif block[128:132] == b"DICM" and not block.startswith(NO_PREAMBLE):
            block = NO_PREAMBLE + block[128:]
        held = block
    if digest.hexdigest() != one.sha256:
        raise packs.Damaged
    yield held
