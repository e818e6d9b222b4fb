"""Burn a redaction: pages become new pictures with areas painted over, and a PDF of pictures alone.

`burn` runs in the guarded child: it reads foreign bytes. `PicturesOnly` writes a PDF by hand from
our own JPEG files, so that nothing can be in it that is not written here: no text, font, metadata,
attachment, bookmark, form, identifier or earlier revision.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

DPI, DPI_OF_LONG, LONG_DOCUMENT = 200, 150, 300  # pages from which a document counts as long
MAX_PIXELS = 20_000_000
MAX_EDGE = 60_000  # pixels: a JPEG has no side longer than 65,535
MAX_POINTS = 14_400  # of a side: readers refuse longer ones (PDF 32000-1, annex C)
MARGIN_PIXELS = 2  # letters reach a little beyond the box that a text layer or OCR tells
QUALITY = 85
INSTEAD = "█████"  # one length for all: the length of a word would tell it
TEXTS = ("text/plain",)
# Read by section and set as plain text; codes and what is hidden in them are left out.
RECORDS = ("application/cda+xml", "application/fhir+xml", "application/fhir+json")
READ_OF_RECORDS = ("section",)
SURE = 60  # percent, of a word that OCR has read


def burn(
    path: str, media_type: str, areas: dict[str, list[list[float]]], words: list[str],
    first: int, count: int, dpi: int, folder: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """Write pages `first` .. into `folder`, painted, and read them again.

    Returns for each page what `painted` tells, and what OCR still reads on it: read (text, words),
    is_unread (nobody knows what it says).
    """
    from records.blinding_search import foreign_ocr

    pages = painted(path, media_type, areas, words, first, count, dpi, folder)
    return [page | _read(foreign_ocr, picture) for page, picture in pages]


def painted(
    path: str, media_type: str, areas: dict[str, list[list[float]]], words: list[str],
    first: int, count: int, dpi: int, folder: str,
) -> Iterator[tuple[dict[str, Any], Any]]:  # fmt: skip
    """Write each page as JPEG for the new file and as page picture.

    `areas`: page number -> [[x0, y0, x1, y1], ...] as fractions of the page as it is shown.
    `words`: removed from texts wherever they stand. Returns for each page: number, jpeg, its
    width and height in pixels and points, what `foreign_pages` tells of the page picture; and
    the painted picture.
    """
    from records import foreign_pages

    for number, (picture, points) in enumerate(
        _pictures(Path(path), media_type, words, first, count, dpi), start=first
    ):
        picture = _opaque(picture)
        _paint(picture, areas.get(str(number), []))
        picture = foreign_pages.grey_if_grey(picture)
        jpeg = f"{number}.jpg"
        picture.info = {}
        picture.save(Path(folder) / jpeg, "JPEG", quality=QUALITY, optimize=True)
        shown = picture.copy()
        shown.thumbnail((foreign_pages.PHOTO_EDGE, foreign_pages.PHOTO_EDGE))
        page = foreign_pages.write_picture(shown, folder, number)
        yield {
            "number": number, "jpeg": jpeg, "jpeg_size": [picture.width, picture.height],
            "is_grey": picture.mode == "L", "points": points, **page,
        }, picture  # fmt: skip


def _read(foreign_ocr: Any, picture: Any) -> dict[str, Any]:
    """What a machine still reads on the painted page."""
    if foreign_ocr.strokes(picture) <= foreign_ocr.STROKES:
        return {"read": {"text": "", "words": []}, "is_unread": False}
    try:
        told = foreign_ocr.read(picture)
    except foreign_ocr.NoReader:
        return {"read": {"text": "", "words": []}, "is_unread": True}
    spoken = [w for w in told["words"] if sum(map(str.isalnum, told["text"][w[0] : w[1]])) > 1]
    sure = [word for word in spoken if word[7] >= SURE]
    is_read = bool(spoken) and len(sure) >= 0.6 * len(spoken)
    read = {"text": told["text"], "words": told["words"]}
    return {"read": read, "is_unread": told["has_more"] or (told["is_poor"] and not is_read)}


def sheets(path: str, media_type: str, words: list[str]) -> list[str]:
    """A text or record laid out in sheets, without the words."""
    from records import foreign_pages

    if media_type in TEXTS:
        laid_out = "\f".join(foreign_pages.text_sheets(Path(path).read_bytes()))
        return without(laid_out, words).split("\f")
    from records.blinding_search import foreign_records

    with TemporaryDirectory() as folder:
        passages = foreign_records.read(path, media_type, folder)["passages"]
    read = [p for p in passages if p["place"] in READ_OF_RECORDS and p["text"].strip()]
    text = "\n\n".join(f"{p['where'].upper()}\n{p['text']}" for p in read)
    return foreign_pages.text_sheets(without(text, words).encode())


def count(path: str, media_type: str, words: list[str]) -> int:
    """How many pages the copy of a text or record will have."""
    return len(sheets(path, media_type, words))


def _pictures(
    path: Path, media_type: str, words: list[str], first: int, count: int, dpi: int
) -> Iterator[tuple[Any, list[float]]]:
    """Each page as it is shown, and its size in points (1/72 inch)."""
    from records import foreign_pages

    if media_type == "application/pdf":
        yield from _pdf_pictures(path, first, count, dpi)
        return
    if media_type in (*TEXTS, *RECORDS):
        for sheet in sheets(str(path), media_type, words)[first - 1 : first - 1 + count]:
            yield foreign_pages.draw_sheet(sheet), [595.0, 842.0]
        return
    for picture, _text in foreign_pages.image_pages(path, first, count):
        yield picture, [picture.width * 72 / dpi, picture.height * 72 / dpi]


def _pdf_pictures(path: Path, first: int, count: int, dpi: int) -> Iterator[tuple[Any, Any]]:
    import pypdfium2

    from records.foreign_pages import PAGE_WIDTH

    pdf, units = pypdfium2.PdfDocument(str(path)), _units(path, first, count)
    pdf.init_forms()  # what is typed into a form is shown, so it must be painted over as shown
    for index, unit in enumerate(units, start=first - 1):
        page = pdf[index]
        width, height = page.get_size()
        if max(width, height) * unit > MAX_POINTS:
            unit = 1.0
        wanted = max(dpi / 72 * unit, PAGE_WIDTH / width)  # never coarser than the person judged
        most = min((MAX_PIXELS / (width * height)) ** 0.5, MAX_EDGE / max(width, height))
        yield page.render(scale=min(wanted, most)).to_pil(), [width * unit, height * unit]
        page.close()


def _units(path: Path, first: int, count: int) -> list[float]:
    """How many points one unit of each page is: PDFium leaves that out of the page's size."""
    import pikepdf

    try:
        with pikepdf.open(path) as pdf:
            pages = [pdf.pages[index].obj for index in range(first - 1, first - 1 + count)]
            units = [float(page.get("/UserUnit", 1)) for page in pages]
    except (pikepdf.PdfError, IndexError, TypeError, ValueError):
        return [1.0] * count
    return [unit if 0.01 < unit < 1000 else 1.0 for unit in units]


