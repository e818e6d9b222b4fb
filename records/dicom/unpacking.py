"""Entries of an archive into packs. Runs in the guarded child only: see `records.dicom.archives`.

SECURITY: names are never read. What an entry says of its size is compared with what comes out, and
an entry is believed by its content alone. Memory is bounded: an entry is held whole up to 64 MB,
larger ones go through in blocks.
"""

from __future__ import annotations

import ctypes
import gc
import json
import mmap
import os
import stat
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isal import isal_zlib
from isal.igzip_lib import IsalError

from records.dicom import foreign
from records.dicom.collecting import Collector, Kept
from records.dicom.pieces import BLOCK_BYTES, InPlace, MustMove, PieceFile
from records.dicom.reader import Unreadable

STORED, DEFLATED = 0, 8
LOCAL_HEAD = 30
HELD_BYTES = 64 * 1024**2
KEPT_BYTES = 8 * 1024**2  # larger pieces of memory are given back at once
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from <malloc.h>
MAX_ENTRY_BYTES = 4 * 1024**3
MAX_RATIO = 200
RATIO_FROM_BYTES = 10 * 1024**2  # small files may well be empty pages
DAMAGE: tuple[type[Exception], ...] = (
    zlib.error,
    IsalError,  # type: ignore[assignment]  # its stub calls the class an instance
    EOFError,
    OSError,
)

# number, offset of its local header, packed size, size, CRC-32, method, flags, attributes
Entry = tuple[int, int, int, int, int, int, int, int]


class EntryRefused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


CANNOT_STAY: tuple[type[Exception], ...] = (EntryRefused, MustMove, *DAMAGE)


def unpack(told: int, order: dict[str, Any]) -> None:
    """Fill packs in the folder; tell the name of what is known of each pack when it is full.

    With `may_stay` objects are first tried where they stand in the archive: see `_stay`.
    """
    gc.disable()  # nothing here refers to itself, and the process ends soon
    _keep_memory()
    folder = Path(order["folder"])
    entries: list[Entry] = json.loads((folder / order["entries"]).read_text())
    skipped = set(order["skipped"])
    with (folder / order["marker"]).open("r+b") as file:
        marker = mmap.mmap(file.fileno(), 8)
    if order["may_stay"] and (name := _stay(order, folder, entries, marker)):
        os.write(told, f"{name}\ndone\n".encode())
        return
    filling = _Filling(folder, order["name"])
    for entry in entries:
        marker[:] = entry[0].to_bytes(8, "little")
        filling.take(order["archive"], entry, is_poison=entry[0] in skipped)
        if filling.is_full(order["pack_instances"], order["pack_bytes"]):
            os.write(told, filling.close(entry[0]).encode() + b"\n")
    if filling.count:
        os.write(told, filling.close(entries[-1][0]).encode() + b"\n")
    os.write(told, b"done\n")


def _stay(order: dict[str, Any], folder: Path, entries: list[Entry], marker: mmap.mmap) -> str:
    """Read the objects where they stand, so that the archive itself can be their pack.

    Empty when one of the entries is no object, was there before, or must be written otherwise.
    """
    archive = order["archive"]
    collector = Collector(place := InPlace(archive), _inflate)
    try:
        for entry in entries:
            if entry[5] != STORED or _head_at(archive, entry)[128:] != b"DICM":
                return ""
        for entry in entries:
            marker[:] = entry[0].to_bytes(8, "little")
            place.at(_content_at(archive, entry[1]))
            whole = _write(archive, entry, _nowhere)
            if whole is None:
                return ""
            collector.take(whole)
    except CANNOT_STAY:
        return ""
    return _write_down(folder, f"{order['name']}-stay", "", entries[-1][0], collector)


def _head_at(archive: int, entry: Entry) -> bytes:
    return os.pread(archive, 132, _content_at(archive, entry[1]))


def _nowhere(_block: bytes) -> None:
    """It is written already."""


def _keep_memory() -> None:
    """What one entry took serves the next: asked of the system anew, each page is emptied again."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc alone has it
    if mallopt:
        mallopt(M_TRIM_THRESHOLD, 4 * HELD_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


class _Filling:
    """One pack after the other."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self._number = folder, name, 0
        self._open()

    def _open(self) -> None:
        self._number += 1
        path = self.folder / f"{self.name}-{self._number}.pack"
        path.touch(0o600)
        self.file = PieceFile(path)
        self.collector = Collector(self.file, _inflate)
        self.count = 0

    def is_full(self, instances: int, size_bytes: int) -> bool:
        return self.count >= instances or self.file.size_bytes >= size_bytes

    def take(self, archive: int, entry: Entry, *, is_poison: bool) -> None:
        self.count += 1
        self.file.begin()
        try:
            if is_poison:
                raise EntryRefused("truncated")
            whole = _write(archive, entry, self.file.write)
            self.collector.finish(whole)
        except EntryRefused as refused:
            self.collector.refuse(refused.code)
        except DAMAGE:
            self.collector.refuse("truncated")

    def close(self, last: int) -> str:
        """Write down what the pack holds; return the name of that file."""
        os.fdatasync(self.file.fileno())  # beside the other child, not after both
        self.file.close()
        name = f"{self.name}-{self._number}"
        _write_down(self.folder, name, self.file.path.name, last, self.collector)
        self._open()
        return name


