"""After burning, a removed word is nowhere: not as text, not to OCR, not in any stream.

Over PDFs made to hide a word in every place, and over the real ones where they are to be had.
"""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from records import redaction_pages
from records.redaction_pages import without
from tests.records.burned import (
    boxes_of,
    burned,
    ocr_boxes_of,
    ocr_of,
    said_by,
    text_of,
)
from tests.records.nasty import FIELD, NASTY, WORD, form_field

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "pdf"


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
