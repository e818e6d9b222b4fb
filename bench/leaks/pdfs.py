"""PDF carriers, drawn operator by operator so that each hides its words in one way only."""

# ruff: noqa: E501  (tables of carriers read best one a line)
from __future__ import annotations

import io
import random
import textwrap
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from bench.leaks.cases import NEUTRAL_EN, NEUTRAL_ES
from bench.leaks.scans import page_picture, with_stamp

PAGE = [0, 0, 595, 842]


def neutral(seed: int, count: int = 8) -> list[str]:
    pick = random.Random(seed)
    lines = pick.sample(NEUTRAL_EN + NEUTRAL_ES, count)
    return [part for line in lines for part in textwrap.wrap(line, 85)]


def shown(text: str) -> bytes:
    """A string operand in WinAnsi."""
    raw = text.encode("cp1252", "replace")
    return b"(" + raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"


def at(x: float, y: float, text: str, size: float = 11, before: bytes = b"") -> bytes:
    return (
        b"q "
        + before
        + b" BT /F1 %g Tf 1 0 0 1 %g %g Tm " % (size, x, y)
        + shown(text)
        + b" Tj ET Q\n"
    )


def letter(seed: int, extra: bytes = b"", lines: list[str] | None = None) -> pikepdf.Pdf:
    """One page of neutral text with `extra` operators after it."""
    pdf = pikepdf.new()
    body = b"".join(
        at(60, 780 - 16 * n, line) for n, line in enumerate(lines or neutral(seed))
    )  # fmt: skip
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica,
                      Encoding=Name.WinAnsiEncoding)  # fmt: skip
    page = pdf.add_blank_page(page_size=(PAGE[2], PAGE[3]))
    page.obj.Resources = Dictionary(Font=Dictionary(F1=pdf.make_indirect(font)))
    page.obj.Contents = pdf.make_stream(body + extra)
    return pdf


def saved(pdf: pikepdf.Pdf, **options: Any) -> bytes:
    out = io.BytesIO()
    pdf.save(out, **options)
    return out.getvalue()


def drawn(make: Callable[[str], bytes]) -> Callable[[str, int], bytes]:
    return lambda words, seed: saved(letter(seed, make(words)))


def picture_object(pdf: pikepdf.Pdf, picture: Any) -> Any:
    grey = picture.convert("L")
    stream = pikepdf.Stream(pdf, zlib.compress(grey.tobytes()))
    for key, value in {"/Type": Name.XObject, "/Subtype": Name.Image, "/Width": grey.width,
                       "/Height": grey.height, "/ColorSpace": Name.DeviceGray,
                       "/BitsPerComponent": 8, "/Filter": Name.FlateDecode}.items():  # fmt: skip
        stream[key] = value
    return pdf.make_indirect(stream)


def with_picture(
    pdf: pikepdf.Pdf, picture: Any, box: tuple[float, ...], after: bytes = b""
) -> None:
    page = pdf.pages[0].obj
    page.Resources.XObject = Dictionary(Im1=picture_object(pdf, picture))
    x0, y0, x1, y1 = box
    draw = b"q %g 0 0 %g %g %g cm /Im1 Do Q\n" % (x1 - x0, y1 - y0, x0, y0)
    page.Contents = pdf.make_stream(page.Contents.read_bytes() + draw + after)


