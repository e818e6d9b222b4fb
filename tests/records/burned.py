"""What a PDF shows, hides and still says: places of words, text, OCR, streams."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2

from records.redaction_pages import PicturesOnly, painted


def boxes_of(
    content: bytes, words: list[str], count: int | None = None
) -> dict[str, list[list[float]]]:
    """Where words stand on the page as it is shown, from the text layer."""
    found: dict[str, list[list[float]]] = {}
    pdf = pypdfium2.PdfDocument(content)
    pdf.init_forms()
    for number in range(1, (count or len(pdf)) + 1):
        page = pdf[number - 1]
        width, height = page.get_size()
        layer = page.get_textpage()
        for word in words:
            search = layer.search(word)
            while place := search.get_next():
                for n in range(layer.count_rects(*place)):
                    left, bottom, right, top = layer.get_rect(n)
                    box = _shown(page, left, bottom, right, top, width, height)
                    found.setdefault(str(number), []).append(box)
    return found


def _shown(page, left, bottom, right, top, width, height) -> list[float]:
    if page.get_rotation() == 90:
        return [bottom / width, left / height, top / width, right / height]
    return [left / width, 1 - top / height, right / width, 1 - bottom / height]


def burned(
    content: bytes, media_type: str, areas, words, folder: Path, dpi: int = 200, count: int = 0
) -> bytes:
    source = folder / "original"
    source.write_bytes(content)
    if not count:
        count = len(pypdfium2.PdfDocument(content)) if media_type == "application/pdf" else 1
    out = BytesIO()
    made = PicturesOnly(out, token="0" * 32)
    pages = painted(str(source), media_type, areas, words, 1, count, dpi, str(folder))
    for page, _picture in pages:
        jpeg = (folder / page["jpeg"]).read_bytes()
        made.add(jpeg, page["jpeg_size"], page["points"], is_grey=page["is_grey"])
    made.close()
    return out.getvalue()


def text_of(content: bytes, count: int | None = None) -> str:
    pdf = pypdfium2.PdfDocument(content)
    numbers = range(count or len(pdf))
    return "\n".join(pdf[n].get_textpage().get_text_range() for n in numbers)


def tesseract(picture: Path, *how: str) -> str:
    return subprocess.run(
        [shutil.which("tesseract"), str(picture), "-", "-l", "eng", *how], check=True,
        capture_output=True, text=True,
        env={"OMP_THREAD_LIMIT": "1", "PATH": os.environ["PATH"]},
    ).stdout  # fmt: skip


def ocr_of(content: bytes, folder: Path) -> str:
    read = []
    for page in pypdfium2.PdfDocument(content):
        picture = folder / "ocr.png"
        page.render(scale=200 / 72).to_pil().convert("L").save(picture)
        read.append(tesseract(picture))
    return "\n".join(read)


def streams_of(content: bytes) -> bytes:
    """The raw file, and every stream of it as it stands and unpacked; zlib tried on anything."""
    pieces = [content]
    for start in re.finditer(rb"stream\r?\n", content):
        raw = content[start.end() :]
        try:
            pieces.append(zlib.decompressobj().decompress(raw))
        except zlib.error:
            continue
    with pikepdf.open(BytesIO(content)) as pdf:
        for thing in pdf.objects:
            pieces.append(repr(thing).encode())
            if isinstance(thing, pikepdf.Stream):
                pieces.append(thing.read_raw_bytes())
                with suppress(pikepdf.PdfError):  # a picture: its bytes are above
                    pieces.append(thing.read_bytes())
    return b"\0".join(pieces)


def said_by(content: bytes, words: list[str]) -> set[str]:
    """Which words the streams of a file hold, in any of the alphabets a PDF may use."""
    haystack = streams_of(content).lower()
    return {
        word
        for word in words
        for form in (
            word.lower().encode(),
            word.lower().encode("utf-16-be"),
            word.lower().encode().hex().encode(),
        )
        if form in haystack
    }


def ocr_boxes_of(content: bytes, words: list[str], count: int, folder: Path):
    """Where tesseract reads the words: a scan's own text layer may have missed some."""
    found: dict[str, list[list[float]]] = {}
    wanted = [word.lower() for word in words]
    pdf = pypdfium2.PdfDocument(content)
    for number in range(1, count + 1):
        picture, image = folder / "ocr.png", pdf[number - 1].render(scale=200 / 72).to_pil()
        image.convert("L").save(picture)
        rows = tesseract(picture, "tsv").splitlines()[1:]
        for cells in (row.split("\t") for row in rows):
            if any(word in cells[-1].lower() for word in wanted):
                left, top, wide, high = map(int, cells[6:10])
                box = [left / image.width, top / image.height,
                       (left + wide) / image.width, (top + high) / image.height]  # fmt: skip
                found.setdefault(str(number), []).append(box)
    return found
