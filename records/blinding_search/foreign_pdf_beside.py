"""Every text a PDF holds beside what its pages show.

Runs in the guarded child only; see `records.guard`. No Django here. pikepdf walks every object:
forms, comments, bookmarks, properties, scripts, names, attachments, drawings, earlier versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from records.blinding_search.foreign_rough import readable

MAX_TEXT = 300_000  # of everything beside the pages, for each place
MAX_OBJECTS = 200_000
MAX_ATTACHED_BYTES = 50 * 1024**2
MAX_DRAWING_BYTES = 5_000_000
MAX_EARLIER = 6
MAX_DEPTH = 8
PICTURE_FILTERS = ("DCTDecode", "CCITTFax", "JBIG2", "JPX")
# Which key of a dictionary holds what kind of text.
KEYS = {
    "/Contents": "annotation", "/RC": "annotation", "/Subj": "annotation", "/T": "form_field",
    "/TU": "form_field", "/TM": "form_field", "/V": "form_field", "/DV": "form_field",
    "/Opt": "form_field", "/RV": "form_field", "/Title": "bookmark", "/Alt": "hidden_text",
    "/ActualText": "hidden_text", "/E": "hidden_text", "/JS": "hidden_text",
    "/Desc": "attachment", "/F": "attachment", "/UF": "attachment", "/URI": "annotation",
    "/Name": "hidden_text", "/P": "document_metadata", "/ID": "",
}  # fmt: skip
# Names of these say how something looks; all others may be anybody's words.
LOOKS = frozenset({
    "/BaseFont", "/FontName", "/FontFamily", "/Type", "/Subtype", "/Filter", "/Encoding",
    "/ColorSpace", "/CharSet", "/BM", "/S", "/CIDSystemInfo", "/Registry", "/Ordering", "/Intent",
    "/DecodeParms", "/PageMode", "/PageLayout", "/Differences",
})  # fmt: skip
# Keys and values of the format itself (PDF 32000-1), which stand in every file.
ORDINARY = frozenset(Path(__file__).with_name("pdf_names.txt").read_text("ascii").split())
NAMED = re.compile(r"[^\W\d_]{4}|[A-Z]\d\d")
DRAWS = re.compile(rb"[)\]>]\s*(?:Tj|TJ|'|\")")
# What a page's own stream may hold beside what it shows: marked content, and remarks.
MARK = re.compile(
    rb"/(?:ActualText|Alt|E|Title|Contents|T)\s*(\((?:\\.|[^\\)])*\)|<[0-9A-Fa-f\s]*>)"
)
REMARK = re.compile(rb"(?:^|[\r\n])\s*%([^\r\n]{4,})")


def beside(path: str, folder: str) -> dict[str, Any]:
    """Text of forms, comments, bookmarks, properties and of streams that no page shows.

    Writes attached files and earlier versions into `folder`. Returns: passages (place, where,
    text), files (file, name, place), is_damaged (something was there that nobody could read).
    """
    import pikepdf

    with pikepdf.open(path) as pdf:
        walk = _Walk(Path(folder))
        walk.properties(pdf)
        walk.shown, walk.packed = _shown_streams(pdf), _packed_streams(pdf)
        for number, thing in enumerate(pdf.objects):
            if number > MAX_OBJECTS:
                walk.is_damaged = True
                break
            walk.over(thing)
    passages = [
        {"place": place, "where": where, "text": "\n".join(dict.fromkeys(texts))[:MAX_TEXT]}
        for (place, where), texts in walk.found.items()
    ]
    files = walk.files + _earlier(Path(path), Path(folder))
    return {"passages": passages, "files": files, "is_damaged": walk.is_damaged}


@dataclass
class _Walk:
    folder: Path
    found: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    files: list[dict[str, str]] = field(default_factory=list)
    shown: set[Any] = field(default_factory=set)
    packed: set[Any] = field(default_factory=set)
    is_damaged: bool = False  # something was there that nobody could read

    def add(self, place: str, where: str, text: str) -> None:
        text = text.strip()
        if place and len(text) > 1 and any(map(str.isalpha, text)):
            self.is_damaged |= len(text) > MAX_TEXT
            self.found.setdefault((place, where[:200]), []).append(text[:MAX_TEXT])

    def properties(self, pdf: Any) -> None:
        """The information dictionary, by name; XMP is a stream and found with the rest."""
        try:
            items = list(pdf.trailer.Info.items()) if pdf.trailer.get("/Info") is not None else []
        except Exception:
            self.is_damaged = True
            return
        for key, value in items:
            self.add("document_metadata", str(key).lstrip("/"), f"{_spoken(key)}\n{_string(value)}")

    def over(self, thing: Any, depth: int = 0) -> None:
        """One object and what is written directly inside it; references are objects themselves."""
        import pikepdf

        if isinstance(thing, pikepdf.Stream):
            self._stream(thing)
            thing = thing.stream_dict
        inner: list[Any] = []
        if isinstance(thing, pikepdf.Dictionary):
            inner = self._dictionary(thing)
        elif isinstance(thing, pikepdf.Array):
            inner = list(thing)
            for value in inner:
                self.add("form_field", "list", _string(value))
                self._name(value)
        else:
            self.add("hidden_text", "string", _string(thing))
        for value in inner if depth < MAX_DEPTH else ():
            if isinstance(value, (pikepdf.Dictionary, pikepdf.Array)) and not _is_reference(value):
                self.over(value, depth + 1)

    def _dictionary(self, thing: Any) -> list[Any]:
        """Read keys and values. Returns: the values that may hold more."""
        is_font = str(thing.get("/Type", "")) in ("/Font", "/FontDescriptor")
        for key, value in thing.items():
            if text := _string(value):
                self.add(_place_of(key, thing), key.lstrip("/"), text)
            if not is_font and key not in LOOKS:
                self._name(key)
                self._name(value)
        return [value for key, value in thing.items() if key not in LOOKS]

    def _name(self, name: Any) -> None:
        """Layers, colours, check boxes and places can be named as somebody likes."""
        import pikepdf

        is_name = type(name) is str or isinstance(name, pikepdf.Name)
        if is_name and NAMED.search(str(name)) and str(name).lstrip("/") not in ORDINARY:
            self.add("hidden_text", "names", _spoken(name))

    def _stream(self, stream: Any) -> None:
        """Bytes that cannot be unpacked are said; pictures, fonts and colours are no text."""
        kind, subtype = str(stream.get("/Type", "")), str(stream.get("/Subtype", ""))
        if subtype == "/Image" or kind in ("/XRef", "/ObjStm", "/Font"):
            return
        try:
            content = bytes(stream.read_bytes())
        except Exception:
            is_picture = any(name in str(stream.get("/Filter", "")) for name in PICTURE_FILTERS)
            self.is_damaged |= not is_picture
            return
        if kind == "/EmbeddedFile" or stream.objgen in self.packed:
            self._file(content)
        elif stream.objgen in self.shown:
            self._marks(content)
        elif kind == "/Metadata" or content[:300].lstrip().startswith(
            (b"<?xpacket", b"<x:xmpmeta")
        ):
            self.add("document_metadata", "XMP", _without_tags(content))
        elif subtype == "/Form" or DRAWS.search(content):
            if len(content) < MAX_DRAWING_BYTES:
                self.add("hidden_text", "drawing", _drawn(stream))
            self._marks(content)
        elif not _is_machinery(stream, subtype, content):
            for text in readable(content):
                self.add("hidden_text", "stream", _without_tags(text.encode()))

    def _file(self, content: bytes) -> None:
        if len(content) > MAX_ATTACHED_BYTES:
            self.is_damaged = True
        elif content:
            name = f"attached-{len(self.files)}"
            (self.folder / name).write_bytes(content)
            self.files.append({"file": name, "name": "", "place": "attachment"})

    def _marks(self, content: bytes) -> None:
        import pikepdf

        for m in MARK.finditer(content):
            try:
                self.add("hidden_text", "marked content", _string(pikepdf.Object.parse(m[1])))
            except Exception:
                self.add("hidden_text", "marked content", m[1].decode("latin-1"))
        for m in REMARK.finditer(content):
            self.add("hidden_text", "remark", m[1].decode("latin-1"))


def _spoken(name: str) -> str:
    """ "/BreastCancer" as words."""
    return re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])|_+", " ", str(name).lstrip("/"))


def _string(value: Any) -> str:
    import pikepdf

    if isinstance(value, (pikepdf.String, str)) and not isinstance(value, pikepdf.Name):
        try:
            text = str(value)
        except Exception:  # bytes of no known encoding may still be read letter by letter
            text = value.__bytes__().decode("latin-1") if isinstance(value, pikepdf.String) else ""
        return text.replace("\r", "\n").replace("\0", "")
    return ""


def _place_of(key: str, around: Any) -> str:
    """What kind of text a key holds; the title of an outline's entry is a bookmark."""
    if key == "/Title" and "/Parent" not in around:
        return "document_metadata"
    return KEYS.get(key, "document_metadata")