# --- text that stands in the page's own stream -------------------------------------------------
def across_lines(words: str) -> bytes:
    parts = words.split()
    if len(parts) == 1:
        return at(60, 300, "Finding: " + words)
    half = max(1, len(parts) // 2)
    return at(60, 300, "Report of " + " ".join(parts[:half])) + at(
        60, 286, " ".join(parts[half:]) + " seen today"
    )


def hyphenated(words: str) -> bytes:
    longest = max(words.split(), key=len)
    if len(longest) < 8 or not longest.isalpha():
        return at(60, 300, words)
    first, second = (
        words.split(longest)[0] + longest[:5] + "-",
        longest[5:] + words.split(longest)[1],
    )
    return at(60, 300, first) + at(60, 286, second)


def kerned(words: str) -> bytes:
    pieces = b" ".join(shown(letter) + b" -8" for letter in words)
    return b"BT /F1 11 Tf 1 0 0 1 60 300 Tm [" + pieces + b"] TJ ET\n"


def turned(words: str) -> bytes:
    return b"BT /F1 11 Tf 0 1 -1 0 40 200 Tm " + shown("Note: " + words) + b" Tj ET\n"


IN_STREAM: dict[str, Callable[[str, int], bytes]] = {
    "pdf page text": drawn(lambda w: at(60, 300, "Impression: " + w + ".")),
    "pdf across lines": drawn(across_lines),
    "pdf hyphenated": drawn(hyphenated),
    "pdf kerned letters": drawn(kerned),
    "pdf white on white": drawn(lambda w: at(60, 300, w, before=b"1 1 1 rg")),
    "pdf invisible text": drawn(lambda w: at(60, 300, w, before=b"3 Tr")),
    "pdf rotated text": drawn(turned),
    "pdf tiny text": drawn(lambda w: at(60, 300, w, size=0.8)),
    "pdf off the page": drawn(lambda w: at(60, -400, w)),
    "pdf under a black box": drawn(lambda w: at(60, 300, w) + b"0 g 55 295 400 18 re f\n"),
    "pdf upper case": drawn(lambda w: at(60, 300, "DX: " + (w if w[:1].isupper() and w.isupper() else w.upper()))),
}  # fmt: skip


# --- text elsewhere in the file ----------------------------------------------------------------
def under_picture(words: str, seed: int) -> bytes:
    from PIL import Image

    pdf = letter(seed, at(60, 300, words))
    with_picture(pdf, Image.new("L", (300, 60), 200), (50, 280, 450, 330))
    return saved(pdf)


def rotated_page(words: str, seed: int) -> bytes:
    pdf = letter(seed, at(60, 300, words))
    pdf.pages[0].obj.Rotate = 90
    return saved(pdf)


def form_field(words: str, seed: int) -> bytes:
    return _form(words, seed, V=String(words))


def form_hint(words: str, seed: int) -> bytes:
    return _form(words, seed, TU=String(words))


def _form(words: str, seed: int, **more: Any) -> bytes:
    pdf = letter(seed)
    widget = pdf.make_indirect(
        Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("field1"),
                   Rect=Array([60, 300, 300, 320]), F=4, DA=String("/F1 11 Tf 0 g"), **more)
    )  # fmt: skip
    pdf.pages[0].obj.Annots = Array([widget])
    pdf.Root.AcroForm = Dictionary(Fields=Array([widget]), DA=String("/F1 11 Tf 0 g"))
    return saved(pdf)


def annotation(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    note = Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=Array([400, 700, 420, 720]),
                      Contents=String("Reviewed: " + words))  # fmt: skip
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(note)])
    return saved(pdf)


def link(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    address = "https://records.example/" + words.replace(" ", "_")
    note = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([60, 700, 200, 720]),
                      A=Dictionary(S=Name.URI, URI=String(address)))  # fmt: skip
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(note)])
    return saved(pdf)


def bookmark(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("Page 1", 0))
        outline.root.append(pikepdf.OutlineItem(words, 0))
    return saved(pdf)


def title(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    pdf.docinfo["/Title"] = words
    return saved(pdf)


def keywords(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    pdf.docinfo["/Keywords"] = "report, letter, " + words
    return saved(pdf)


def xmp(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    with pdf.open_metadata(set_pikepdf_as_editor=False) as meta:
        meta["dc:description"] = words
    return saved(pdf)


def attached_text(words: str, seed: int) -> bytes:
    return _attached(seed, "note.txt", "\n".join([*neutral(seed), words]).encode())


def attached_pdf(words: str, seed: int) -> bytes:
    inner = saved(letter(seed + 1, at(60, 300, words)))
    return _attached(seed, "inner.pdf", inner)


def attached_name(words: str, seed: int) -> bytes:
    return _attached(seed, words.replace(" ", "_") + ".txt", b"Nothing special in here.\n" * 3)


def _attached(seed: int, name: str, content: bytes) -> bytes:
    pdf = letter(seed)
    pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)
    return saved(pdf)


def alternative(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    element = Dictionary(Type=Name.StructElem, S=Name.Figure, Alt=String("Figure: " + words))
    pdf.Root.StructTreeRoot = Dictionary(Type=Name.StructTreeRoot, K=pdf.make_indirect(element))
    return saved(pdf)


def unused_form(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    form = pikepdf.Stream(pdf, at(10, 10, words))
    form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 400, 40])
    form.Resources = pdf.pages[0].obj.Resources
    pdf.pages[0].obj.Resources.XObject = Dictionary(Fm1=pdf.make_indirect(form))
    return saved(pdf)


def earlier_version(words: str, seed: int) -> bytes:
    """A first version with the words, then an incremental save that shows another page."""
    first = saved(
        letter(seed, at(60, 300, words)), object_stream_mode=pikepdf.ObjectStreamMode.disable
    )
    with pikepdf.open(io.BytesIO(first)) as pdf:
        number = pdf.pages[0].obj.Contents.objgen[0]
        trailer_size = int(pdf.trailer.Size)
        root = pdf.Root.objgen[0]
    body = b"".join(at(60, 780 - 16 * n, line) for n, line in enumerate(neutral(seed)))
    begins = len(first)
    again = b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
        number,
        len(body),
        body,
    )
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, begins)
    old = int(first.rsplit(b"startxref", 1)[1].split()[0])
    tail = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        trailer_size, root, old, begins + len(again),
    )  # fmt: skip
    return first + again + table + tail


