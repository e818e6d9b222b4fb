"""Pictures of older programs: GIF and bitmap are taken like any photo."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from records import redaction
from tests.records import files
from tests.records.ready import screened


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "mode"), [("GIF", "RGB"), ("GIF", "L"), ("BMP", "RGB"), ("BMP", "1")]
)
def test_older_kinds_are_shown_and_can_be_covered(kind, mode):
    document = screened(files.picture(kind, mode), name="scan")
    assert (document.status, document.page_count) == ("available", 1)
    assert document.media_type == f"image/{kind.lower()}"
    shown = Image.open(io.BytesIO(files.stored(document.pages.get().key))).convert("L")
    assert shown.size == (300, 200)
    assert shown.getpixel((20, 20)) < 130
    assert shown.getpixel((280, 180)) > 240
    assert redaction.may_cover(document)


@pytest.mark.django_db
def test_an_animation_is_its_first_picture_and_a_broken_one_is_refused():
    frames = [Image.new("L", (60, 40), shade) for shade in (0, 255, 90)]
    film = io.BytesIO()
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:])
    document = screened(film.getvalue(), name="film.gif")
    assert (document.status, document.page_count) == ("available", 1)
    cut = screened(film.getvalue()[:60], name="cut.gif")
    assert (cut.status, cut.problem) == ("rejected", "damaged")
    text = screened(b"BMI 24.1, weight 70 kg, and nothing of a bitmap in this note.", name="n.txt")
    assert text.media_type == "text/plain"
