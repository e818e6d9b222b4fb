"""PDF carriers of the second corpus: places that the first one does not have."""

# ruff: noqa: E501  (tables of carriers read best one a line)
from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable
from html import escape
from typing import Any

import pikepdf
from fontTools import subset
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name, String
from PIL import ImageFont

from bench.leaks.pdfs import at, letter, saved, shown

Make = Callable[[str, int], bytes]
ARIAL = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"
DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def plain(words: str) -> bytes:
    return at(60, 520, f"Conclusion: {words}.")


def on_page(make: Callable[[str], bytes]) -> Make:
    return lambda words, seed: saved(letter(seed, make(words)))


def changed(change: Callable[[pikepdf.Pdf, str], None]) -> Make:
    """A letter without the words; `change` puts them somewhere."""

    def make(words: str, seed: int) -> bytes:
        pdf = letter(seed)
        change(pdf, words)
        return saved(pdf)

    return make


def soft_hyphens(words: str) -> bytes:
    return at(60, 520, re.sub(r"([^\W\d_]{4})(?=[^\W\d_]{2})", "\\1\u00ad", words))


def spaced(words: str) -> bytes:
    return at(60, 520, "   ".join(" ".join(word) for word in words.split()))


def letter_by_letter(words: str) -> bytes:
    """Each letter placed by itself, as wide as it is."""
    font = ImageFont.truetype(ARIAL, 110)
    letters = [(60 + font.getlength(words[:n]) / 10, one) for n, one in enumerate(words)]
    return b"".join(at(x, 520, one) for x, one in letters)


def columns(words: str) -> bytes:
    first, _, rest = words.partition(" ")
    left = ["The patient was", "seen because of", first, rest or "today", "and went home."]
    right = ["Pulse 72.", "Lungs clear.", "Skin normal.", "Reflexes even.", "Gait normal."]
    return b"".join(
        at(60, 520 - 14 * n, one) + at(330, 520 - 14 * n, other)
        for n, (one, other) in enumerate(zip(left, right, strict=True))
    )


def as_table(words: str) -> bytes:
    first, _, rest = words.partition(" ")
    return at(60, 520, "Diagnosis") + at(160, 520, first) + at(160, 506, rest)


def footer(words: str) -> bytes:
    return at(60, 14, f"{words} - page 1 of 1", size=6)


def watermark(words: str) -> bytes:
    return b"q 0.92 g BT /F1 40 Tf 0.7 0.7 -0.7 0.7 120 200 Tm " + shown(words) + b" Tj ET Q\n"


def clipped(words: str) -> bytes:
    return at(60, 520, words, before=b"0 0 1 1 re W n")


def render_3(words: str) -> bytes:
    return at(60, 520, words, before=b"3 Tr")


def under_box(words: str) -> bytes:
    return at(60, 520, words) + b"q 0 g 50 510 400 24 re f Q\n"


def actual_text(words: str) -> bytes:
    return (
        b"/Span <</ActualText " + shown(words) + b">> BDC\n" + at(60, 520, "see above") + b"EMC\n"
    )


def remark(words: str) -> bytes:
    return b"% " + words.encode("cp1252", "replace") + b"\n" + at(60, 520, "see above")


def _font_page(words: str, seed: int, *, has_map: bool) -> bytes:
    """A subset font with numbers of glyphs for letters; without a map nobody can copy the text."""
    font = TTFont(DEJAVU)
    maker = subset.Subsetter(subset.Options(notdef_outline=True, glyph_names=False))
    maker.populate(text=words + " ")
    maker.subset(font)
    names, glyphs = font.getBestCmap(), font.getGlyphOrder()
    numbers = [glyphs.index(names[ord(c)]) for c in words]
    if not has_map:
        del font["cmap"]
    packed = io.BytesIO()
    font.save(packed)
    pdf = letter(seed)
    program = pdf.make_stream(packed.getvalue(), Length1=len(packed.getvalue()))
    about = Dictionary(Type=Name.FontDescriptor, FontName=Name("/ABCDEF+Dejavu"), Flags=4, FontBBox=[0, -200, 1000, 900],
                       ItalicAngle=0, Ascent=900, Descent=-200, CapHeight=700, StemV=80, FontFile2=program)  # fmt: skip
    inner = Dictionary(Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name("/ABCDEF+Dejavu"), DW=600,
                       CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
                       FontDescriptor=about, CIDToGIDMap=Name.Identity)  # fmt: skip
    outer = Dictionary(Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/ABCDEF+Dejavu"), Encoding=Name("/Identity-H"),
                       DescendantFonts=[pdf.make_indirect(inner)])  # fmt: skip
    if has_map:
        lines = "".join(
            f"<{n:04x}> <{ord(c):04x}>\n" for n, c in dict(zip(numbers, words, strict=True)).items()
        )
        cmap = f"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange {lines.count(chr(10))} beginbfchar\n{lines}endbfchar endcmap end"
        outer.ToUnicode = pdf.make_stream(cmap.encode())
    page = pdf.pages[0].obj
    page.Resources.Font.F9 = pdf.make_indirect(outer)
    codes = "".join(f"{n:04x}" for n in numbers).encode()
    page.Contents = Array(
        [page.Contents, pdf.make_stream(b"q BT /F9 12 Tf 60 520 Td <" + codes + b"> Tj ET Q")]
    )
    return saved(pdf)


