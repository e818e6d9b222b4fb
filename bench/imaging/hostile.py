"""Hostile images and archives, made here, and what becomes of each of them.

`tests/records/test_hostile_imaging.py` takes every one in between two good files and checks each
line of the table that docs/imaging.md shows ("Hostile files").
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

EXPLICIT = b"1.2.840.10008.1.2.1\0"
IMPLICIT = b"1.2.840.10008.1.2\0"
DEFLATED = b"1.2.840.10008.1.2.1.99"
JPEG_BASELINE = b"1.2.840.10008.1.2.4.50"
JPEG_2000 = b"1.2.840.10008.1.2.4.90"
CT = b"1.2.840.10008.5.1.4.1.1.2\0"
LONG = {b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"OF", b"OD", b"UR"}
UNDEFINED = 0xFFFFFFFF
BEGIN, END = "<!-- hostile: begin -->", "<!-- hostile: end -->"
DOCUMENT = Path(__file__).parents[2] / "docs" / "imaging.md"


def element(tag: int, vr: bytes, value: bytes, *, length: int | None = None) -> bytes:
    """One element in explicit little endian; `length` may lie."""
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    head += struct.pack("<2xL", size) if vr in LONG else struct.pack("<H", size & 0xFFFF)
    return head + value


def even(value: bytes, pad: bytes = b" ") -> bytes:
    return value + pad * (len(value) % 2)


def start(syntax: bytes = EXPLICIT, preamble: bytes = b"") -> bytes:
    return preamble.ljust(128, b"\0") + b"DICM" + element(0x00020010, b"UI", even(syntax, b"\0"))


def names(number: int, *, study: bytes = b"1.9.1", series: bytes = b"1.9.1.1") -> dict[int, bytes]:
    return {
        0x00080016: element(0x00080016, b"UI", CT),
        0x00080018: element(0x00080018, b"UI", even(b"1.9.%d" % (1000 + number), b"\0")),
        0x00080060: element(0x00080060, b"CS", b"CT"),
        0x0020000D: element(0x0020000D, b"UI", even(study, b"\0")),
        0x0020000E: element(0x0020000E, b"UI", even(series, b"\0")),
    }


def pixels(rows: int = 8, columns: int = 8) -> dict[int, bytes]:
    numbers = {0x00280002: 1, 0x00280010: rows, 0x00280011: columns, 0x00280100: 8, 0x00280101: 8,
               0x00280102: 7, 0x00280103: 0}  # fmt: skip
    found = {tag: element(tag, b"US", struct.pack("<H", n)) for tag, n in numbers.items()}
    found[0x00280004] = element(0x00280004, b"CS", b"MONOCHROME2 ")
    found[0x7FE00010] = element(0x7FE00010, b"OB", bytes(64))
    return found


def a_file(number: int, *, syntax: bytes = EXPLICIT, preamble: bytes = b"", tail: bytes = b"",
           changes: dict[int, bytes] | None = None) -> bytes:  # fmt: skip
    """A small valid object, with some of its elements replaced or added."""
    parts = names(number) | pixels() | (changes or {})
    return start(syntax, preamble) + b"".join(parts[tag] for tag in sorted(parts)) + tail


def good(number: int) -> bytes:
    return a_file(number)


def item(content: bytes = b"", *, length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    return struct.pack("<HHL", 0xFFFE, 0xE000, size) + content


def fragments(*parts: bytes, table: bytes = b"", closed: bool = True) -> bytes:
    body = item(table) + b"".join(item(even(part, b"\0")) for part in parts)
    body += struct.pack("<HHL", 0xFFFE, 0xE0DD, 0) if closed else b""
    return element(0x7FE00010, b"OB", body, length=UNDEFINED)


def nested(depth: int) -> bytes:
    one = element(0x00081140, b"SQ", b"", length=UNDEFINED) + item(length=UNDEFINED)
    return one * depth


def sixty_thousand(frame: bytes) -> dict[int, bytes]:
    big = struct.pack("<H", 60_000)
    return {0x00280010: element(0x00280010, b"US", big),
            0x00280011: element(0x00280011, b"US", big), 0x7FE00010: fragments(frame)}  # fmt: skip


def jpeg_head(rows: int = 60_000, columns: int = 60_000) -> bytes:
    frame = struct.pack(">BHHBBBB", 8, rows, columns, 1, 1, 0x11, 0)
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xd9"


def j2k_head(side: int = 60_000) -> bytes:
    size = struct.pack(">HLLLLLLLLH", 0, side, side, 0, 0, side, side, 0, 0, 1) + b"\x07\1\1"
    return b"\xff\x4f\xff\x51" + struct.pack(">H", 2 + len(size)) + size + b"\xff\xd9"


def deflated(body: bytes) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return start(DEFLATED) + machine.compress(body) + machine.flush()


def a_bomb() -> bytes:
    head = b"".join(names(10).values())
    return deflated(head + element(0x7FE00010, b"OW", b"", length=400 * 1024**2)
                    + bytes(400 * 1024**2))  # fmt: skip


def cyclic_directory() -> bytes:
    """A DICOMDIR whose record points to itself and to a file outside."""
    record = (element(0x00041400, b"UL", struct.pack("<L", 384))
              + element(0x00041420, b"UL", struct.pack("<L", 384))
              + element(0x00041500, b"CS", b"..\\..\\etc\\passwd"))  # fmt: skip
    body = element(0x00041220, b"SQ", item(record))
    meta = element(0x00020002, b"UI", b"1.2.840.10008.1.3.10")
    return bytes(128) + b"DICM" + meta + element(0x00020010, b"UI", EXPLICIT) + body


def text(tag: int, vr: bytes, value: bytes) -> dict[int, bytes]:
    return {tag: element(tag, vr, even(value))}


def number_texts() -> dict[int, bytes]:
    values = {0x00180050: (b"DS", b"NaN"), 0x00180060: (b"DS", b"1e400"),
              0x00181114: (b"DS", b"-Infinity"), 0x00281050: (b"DS", b"9" * 300),
              0x00281051: (b"DS", b"0"), 0x00281052: (b"DS", b"inf"), 0x00281053: (b"DS", b"nan"),
              0x00200011: (b"IS", b"9" * 5000), 0x00200013: (b"IS", b"9" * 60),
              0x00280008: (b"IS", b"1")}  # fmt: skip
    return {tag: element(tag, vr, even(value)) for tag, (vr, value) in values.items()}


# name -> (what is sent, what is expected of it: "stored", "stored, ..." or the code of a refusal)
Maker = Callable[[], bytes]
OBJECTS: dict[str, tuple[Maker, str]] = {
    "DICOMDIR that points to itself and outside": (cyclic_directory, "media_directory"),
    "DICOMDIR cut in the middle": (lambda: cyclic_directory()[:200], "truncated"),
    "AUTORUN.INF": (lambda: b"[autorun]\r\nopen=viewer.exe\r\n", "not_dicom"),
    "Thumbs.db": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), "not_dicom"),
    "nothing at all": (lambda: b"", "not_dicom"),
    "a preamble and no more": (lambda: bytes(128) + b"DICM", "not_dicom"),
    "a meta header and no more": (start, "truncated"),
    "500 nested sequences": (lambda: a_file(20, changes={0x00081140: nested(500)}), "too_deep"),
    "65,535 nested sequences": (
        lambda: a_file(21, changes={0x00081140: nested(65_535)}), "too_deep"),
    "200,001 elements": (
        lambda: a_file(22, tail=element(0x7FE10010, b"LO", b"") * 200_001), "too_many_elements"),
    "deflate bomb, 400 KB for 400 MB": (a_bomb, "too_large"),
    "deflated, cut": (lambda: deflated(b"".join(names(23).values()))[:-6], "truncated"),
    "deflated, not deflated": (lambda: start(DEFLATED) + b"\xff" * 500, "truncated"),
    "JPEG that claims 60,000 x 60,000": (
        lambda: a_file(24, syntax=JPEG_BASELINE, changes=sixty_thousand(jpeg_head())),
        "stored, no picture"),
    "JPEG 2000 that claims 60,000 x 60,000": (
        lambda: a_file(25, syntax=JPEG_2000, changes=sixty_thousand(j2k_head())),
        "stored, no picture"),
    "JPEG 2000 that claims more than its header": (
        lambda: a_file(26, syntax=JPEG_2000, changes={0x7FE00010: fragments(j2k_head())}),
        "stored, no picture"),
    "value longer than the file": (
        lambda: a_file(27, changes={
            0x00100010: element(0x00100010, b"PN", b"A^B ", length=60_000)}),
        "truncated"),
    "pixels longer than the file": (
        lambda: a_file(28, changes={0x7FE00010: element(0x7FE00010, b"OW", bytes(8),
                                                        length=0xFFFFFFF0)}),
        "stored, pixels short"),
    "cut in the header": (lambda: a_file(29)[: a_file(29).index(b"MONO") + 3], "truncated"),
    "cut in the pixels": (lambda: a_file(30)[:-40], "stored, pixels short"),
    "numbers under the wrong VR": (
        lambda: a_file(31, changes={**text(0x00280010, b"LO", b"many"),
                                    **text(0x00280100, b"PN", b"A^B")}),
        "stored, pixels unindexed"),
    "a VR that does not exist": (
        lambda: a_file(32, changes={0x00100010: b"\x10\0\x10\0ZZ\0\0\4\0\0\0A^B "}), "stored"),
    'NumberOfFrames "1A"': (lambda: a_file(33, changes=text(0x00280008, b"IS", b"1A")), "stored"),
    "NumberOfFrames 2,147,483,647": (
        lambda: a_file(34, changes=text(0x00280008, b"IS", b"2147483647")),
        "stored, pixels unindexed"),
    "NumberOfFrames 999,999": (
        lambda: a_file(35, changes=text(0x00280008, b"IS", b"999999")), "stored, pixels short"),
    "NumberOfFrames -1": (
        lambda: a_file(36, changes=text(0x00280008, b"IS", b"-1")), "stored, pixels unindexed"),
    "rows 0, 65,535 samples": (
        lambda: a_file(37, changes={0x00280010: element(0x00280010, b"US", b"\0\0"),
                                    0x00280002: element(0x00280002, b"US", b"\xff\xff")}),
        "stored, pixels unindexed"),
    "study number that is a path": (
        lambda: a_file(38, changes=text(0x0020000D, b"UI", b"../../etc/passwd")), "bad_uid"),
    "series number of 400 digits": (
        lambda: a_file(39, changes=text(0x0020000E, b"UI", b"1." + b"2" * 400)), "bad_uid"),
    "number with a NUL inside": (
        lambda: a_file(40, changes=text(0x00080018, b"UI", b"1.2\0.3")), "bad_uid"),
    "no numbers at all": (
        lambda: start() + element(0x00080060, b"CS", b"CT") + element(0x00080070, b"LO", b"Acme"),
        "stored"),
    "program in the preamble": (lambda: a_file(41, preamble=b"MZ\x90\0PE"), "stored"),
    "page in the preamble": (
        lambda: a_file(42, preamble=b"<script>alert(1)</script>"), "stored"),
    "NaN, infinities and 5,000 digits as numbers": (
        lambda: a_file(43, changes=number_texts()), "stored"),
    "pixels of unknown length without an end": (
        lambda: a_file(44, syntax=JPEG_BASELINE, changes={
            0x7FE00010: fragments(jpeg_head(8, 8), closed=False)}), "stored, no picture"),
    "pixels of unknown length, then garbage": (
        lambda: a_file(45, syntax=JPEG_BASELINE, changes={
            0x7FE00010: fragments(jpeg_head(8, 8), closed=False)}, tail=b"\xee" * 64), "truncated"),
    "fragment that claims 4 GB": (
        lambda: a_file(46, syntax=JPEG_BASELINE, changes={
            0x7FE00010: element(0x7FE00010, b"OB", item() + item(b"ab", length=0xFFFFFFF0),
                                length=UNDEFINED)}), "truncated"),
    "offset table into nowhere": (
        lambda: a_file(47, syntax=JPEG_BASELINE, changes={
            **text(0x00280008, b"IS", b"2"),
            0x7FE00010: fragments(b"ab", b"cd", b"ef", table=struct.pack("<2L", 0, 0xFFFFFFF0))}),
        "stored, pixels short"),
    "200,000 empty fragments": (
        lambda: a_file(48, syntax=JPEG_BASELINE, changes={
            0x7FE00010: fragments(*[b""] * 200_000)}), "stored, no picture"),
    "group length of 4 GB": (
        lambda: a_file(49, changes={0x00080000: element(0x00080000, b"UL", b"\xff" * 4)}),
        "stored"),
    "meta group length of 4 GB": (
        lambda: a_file(50).replace(b"DICM", b"DICM" + element(0x00020000, b"UL", b"\xff" * 4), 1),
        "stored"),
    "garbage after the end": (lambda: a_file(51, tail=b"\xff\xfe\xfd" * 500), "truncated"),
    "zeros after the end": (lambda: a_file(52, tail=bytes(1000)), "stored"),
    "name with NUL, right-to-left mark and emoji": (
        lambda: a_file(53, changes={
            **text(0x00080005, b"CS", b"ISO_IR 192"),
            **text(0x00100010, b"PN", "A\0B^\u202egpj.exe\U0001f480".encode()),
            **text(0x00081030, b"LO", "chest\0\u202e\U0001f4a9".encode())}), "stored"),
    "half a character in UTF-8": (
        lambda: a_file(54, changes={
            **text(0x00080005, b"CS", b"ISO_IR 192"),
            **text(0x00081030, b"LO", b"\xed\xa0\x80 \xff\xfe")}), "stored"),
    "character sets that do not exist": (
        lambda: a_file(55, changes={
            **text(0x00080005, b"CS", b"\\".join([b"ISO 2022 IR 999"] * 200)),
            **text(0x00081030, b"LO", b"\x1b$B\x1b(\xff")}), "stored"),
    "description of 60,000 letters": (
        lambda: a_file(56, changes=text(0x0008103E, b"LO", b"x" * 60_000)), "stored"),
    "modality of 1,000 letters": (
        lambda: a_file(57, changes=text(0x00080060, b"CS", b"M" * 1000)), "stored"),
    "date that is none": (
        lambda: a_file(58, changes=text(0x00080020, b"DA", b"99999999")), "stored"),
    "study named twice": (
        lambda: start() + element(0x0020000D, b"UI", b"1.2.77\0\0")
        + b"".join(names(59).values()), "stored"),
    "several studies in one value": (
        lambda: a_file(60, changes=text(0x0020000D, b"UI", b"1.9.1\\1.9.2\\../x")), "stored"),
    "palette of absurd size": (
        lambda: a_file(61, changes={
            0x00280004: element(0x00280004, b"CS", b"PALETTE COLOR "),
            **{0x00281101 + n: element(0x00281101 + n, b"US", b"\xff" * 6) for n in range(3)},
            **{0x00281201 + n: element(0x00281201 + n, b"OW", b"ab") for n in range(3)}}),
        "stored"),
    "a message between machines": (
        lambda: a_file(62, changes=text(0x00080016, b"UI", b"1.2.840.10008.1.1")), "not_storable"),
    "transfer syntax of one maker": (
        lambda: a_file(63, syntax=b"1.3.46.670589.33.1.4.1"), "unknown_transfer_syntax"),
    "private text beside": (
        lambda: a_file(64, changes={
            0x00990010: element(0x00990010, b"LO", b"MAKER "),
            0x00991001: element(0x00991001, b"LT", b"carcinoma ")}), "stored"),
}  # fmt: skip


def a_zip(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # one name may stand there twice
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def _lying(raw: bytes, places: dict[int, bytes]) -> bytes:
    """Change bytes of the first entry of the central directory."""
    changed = bytearray(raw)
    at = raw.index(b"PK\1\2")
    for place, value in places.items():
        changed[at + place : at + place + len(value)] = value
    return bytes(changed)


def _with_extra(size: int) -> bytes:
    """A ZIP64 field that claims `size` bytes unpacked."""
    info = zipfile.ZipInfo("x")
    info.extra = struct.pack("<HHQ", 1, 8, size)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, good(70))
        archive.writestr("good", good(1))
    return _lying(out.getvalue(), {24: b"\xff\xff\xff\xff"})


def _link() -> bytes:
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, "/etc/passwd")
        archive.writestr("good", good(1))
    return out.getvalue()


def _matryoshka(depth: int) -> bytes:
    raw = a_zip(("x", good(71)))
    for _ in range(depth):
        raw = a_zip(("inner.zip", raw), ("good", good(1)))
    return raw


ARCHIVES: dict[str, tuple[Maker, str]] = {
    "names that lead outside": (
        lambda: a_zip(("../../etc/passwd", good(2)), ("/abs", good(3)), ("C:\\x", good(4))),
        "stored 3"),
    "names with NUL, right-to-left mark, emoji, 60,000 letters": (
        lambda: a_zip(("a\0b", good(2)), ("\u202egpj.exe", good(3)), ("\U0001f480", good(4)),
                      ("x" * 60_000, good(5))), "stored 4"),
    "one name ten times": (
        lambda: a_zip(*[("same", good(n)) for n in range(2, 12)]), "stored 10"),
    "AUTORUN.INF and Thumbs.db beside": (
        lambda: a_zip(("AUTORUN.INF", b"[autorun]"), ("Thumbs.db", b"\xd0\xcf" * 50),
                      ("good", good(1))), "stored 1, 2 not_dicom"),
    "empty files": (
        lambda: a_zip(("a", b""), ("b", b""), ("good", good(1))), "stored 1, 2 not_dicom"),
    "a link": (_link, "stored 1, 1 link"),
    "ZIP in a ZIP, five deep": (lambda: _matryoshka(5), "stored 1, 1 nested_archive"),
    "bomb, 1 MB for 1 GB": (
        lambda: a_zip(("bomb", bytes(128) + b"DICM" + bytes(1024**3)), ("good", good(1))),
        "stored 1, 1 archive_bomb"),
    "locked entry": (
        lambda: _lying(a_zip(("x", good(2)), ("good", good(1))), {8: b"\1"}),
        "stored 1, 1 encrypted"),
    "ZIP64 entry that claims 2^62 bytes": (lambda: _with_extra(2**62), "archive_too_large"),
    "entry that begins after the end": (
        lambda: _lying(a_zip(("x", good(2)), ("good", good(1))), {42: b"\xff\xff\xff\x0f"}),
        "stored 1, 1 truncated"),
    "entry packed in a way nobody reads": (
        lambda: _lying(a_zip(("x", good(2)), ("good", good(1))), {10: b"\x63\0"}),
        "stored 1, 1 truncated"),
    "entry with a wrong sum": (
        lambda: _lying(a_zip(("x", good(2)), ("good", good(1))), {16: b"\0\0\0\0"}),
        "stored 1, 1 truncated"),
    "directory cut off": (lambda: a_zip(("x", good(2)))[:-30], "not_an_archive"),
    "program before the archive": (
        lambda: b"MZ" + bytes(4000) + a_zip(("good", good(1))), "stored 1"),
    "an archive of nothing": (lambda: a_zip(), "stored 0"),
    "20,001 entries": (
        lambda: a_zip(*((str(n), b"") for n in range(20_001)), method=zipfile.ZIP_STORED),
        "too_many_entries"),
}  # fmt: skip


def line(kind: str, name: str, result: str) -> str:
    """A row of the table."""
    return f"| {kind} | {name} | {result} |"


def write(lines: list[str]) -> None:
    """Put the table between its marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    table = ["| sent as | what | result |", "|---|---|---|", *lines]
    DOCUMENT.write_text(before + BEGIN + "\n" + "\n".join(table) + "\n" + END + after)
