"""Every text a PDF holds, where it stands, and what was read from its pictures.

Runs in the guarded child only; see `records.guard`. No Django here. Two readers: pdfium shows what
a page says and where; pikepdf walks every object, so that what no page shows is found as well.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from records.blinding_search import foreign_ocr
from records.blinding_search.foreign_ocr import DPI, STROKES, UNIT

MAX_CHARS = 50_000  # of one page
MAX_TEXT = 200_000  # of everything beside the pages, for each place
MAX_OBJECTS = 200_000
MAX_ATTACHED_BYTES = 50 * 1024**2
MAX_EARLIER = 6
PICTURE_FILTERS = ("DCTDecode", "CCITTFax", "JBIG2", "JPX")
UNSEEN_MODES = (3, 7)  # text that paints nothing: PDF 32000-1, table 106


# --- pages -------------------------------------------------------------------------------------


def pages(path: str, first: int, count: int, may_ocr: bool) -> list[dict[str, Any]]:
    """Text and words of pages `first` .. (from 1), with what was read from their pictures.

    Returns for each: page, text, words, and ocr (text, words, is_poor, has_more) or None.
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
        found.append({"page": index + 1, "text": text, "words": words, "ocr": ocr})
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
        if painted and not any(_overlap(box, cover) for cover in covers):
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

    corners = []
    for x, y in ((left, bottom), (right, top)):
        dx, dy = ctypes.c_int(), ctypes.c_int()
        c.FPDF_PageToDevice(page.raw, 0, 0, UNIT, UNIT, 0, x, y, dx, dy)
        corners.append((dx.value, dy.value))
    xs, ys = zip(*corners, strict=True)
    return [max(0, min(UNIT, v)) for v in (min(xs), min(ys), max(xs), max(ys))]


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

    found = []
    for thing in page.get_objects(filter=[c.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        try:
            left, bottom, right, top = thing.get_bounds()
        except Exception:
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


# --- beside the pages --------------------------------------------------------------------------

# Which key of a dictionary holds what kind of text.
KEYS = {
    "/Contents": "annotation", "/RC": "annotation", "/Subj": "annotation", "/T": "form_field",
    "/TU": "form_field", "/TM": "form_field", "/V": "form_field", "/DV": "form_field",
    "/Opt": "form_field", "/RV": "form_field", "/Title": "bookmark", "/Alt": "hidden_text",
    "/ActualText": "hidden_text", "/E": "hidden_text", "/JS": "hidden_text",
    "/Desc": "attachment", "/F": "attachment", "/UF": "attachment", "/URI": "annotation",
    "/Name": "hidden_text", "/P": "document_metadata", "/ID": "",
}  # fmt: skip


def beside(path: str, folder: str) -> dict[str, Any]:
    """Text of forms, comments, bookmarks, properties and of streams that no page shows.

    Writes attached files and earlier versions into `folder`. Returns: passages (place, where,
    text), files (file, name, place), is_damaged (something was there that nobody could read).
    """
    import pikepdf

    found: dict[tuple[str, str], list[str]] = {}
    files: list[dict[str, str]] = []
    with pikepdf.open(path) as pdf:
        is_damaged = not _properties(pdf, found)
        shown = _shown_streams(pdf)
        for number, thing in enumerate(pdf.objects):
            if number > MAX_OBJECTS:
                is_damaged = True
                break
            is_damaged |= not _walk(thing, found, files, Path(folder), shown, 0)
    passages = [
        {"place": place, "where": where, "text": "\n".join(dict.fromkeys(texts))[:MAX_TEXT]}
        for (place, where), texts in found.items()
    ]
    files += _earlier(Path(path), Path(folder))
    return {"passages": passages, "files": files, "is_damaged": is_damaged}


def _properties(pdf: Any, found: dict[tuple[str, str], list[str]]) -> bool:
    """The document's information dictionary, by name; XMP is a stream and found with the rest.

    Returns: False when there is one that cannot be read.
    """
    try:
        if pdf.trailer.get("/Info") is None:
            return True
        items = list(pdf.trailer.Info.items())
    except Exception:
        return False
    for key, value in items:
        _add(found, "document_metadata", str(key).lstrip("/"), _string(value))
    return True


def _add(found: dict[tuple[str, str], list[str]], place: str, where: str, text: str) -> None:
    text = text.strip()
    if place and len(text) > 1 and any(map(str.isalpha, text)):
        found.setdefault((place, where[:200]), []).append(text[:20_000])


def _string(value: Any) -> str:
    import pikepdf

    if isinstance(value, (pikepdf.String, str)):
        try:
            text = str(value)
        except Exception:  # bytes of no known encoding may still be read letter by letter
            text = value.__bytes__().decode("latin-1") if isinstance(value, pikepdf.String) else ""
        return text.replace("\r", "\n").replace("\0", "")
    return ""


def _walk(
    thing: Any, found: Any, files: list[dict[str, str]], folder: Path, shown: set[Any], depth: int
) -> bool:
    """One object and what is written directly inside it (references are objects of their own).

    Returns: False when a stream could not be read.
    """
    import pikepdf

    is_read = True
    if isinstance(thing, pikepdf.Stream):
        is_read = _stream(thing, found, files, folder, shown)
        thing = thing.stream_dict
    inner: list[Any] = []
    if isinstance(thing, pikepdf.Dictionary):
        for key, value in thing.items():
            if text := _string(value):
                _add(found, _place_of(key, thing), key.lstrip("/"), text)
            inner.append(value)
    elif isinstance(thing, pikepdf.Array):
        for value in thing:
            _add(found, "form_field", "list", _string(value))
            inner.append(value)
    elif text := _string(thing):
        _add(found, "hidden_text", "string", text)
    for value in inner if depth < 8 else ():
        if isinstance(value, (pikepdf.Dictionary, pikepdf.Array)) and not _is_reference(value):
            is_read &= _walk(value, found, files, folder, shown, depth + 1)
    return is_read


def _place_of(key: str, around: Any) -> str:
    """What kind of text a key holds; the title of an outline's entry is a bookmark."""
    if key == "/Title" and "/Parent" not in around:
        return "document_metadata"
    return KEYS.get(key, "document_metadata")


def _is_reference(value: Any) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Object) and value.is_indirect


def _shown_streams(pdf: Any) -> set[Any]:
    """Content streams of pages: pdfium has read those with their fonts."""
    import pikepdf

    shown: set[Any] = set()
    for page in pdf.pages:
        contents = page.obj.get("/Contents")
        streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
        shown.update(s.objgen for s in streams if isinstance(s, pikepdf.Stream))
    return shown


def _stream(
    stream: Any, found: Any, files: list[dict[str, str]], folder: Path, shown: set[Any]
) -> bool:
    """Returns: False when there are bytes that could not be unpacked; pictures are no text."""
    kind, subtype = str(stream.get("/Type", "")), str(stream.get("/Subtype", ""))
    if subtype == "/Image" or kind in ("/XRef", "/ObjStm", "/Font") or stream.objgen in shown:
        return True
    try:
        content = bytes(stream.read_bytes())
    except Exception:
        return any(name in str(stream.get("/Filter", "")) for name in PICTURE_FILTERS)
    if kind == "/EmbeddedFile" and 0 < len(content) <= MAX_ATTACHED_BYTES:
        name = f"attached-{len(files)}"
        (folder / name).write_bytes(content)
        files.append({"file": name, "name": "", "place": "attachment"})
    elif kind == "/Metadata" or content[:300].lstrip().startswith((b"<?xpacket", b"<x:xmpmeta")):
        _add(found, "document_metadata", "XMP", _without_tags(content))
    elif len(content) < 5_000_000 and (subtype == "/Form" or b" Tj" in content or b"]TJ" in content
                                       or b"] TJ" in content or b")Tj" in content):  # fmt: skip
        _add(found, "hidden_text", "drawing", _drawn(stream))
    return True


def _without_tags(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    values = " \n".join(re.findall(r'"([^"]{3,})"', text))
    return re.sub(r"<[^>]+>", "\n", text) + "\n" + values


def _drawn(stream: Any) -> str:
    """Strings that a drawing shows; readable where the font uses plain letters."""
    import pikepdf

    lines: list[str] = []
    try:
        for operands, operator in pikepdf.parse_content_stream(stream):
            if str(operator) in ("Tj", "'", '"', "TJ"):
                last = operands[-1]
                parts = last if isinstance(last, pikepdf.Array) else [last]
                lines.append("".join(_string(part) for part in parts))
            elif str(operator) in ("Td", "TD", "T*", "Tm") and lines and lines[-1] != "\n":
                lines.append("\n")
    except Exception:
        return "".join(lines)
    return "".join(lines)


# --- earlier versions --------------------------------------------------------------------------


def _earlier(path: Path, folder: Path) -> list[dict[str, str]]:
    """Versions that an incremental save left in the file: each ends with its own %%EOF."""
    content = path.read_bytes()
    ends = [m.end() for m in re.finditer(rb"%%EOF", content)][:-1]
    first = re.search(rb"startxref\s+\d+\s+%%EOF", content[: ends[0]]) if ends else None
    found = []
    for number, end in enumerate(ends[-MAX_EARLIER:] if first else []):
        if b"/Linearized" in content[:1024] and end < 4096:
            continue  # the first part of a file made for the web is no version
        name = f"earlier-{number}"
        (folder / name).write_bytes(content[:end] + b"\n")
        found.append({"file": name, "name": "", "place": "earlier_revision"})
    return found