ELSEWHERE: dict[str, Callable[[str, int], bytes]] = {
    "pdf under a picture": under_picture, "pdf rotated page": rotated_page,
    "pdf form field": form_field, "pdf form hint": form_hint, "pdf comment": annotation,
    "pdf link address": link, "pdf bookmark": bookmark, "pdf title": title,
    "pdf keywords": keywords, "pdf XMP": xmp, "pdf attached text": attached_text,
    "pdf attached pdf": attached_pdf, "pdf attachment's name": attached_name,
    "pdf alternative text": alternative, "pdf unused drawing": unused_form,
    "pdf earlier version": earlier_version,
}  # fmt: skip


# --- scans -------------------------------------------------------------------------------------
def scan(words: str, seed: int, **how: Any) -> bytes:
    picture = page_picture([*neutral(seed), "", "Impression: " + words], seed=seed, **how)
    pdf = letter(seed, lines=[" "])
    with_picture(pdf, picture, (0, 0, 595, 842))
    return saved(pdf)


def scan_wrong_layer(words: str, seed: int) -> bytes:
    """A scan whose invisible text layer says something else."""
    picture = page_picture([*neutral(seed), "", "Impression: " + words], seed=seed)
    layer = b"".join(
        at(60, 780 - 16 * n, line, before=b"3 Tr") for n, line in enumerate(neutral(seed))
    )
    pdf = letter(seed, layer, lines=[" "])
    with_picture(pdf, picture, (0, 0, 595, 842))
    return saved(pdf)


def picture_in_text(words: str, seed: int) -> bytes:
    """A letter with real text and a pasted picture that holds the words."""
    picture = page_picture(["Impression: " + words], seed=seed, size=(1100, 160))
    pdf = letter(seed)
    with_picture(pdf, picture, (60, 300, 456, 358))
    return saved(pdf)


def scan_stamped(words: str, seed: int, *, turn: int, at: tuple[float, float]) -> bytes:
    """An upright scan with the words in a stamp or margin that stands otherwise."""
    picture = page_picture([*neutral(seed), "", "Impression: see the stamp."], seed=seed)
    pdf = letter(seed, lines=[" "])
    with_picture(pdf, with_stamp(picture, words, seed=seed, turn=turn, at=at), (0, 0, 595, 842))
    return saved(pdf)


SCANS: dict[str, Callable[[str, int], bytes]] = {
    "scan 200 dpi": scan,
    "scan 300 dpi": lambda w, s: scan(w, s, dpi=300),
    "scan skewed": lambda w, s: scan(w, s, skew=1.5),
    "scan noisy": lambda w, s: scan(w, s, noise=28),
    "scan faint": lambda w, s: scan(w, s, ink=130),
    "scan on its side": lambda w, s: scan(w, s, turn=90),
    "scan on its head": lambda w, s: scan(w, s, turn=180),
    "scan with a margin read from below": lambda w, s: scan_stamped(w, s, turn=90, at=(0.035, 0.6)),
    "scan with a margin read from above": lambda w, s: scan_stamped(w, s, turn=270, at=(0.95, 0.5)),
    "scan with a stamp on its head": lambda w, s: scan_stamped(w, s, turn=180, at=(0.5, 0.85)),
    "scan with a wrong layer": scan_wrong_layer,
    "picture in a letter": picture_in_text,
}
