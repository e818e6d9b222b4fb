"""PDFs that say a word in every place a PDF can hide one, made here."""

from __future__ import annotations

from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from tests.records.files import pdf

WORD = "Mastectomy"


def _font(made: pikepdf.Pdf) -> Dictionary:
    return Dictionary(
        F1=made.make_indirect(
            Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        )
    )


def _page(content: str) -> tuple[pikepdf.Pdf, pikepdf.Page]:
    made = pikepdf.new()
    made.add_blank_page(page_size=(595, 842))
    page = made.pages[0]
    page.Resources = Dictionary(Font=_font(made))
    page.Contents = made.make_stream(content.encode())
    return made, page


def _bytes(made: pikepdf.Pdf, **how: object) -> bytes:
    out = BytesIO()
    made.save(out, **how)
    return out.getvalue()


def _line(text: str, x: int = 72, y: int = 720, extra: str = "") -> str:
    return f"q BT {extra} /F1 24 Tf {x} {y} Td ({text}) Tj ET Q\n"


def shown() -> bytes:
    return _bytes(_page(_line(f"We advise {WORD} soon") + _line("Haemoglobin 13.1", y=600))[0])


def white_on_white() -> bytes:
    return _bytes(_page(_line("Blood test") + _line(WORD, y=600, extra="1 1 1 rg"))[0])


def invisible() -> bytes:
    """Text rendering mode 3: what scanners put under the picture of a page."""
    return _bytes(_page(_line("Blood test") + _line(WORD, y=600, extra="3 Tr"))[0])


def badly_redacted() -> bytes:
    """A black box painted over text that is still there."""
    box = "q 0 0 0 rg 60 590 400 40 re f Q\n"
    return _bytes(_page(_line("Blood test") + _line(WORD, y=600) + box)[0])


def outside_the_page() -> bytes:
    return _bytes(_page(_line("Blood test") + _line(WORD, x=900, y=2000))[0])


def metadata() -> bytes:
    made, _one = _page(_line("Blood test"))
    made.docinfo["/Title"] = WORD
    made.docinfo["/Keywords"] = String(WORD)
    with made.open_metadata() as xmp:
        xmp["dc:title"] = WORD
        xmp["dc:description"] = f"after {WORD}"
    return _bytes(made, compress_streams=False)


def attachment() -> bytes:
    made, _one = _page(_line("Blood test"))
    made.attachments[f"{WORD}.txt"] = f"plan: {WORD}".encode()
    return _bytes(made)


def bookmark() -> bytes:
    made, _one = _page(_line("Blood test"))
    with made.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem(WORD, 0))
    return _bytes(made)


def form_field() -> bytes:
    made, page = _page(_line("Blood test"))
    look = made.make_stream(f"/Tx BMC BT /F1 18 Tf 2 6 Td ({WORD}) Tj ET EMC".encode())
    look.Type, look.Subtype = Name.XObject, Name.Form
    look.BBox, look.Resources = [0, 0, 300, 30], Dictionary(Font=_font(made))
    field = made.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("plan"), V=String(WORD),
            Rect=[72, 600, 372, 630], DA=String("/F1 18 Tf 0 g"), AP=Dictionary(N=look), F=4,
        )
    )  # fmt: skip
    page.Annots = Array([field])
    made.Root.AcroForm = made.make_indirect(
        Dictionary(Fields=Array([field]), DR=Dictionary(Font=_font(made)))
    )
    return _bytes(made)


def annotation() -> bytes:
    made, page = _page(_line("Blood test"))
    note = Dictionary(
        Type=Name.Annot, Subtype=Name.Text, Rect=[72, 600, 92, 620], Contents=String(WORD),
        T=String(f"Dr {WORD}"),
    )  # fmt: skip
    page.Annots = Array([made.make_indirect(note)])
    return _bytes(made)


def earlier_revision() -> bytes:
    """An incremental update: the first version, which says it, is still in the file."""
    before = _bytes(_page(_line(WORD))[0], compress_streams=False)
    later = _line("Blood test").encode()
    with pikepdf.open(BytesIO(before)) as made:
        number = made.pages[0].Contents.objgen[0]
        size = len(made.objects) + 1
        root = made.Root.objgen[0]
    at = len(before)
    body = (
        b"\n%d 0 obj\n<< /Length %d >>\nstream\n" % (number, len(later)) + later
        + b"endstream\nendobj\n"
    )  # fmt: skip
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, at + 1)
    old = before.rindex(b"startxref") + len(b"startxref")
    previous = int(before[old:].split()[0])
    end = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    return before + body + table + end % (size, root, previous, at + 1 + len(body) - 1)


def hidden_layer() -> bytes:
    """An optional content group that is switched off."""
    made, page = _page(_line("Blood test") + "/OC /L0 BDC\n" + _line(WORD, y=600) + "EMC\n")
    layer = made.make_indirect(Dictionary(Type=Name.OCG, Name=String(f"Layer {WORD}")))
    page.Resources.Properties = Dictionary(L0=layer)
    made.Root.OCProperties = Dictionary(
        OCGs=Array([layer]), D=Dictionary(OFF=Array([layer]), Order=Array([layer]))
    )
    return _bytes(made)


def actual_text() -> bytes:
    """What a screen reader is told in place of the letters."""
    content = f"/Span << /ActualText ({WORD}) >> BDC\n" + _line("Blood test") + "EMC\n"
    return _bytes(_page(content)[0])


def rotated() -> bytes:
    made, page = _page(_line(f"We advise {WORD} soon"))
    page.Rotate = 90
    return _bytes(made)


def in_an_object_stream() -> bytes:
    with pikepdf.open(BytesIO(metadata())) as made:
        return _bytes(made, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def many_pages() -> bytes:
    return pdf(9, text=WORD)


# Where the form field is drawn: fractions of the page.
FIELD = [72 / 595, 1 - 630 / 842, 372 / 595, 1 - 600 / 842]
# Made PDF -> whether the word is seen on the page, so that its box must be painted over.
NASTY = {
    shown: True, white_on_white: False, invisible: False, badly_redacted: False,
    outside_the_page: False, metadata: False, attachment: False, bookmark: False,
    form_field: True, annotation: False, earlier_revision: False, hidden_layer: False,
    actual_text: False, rotated: True, in_an_object_stream: False, many_pages: True,
}  # fmt: skip