def _opaque(picture: Any) -> Any:
    return picture.copy() if picture.mode in ("L", "RGB") else picture.convert("RGB")


def _paint(picture: Any, boxes: list[list[float]]) -> None:
    from PIL import ImageDraw

    pen = ImageDraw.Draw(picture)
    for x0, y0, x1, y1 in boxes:
        corners = (
            math.floor(min(x0, x1) * picture.width) - MARGIN_PIXELS,
            math.floor(min(y0, y1) * picture.height) - MARGIN_PIXELS,
            math.ceil(max(x0, x1) * picture.width) + MARGIN_PIXELS,
            math.ceil(max(y0, y1) * picture.height) + MARGIN_PIXELS,
        )
        pen.rectangle(corners, fill=0 if picture.mode == "L" else (0, 0, 0))


def without(text: str, words: list[str]) -> str:
    """The text with each of the words replaced, whatever its case, hyphens and line breaks."""
    for phrase in sorted(words, key=len, reverse=True):
        if pattern := _pattern(phrase):
            text = pattern.sub(lambda found: _replaced(found[0]), text)
    return text


def _replaced(found: str) -> str:
    """Line and page breaks stay, so that the pages keep their number."""
    return INSTEAD + "".join(sign for sign in found if sign in "\n\f")


def _pattern(phrase: str) -> re.Pattern[str] | None:
    letters = [re.escape(sign) for sign in phrase if not sign.isspace() and sign not in "-\u00ad"]
    if not letters:
        return None
    # Between two letters a line may end, with or without a hyphen; between words is any space.
    inner = r"[\u00ad-]?\s*".join(letters)
    return re.compile(rf"(?<!\w){inner}(?!\w)", re.IGNORECASE)


class PicturesOnly:
    """A PDF of one picture a page, written straight through: one page in memory at a time."""

    def __init__(self, file: IO[bytes], *, token: str) -> None:
        """`token`: random, so that two copies that look alike are two files."""
        self.file, self.places, self.pages = file, dict[int, int](), list[int]()
        self._at = 0
        self._write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3 " + token.encode() + b"\n")

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self._at += len(data)

    def _object(self, number: int, head: str, stream: bytes | None = None) -> None:
        self.places[number] = self._at
        self._write(f"{number} 0 obj\n{head}\n".encode())
        if stream is not None:
            self._write(b"stream\n" + stream + b"\nendstream\n")
        self._write(b"endobj\n")

    def add(self, jpeg: bytes, size: list[int], points: list[float], *, is_grey: bool) -> None:
        page = 3 + 3 * len(self.pages)  # 1 is the catalogue, 2 the list of pages
        wide, high = (f"{edge:.2f}" for edge in points)
        colour = "/DeviceGray" if is_grey else "/DeviceRGB"
        draw = f"q {wide} 0 0 {high} 0 0 cm /P Do Q".encode()
        self._object(page, (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {wide} {high}] "
            f"/Resources << /XObject << /P {page + 1} 0 R >> >> /Contents {page + 2} 0 R >>"
        ))  # fmt: skip
        self._object(page + 1, (
            f"<< /Type /XObject /Subtype /Image /Width {size[0]} /Height {size[1]} /ColorSpace "
            f"{colour} /BitsPerComponent 8 /Filter /DCTDecode /Length {len(jpeg)} >>"
        ), jpeg)  # fmt: skip
        self._object(page + 2, f"<< /Length {len(draw)} >>", draw)
        self.pages.append(page)

    def close(self) -> None:
        kids = " ".join(f"{page} 0 R" for page in self.pages)
        self._object(1, "<< /Type /Catalog /Pages 2 0 R >>")
        self._object(2, f"<< /Type /Pages /Count {len(self.pages)} /Kids [{kids}] >>")
        start, last = self._at, max(self.places)
        self._write(f"xref\n0 {last + 1}\n0000000000 65535 f \n".encode())
        for number in range(1, last + 1):
            self._write(f"{self.places[number]:010d} 00000 n \n".encode())
        self._write(f"trailer\n<< /Size {last + 1} /Root 1 0 R >>\n".encode())
        self._write(f"startxref\n{start}\n%%EOF\n".encode())