def layer_off(pdf: pikepdf.Pdf, words: str) -> None:
    group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("notes")))
    pdf.Root.OCProperties = Dictionary(OCGs=[group], D=Dictionary(OFF=[group], ON=[]))
    page = pdf.pages[0].obj
    page.Resources.Properties = Dictionary(MC0=group)
    page.Contents = Array(
        [page.Contents, pdf.make_stream(b"/OC /MC0 BDC " + plain(words) + b" EMC")]
    )


def layer_name(pdf: pikepdf.Pdf, words: str) -> None:
    group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(words)))
    pdf.Root.OCProperties = Dictionary(OCGs=[group], D=Dictionary(ON=[group]))


def page_label(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.Root.PageLabels = Dictionary(Nums=[0, Dictionary(S=Name.D, P=String(words + " "))])


def destination(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.Root.Names = Dictionary(
        Dests=Dictionary(Names=[String(words), Array([pdf.pages[0].obj, Name.Fit])])
    )


def old_destination(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.Root.Dests = Dictionary(
        {"/" + words.replace(" ", "_"): Array([pdf.pages[0].obj, Name.Fit])}
    )


def script(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String(f'app.alert("{words}");'))


def script_stream(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.Root.OpenAction = Dictionary(
        S=Name.JavaScript, JS=pdf.make_stream(f'var dx = "{words}";'.encode())
    )


def property_key(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.docinfo["/" + "".join(map(str.capitalize, words.split()))] = "yes"


def own_property(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.docinfo["/Company"] = words


def piece_info(pdf: pikepdf.Pdf, words: str) -> None:
    data = Dictionary(LastModified=String("D:20260101"), Private=Dictionary(Note=String(words)))
    pdf.Root.PieceInfo = Dictionary(Acme=data)


def private_stream(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.Root.AcmeData = pdf.make_stream(f"<case><dx>{escape(words)}</dx></case>".encode())


def xfa(pdf: pikepdf.Pdf, words: str) -> None:
    data = f'<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><dx>{escape(words)}</dx></xfa:datasets>'
    pdf.Root.AcroForm = Dictionary(
        Fields=[], XFA=[String("datasets"), pdf.make_stream(data.encode())]
    )


def check_box(pdf: pikepdf.Pdf, words: str) -> None:
    state = Name("/" + words.replace(" ", "_"))
    look = pdf.make_stream(b"")
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Btn, T=String("box"), Rect=[60, 500, 70, 510],
                       V=state, AS=state, AP=Dictionary(N=Dictionary({str(state): look})))  # fmt: skip
    box = pdf.make_indirect(field)
    pdf.pages[0].obj.Annots, pdf.Root.AcroForm = [box], Dictionary(Fields=[box])


def stamp_look(pdf: pikepdf.Pdf, words: str) -> None:
    """A comment whose words are only in the way it is drawn."""
    look = pdf.make_stream(
        plain(words), Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 595, 842]
    )
    look.Resources = pdf.pages[0].obj.Resources
    pdf.pages[0].obj.Annots = [
        pdf.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Stamp,
                F=2,
                Rect=[0, 0, 595, 842],
                AP=Dictionary(N=look),
            )
        )
    ]


def rich_comment(pdf: pikepdf.Pdf, words: str) -> None:
    rich = f'<?xml version="1.0"?><body xmlns="http://www.w3.org/1999/xhtml"><p>{escape(words)}</p></body>'
    pdf.pages[0].obj.Annots = [
        pdf.make_indirect(
            Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=[9, 9, 20, 20], RC=String(rich))
        )
    ]


def structure(pdf: pikepdf.Pdf, words: str) -> None:
    part = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Sect, T=String(words)))
    pdf.Root.StructTreeRoot = Dictionary(Type=Name.StructTreeRoot, K=[part])


def utf16_title(pdf: pikepdf.Pdf, words: str) -> None:
    pdf.docinfo["/Title"] = String(b"\xfe\xff" + words.encode("utf-16-be"))


def xmp_attribute(pdf: pikepdf.Pdf, words: str) -> None:
    xml = f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:a="a" a:Dx="{escape(words, quote=True)}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    pdf.Root.Metadata = pdf.make_stream(xml.encode(), Type=Name.Metadata, Subtype=Name.XML)


