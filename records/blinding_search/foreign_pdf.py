"""What the pages of a PDF say and where, and what was read from their pictures.

Runs in the guarded child only; see `records.guard`. No Django here. What no page shows is found by
`foreign_pdf_beside`.
"""

from __future__ import annotations

import re
from typing import Any

from records.blinding_search import foreign_ocr
from records.blinding_search.foreign_ocr import DPI, STROKES, UNIT

MAX_CHARS = 50_000  # of one page
STRANGE = re.compile(r"[\x00\x01\x03-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")
FINE = 100  # steps of one part, before it is rounded
UNSEEN_MODES = (3, 7)  # text that paints nothing: PDF 32000-1, table 106


# --- pages -------------------------------------------------------------------------------------


def pages(path: str, first: int, count: int, may_ocr: bool) -> list[dict[str, Any]]:
    """Text and words of pages `first` .. (from 1), with what was read from their pictures.

    Returns for each: page, text, words, is_cut (there is more text), and ocr (text, words, is_poor,
    has_more) or None.
    """
    import pypdfium2

    pdf = pypdfium2.PdfDocument(path)
    pdf.init_forms()
    found = []
    for index in range(first - 1, min(first - 1 + count, len(pdf))):
        page = pdf[index]
        layer = page.get_textpage()
        text, words, known = _layer(page, layer)
        ocr = _read_picture(page, text, known) if may_ocr else None
        is_cut = layer.count_chars() > MAX_CHARS
        found.append(
            {"page": index + 1, "text": text, "words": words, "ocr": ocr, "is_cut": is_cut}
        )
        layer.close()
        page.close()
    return found


def _layer(page: Any, layer: Any) -> tuple[str, list[list[int]], list[list[int]]]:
    """Text of a page, its words with boxes, and the boxes that hold text everybody can see."""
    import pypdfium2.raw as c

    covers = _picture_boxes(page)
    text: list[str] = []
    boxes: list[list[int] | None] = []
    seen: list[bool] = []
    modes: dict[int, bool] = {}
    for at in range(min(c.FPDFText_CountChars(layer.raw), MAX_CHARS)):
        character = _character(c.FPDFText_GetUnicode(layer.raw, at))
        if character == "\r":
            continue
        text.append(character)
        boxes.append(None if character.isspace() else _char_box(page, layer, at))
        seen.append(_is_painted(c, layer, at, modes))
    whole = "".join(text)
    words, known = [], []
    for m in re.finditer(r"\S+", whole):
        here = [box for box in boxes[m.start() : m.end()] if box]
        box = _around(here) if here else [0, 0, 0, 0]
        painted = all(seen[m.start() : m.end()]) and box[2] > 0 and box[3] > 0
        words.append([m.start(), m.end(), *box, int(not painted)])
        is_told = not STRANGE.search(m.group())  # else a font does not say which letters it shows
        if painted and is_told and not any(_overlap(box, cover) for cover in covers):
            known.append(box)
    return whole, words, known


def _character(code: int) -> str:
    if code in (0, 0xFFFE, 0xFFFF) or 0xD800 <= code <= 0xDFFF:
        return "\u0002" if code == 0xFFFE else "\ufffd" if code else ""
    return chr(code)


def _char_box(page: Any, layer: Any, at: int) -> list[int] | None:
    import ctypes

    import pypdfium2.raw as c

    sides = [ctypes.c_double() for _ in range(4)]  # left, right, bottom, top
    if not c.FPDFText_GetCharBox(layer.raw, at, *map(ctypes.byref, sides)):
        return None
    left, right, bottom, top = (side.value for side in sides)
    return _on_picture(page, left, bottom, right, top)


def _on_picture(page: Any, left: float, bottom: float, right: float, top: float) -> list[int]:
    """From the page's own space, turned and cropped as it may be, to parts of its picture."""
    import ctypes

    import pypdfium2.raw as c

    xs, ys = [], []
    for x, y in ((left, bottom), (right, top)):
        dx, dy = ctypes.c_int(), ctypes.c_int()
        c.FPDF_PageToDevice(page.raw, 0, 0, UNIT * FINE, UNIT * FINE, 0, x, y, dx, dy)
        xs.append(dx.value)
        ys.append(dy.value)
    # Outwards: on a long page one part is wider than a letter, and the cover must reach its end.
    least, most = (min(xs), min(ys)), (max(xs), max(ys))
    sides = [*(v // FINE for v in least), *(-(-v // FINE) for v in most)]
    return [max(0, min(UNIT, side)) for side in sides]


def _is_painted(c: Any, layer: Any, at: int, modes: dict[int, bool]) -> bool:
    """False for text drawn in no colour or in white."""
    import ctypes

    thing = c.FPDFText_GetTextObject(layer.raw, at)
    if not thing:
        return True
    key = ctypes.cast(thing, ctypes.c_void_p).value or 0
    if key not in modes:
        mode = c.FPDFTextObj_GetTextRenderMode(thing)
        channels = [ctypes.c_uint() for _ in range(4)]
        known = c.FPDFPageObj_GetFillColor(thing, *map(ctypes.byref, channels))
        red, green, blue, alpha = (channel.value for channel in channels)
        is_white = bool(known) and (min(red, green, blue) > 245 or alpha < 10)
        modes[key] = mode not in UNSEEN_MODES and not is_white
    return modes[key]


def _picture_boxes(page: Any) -> list[list[int]]:
    """Where pictures lie: text under or over one is no proof of what the page shows there."""
    import pypdfium2.raw as c
    from pypdfium2 import PdfiumError

    found = []
    for thing in page.get_objects(filter=[c.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        try:
            left, bottom, right, top = thing.get_bounds()
        except PdfiumError:  # it may lie anywhere
            return [[0, 0, UNIT, UNIT]]
        found.append(_on_picture(page, left, bottom, right, top))
    return found


def _around(boxes: list[list[int]]) -> list[int]:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return [min(lefts), min(tops), max(rights), max(bottoms)]


def _overlap(one: list[int], other: list[int]) -> bool:
    return (
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    )  # fmt: skip


def _read_picture(page: Any, text: str, known: list[list[int]]) -> dict[str, Any] | None:
    """Read the page's picture when it shows strokes that its visible text does not explain."""
    width, height = page.get_size()
    scale = min(DPI / 72, (20_000_000 / (width * height)) ** 0.5)
    picture = page.render(scale=scale, grayscale=True).to_pil()
    known = [] if is_garbled(text) else known
    if foreign_ocr.strokes(picture, known) <= STROKES:
        return None
    try:
        return foreign_ocr.read(picture, known)
    except foreign_ocr.NoReader:
        return {"text": "", "words": [], "is_poor": True, "has_more": True, "no_reader": True}


def is_garbled(text: str) -> bool:
    """Whether a text layer is no text: a font whose letters are not told, a failed reading."""
    marks = [character for character in text if not character.isspace()]
    if len(marks) < 20:
        return False
    letters = sum(character.isalnum() for character in marks)
    strange = sum(character == "\ufffd" or "\ue000" <= character <= "\uf8ff" for character in marks)
    vowels = sum(character in "aeiouáéíóúAEIOUÁÉÍÓÚ" for character in marks)
    alphabetic = sum(character.isalpha() for character in marks)
    return letters < 0.45 * len(marks) or strange > 0.03 * len(marks) or (
        alphabetic > 40 and vowels < 0.18 * alphabetic
    )  # fmt: skip
