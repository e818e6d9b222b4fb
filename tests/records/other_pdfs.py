"""PDFs of kinds that scanners, printers and portals write: turned, cropped, locked, pictures."""

from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageDraw, ImageFont

WORD = "Mastectomy"
WIDE, HIGH = 595, 842


def _letter(word: str) -> pikepdf.Pdf:
    """A line with the word in the middle, so that it has a neighbour on every side."""
    made = pikepdf.new()
    made.add_blank_page(page_size=(WIDE, HIGH))
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    page = made.pages[0].obj
    page.Resources = Dictionary(Font=Dictionary(F1=made.make_indirect(font)))
    lines = [(72, 640, "Blood test"), (72, 600, "We advise"), (200, 600, word),
             (350, 600, "soon, Haemoglobin 13.1"), (72, 560, "Pulse 72")]  # fmt: skip
    page.Contents = made.make_stream(
        b"".join(f"BT /F1 18 Tf {x} {y} Td ({text}) Tj ET\n".encode() for x, y, text in lines)
    )
    return made


def _saved(made: pikepdf.Pdf, **how: object) -> bytes:
    out = io.BytesIO()
    made.save(out, **how)
    return out.getvalue()


def _page(**entries: object) -> Callable[[str], bytes]:
    def make(word: str) -> bytes:
        made = _letter(word)
        for key, value in entries.items():
            made.pages[0].obj[f"/{key}"] = value
        return _saved(made)

    return make


def locked(word: str) -> bytes:
    encryption = pikepdf.Encryption(owner="secret", user="", R=6)
    return _saved(_letter(word), encryption=encryption)


def locked_the_old_way(word: str) -> bytes:
    encryption = pikepdf.Encryption(owner="secret", user="", R=3, aes=False, metadata=False)
    return _saved(_letter(word), encryption=encryption)


def object_streams(word: str) -> bytes:
    made = _letter(word)
    made.docinfo["/Title"] = String(word)
    return _saved(made, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def inherited(word: str) -> bytes:
    """Size, turn and fonts stand with the list of pages."""
    made = _letter(word)
    page, above = made.pages[0].obj, made.Root.Pages
    above.Resources, above.MediaBox, above.Rotate = page.Resources, page.MediaBox, 270
    del page["/Resources"], page["/MediaBox"]
    return _saved(made)


def updated(word: str) -> bytes:
    """An incremental update that adds the line with the word to an older page."""
    before = _saved(_letter(""), compress_streams=False)
    newer = _letter(word)
    later = newer.pages[0].Contents.read_bytes()
    with pikepdf.open(io.BytesIO(before)) as made:
        number, size = made.pages[0].Contents.objgen[0], len(made.objects) + 1
        root = made.Root.objgen[0]
    body = b"%d 0 obj\n<< /Length %d >>\nstream\n%sendstream\nendobj\n" % (
        number, len(later), later)  # fmt: skip
    previous = int(before[before.rindex(b"startxref") + 9 :].split()[0])
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, len(before))
    end = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        size, root, previous, len(before) + len(body))  # fmt: skip
    return before + body + table + end


def form(word: str) -> bytes:
    """The word is typed into a field; the field draws it itself."""
    made = _letter("")
    page = made.pages[0].obj
    look = made.make_stream(f"/Tx BMC BT /F1 18 Tf 2 6 Td ({word}) Tj ET EMC".encode())
    look.Type, look.Subtype, look.BBox = Name.XObject, Name.Form, [0, 0, 140, 30]
    look.Resources = page.Resources
    field = made.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("plan"), V=String(word),
            Rect=[200, 594, 340, 624], DA=String("/F1 18 Tf 0 g"), AP=Dictionary(N=look), F=4,
        )
    )  # fmt: skip
    page.Annots = Array([field])
    made.Root.AcroForm = made.make_indirect(Dictionary(Fields=Array([field]), DR=page.Resources))
    return _saved(made)


# --- scans: no text at all ----------------------------------------------------------------------


def _scan(word: str, edge: int = 3) -> Image.Image:
    picture = Image.new("L", (WIDE * edge, HIGH * edge), 255)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(18 * edge)
    for x, y, text in ((72, 200, "Blood test"), (72, 240, "We advise"), (200, 240, word),
                       (350, 240, "soon"), (72, 280, "Pulse 72")):  # fmt: skip
        pen.text((x * edge, y * edge), text, fill=0, font=font)
    return picture


def _of_picture(data: bytes, size: tuple[int, int], **entries: object) -> bytes:
    made = pikepdf.new()
    made.add_blank_page(page_size=(WIDE, HIGH))
    image = pikepdf.Stream(made, data)
    common = {"Type": Name.XObject, "Subtype": Name.Image, "Width": size[0], "Height": size[1]}
    for key, value in (common | entries).items():
        image[f"/{key}"] = value
    page = made.pages[0].obj
    page.Resources = Dictionary(XObject=Dictionary(P=made.make_indirect(image)))
    page.Contents = made.make_stream(f"q {WIDE} 0 0 {HIGH} 0 0 cm /P Do Q".encode())
    page.Rotate = 180
    return _saved(made)


def fax(word: str) -> bytes:
    """One bit a dot, CCITT Group 4, as fax machines and office scanners write."""
    picture, out = _scan(word).convert("1"), io.BytesIO()
    picture.save(out, "TIFF", compression="group4", strip_size=2**30)
    with Image.open(out) as tiff:
        [start], [length] = tiff.tag_v2[273], tiff.tag_v2[279]
        is_black_zero = tiff.tag_v2[262] == 1
    how = Dictionary(K=-1, Columns=picture.width, Rows=picture.height, BlackIs1=is_black_zero)
    return _of_picture(
        out.getvalue()[start : start + length], picture.size, ColorSpace=Name.DeviceGray,
        BitsPerComponent=1, Filter=Name.CCITTFaxDecode, DecodeParms=how,
    )  # fmt: skip


def jpeg_2000(word: str) -> bytes:
    picture, out = _scan(word), io.BytesIO()
    picture.save(out, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[10])
    return _of_picture(out.getvalue(), picture.size, Filter=Name.JPXDecode)


SCANS = (fax, jpeg_2000)
PAGES: dict[str, Callable[[str], bytes]] = {
    "turned 90": _page(Rotate=90), "turned 180": _page(Rotate=180), "turned -90": _page(Rotate=-90),
    "cropped, turned, unit 2": _page(CropBox=[60, 40, 580, 800], Rotate=90, UserUnit=2),
    "box off its corner": _page(MediaBox=[-100, 900, 700, -50], Rotate=180),
    "huge": _page(MediaBox=[0, 0, 3600, 2400]),
    "long as a roll": _page(MediaBox=[0, 590, 60_000, 630]),
    "a strip": _page(MediaBox=[60, 0, 320, 20_000]),
    "locked": locked, "locked the old way": locked_the_old_way, "object streams": object_streams,
    "inherited": inherited, "updated": updated, "form": form,
    **{make.__name__: make for make in SCANS},
}  # fmt: skip