def _write_down(folder: Path, name: str, pack: str, last: int, collector: Collector) -> str:
    """What a pack holds, for whoever stores it. `pack`: its file; none when they stay."""
    results, kept = collector.results, collector.kept
    refused = Counter(result.problem for result in results if result.problem)
    told = {
        "pack": pack,
        "last": last,
        "count": len(results),
        "refused": refused,
        "known": len(results) - sum(refused.values()) - len(kept),
        **_described(kept),
    }
    (folder / f"{name}.lines").write_bytes(collector.lines.packed())
    (folder / f"{name}.json").write_text(json.dumps(told))
    return name


def _described(kept: list[Kept]) -> dict[str, Any]:
    """What is the same for many is told once."""
    groups: dict[Any, int] = {}
    shared: list[Any] = []
    rows: list[Any] = []
    for one in kept:
        received, frames = one.received, one.received.frames
        person = received.person
        key = received.study_uid, received.series_uid, received.modality, *person.values()
        if key not in groups:
            groups[key] = len(shared)
            shared.append(
                [received.study_uid, received.series_uid, received.modality, person,
                 received.study, received.series]
            )  # fmt: skip
        rows.append([
            groups[key], received.instance_uid, received.class_uid, received.transfer_syntax,
            received.instance_number, received.search, received.is_picture,
            received.may_show_text, received.dataset_offset,
            [frames.count, frames.offsets, frames.lengths, frames.problem],
            _of(one.piece), _of(one.made) if one.made else None,
        ])  # fmt: skip
    return {"groups": shared, "rows": rows}


def _of(piece: Any) -> list[Any]:
    return [piece.start, piece.length, piece.sha256, piece.crc32]


def _inflate(file: PieceFile, at: int, length: int) -> None:
    plain = file.path.with_suffix(".plain")
    told = foreign.inflate(str(file.path), at, length, str(plain))
    if told.get("problem"):
        raise Unreadable(told["problem"])
    with plain.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            file.write(block)
    plain.unlink()


# --- one entry -----------------------------------------------------------------------------------
def _write(archive: int, entry: Entry, write: Callable[[bytes], None]) -> bytes | None:
    """Hand the content on. Returns it when it was held whole. Raises EntryRefused."""
    _number, offset, packed, size, crc, method, flags, attributes = entry
    if stat.S_ISLNK(attributes >> 16):
        raise EntryRefused("link")
    if flags & 1:
        raise EntryRefused("encrypted")
    if method not in (STORED, DEFLATED) or (method == STORED and packed != size):
        raise EntryRefused("truncated")
    if size > MAX_ENTRY_BYTES:
        raise EntryRefused("archive_bomb")
    begin = _content_at(archive, offset)
    _refuse_strangers(_head(archive, begin, packed, method))
    if size > max(RATIO_FROM_BYTES, packed * MAX_RATIO):
        raise EntryRefused("archive_bomb")
    if size > HELD_BYTES or packed > HELD_BYTES:
        _pass_on(archive, begin, entry, write)
        return None
    raw = os.pread(archive, packed, begin)
    if method == DEFLATED:
        machine = isal_zlib.decompressobj(-zlib.MAX_WBITS)
        raw = machine.decompress(raw, size + 1)
        if len(raw) > size:
            raise EntryRefused("archive_bomb")
    if len(raw) != size or isal_zlib.crc32(raw) != crc:
        raise EntryRefused("truncated")
    write(raw)
    return raw


def _content_at(archive: int, offset: int) -> int:
    head = os.pread(archive, LOCAL_HEAD, offset)
    if len(head) < LOCAL_HEAD or head[:4] != b"PK\x03\x04":
        raise EntryRefused("truncated")
    names = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    return offset + LOCAL_HEAD + names


def _head(archive: int, begin: int, packed: int, method: int) -> bytes:
    raw = os.pread(archive, min(packed, 4096), begin)
    if method == STORED:
        return raw[:132]
    return isal_zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, 132)


def _refuse_strangers(head: bytes) -> None:
    """By the first bytes: what is no DICOM object is not unpacked any further."""
    if head[128:132] == b"DICM" or head[:2] in (b"\x08\0", b"\x02\0"):
        return
    raise EntryRefused("nested_archive" if head.startswith(b"PK\x03\x04") else "not_dicom")


def _pass_on(archive: int, begin: int, entry: Entry, write: Callable[[bytes], None]) -> None:
    """A large entry, block by block."""
    _number, _offset, packed, size, crc, method, _flags, _attributes = entry
    machine = isal_zlib.decompressobj(-zlib.MAX_WBITS) if method == DEFLATED else None
    written, found, end = 0, 0, begin + packed
    while begin < end:
        block = os.pread(archive, min(BLOCK_BYTES, end - begin), begin)
        if not block:
            raise EntryRefused("truncated")
        begin += len(block)
        while block:
            out = machine.decompress(block, BLOCK_BYTES) if machine else block
            block = machine.unconsumed_tail if machine else b""
            written += len(out)
            if written > size:
                raise EntryRefused("archive_bomb")
            found = isal_zlib.crc32(out, found)
            write(out)
    if written != size or found != crc:
        raise EntryRefused("truncated")
