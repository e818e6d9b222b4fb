"""A study as a ZIP whose members are stored, not deflated: its size is known before it begins.

CRC-32 was taken at receipt, so that the bytes pass through unread; who unpacks the ZIP compares it.
Names are numbers: no word of a file stands in them. Source: PKWARE APPNOTE 6.3.10.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack
from typing import Any

from isal import isal_zlib

from records.dicom import packs, retrieval
from records.dicom.pieces import NO_PREAMBLE
from records.dicom.values import number
from records.imaging import View
from records.models import ImagingInstance, ImagingSeries

ON_1980_01_01 = 0x21
VERSION, VERSION_64 = 20, 45
SIZES_BEHIND = 0x08  # the CRC stands behind the content
MAX_32 = 0xFFFFFFFF


@dataclass
class Member:
    name: bytes
    size_bytes: int
    crc32: int
    is_counted: bool  # its CRC is counted as it leaves, and stands behind it
    blocks: Iterator[bytes]
    offset: int = 0

    @property
    def flags(self) -> int:
        return SIZES_BEHIND if self.is_counted else 0

    @property
    def written_bytes(self) -> int:
        return 30 + len(self.name) + self.size_bytes + (16 if self.is_counted else 0)


def in_order(view: View, chosen: list[ImagingInstance]) -> list[ImagingInstance]:
    """By number of series and object, then by name: the same on every day and in every place.

    SECURITY: numbers and names as this sight may see them; of what it may not see there is nothing
    in `chosen`, so that it moves nothing.
    """
    series = ImagingSeries.objects.in_bulk({one.series_id for one in chosen})
    places = {
        pk: (number(view.header(one.search), "00200011"), _name(view, one, "SeriesInstanceUID"))
        for pk, one in series.items()
    }
    return sorted(
        chosen,
        key=lambda one: (
            *places[one.series_id], one.InstanceNumber, _name(view, one, "SOPInstanceUID")
        ),
    )  # fmt: skip


def _name(view: View, row: Any, keyword: str) -> str:
    return str(row.alias_uid if view.is_sealed else getattr(row, keyword))


def members(view: View, chosen: list[ImagingInstance]) -> list[Member]:
    """One for each instance, as this sight may have it. Series and instances are numbered."""
    found, series_seen = [], dict[object, int]()
    at = 0
    for turn, one in enumerate(chosen, 1):
        series = series_seen.setdefault(one.series_id, len(series_seen) + 1)
        name = f"IMAGES/S{series:04}/I{turn:06}.dcm".encode()
        if view.is_sealed:
            size, blocks = retrieval.whole(view, one)
            member = Member(name, size, 0, True, blocks, at)
        else:  # rows from before CRCs were kept have none
            is_counted = one.crc32 is None
            member = Member(name, one.size_bytes, one.crc32 or 0, is_counted, _as_sent(one), at)
        at += member.written_bytes
        found.append(member)
    return found


def _as_sent(instance: ImagingInstance) -> Iterator[bytes]:
    """The original with its preamble emptied: it may hold a program."""
    is_first = True
    for block in packs.blocks(instance.pack.key, instance.offset, instance.size_bytes):
        if is_first and block[128:132] == b"DICM" and not block.startswith(NO_PREAMBLE):
            block = NO_PREAMBLE + block[128:]
        is_first = False
        yield block


def size_of(found: list[Member]) -> int:
    """The length of the whole ZIP."""
    content = sum(member.written_bytes for member in found)
    return content + sum(len(_entry(member)) for member in found) + len(_end(found, content, 0))


def stream(found: list[Member]) -> Iterator[bytes]:
    at = 0
    for member in found:
        yield _local_head(member)
        for block in member.blocks:
            if member.is_counted:
                member.crc32 = isal_zlib.crc32(block, member.crc32)
            yield block
        if member.is_counted:
            yield pack("<4sLLL", b"PK\x07\x08", member.crc32, member.size_bytes, member.size_bytes)
        at += member.written_bytes
    directory = b"".join(map(_entry, found))
    yield directory + _end(found, at, len(directory))


def _local_head(member: Member) -> bytes:
    return pack(
        "<4s5H3L2H", b"PK\x03\x04", VERSION, member.flags, 0, 0, ON_1980_01_01, member.crc32,
        member.size_bytes, member.size_bytes, len(member.name), 0,
    ) + member.name  # fmt: skip


def _entry(member: Member) -> bytes:
    extra, offset = b"", member.offset
    if offset >= MAX_32:
        extra, offset = pack("<HHQ", 1, 8, offset), MAX_32
    return pack(
        "<4s6H3L5H2L", b"PK\x01\x02", VERSION_64 if extra else VERSION,
        VERSION_64 if extra else VERSION, member.flags, 0, 0, ON_1980_01_01, member.crc32,
        member.size_bytes, member.size_bytes, len(member.name), len(extra), 0, 0, 0, 0, offset,
    ) + member.name + extra  # fmt: skip


def _end(found: list[Member], at: int, size: int) -> bytes:
    """The end of the directory, with its 64-bit form before it when numbers are too large."""
    count, begin = len(found), b""
    if count > 0xFFFE or at >= MAX_32 or size >= MAX_32:
        begin = pack(
            "<4sQ2H2L4Q", b"PK\x06\x06", 44, VERSION_64, VERSION_64, 0, 0, count, count, size, at
        ) + pack("<4sLQL", b"PK\x06\x07", 0, at + size, 1)
        count, size, at = min(count, 0xFFFF), min(size, MAX_32), min(at, MAX_32)
    return begin + pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, at, 0)
