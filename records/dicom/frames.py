"""Where the frames of one object stand, so that each can be sent as a stored byte range.

A frame in several fragments, or one that does not begin on a byte, is written once more behind the
object when the pack is made: every frame is then one range. Source: PS3.5 annex A.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import unpack_from

from records.dicom.reader import UNDEFINED, Buffer, Header, Unreadable, fragments
from records.dicom.values import NATIVE, VIDEO, first, number

MAX_FRAMES = 1_000_000
MAX_COPY_BYTES = 512 * 1024**2
STARTS = (b"\xff\xd8", b"\xff\x4f", b"\0\0\0\x0c")  # JPEG, a JPEG 2000 codestream, a JP2 box
PIXEL_DATA = 0x7FE00010


@dataclass
class Frames:
    """`offsets` are absolute in the buffer, or within `copies` when that is not empty."""

    count: int = 0
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    copies: bytes = b""
    problem: str = ""


def find(header: Header) -> Frames:
    """The frames of an object. Never raises: what cannot be found is a `problem`."""
    if header.pixels is None:
        return Frames()
    tag, offset, length = header.pixels
    count = number(header.attributes, "00280008", 1) or 1
    if not 0 < count <= MAX_FRAMES:
        return Frames(problem="unindexed")
    if length != UNDEFINED:
        return _native(header, count, offset, min(length, header.end - offset), tag)
    if header.transfer_syntax in NATIVE:
        return Frames(problem="unindexed")
    try:
        items, _end = fragments(header.buffer, offset, header.end)
    except Unreadable:
        return Frames(problem="short")
    if VIDEO.match(header.transfer_syntax):
        count = 1
    return _encapsulated(header, count, items)


def _native(header: Header, count: int, offset: int, length: int, tag: int) -> Frames:
    a = header.attributes
    bits = {0x7FE00008: 32, 0x7FE00009: 64}.get(tag) or number(a, "00280100")
    samples = number(a, "00280002", 1)
    pixels = number(a, "00280010") * number(a, "00280011")
    if pixels <= 0 or bits <= 0 or samples <= 0:
        return Frames(problem="unindexed")
    bits_each = pixels * samples * bits
    if first(a, "00280004") == "YBR_FULL_422":
        bits_each = pixels * 2 * bits
    if (bits_each * count + 7) // 8 > length:
        return Frames(problem="short")
    if bits_each % 8:
        return _unpacked(header.buffer, count, offset, length, bits_each)
    each = bits_each // 8
    return Frames(count, [offset], [each])


def _unpacked(buffer: Buffer, count: int, offset: int, length: int, bits: int) -> Frames:
    """Bit-packed frames (SEG) that do not begin on a byte: a copy in which each does."""
    if length > MAX_COPY_BYTES:
        return Frames(problem="unindexed")
    each, mask, parts = (bits + 7) // 8, (1 << bits) - 1, []
    for position in range(count):
        begin = position * bits
        raw = buffer[offset + begin // 8 : offset + (begin + bits + 7) // 8]
        parts.append((int.from_bytes(raw, "little") >> begin % 8 & mask).to_bytes(each, "little"))
    return Frames(count, [0], [each], b"".join(parts))


def _encapsulated(header: Header, count: int, items: list[tuple[int, int]]) -> Frames:
    table, parts = items[0], items[1:]
    if not parts:
        return Frames(problem="short")
    groups = _groups(header, count, table, parts)
    if len(groups) != count:
        return Frames(problem="unindexed" if len(groups) > count else "short")
    if all(len(group) == 1 for group in groups):
        return Frames(count, [group[0][0] for group in groups], [group[0][1] for group in groups])
    size = sum(length for _offset, length in parts)
    if size > MAX_COPY_BYTES:
        return Frames(problem="unindexed")
    found, copies = Frames(count), []
    place = 0
    for group in groups:
        frame = b"".join(header.buffer[at : at + length] for at, length in group)
        found.offsets.append(place)
        found.lengths.append(len(frame))
        copies.append(frame)
        place += len(frame)
    found.copies = b"".join(copies)
    return found


def _groups(
    header: Header, count: int, table: tuple[int, int], parts: list[tuple[int, int]]
) -> list[list[tuple[int, int]]]:
    """Which fragments make up which frame: one each, by an offset table, or by how they begin."""
    if count == 1:
        return [parts]
    if len(parts) == count:
        return [[part] for part in parts]
    starts = _starts_in_table(header, table)
    if starts:
        begin = parts[0][0] - 8
        wanted = {begin + start for start in starts}
        is_first = [at - 8 in wanted for at, _length in parts]
    else:
        is_first = [header.buffer[at : at + 4].startswith(STARTS) for at, _length in parts]
    groups: list[list[tuple[int, int]]] = []
    for part, begins in zip(parts, is_first, strict=True):
        if begins or not groups:
            groups.append([])
        groups[-1].append(part)
    return groups


def _starts_in_table(header: Header, table: tuple[int, int]) -> list[int]:
    extended = header.bulk.get("7FE00001")
    if extended:
        return list(unpack_from(f"<{extended[1] // 8}Q", header.buffer, extended[0]))
    return list(unpack_from(f"<{table[1] // 4}L", header.buffer, table[0]))
