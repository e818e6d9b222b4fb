"""A word is covered where it is seen, on pages of every kind that scanners and portals write.

Where the word lies is not taken from what the product tells: the page is drawn with and without it.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageFilter

from records.blinding_search.foreign_pdf import pages
from records.blinding_search.matching import Finder, Phrase
from records.blinding_search.passages import Passage, search
from records.foreign import examine
from tests.records.burned import burned, said_by, text_of
from tests.records.other_pdfs import PAGES, SCANS, WORD, form

EDGE = 2000  # pixels of the longer side in which pages are compared


def drawn(content: bytes) -> Image.Image:
    pdf = pypdfium2.PdfDocument(content)
    pdf.init_forms()
    longest = max(pdf[0].get_size())
    scale = max(EDGE, longest) / longest
    return pdf[0].render(scale=scale).to_pil().convert("L")


def size_for_a_person(content: bytes) -> list[float]:
    """Width and height in points as the page lies before a reader, its unit included."""
    with pikepdf.open(BytesIO(content)) as made:
        unit = float(made.pages[0].obj.get("/UserUnit", 1))
    return [edge * unit for edge in pypdfium2.PdfDocument(content)[0].get_size()]


def found_by_the_search(path: Path, *, may_ocr: bool) -> list[list[float]]:
    """The boxes that the desk paints over when the hits are accepted."""
    [told] = pages(str(path), 1, 1, may_ocr)
    passages = [Passage("page_text", told["text"], page=1, words=told["words"])]
    if may_ocr:  # what a field shows is no part of the page's text
        passages = [Passage("ocr", told["ocr"]["text"], page=1, words=told["ocr"]["words"])]
    finder = Finder([Phrase(WORD, "treatment", is_typed=True)])
    return [box for one in search(finder, passages) for box in one.boxes]


@pytest.mark.parametrize("kind", PAGES)
def test_the_word_is_covered_where_it_is_seen_and_nowhere_left(kind, tmp_path):
    make = PAGES[kind]
    content, path = make(WORD), tmp_path / "it.pdf"
    path.write_bytes(content)
    assert examine(str(path))
    before, empty = drawn(content), drawn(make(""))
    truth = ImageChops.difference(before, empty).point(lambda v: 255 * (v > 40)).getbbox()
    assert truth, "the control: the page shows the word"
    boxes = found_by_the_search(path, may_ocr=make is form)
    if make in SCANS:  # where OCR tells words is tested elsewhere; here a person draws the box
        boxes = [[side / before.size[n % 2] for n, side in enumerate(truth)]]
    copy = burned(content, "application/pdf", {"1": boxes}, [], tmp_path)
    assert text_of(copy).strip() == ""
    assert said_by(copy, [WORD]) == set()
    assert size_for_a_person(copy) == pytest.approx(size_for_a_person(content), abs=0.02)
    after = drawn(copy)
    assert after.size == before.size
    assert after.crop(truth).getextrema()[1] < 110, "black from edge to edge"
    solid = after.filter(ImageFilter.MaxFilter(9)).point(lambda v: 255 * (v < 80)).getbbox()
    if solid:  # not on a page so large that the word is smaller than the brush
        wider, higher = (solid[n + 2] - solid[n] + 8 - truth[n + 2] + truth[n] for n in (0, 1))
        assert max(wider, higher) < 30, "the cover takes no more than the word's own place"
    assert neighbours(before, truth) > 100, "the control: there is something round the word"
    lost = neighbours(before, truth) - neighbours(after, truth)
    assert abs(lost) < 0.3 * neighbours(before, truth)


def neighbours(page: Image.Image, truth: tuple[int, int, int, int]) -> int:
    """Dark dots of the page without the word's place and a little round it."""
    page = page.copy()
    page.paste(255, [truth[0] - 25, truth[1] - 25, truth[2] + 25, truth[3] + 25])
    return page.point(lambda v: 255 * (v < 128)).histogram()[255]
