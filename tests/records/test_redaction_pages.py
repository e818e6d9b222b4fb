"""After burning, a removed word is nowhere: not as text, not to OCR, not in any stream.

Over PDFs made to hide a word in every place, and over the real ones where they are to be had.
"""

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
import pytest
from PIL import Image

from records import redaction_pages
from records.redaction_pages import PicturesOnly, burn, without
from tests.records.nasty import FIELD, NASTY, WORD, form_field

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "pdf"


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
    for page in burn(str(source), media_type, areas, words, 1, count, dpi, str(folder)):
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


class TestNasty:
    def test_every_one_says_the_word_before(self):
        """The control: a search that finds nothing before would prove nothing after."""
        silent = []
        for make in NASTY:
            content = make()
            if WORD not in text_of(content) and not said_by(content, [WORD]):
                silent.append(make.__name__)
        assert silent == []

    @pytest.mark.parametrize("make", NASTY, ids=lambda make: make.__name__)
    def test_nothing_says_it_afterwards(self, make, tmp_path):
        content = make()
        areas = boxes_of(content, [WORD])
        if make is form_field:  # drawn by its own appearance, not part of the page's text
            areas = {"1": [FIELD]}
        assert bool(areas) or not NASTY[make]
        copy = burned(content, "application/pdf", areas, [], tmp_path)
        assert text_of(copy).strip() == ""
        assert said_by(copy, [WORD]) == set()
        read = ocr_of(copy, tmp_path)
        assert WORD.lower() not in read.lower()
        if make.__name__ not in ("rotated", "many_pages", "actual_text"):
            assert "Blood test" in read or "13.1" in read  # what was not covered is still there

    def test_the_copy_holds_pictures_and_nothing_else(self, tmp_path):
        for make in NASTY:
            content = make()
            copy = burned(content, "application/pdf", {}, [], tmp_path, dpi=150)
            with pikepdf.open(BytesIO(copy)) as pdf:
                assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
                assert set(pdf.trailer.keys()) == {"/Size", "/Root"}
                assert not pdf.get_warnings()
                kinds = {"/Catalog", "/Pages", "/Page", "/XObject", ""}
                for thing in pdf.objects:
                    assert str(thing.get("/Type", "")) in kinds
                for page, old in zip(pdf.pages, pypdfium2.PdfDocument(content), strict=True):
                    assert set(page.keys()) == {
                        "/Type", "/Parent", "/MediaBox", "/Resources", "/Contents",
                    }  # fmt: skip
                    size = [float(edge) for edge in page.MediaBox[2:]]
                    assert size == pytest.approx(old.get_size(), abs=0.01)
            assert copy.count(b"%%EOF") == copy.count(b"startxref") == 1


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


@pytest.mark.skipif(not REAL.is_dir(), reason="the real PDFs are not here")
def test_real_papers_lose_the_words_that_were_covered(tmp_path):
    """Three long words of each real PDF are covered; then nobody finds them any more.

    The first page of each; every page with ALL_PAGES=1.
    """
    most = 10_000 if os.environ.get("ALL_PAGES") == "1" else 1
    files = pages = 0
    for path in sorted(REAL.rglob("*.pdf")):
        content = path.read_bytes()
        try:
            count = min(most, len(pypdfium2.PdfDocument(content)))
            words = re.findall(r"[A-Za-z]{7,}", text_of(content, count))
        except pypdfium2.PdfiumError:
            continue  # locked: refused on the way in
        words = list(dict.fromkeys(words))[:3]
        areas = boxes_of(content, words, count)
        for number, boxes in ocr_boxes_of(content, words, count, tmp_path).items() if words else ():
            areas.setdefault(number, []).extend(boxes)
        copy = burned(content, "application/pdf", areas, [], tmp_path, count=count)
        assert text_of(copy).strip() == "", path.name
        assert said_by(copy, words) == set(), path.name
        read = ocr_of(copy, tmp_path).lower() if words else ""
        assert not [word for word in words if re.search(rf"\b{word.lower()}\b", read)], path.name
        files, pages = files + 1, pages + count
    print(f"{files} real PDFs, {pages} pages: words found again in 0")  # noqa: T201
    assert files >= 15


class TestPictures:
    def test_a_photo_loses_its_metadata_and_the_area(self, tmp_path):
        photo = Image.new("RGB", (1200, 800), "white")
        exif = photo.getexif()
        exif[0x010E] = WORD  # ImageDescription
        out = BytesIO()
        photo.save(out, "JPEG", exif=exif, comment=WORD.encode())
        assert WORD.encode() in out.getvalue()
        areas = {"1": [[0.1, 0.1, 0.5, 0.3]]}
        copy = burned(out.getvalue(), "image/jpeg", areas, [], tmp_path)
        assert said_by(copy, [WORD]) == set()
        shown = pypdfium2.PdfDocument(copy)[0].render(scale=1).to_pil().convert("L")
        wide, high = shown.size
        assert shown.getpixel((int(0.3 * wide), int(0.2 * high))) < 8
        assert shown.getpixel((int(0.8 * wide), int(0.8 * high))) > 247


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "phrase"),
        [
            ("Plan: mastectomy.", "Mastectomy"),
            ("Plan: mastec-\ntomy soon", "mastectomy"),
            ("invasive\n  ductal carcinoma", "Invasive ductal carcinoma"),
            ("Cáncer de mama.", "cáncer de mama"),
            ("(MS)", "MS"),
        ],
    )
    def test_a_phrase_goes_whatever_stands_between_its_letters(self, text, phrase):
        left = without(text, [phrase])
        assert redaction_pages.INSTEAD in left
        assert phrase.lower() not in re.sub(r"[-\s]+", " ", left.lower())
        assert left.count("\n") == text.count("\n")

    def test_a_short_phrase_leaves_other_words_alone(self):
        assert without("Items from some", ["MS"]) == "Items from some"

    def test_a_text_becomes_pictures_without_the_phrase(self, tmp_path):
        text = f"Plan: {WORD} next week.\nHaemoglobin 13.1".encode()
        copy = burned(text, "text/plain", {}, [WORD], tmp_path)
        read = ocr_of(copy, tmp_path)
        assert "Haemoglobin" in read
        assert WORD.lower() not in read.lower()
        assert said_by(copy, [WORD]) == set()
