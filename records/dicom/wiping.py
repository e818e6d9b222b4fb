"""Empty the places of a compressed frame where words can stand, for sealed readers.

Comments, application segments, boxes that are no picture, and what stands behind the end: their
bytes become zeros. Nothing is decoded and no length changes, so that every offset holds.

SECURITY: by allow-list, as the header: a segment that decoding does not need is emptied, and from
where a frame is not understood all of it is. Compressed pixels themselves are left as they are.
Sources: ITU-T T.81 annex B, T.87 annex C, T.800 annexes A and I, PS3.5 annex G.
"""

from __future__ import annotations

import re
from struct import pack_into, unpack_from

from records.dicom.values import NATIVE, RLE

JPEG = "1.2.840.10008.1.2.4."
JPEG_LS = {JPEG + "80", JPEG + "81"}
JPEGS = {JPEG + str(number) for number in range(50, 71)} | JPEG_LS
JPEG_2000 = {JPEG + end for end in ("90", "91", "92", "93", "201", "202", "203")}
KNOWN = JPEGS | JPEG_2000 | {RLE}
MAX_BYTES = 48 * 1024**2  # of one frame, which is held in memory

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
ALONE = {0x01, SOI, EOI, *range(0xD0, 0xD8)}  # markers without a length
# Frames, tables, intervals, scans, and the parameters of JPEG-LS.
DECODING = {*range(0xC0, 0xD0), *range(0xDA, 0xE0), 0xF7, 0xF8} - {0xC8}
# How much of these is read by decoders: colour and density, and nothing behind it.
KEPT = {0xE0: (b"JFIF\0", 12), 0xEE: (b"Adobe", 12), 0xE8: (b"mrfx", 5)}
_NEXT = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a stuffed byte nor a restart
_NEXT_LS = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")

SOT, SOD, EOC = 0x90, 0x93, 0xD9
MAIN = {0x50, 0x51, 0x52, 0x53, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61,
        0x63, *range(0x70, 0x7A)}  # fmt: skip
BOXES = {b"jP  ", b"ftyp", b"ihdr", b"bpcc", b"pclr", b"cmap", b"cdef", b"res ", b"resc", b"resd"}
SUPERBOXES = {b"jp2h"}
NAMED_COLOURS = 1  # a colour box without a profile


class NotUnderstood(Exception):
    """At `args[0]` the frame is not what its transfer syntax says."""


class CannotBeWiped(Exception):
    """A sealed reader gets nothing of this form: where words may stand in it is not known."""


def is_known(transfer_syntax: str) -> bool:
    """Whether frames of this syntax can be given to a sealed reader."""
    return transfer_syntax in NATIVE or transfer_syntax in KNOWN


def wiped(frame: bytes, transfer_syntax: str, *, pixels: int = 0) -> bytes:
    """The frame, as long as before. `pixels` (rows times columns) is needed for RLE."""
    if transfer_syntax in NATIVE:
        return frame
    if transfer_syntax not in KNOWN or len(frame) > MAX_BYTES:
        raise CannotBeWiped
    out = bytearray(frame)
    try:
        if transfer_syntax == RLE:
            end = _rle(out, pixels)
        elif transfer_syntax in JPEG_2000:
            is_boxed = out[4:8] == b"jP  "
            end = _boxes(out, 0, len(out)) if is_boxed else _codestream(out, 0, len(out))
        else:
            end = _jpeg(out, _NEXT_LS if transfer_syntax in JPEG_LS else _NEXT)
    except NotUnderstood as found:
        end = found.args[0]
    _empty(out, end, len(out))
    return bytes(out)


def _empty(out: bytearray, begin: int, end: int) -> None:
    end = min(end, len(out))
    if end > begin:
        out[begin:end] = bytes(end - begin)


def _segment(out: bytearray, at: int, end: int) -> int:
    """Where the segment whose length stands at `at` ends."""
    if at + 2 > end:
        raise NotUnderstood(at - 2)
    length = int.from_bytes(out[at : at + 2], "big")
    if length < 2 or at + length > end:
        raise NotUnderstood(at - 2)
    return at + length