def untyped_attachment(pdf: pikepdf.Pdf, words: str) -> None:
    inner = saved(letter(3, plain(words)))
    packed = pdf.make_stream(inner)
    spec = Dictionary(Type=Name.Filespec, F=String("a.pdf"), EF=Dictionary(F=packed))
    pdf.Root.Names = Dictionary(
        EmbeddedFiles=Dictionary(Names=[String("a"), pdf.make_indirect(spec)])
    )


def office_attachment(pdf: pikepdf.Pdf, words: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        halves = words[: len(words) // 2], words[len(words) // 2 :]
        runs = "".join(f"<w:r><w:t>{escape(half)}</w:t></w:r>" for half in halves)
        file.writestr("word/document.xml", f"<w:document><w:p>{runs}</w:p></w:document>")
    spec = Dictionary(
        Type=Name.Filespec,
        F=String("a.docx"),
        EF=Dictionary(F=pdf.make_stream(packed.getvalue(), Type=Name.EmbeddedFile)),
    )
    pdf.Root.Names = Dictionary(
        EmbeddedFiles=Dictionary(Names=[String("a"), pdf.make_indirect(spec)])
    )


def unused_page(pdf: pikepdf.Pdf, words: str) -> None:
    """A page that was taken out of the list of pages and left in the file."""
    pdf.add_blank_page(page_size=(595, 842))
    pdf.pages[1].obj.Contents = pdf.make_stream(plain(words))
    pdf.Root.Left = pdf.pages[1].obj
    del pdf.pages[1]


def pattern(pdf: pikepdf.Pdf, words: str) -> None:
    tile = pdf.make_stream(plain(words), Type=Name.Pattern, PatternType=1, PaintType=1, TilingType=1,
                           BBox=[0, 0, 595, 842], XStep=595, YStep=842)  # fmt: skip
    tile.Resources = pdf.pages[0].obj.Resources
    page = pdf.pages[0].obj
    page.Resources.Pattern = Dictionary(P1=tile)
    page.Contents = Array(
        [page.Contents, pdf.make_stream(b"q /Pattern cs /P1 scn 0 0 595 842 re f Q")]
    )


def turned_and_cropped(words: str, seed: int) -> bytes:
    pdf = letter(seed, plain(words))
    page = pdf.pages[0].obj
    page.Rotate, page.CropBox, page.UserUnit = (
        random.Random(seed).choice([90, 180, 270]),
        [20, 20, 560, 800],
        2,
    )
    return saved(pdf)


def locked(words: str, seed: int) -> bytes:
    return saved(
        letter(seed, plain(words)), encryption=pikepdf.Encryption(owner="secret", user="", R=6)
    )


def object_streams(words: str, seed: int) -> bytes:
    pdf = letter(seed)
    utf16_title(pdf, words)
    return saved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)


PDFS: dict[str, Make] = {
    "pdf soft hyphens": on_page(soft_hyphens), "pdf spaced letters": on_page(spaced), "pdf letter by letter": on_page(letter_by_letter),
    "pdf two columns": on_page(columns), "pdf table cells": on_page(as_table), "pdf footer": on_page(footer), "pdf watermark": on_page(watermark),
    "pdf clipped": on_page(clipped), "pdf render mode 3": on_page(render_3), "pdf under a box": on_page(under_box),
    "pdf inline ActualText": on_page(actual_text), "pdf remark in a stream": on_page(remark),
    "pdf subset font": lambda words, seed: _font_page(words, seed, has_map=True),
    "pdf layer off": changed(layer_off), "pdf layer name": changed(layer_name), "pdf page label": changed(page_label),
    "pdf destination": changed(destination), "pdf old destination": changed(old_destination), "pdf script": changed(script),
    "pdf script stream": changed(script_stream), "pdf property key": changed(property_key), "pdf own property": changed(own_property),
    "pdf piece info": changed(piece_info), "pdf private stream": changed(private_stream), "pdf XFA": changed(xfa), "pdf check box": changed(check_box),
    "pdf stamp": changed(stamp_look), "pdf rich comment": changed(rich_comment), "pdf structure title": changed(structure),
    "pdf UTF-16 title": changed(utf16_title), "pdf XMP attribute": changed(xmp_attribute), "pdf untyped attachment": changed(untyped_attachment),
    "pdf office attachment": changed(office_attachment), "pdf page taken out": changed(unused_page), "pdf pattern": changed(pattern),
    "pdf turned, cropped, unit 2": turned_and_cropped, "pdf locked, empty password": locked, "pdf object streams": object_streams,
}  # fmt: skip
PICTURES: dict[str, Any] = {
    "pdf font without a map": lambda words, seed: _font_page(words, seed, has_map=False),
}
