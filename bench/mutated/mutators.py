"""Ways to spoil a file, each by a seeded random: of bytes, JSON, XML, DICOM and ZIP."""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any

Mutator = Callable[[bytes, random.Random], bytes]
EDGES = (b"\x00", b"\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80",
         b"\xfe\xff\x00\xe0", b"<", b"&#0;", b"\xed\xa0\x80", b"\x1b$B", b"%%EOF")  # fmt: skip


# --- any bytes ---------------------------------------------------------------------------------


def flipped(content: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 3, 20, 200))):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def cut_off(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(1, len(content))]


def torn(content: bytes, chance: random.Random) -> bytes:
    """A piece is missing, stands twice, or is zeros."""
    start = chance.randrange(len(content))
    piece = content[start : start + chance.choice((1, 64, 4096))]
    middle = chance.choice((b"", piece * 2, piece * 50, bytes(len(piece))))
    return content[:start] + middle + content[start + len(piece) :]


def edged(content: bytes, chance: random.Random) -> bytes:
    """Values at the edge of what a reader expects, over what was there."""
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 5, 30))):
        edge, start = chance.choice(EDGES), chance.randrange(len(spoilt))
        spoilt[start : start + len(edge)] = edge
    return bytes(spoilt)


def recoded(content: bytes, chance: random.Random) -> bytes:
    """Another alphabet than it says."""
    text = content.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "utf-32", "cp1252", "utf-7", "cp500")), "replace")


ANY: tuple[Mutator, ...] = (flipped, cut_off, torn, edged)

# --- JSON --------------------------------------------------------------------------------------
ODD: tuple[Any, ...] = (
    None, True, -1, 10**40, 1e308, float("nan"), float("-inf"), "", "\0", "\ud800", "x" * 100_000,
    [], {}, [[]], [None], {"a": {"a": {}}}, "2024-02-30", "9999-99-99T99:99:99Z", "<b>&amp;",
    "../../etc/passwd", "http://169.254.169.254/", "\u202e\u2066", "0" * 5000, 1e-320,
)  # fmt: skip


def json_swapped(content: bytes, chance: random.Random) -> bytes:
    """Some values have another type, or none."""
    tree = json.loads(content)
    places: list[tuple[Any, Any]] = []

    def walk(thing: Any) -> None:
        pairs = thing.items() if isinstance(thing, dict) else enumerate(thing)
        for key, value in list(pairs):
            places.append((thing, key))
            if isinstance(value, dict | list):
                walk(value)

    walk(tree)
    for holder, key in chance.sample(places, min(len(places), chance.choice((1, 10, 100)))):
        holder[key] = chance.choice(ODD)
    return json.dumps(tree).encode()


def json_deep(_content: bytes, chance: random.Random) -> bytes:
    deep = chance.choice((150, 900, 5_000, 1_000_000))
    one = chance.choice((("[", "]"), ('{"extension":[', "]}")))
    inner = one[0] * deep + one[1] * (deep if chance.random() < 0.7 else 0)
    return f'{{"resourceType":"Patient","extension":{inner or "[]"}}}'.encode()


def json_twice(content: bytes, chance: random.Random) -> bytes:
    """Keys that stand twice, with different values."""
    text = content.decode()
    keys = sorted(set(re.findall(r'"(\w+)":', text)))
    for key in chance.sample(keys, min(5, len(keys))):
        odd = json.dumps(chance.choice(ODD))
        text = text.replace(f'"{key}":', f'"{key}":{odd},"{key}":', chance.choice((1, 50)))
    return text.encode()


