"""Text of what has no reader of its own: notes inside pictures, and files packed inside records.

Runs in the guarded child only; see `records.guard`. No Django here. Rough on purpose: whether the
words stand there matters, not how they are laid out.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from records.blinding_search.foreign_records import plain_of

MAX_TEXT = 300_000
MAX_UNPACKED_BYTES = 20 * 1024**2
MAX_PARTS = 400
RUN = re.compile(rb"[\x20-\x7e\t\r\n\x80-\xff]{5,}")
WIDE = re.compile(rb"(?:[\x20-\x7e\xa0-\xff]\0){4,}")


# --- notes inside pictures ---------------------------------------------------------------------


def notes(path: str) -> dict[str, Any]:
    """EXIF, XMP, IPTC, comments, text chunks, and what was hung behind the picture.

    Returns: passages (place, where, text), files (none), is_damaged.
    """
    content = Path(path).read_bytes()
    found: dict[str, list[str]] = {}
    for where, raw in _pieces(content):
        for text in readable(raw):
            found.setdefault(where, []).append(text)
    for where, text in _tags(path):
        found.setdefault(where, []).append(text)
    passages = [
        {"place": "document_metadata", "where": where,
         "text": "\n".join(dict.fromkeys(texts))[:MAX_TEXT]}
        for where, texts in found.items()
    ]  # fmt: skip
    return {"passages": passages, "files": [], "is_damaged": False}


def _pieces(content: bytes) -> Iterator[tuple[str, bytes]]:
    """(what it is, bytes) of every piece of a picture file that holds no pixels."""
    if content.startswith(b"\xff\xd8"):
        yield from _of_jpeg(content)
    elif content.startswith(b"\x89PNG"):
        yield from _of_png(content)
    elif content[:4] == b"RIFF":
        at = 12
        while at + 8 <= len(content):
            kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
            if kind not in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANMF", b"ANIM"):
                yield kind.decode("latin-1").strip(), content[at + 8 : at + 8 + size]
            at += 8 + size + size % 2


def _of_jpeg(content: bytes) -> Iterator[tuple[str, bytes]]:
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker, size = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == 0xFE:
            yield "comment", content[at + 4 : at + 2 + size]
        elif 0xE0 <= marker <= 0xEF and not content[at + 4 :].startswith(b"ICC_PROFILE"):
            yield f"APP{marker - 0xE0}", content[at + 4 : at + 2 + size]
        at += 2 + size
        if marker == 0xDA:
            break
    end = content.rfind(b"\xff\xd9")
    if 0 < end < len(content) - 2:
        yield "after the picture", content[end + 2 :]


def _of_png(content: bytes) -> Iterator[tuple[str, bytes]]:
    at = 8
    while at + 8 <= len(content):
        size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        raw = content[at + 8 : at + 8 + size]
        if kind in (b"zTXt", b"iTXt"):
            yield "text", raw
            for start in (m.end() for m in re.finditer(b"\0", raw[:300])):
                yield from (("text", more) for more in _unpacked(raw[start:]))
        elif kind not in (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"iCCP", b"tRNS", b"fdAT", b"sRGB"):
            yield "text", raw
        at += 12 + size
        if kind == b"IEND":
            break
    if at < len(content):
        yield "after the picture", content[at:]


def _unpacked(raw: bytes) -> Iterator[bytes]:
    try:
        yield zlib.decompressobj().decompress(raw, MAX_UNPACKED_BYTES)
    except zlib.error:
        return


def _tags(path: str) -> Iterator[tuple[str, str]]:
    """Tags by name, of every page of a TIFF: also what stands in the alphabet of Windows."""
    from PIL import ExifTags, Image

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path, formats=["PNG", "JPEG", "TIFF", "WEBP"]) as image:
        for page in range(min(getattr(image, "n_frames", 1), 50) if image.format == "TIFF" else 1):
            if page:
                image.seek(page)
            exif = image.getexif()
            values = list(exif.items())
            for inner in (0x8769, 0x8825, 0xA005):
                values += exif.get_ifd(inner).items()
            values += list(getattr(image, "tag_v2", {}).items())
            for tag, value in values:
                where = ExifTags.TAGS.get(tag, "tag")
                if isinstance(value, str):
                    yield where, value
                elif isinstance(value, bytes) and len(value) < MAX_UNPACKED_BYTES:
                    yield from ((where, text) for text in readable(value))


def readable(raw: bytes) -> Iterator[str]:
    """Runs of letters in bytes of unknown kind: of one byte each, and of two."""
    try:
        whole = raw.decode("utf-8").strip("\0 \r\n\t")
    except UnicodeDecodeError:
        whole = ""
    if whole and "\0" not in whole and sum(map(str.isprintable, whole)) > 0.9 * len(whole):
        yield whole
        return
    for m in RUN.finditer(raw):
        piece = m.group()
        yield piece.decode("utf-8", "replace")
        if any(byte > 127 for byte in piece):
            yield piece.decode("cp1252", "replace")
    for m in WIDE.finditer(raw):
        yield m.group().decode("utf-16-le", "replace")


# --- files packed inside records ---------------------------------------------------------------


def texts(path: str) -> dict[str, Any]:
    """Words of an office file, a web page, RTF, or any XML. `is_damaged`: it is something else."""
    content = Path(path).read_bytes()
    if content.startswith(b"PK\x03\x04"):
        text = "\n\n".join(_of_zip(path))
    elif content.lstrip()[:5] == b"{\\rtf":
        text = _of_rtf(content.decode("latin-1"))
    elif content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        text = plain_of(content.decode("utf-8", "replace"))
    else:
        text = ""
    passage = {"place": "attachment", "where": "", "text": text[:MAX_TEXT]}
    return {"passages": [passage] if text.strip() else [], "files": [],
            "is_damaged": not text.strip() or len(text) > MAX_TEXT}  # fmt: skip


def _of_zip(path: str) -> Iterator[str]:
    """Texts of an office file: every XML part of it, names, comments and properties too."""
    left = MAX_UNPACKED_BYTES
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        if not any(name in ("[Content_Types].xml", "content.xml") for name in names):
            return
        for info in packed.infolist()[:MAX_PARTS]:
            if not info.filename.endswith((".xml", ".rels")) or left <= 0:
                continue
            with packed.open(info) as opened:
                part = opened.read(left)
            left -= len(part)
            text = part.decode("utf-8", "replace")
            # A paragraph, a cell and a tab end a word; parts of one run do not.
            text = re.sub(r"</(?:w:p|a:p|text:p|w:tc|si|c|row)>|<w:(?:tab|br)/>", "\n", text)
            values = re.findall(r'(?:descr|title|alt|author|name|Target)="([^"]{3,})"', text)
            yield re.sub(r"<[^>]+>", "", text) + "\n" + "\n".join(values)


def _of_rtf(text: str) -> str:
    text = re.sub(r"\\'([0-9a-fA-F]{2})", lambda m: bytes.fromhex(m[1]).decode("cp1252", "replace"),
                  text)  # fmt: skip
    text = re.sub(r"\\u(-?\d+) ?\??", lambda m: chr(int(m[1]) % 65536), text)
    text = re.sub(r"\\(?:par|line|cell|row|tab)\b ?", "\n", text)
    return re.sub(r"\\[a-zA-Z]+-?\d* ?|\\[^a-zA-Z]|[{}]", "", text)
