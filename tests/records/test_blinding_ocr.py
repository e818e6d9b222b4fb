"""Words in pictures that do not stand upright, and pages on which something stays unread."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageDraw

from bench.leaks import pdfs, records, scans
from bench.leaks.corpus import run_here
from records.blinding_search import foreign_ocr, reading
from records.blinding_search.passages import Reading

WORDS = "infiltrating ductal carcinoma"


def read(content: bytes, media_type: str = "application/pdf") -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        return reading.read_file(path, media_type, 1, run=run_here)


def as_png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


class TestTurnedWords:
    @pytest.mark.parametrize(
        ("place", "where"),
        [
            ("scan on its head", (0.5, 0.7, 1, 0.9)),
            ("scan with a margin read from below", (0, 0.4, 0.1, 0.8)),
            ("scan with a margin read from above", (0.9, 0.3, 1, 0.7)),
            ("scan with a stamp on its head", (0.2, 0.8, 0.8, 0.9)),
        ],
    )
    def test_they_are_read_beside_upright_text_and_their_box_is_where_they_stand(
        self, place, where
    ):
        [passage] = [p for p in read(pdfs.SCANS[place](WORDS, 4)).passages if p.place == "ocr"]
        at = passage.text.index(WORDS)
        boxes = [word[2:6] for word in passage.words if at <= word[0] < at + len(WORDS)]
        assert len(boxes) == 3
        for x0, y0, x1, y1 in boxes:
            assert where[0] <= x0 / 10_000 < x1 / 10_000 <= where[2]
            assert where[1] <= y0 / 10_000 < y1 / 10_000 <= where[3]
        assert "Impression" in passage.text  # the rest is read as before


class TestWhatStaysUnread:
    def page(self) -> Image.Image:
        return scans.page_picture(pdfs.neutral(3), seed=3)

    def test_a_typed_page_leaves_nothing(self):
        assert not read(as_png(self.page()), "image/png").poor_reason

    def test_handwriting_beside_type_is_said(self):
        page = self.page()
        page.paste(scans.scrawl(5).crop((150, 180, 1500, 560)), (150, 1500))
        told = read(as_png(page), "image/png")
        assert (told.poor_reason, told.poor_pages) == ("unread_parts", [1])

    def test_a_slanting_stamp_is_read_or_said(self):
        page = self.page()
        stamp = Image.new("L", (900, 160), 255)
        ImageDraw.Draw(stamp).text((20, 20), "MASTECTOMY", fill=0, font=scans._font(
            scans.FONTS[0], 90))  # fmt: skip
        turned = stamp.rotate(38, expand=True, fillcolor=255)
        page.paste(turned, (300, 1300))
        told = read(as_png(page), "image/png")
        said = " ".join(passage.text for passage in told.passages)
        assert "MASTECTOMY" in said or told.poor_reason == "unread_parts"

    def test_places_that_were_covered_are_no_strokes(self):
        page = self.page()
        draw = ImageDraw.Draw(page)
        for line in range(30):
            draw.rectangle((200, 1300 + 30 * line, 290, 1322 + 30 * line), fill=0)
        told = foreign_ocr.read(page)
        assert (told["is_poor"], told["has_more"]) == (False, False)


class TestDamagedProperties:
    def broken(self, **info: bytes) -> bytes:
        """A letter whose information dictionary is not one."""
        pdf = pikepdf.open(io.BytesIO(pdfs.saved(pdfs.letter(2))))
        pdf.trailer["/Info"] = pdf.make_indirect(pikepdf.Array([1, 2, 3]))
        out = io.BytesIO()
        pdf.save(out, fix_metadata_version=False)
        return out.getvalue()

    def test_properties_that_are_none_count_as_poorly_read(self):
        told = read(self.broken())
        assert told.poor_reason == "damaged"

    def test_a_stream_that_cannot_be_unpacked_counts_too(self):
        pdf = pikepdf.open(io.BytesIO(pdfs.saved(pdfs.letter(2))))
        pdf.Root.PieceInfo = pdf.make_stream(
            b"this was never deflated", Filter=pikepdf.Name.FlateDecode
        )
        out = io.BytesIO()
        pdf.save(out, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        assert read(out.getvalue()).poor_reason == "damaged"

    def test_a_sound_letter_does_not(self):
        assert not read(pdfs.saved(pdfs.letter(2))).poor_reason
        assert not read(records.PHOTOS["photo png"](WORDS, 2), "image/png").poor_reason
