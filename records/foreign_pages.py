"""Pictures and text of pages, made from foreign bytes in the child process of `records.guard`.

What readers see is made anew from pixels: no script, link, metadata or hidden layer of the original
survives. Grey pages become PNG, coloured ones WebP.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE_WIDTH = 1400
PHOTO_EDGE = 2000
MAX_PAGE_PIXELS = 20_000_000
MAX_TEXT = 50_000  # characters of one page
# EXIF tag Orientation: which Image.Transpose makes the picture upright (EXIF 2.32, 4.6.4 A).
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
LINE_CHARACTERS, SHEET_LINES, MAX_SHEETS = 95, 58, 500


def pages(path: str, media_type: str, first: int, count: int, folder: str) -> list[dict[str, Any]]:
    """Write the pictures of pages `first` .. `first + count - 1` (from 1) into `folder`.

    Returns for each: number, file, media_type, width, height, text.
    """
    make = {"application/pdf": _pdf_pages, "text/plain": _text_pages}.get(media_type, image_pages)
    made = []
    for number, (picture, text) in enumerate(make(Path(path), first, count), start=first):
        shown = write_picture(picture, folder, number)
        made.append({"number": number, "text": _clean(text), **shown})
    return made


def _pdf_pages(path: Path, first: int, count: int) -> Iterator[tuple[Any, str]]:
    import pypdfium2

    pdf = pypdfium2.PdfDocument(str(path))
    pdf.init_forms()  # what was typed into a form is part of what the doctor wrote
    for index in range(first - 1, first - 1 + count):
        page = pdf[index]
        width, height = page.get_size()
        scale = min(PAGE_WIDTH / width, (MAX_PAGE_PIXELS / (width * height)) ** 0.5)
        picture = page.render(scale=scale).to_pil()
        layer = page.get_textpage()
        yield picture, layer.get_text_range(0, min(layer.count_chars(), MAX_TEXT))
        layer.close()
        page.close()


def image_pages(path: Path, first: int, count: int) -> Iterator[tuple[Any, str]]:
    from PIL import Image

    from records.foreign import FORMATS

    Image.MAX_IMAGE_PIXELS = None  # `foreign.examine` has refused a flood already; checked again:
    with Image.open(path, formats=FORMATS) as image:
        for index in range(first - 1, first - 1 + count):
            if index:
                image.seek(index)
            if image.width * image.height > 80_000_000:
                raise MemoryError
            image.draft(None, (PHOTO_EDGE, PHOTO_EDGE))
            image.load()
            turn = TURNS.get(image.getexif().get(0x0112, 1))  # Orientation; TIFF was turned on load
            picture = _smaller(image)
            yield picture.transpose(turn) if turn is not None else picture, ""


def _smaller(image: Any) -> Any:
    """Shrink before converting: an 80-megapixel picture must fit into the child's memory."""
    factor = max(image.width, image.height) // PHOTO_EDGE
    can_reduce = factor > 1 and image.mode not in ("P", "PA", "1", "I;16", "I;16B", "I;16L")
    small = image.reduce(factor) if can_reduce else image
    small = _plain(small)
    small.thumbnail((PHOTO_EDGE, PHOTO_EDGE))
    return small


def _plain(image: Any) -> Any:
    """Any mode as 8-bit grey or colour on white."""
    from PIL import Image

    if image.mode in ("I", "F", "I;16", "I;16B", "I;16L"):
        low, high = image.getextrema()
        factor = 255 / ((high - low) or 1)
        wide = image.convert("F").point(lambda value: value * factor + (-low * factor))
        return wide.convert("L")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        white.alpha_composite(coloured)
        return white.convert("RGB")
    return image.convert("RGB")


def text_sheets(content: bytes) -> list[str]:
    """Plain text laid out in sheets: UTF-8, else the Windows alphabet of Western Europe."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    lines: list[str] = []
    for line in text.expandtabs(8).splitlines():
        lines += textwrap.wrap(line, LINE_CHARACTERS, drop_whitespace=False) or [""]
    starts = range(0, max(len(lines), 1), SHEET_LINES)
    return ["\n".join(lines[start : start + SHEET_LINES]) for start in starts][:MAX_SHEETS]


def _text_pages(path: Path, first: int, count: int) -> Iterator[tuple[Any, str]]:
    for sheet in text_sheets(path.read_bytes())[first - 1 : first - 1 + count]:
        yield draw_sheet(sheet), sheet


def draw_sheet(sheet: str) -> Any:
    """One sheet of text as a grey picture."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (PAGE_WIDTH, 1980), 255)
    font = ImageFont.load_default(26)
    ImageDraw.Draw(picture).multiline_text((70, 70), sheet, fill=0, font=font, spacing=6)
    return picture


def write_picture(picture: Any, folder: str, number: int) -> dict[str, Any]:
    picture = grey_if_grey(picture)
    ending, kind = ("png", "image/png") if picture.mode == "L" else ("webp", "image/webp")
    name = f"{number}.{ending}"
    bare = picture.copy()
    bare.info = {}  # no EXIF, no colour profile with a name in it, no comment
    options = {} if ending == "png" else {"quality": 90, "method": 2}
    bare.save(Path(folder) / name, **options)
    return {"file": name, "media_type": kind, "width": bare.width, "height": bare.height}


def grey_if_grey(picture: Any) -> Any:
    from PIL import ImageChops

    if picture.mode == "L":
        return picture
    picture = picture if picture.mode == "RGB" else picture.convert("RGB")
    red, green, blue = picture.split()
    pairs = ((red, green), (green, blue))
    spreads: list[Any] = [ImageChops.difference(*pair).getextrema() for pair in pairs]
    return picture.convert("L") if max(most for _least, most in spreads) < 6 else picture


def _clean(text: str) -> str:
    """PostgreSQL takes no zero byte, and nobody reads control characters or lone surrogates."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)[:MAX_TEXT].strip()
