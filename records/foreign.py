"""What looks at foreign bytes. Runs only in the child process of `records.guard`.

No Django here and nothing of ours: the child has neither settings nor database. What a file is
called plays no part. A finding is a word, never a piece of the file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.parsers import expat

HEAD_BYTES = 4096
MAX_XML_BYTES, MAX_JSON_BYTES, MAX_TEXT_BYTES = 10 * 1024**2, 50 * 1024**2, 2 * 1024**2
MAX_DEPTH = 200
MAX_PDF_OBJECTS = 500_000
MAX_PIXELS = 80_000_000

PROGRAMS = (b"MZ", b"\x7fELF", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!")
PACKED = (b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")
IMAGES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/tiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP")  # as Pillow names what is opened
BMP_HEADERS = {bytes((size, 0, 0, 0)) for size in (12, 40, 52, 56, 108, 124)}
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


class Unusable(Exception):
    """The file cannot be used; the text is a code of `records.problems`."""


def examine(path: str) -> dict[str, Any]:
    """Say what the file is and what is odd about it.

    Returns: media_type, pages (0 when it has none), findings, or problem (a code) and media_type.
    """
    file = Path(path)
    with file.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    media_type = ""
    try:
        media_type = kind_of(head)
        look = LOOKS.get(media_type, _take_as_it_is)
        return {"media_type": media_type, "pages": 0, "findings": {}} | look(file)
    except Unusable as unusable:
        return {"media_type": media_type, "problem": str(unusable), "findings": {}}


def kind_of(head: bytes) -> str:
    """Media type by content. Raises Unusable for what is not on the list."""
    if head[128:132] == b"DICM":
        return "application/dicom"
    if head.startswith(PROGRAMS):
        raise Unusable("program")
    for media_type, starts in IMAGES.items():
        if head.startswith(starts):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:2] == b"BM" and head[6:10] == bytes(4) and head[14:18] in BMP_HEADERS:
        return "image/bmp"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        raise Unusable("heic")
    if b"%PDF-" in head[:1024] and not head.startswith(b"PK\x03\x04"):
        return "application/pdf"
    return _kind_of_container(head) or _kind_of_text(head)


def _kind_of_container(head: bytes) -> str:
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(head)
    if head.startswith((b"\xd0\xcf\x11\xe0", b"{\\rtf")):
        raise Unusable("office")
    if head.startswith(PACKED):
        raise Unusable("packed")
    return ""


def _kind_of_zip(head: bytes) -> str:
    office = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"mimetypeapplication/vnd.oasis")
    if any(word in head[30:200] for word in office):
        raise Unusable("office")
    return "application/zip"


def _kind_of_text(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise Unusable("unknown")
    if start.startswith(b"<"):
        if re.match(rb"<(!doctype\s+html|html|svg|script|body|head)\b", start, re.IGNORECASE):
            raise Unusable("web_page")
        return "application/xml"
    if start[:1] in b"{[":
        return "application/json"
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head):
        raise Unusable("unknown")
    return "text/plain"


def _take_as_it_is(_file: Path) -> dict[str, Any]:
    """DICOM and ZIP are kept for the imaging desk, which has a guard of its own."""
    return {}


# --- PDF ---------------------------------------------------------------------------------------


def _look_at_pdf(file: Path) -> dict[str, Any]:
    import pikepdf
    import pypdfium2

    findings: dict[str, Any] = {}
    try:
        with pikepdf.open(file) as pdf:
            if active := _active_content(pdf):
                findings["active"] = active
            if pdf.is_encrypted:
                findings["restricted"] = True
            if pdf.get_warnings():
                findings["repaired"] = True
            pages = len(pdf.pages)
    except pikepdf.PasswordError:
        raise Unusable("password") from None
    except pikepdf.PdfError:
        raise Unusable("damaged") from None
    try:
        shown = pypdfium2.PdfDocument(str(file))
    except pypdfium2.PdfiumError as exc:
        # An empty owner password opens the file for pikepdf, but every viewer asks the reader.
        raise Unusable("password" if "password" in str(exc).lower() else "damaged") from None
    pages = min(pages, len(shown))
    if not pages:
        raise Unusable("damaged")
    return {"pages": pages, "findings": findings}


ACTIVE = {
    "/JavaScript": "script", "/JS": "script", "/Launch": "launch", "/SubmitForm": "sends_form",
    "/ImportData": "imports_data", "/GoToR": "opens_file", "/GoToE": "opens_file",
    "/RichMedia": "media", "/EmbeddedFile": "attachment", "/Filespec": "attachment",
    "/XFA": "form", "/Widget": "form",
}  # fmt: skip


def _active_content(pdf: Any) -> list[str]:
    """Words for what could act when the original is opened in a reader on somebody's computer."""
    import pikepdf

    found: set[str] = set()
    if "/OpenAction" in pdf.Root and isinstance(pdf.Root.OpenAction, pikepdf.Dictionary):
        found.add("acts_on_opening")
    if "/AA" in pdf.Root:
        found.add("acts_on_opening")
    for number, thing in enumerate(pdf.objects):
        if number > MAX_PDF_OBJECTS:
            raise Unusable("too_complex")
        if isinstance(thing, pikepdf.Stream):
            thing = thing.stream_dict
        if isinstance(thing, pikepdf.Dictionary):
            _look_in_dictionary(thing, found, 0)
    return sorted(found)