def json_bundled(content: bytes, chance: random.Random) -> bytes:
    """A bundle in a bundle in a bundle; a reference to itself; the same id many times."""
    tree: Any = json.loads(content)
    for _ in range(chance.choice((2, 9, 60))):
        tree = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": tree}]}
    loop = {"resourceType": "Composition", "id": "a", "author": [{"reference": "Composition/a"}],
            "section": [{"entry": [{"reference": "Composition/a"}]}] * 3}  # fmt: skip
    role = {"resourceType": "PractitionerRole", "id": "r",
            "practitioner": {"reference": "PractitionerRole/r"},
            "organization": {"reference": "PractitionerRole/r"}}  # fmt: skip
    loop["author"] = [{"reference": "PractitionerRole/r"}]
    tree["entry"] += [{"resource": one} for one in (loop, role, loop)]
    return json.dumps(tree).encode()


JSON: tuple[Mutator, ...] = (*ANY, recoded, json_swapped, json_swapped, json_deep, json_twice,
                             json_bundled)  # fmt: skip

# --- XML ---------------------------------------------------------------------------------------
BOMB = b"""<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e SYSTEM "file:///etc/passwd">]>"""
PIECES = (b"<text>", b"<table>", b"<list>", b"<item>", b"<section>", b"<content>", b"<br/>",
          b"<tr>", b"<td>", b"<paragraph>", b"<title>", b"<component>", b"<value ")  # fmt: skip


def xml_bomb(content: bytes, chance: random.Random) -> bytes:
    at = content.find(b"<", content.find(b"?>") + 1)
    return content[:at] + BOMB + content[at:].replace(b">", b">&d;&e;", chance.choice((1, 20)))


def xml_deep(content: bytes, chance: random.Random) -> bytes:
    one = chance.choice((b"content", b"table><tbody><tr><td", b"list><item", b"section"))
    close = b"".join(b"</" + tag + b">" for tag in reversed(one.split(b"><")))
    deep = chance.choice((40, 190, 400, 100_000))
    inner = (b"<" + one + b">") * deep + b"x" + close * deep
    return content.replace(b"</text>", inner + b"</text>", 1)


def xml_shuffled(content: bytes, chance: random.Random) -> bytes:
    """Elements begin elsewhere, end twice, or not at all."""
    for _ in range(chance.choice((1, 4))):
        piece = chance.choice(PIECES)
        where = [m.start() for m in re.finditer(re.escape(piece), content)]
        if where:
            at = chance.choice(where)
            put = chance.choice((b"", piece * 3, piece.replace(b"<", b"</"), b"<x:y/>", b"]]>"))
            content = content[:at] + put + content[at + len(piece) :]
    return content


def xml_attributes(content: bytes, chance: random.Random) -> bytes:
    """Values of attributes at their edges: dates, numbers, codes, references."""
    odd = (
        b"",
        b"9" * 400,
        b"-1",
        b"1e999",
        b"20269999",
        b"#",
        b"&#xFFFF;",
        b"\xc3\x28",
        b"x" * 9999,
    )
    found = list(re.finditer(rb'="([^"]*)"', content))
    for m in sorted(chance.sample(found, min(30, len(found))), key=lambda m: -m.start()):
        content = content[: m.start(1)] + chance.choice(odd) + content[m.end(1) :]
    return content


def xml_recoded(content: bytes, chance: random.Random) -> bytes:
    said = chance.choice((b"UTF-16", b"ISO-8859-1", b"EBCDIC-CP-US", b"x-nothing", b"utf-7"))
    return b'<?xml version="1.0" encoding="' + said + b'"?>' + content.partition(b"?>")[2]


XML: tuple[Mutator, ...] = (*ANY, recoded, xml_bomb, xml_deep, xml_shuffled, xml_shuffled,
                            xml_attributes, xml_recoded)  # fmt: skip