def _is_reference(value: Any) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Object) and value.is_indirect


def _shown_streams(pdf: Any) -> set[Any]:
    """Content streams of pages: pdfium has read what those show, with their fonts."""
    import pikepdf

    shown: set[Any] = set()
    for page in pdf.pages:
        contents = page.obj.get("/Contents")
        streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
        shown.update(s.objgen for s in streams if isinstance(s, pikepdf.Stream))
    return shown


def _packed_streams(pdf: Any) -> set[Any]:
    """Attached files, also those that do not say of themselves that they are."""
    import pikepdf

    packed: set[Any] = set()
    for thing in pdf.objects:
        inside = thing.get("/EF") if isinstance(thing, pikepdf.Dictionary) else None
        if isinstance(inside, pikepdf.Dictionary):
            packed.update(s.objgen for _key, s in inside.items() if isinstance(s, pikepdf.Stream))
    return packed


def _is_machinery(stream: Any, subtype: str, content: bytes) -> bool:
    """Fonts, letter tables, colours and shadings: made by programs, full of letters by chance."""
    fonts = ("/Type1C", "/CIDFontType0C", "/OpenType")
    keys = ("/Length1", "/Length2", "/Length3", "/FunctionType", "/ShadingType", "/PatternType")
    is_profile = "/N" in stream and content[36:40] == b"acsp"
    return (
        subtype in fonts
        or any(key in stream for key in keys)
        or is_profile
        or b"begincmap" in content[:2000]
        or sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in content[:4000])
        < 0.7 * len(content[:4000])
    )


def _without_tags(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    pairs = re.findall(r"""=\s*(?:"([^"]+)"|'([^']+)')""", text)
    values = " \n".join(one or other for one, other in pairs)
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
