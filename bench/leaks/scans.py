"""Pictures of typed pages, as scanners and telephones make them."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSerif-Regular.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
)


@cache
def _font(path: str, size: int) -> Any:
    try:
        return ImageFont.truetype(path, size)
    except OSError:
        return ImageFont.load_default(size)


def page_picture(
    lines: list[str], *, seed: int, dpi: int = 200, skew: float = 0, noise: int = 0, ink: int = 0,
    turn: int = 0, size: tuple[int, int] | None = None,
) -> Any:  # fmt: skip
    """An A4 page of 11 point type, then what a scanner does to it."""
    width, height = size or (dpi * 827 // 100, dpi * 1169 // 100)
    picture = Image.new("L", (width, height), 255)
    font = _font(FONTS[seed % len(FONTS)], round(dpi * 11 / 72))
    margin = 40 if size else dpi * 3 // 4
    draw = ImageDraw.Draw(picture)
    draw.multiline_text((margin, margin), "\n".join(lines), fill=ink, font=font, spacing=dpi // 20)
    if skew:
        picture = picture.rotate(skew, fillcolor=255, resample=Image.Resampling.BICUBIC)
    if noise:
        pick = random.Random(seed)
        grain = Image.frombytes("L", (256, 256), bytes(pick.choices(range(noise), k=65536)))
        field = Image.new("L", picture.size)
        for x in range(0, width, 256):
            for y in range(0, height, 256):
                field.paste(grain, (x, y))
        from PIL import ImageChops

        picture = ImageChops.subtract(picture, field)
    return picture.rotate(turn, expand=True) if turn else picture


def with_stamp(picture: Any, text: str, *, seed: int, turn: int, at: tuple[float, float]) -> Any:
    """The page with a line that stands on its side or on its head, as a stamp or a margin note.

    `at`: the middle of the line, as fractions of the page.
    """
    stamp = page_picture([text], seed=seed + 1, size=(120 + 26 * len(text), 110)).rotate(
        turn, expand=True, fillcolor=255
    )
    stamp = stamp.crop(stamp.point(lambda value: 255 - value).getbbox())
    x, y = round(at[0] * picture.width), round(at[1] * picture.height)
    picture.paste(stamp, (x - stamp.width // 2, y - stamp.height // 2))
    return picture


def scrawl(seed: int) -> Any:
    """A page of handwriting-like strokes that no reader of type can read."""
    pick = random.Random(seed)
    picture = Image.new("L", (1654, 2339), 255)
    draw = ImageDraw.Draw(picture)
    for line in range(14):
        x, y = 180.0, 250 + line * 130.0
        while x < 1450:
            points = [(x, y)]
            for _ in range(pick.randint(5, 12)):
                x += pick.uniform(8, 26)
                points.append((x, y + pick.uniform(-38, 38)))
            draw.line(points, fill=30, width=4, joint="curve")
            x += pick.uniform(28, 60)
    return picture