def _jpeg(out: bytearray, following: re.Pattern[bytes]) -> int:
    """Returns where the picture ends."""
    if out[:2] != b"\xff\xd8":
        raise NotUnderstood(0)
    at, size = 2, len(out)
    while at < size:
        marker = out.find(b"\xff", at)
        if marker < 0:
            return at
        _empty(out, at, marker)
        code = marker + 1
        while code < size and out[code] == 0xFF:
            code += 1
        if code >= size:
            return marker
        at = code + 1
        if out[code] == EOI:
            return at
        if out[code] in ALONE:
            continue
        stop = _segment(out, at, size)
        if out[code] not in DECODING:
            _keep_little(out, out[code], at + 2, stop)
        at = stop
        if out[code] == SOS:
            found = following.search(out, at)
            at = found.start() if found else size
    return at


def _keep_little(out: bytearray, code: int, begin: int, end: int) -> None:
    start, length = KEPT.get(code, (b"", 0))
    if not start or not out.startswith(start, begin):
        length = 0
    _empty(out, begin + length, end)  # of JFIF the size of its thumbnail, and the thumbnail


def _codestream(out: bytearray, at: int, end: int) -> int:
    """JPEG 2000: headers are emptied but for what decoding needs. Returns where it ends."""
    if out[at : at + 2] != b"\xff\x4f":
        raise NotUnderstood(at)
    at += 2
    tile_end = 0
    while at + 2 <= end:
        if out[at] != 0xFF:
            raise NotUnderstood(at)
        code, begin = out[at + 1], at
        at += 2
        if code == EOC:
            return at
        if code == SOD:
            at = tile_end or _eoc(out, at, end)
            continue
        stop = _segment(out, at, end)
        if code == SOT:
            if stop != at + 10:
                raise NotUnderstood(begin)
            length = unpack_from(">L", out, at + 4)[0]
            tile_end = begin + length if length else 0
            if length and not stop < tile_end <= end:
                tile_end = _eoc(out, stop, end)  # cut short: as far as it goes
        elif code not in MAIN:
            _empty(out, at + 2, stop)
        at = stop
    return at


def _eoc(out: bytearray, at: int, end: int) -> int:
    """Coded data hold no marker above FF8F: the first one is the end."""
    found = out.find(b"\xff\xd9", at, end)
    return end if found < 0 else found


def _boxes(out: bytearray, at: int, end: int) -> int:
    """JP2: boxes that are no picture become empty ones of the same length."""
    while at + 8 <= end:
        length, kind = unpack_from(">L4s", out, at)
        begin = at + 8
        if length == 1 and at + 16 <= end:
            length, begin = unpack_from(">Q", out, at + 8)[0], at + 16
        stop = end if length == 0 else at + length
        if not begin <= stop <= end:
            raise NotUnderstood(at)
        if kind == b"jp2c":
            _empty(out, _codestream(out, begin, stop), stop)
        elif kind in SUPERBOXES:
            _boxes(out, begin, stop)
        elif kind == b"colr":
            _colours(out, at, begin, stop)
        elif kind not in BOXES:
            _free(out, at, begin, stop)
        at = stop
    return at


def _colours(out: bytearray, at: int, begin: int, stop: int) -> None:
    if stop - begin >= 7 and out[begin] == NAMED_COLOURS:
        _empty(out, begin + 7, stop)
    else:
        _free(out, at, begin, stop)  # a profile carries words


def _free(out: bytearray, at: int, begin: int, stop: int) -> None:
    pack_into("4s", out, at + 4, b"free")
    _empty(out, begin, stop)


def _rle(out: bytearray, pixels: int) -> int:
    """What stands between and behind the planes, each of which is `pixels` bytes."""
    if len(out) < 64 or pixels <= 0:
        raise NotUnderstood(0)
    count, *starts = unpack_from("<16L", out)
    starts = starts[:count]
    if not 0 < count <= 15 or starts != sorted(starts) or starts[0] < 64:
        raise NotUnderstood(0)
    _empty(out, 4 + 4 * count, 64)
    at = 64
    for start, stop in zip(starts, [*starts[1:], len(out)], strict=True):
        _empty(out, at, start)
        at = _plane(out, start, stop, pixels)
        _empty(out, at, stop)
    return at


def _plane(out: bytearray, at: int, stop: int, pixels: int) -> int:
    """Where the packed bytes of one plane end. Source: PS3.5 annex G.3.2."""
    made = 0
    while made < pixels and at < stop:
        head = out[at]
        if head < 128:
            at, made = at + 2 + head, made + 1 + head
        elif head > 128:
            at, made = at + 2, made + 257 - head
        else:
            at += 1
    return min(at, stop)
