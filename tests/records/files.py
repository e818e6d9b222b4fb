"""Real files for the tests of records: made here, so that nothing foreign is committed."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from io import BytesIO

import pikepdf
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageDraw

from records.models import Document, DocumentPage


def stored(key: str) -> bytes:
    with default_storage.open(key) as file:
        return file.read()


def pdf(pages: int = 1, text: str = "A letter", **save: object) -> bytes:
    """A small PDF with a text layer, one line on each page."""
    out, made = BytesIO(), pikepdf.new()
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
    )
    for number in range(1, pages + 1):
        made.add_blank_page(page_size=(595, 842))
        page = made.pages[-1]
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        words = f"BT /F1 24 Tf 72 720 Td ({text}, page {number}) Tj ET"
        page.Contents = made.make_stream(words.encode())
    made.save(out, **save)
    return out.getvalue()


def locked_pdf() -> bytes:
    return pdf(encryption=pikepdf.Encryption(user="secret", owner="other", R=6))


def active_pdf() -> bytes:
    """With a script that runs on opening, an attachment and a launch action."""
    made = pikepdf.open(BytesIO(pdf()))
    made.Root.OpenAction = pikepdf.Dictionary(
        S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)")
    )
    made.attachments["tool.exe"] = b"MZ" + bytes(60)
    made.pages[0].Annots = pikepdf.Array(
        [
            made.make_indirect(
                pikepdf.Dictionary(
                    Type=pikepdf.Name.Annot,
                    Subtype=pikepdf.Name.Link,
                    Rect=[0, 0, 99, 99],
                    A=pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe")),
                )
            )
        ]
    )
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def broken_pdf() -> bytes:
    """The end with the cross-reference table is cut off; the objects can be found again."""
    whole = pdf(2)
    return whole[: whole.rindex(b"xref")]


@cache
def bomb_pdf(megabytes: int = 900) -> bytes:
    """A page whose few kilobytes unpack to gigabytes."""
    made = pikepdf.open(BytesIO(pdf()))
    packer = zlib.compressobj(9)
    block = b"0 0 m 9 9 l S " * 74900
    packed = b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()
    made.pages[0].Contents = pikepdf.Stream(made, packed, Filter=pikepdf.Name.FlateDecode)
    out = BytesIO()
    made.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return out.getvalue()


def picture(
    kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (300, 200), **save
) -> bytes:
    """A white picture, red at its upper left."""
    colour = {"RGB": "red", "L": 80, "CMYK": (0, 255, 255, 0), "RGBA": "red", "I;16": 20000, "1": 0}
    white = {"CMYK": (0, 0, 0, 0), "I;16": 65535, "L": 255, "1": 1}
    image = Image.new(mode, size, white.get(mode, "white"))
    if mode == "I;16":
        image.paste(colour[mode], (0, 0, size[0] // 2, size[1] // 2))
    else:
        ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1] // 2), fill=colour[mode])
    out = BytesIO()
    image.save(out, kind, **save)
    return out.getvalue()


def flood_png(edge: int = 60_000) -> bytes:
    """A header that promises 3.6 thousand million pixels, and nothing behind it."""
    header = struct.pack("!LLBBBBB", edge, edge, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0" * 99))
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack("!L", zlib.crc32(name + content))
    return struct.pack("!L", len(content)) + name + content + check


PROGRAM = b"MZ\x90\x00" + bytes(58) + b"\x80\0\0\0" + bytes(200)
DICOM = bytes(128) + b"DICM" + bytes(200)
CDA = b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>'
XXE = (
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<ClinicalDocument xmlns="urn:hl7-org:v3">&x;</ClinicalDocument>'
)
DEEP_XML = b"<a>" * 5000 + b"</a>" * 5000
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
FHIR = b'{"resourceType": "Patient", "id": "x"}'
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
DOCX = b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(50)
ZIP = b"PK\x03\x04" + bytes(26) + b"CD/IM0001" + bytes(50)


def with_pages(document: Document, count: int = 2) -> Document:
    for number in range(1, count + 1):
        made = picture()
        key = default_storage.save(f"pages/{document.pk.hex}-{number}", ContentFile(made))
        DocumentPage.objects.create(
            clinic_id=document.clinic_id,
            case_file_id=document.case_file_id,
            document=document,
            number=number,
            key=key,
            size_bytes=len(made),
            width=300,
            height=200,
            text=f"words of page {number}",
        )
    return document