def _look_in_dictionary(thing: Any, found: set[str], depth: int) -> None:
    import pikepdf

    for key in ("/S", "/Type", "/Subtype"):
        value = thing.get(key)
        if isinstance(value, pikepdf.Name) and str(value) in ACTIVE:
            found.add(ACTIVE[str(value)])
    found.update(ACTIVE[key] for key in ("/JS", "/XFA", "/JavaScript") if key in thing)
    if depth < 3:
        for key in ("/A", "/AA", "/OpenAction", "/Names", "/AcroForm"):
            inner = thing.get(key)
            if isinstance(inner, pikepdf.Dictionary):
                _look_in_dictionary(inner, found, depth + 1)


# --- pictures and text -------------------------------------------------------------------------


def _look_at_image(file: Path) -> dict[str, Any]:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # our own limit follows
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unusable("too_many_pixels")
            pages = getattr(image, "n_frames", 1)
            if image.format != "TIFF":
                pages = 1  # an animation is shown by its first picture
            image.draft("RGB", (1000, 1000))
            image.load()
    except (Unusable, MemoryError):
        raise
    except Exception:
        raise Unusable("damaged") from None
    return {"pages": pages}


def _look_at_xml(file: Path) -> dict[str, Any]:
    """No document type definition, hence no entities; limited depth and size."""
    if file.stat().st_size > MAX_XML_BYTES:
        raise Unusable("too_complex")
    parser = expat.ParserCreate(namespace_separator=" ")
    state: dict[str, Any] = {"depth": 0, "root": ""}

    def start(name: str, _attributes: Any) -> None:
        state["root"] = state["root"] or name
        state["depth"] += 1
        if state["depth"] > MAX_DEPTH:
            raise Unusable("too_complex")

    def end(_name: str) -> None:
        state["depth"] -= 1

    def doctype(*_: Any) -> None:
        raise Unusable("unsafe_xml")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    try:
        with file.open("rb") as opened:
            parser.ParseFile(opened)
    except (expat.ExpatError, LookupError, ValueError):  # the last two: an alphabet nobody knows
        raise Unusable("damaged") from None
    namespace, _space, name = state["root"].rpartition(" ")
    if namespace == "urn:hl7-org:v3" and name == "ClinicalDocument":
        return {"media_type": "application/cda+xml"}
    if namespace == "http://hl7.org/fhir":
        return {"media_type": "application/fhir+xml"}
    web = namespace.startswith("http://www.w3.org/") or name.lower() in ("html", "svg")
    raise Unusable("web_page" if web else "unknown")


def _look_at_json(file: Path) -> dict[str, Any]:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise Unusable("too_complex")
    try:
        content = json.loads(file.read_bytes())
    except ValueError:
        raise Unusable("damaged") from None
    if not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
        raise Unusable("unknown")
    return {"media_type": "application/fhir+json"}


def _look_at_text(file: Path) -> dict[str, Any]:
    from records.foreign_pages import text_sheets

    if file.stat().st_size > MAX_TEXT_BYTES:
        raise Unusable("too_complex")
    content = file.read_bytes()
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", content):
        raise Unusable("unknown")
    return {"pages": len(text_sheets(content))}


LOOKS = {
    "application/pdf": _look_at_pdf,
    "application/xml": _look_at_xml,
    "application/json": _look_at_json,
    "text/plain": _look_at_text,
} | dict.fromkeys([*IMAGES, "image/webp", "image/bmp"], _look_at_image)