# --- DICOM -------------------------------------------------------------------------------------
SHORT = (b"UI", b"CS", b"DS", b"IS", b"PN", b"US", b"DA", b"LO", b"SH", b"AE", b"UL", b"FD")
LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC")
TAGS = {
    "rows": (0x0028, 0x0010), "frames": (0x0028, 0x0008), "study": (0x0020, 0x000D),
    "series": (0x0020, 0x000E), "instance": (0x0008, 0x0018), "charset": (0x0008, 0x0005),
    "spacing": (0x0028, 0x0030), "bits": (0x0028, 0x0100), "name": (0x0010, 0x0010),
    "number": (0x0020, 0x0013), "syntax": (0x0002, 0x0010),
}  # fmt: skip
VALUES = (b"", b"1A", b"../../../etc/passwd", b"1." * 200, b"NaN", b"1e400", b"-" * 70, b"\0" * 64,
          b"60000", b"ISO 2022 IR 87\\ISO 2022 IR 999", b"\\" * 500, b"9" * 300, b"\xff\xff",
          b"1.2.840.10008.1.2.99", b"\x1b$B\x1b", b"*" * 16)  # fmt: skip


def dicom_vr(content: bytes, chance: random.Random) -> bytes:
    """Value representations that do not fit their values."""
    for _ in range(chance.choice((1, 3, 10))):
        old = chance.choice(SHORT)
        where = [m.start() for m in re.finditer(re.escape(old), content[132:])]
        if where:
            at = 132 + chance.choice(where)
            content = content[:at] + chance.choice((*SHORT, *LONG, b"??")) + content[at + 2 :]
    return content


def dicom_value(content: bytes, chance: random.Random) -> bytes:
    """One well-known value is something that no scanner writes."""
    group, element = TAGS[chance.choice(sorted(TAGS))]
    at = content.find(struct.pack("<HH", group, element), 128)
    if at < 0 or content[at + 4 : at + 6] not in SHORT:
        return edged(content, chance)
    (length,) = struct.unpack_from("<H", content, at + 6)
    value = chance.choice(VALUES)
    value += b"\0" * (len(value) % 2)
    told = chance.choice((len(value), len(value) + 2, 0xFFFE, 0))
    head = content[: at + 6] + struct.pack("<H", told)
    return head + value + content[at + 8 + length :]


def dicom_again(content: bytes, chance: random.Random) -> bytes:
    """Elements that stand twice or out of order, and sequences that do not end."""
    at = 132 + chance.randrange(max(1, min(len(content), 2000) - 132))
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    sequence = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"
    piece = chance.choice((
        content[132:at], sequence + item, (sequence + item) * chance.choice((5, 200, 20_000)),
        b"\x09\x00\x10\x00LO\x06\x00secret" * 3000, b"\x10\x00\x10\x00PN\xfe\xff" + b"A^" * 40,
        b"\x28\x00\x08\x00IS\x02\x001A", b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + item[:4] * 9,
    ))  # fmt: skip
    return content[:at] + piece + content[at:]


DICOM: tuple[Mutator, ...] = (*ANY, dicom_vr, dicom_value, dicom_value, dicom_again)

# --- ZIP ---------------------------------------------------------------------------------------


def zip_lying(content: bytes, chance: random.Random) -> bytes:
    """Sizes, offsets and sums in the heads that are not true."""
    spoilt = bytearray(content)
    heads = [m.start() for m in re.finditer(rb"PK(\x01\x02|\x03\x04|\x05\x06)", content)]
    for _ in range(chance.choice((1, 3, 10))):
        at = chance.choice(heads) + chance.randrange(4, 46)
        edge = chance.choice(EDGES[:6])
        spoilt[at : at + len(edge)] = edge
    return bytes(spoilt)


def zip_named(content: bytes, chance: random.Random) -> bytes:
    """Names that lead elsewhere, are empty, endless, or the same."""
    names = ("../../out", "/etc/passwd", "C:\\x", "a" * 60_000, "a", "a", "CON", "\u202egpj.exe",
             "folder/", "nul\0byte", ".", "__MACOSX/._x")  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            new.writestr(zipfile.ZipInfo(chance.choice(names)), old.read(info))
    return out.getvalue()


def zip_nested(content: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 4))):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("inner.zip", content)
            made.writestr("zeros", bytes(chance.choice((0, 50_000_000))))
        content = out.getvalue()
    return content


ZIP: tuple[Mutator, ...] = (*ANY, zip_lying, zip_lying, zip_named, zip_nested)
