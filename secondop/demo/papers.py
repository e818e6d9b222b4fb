"""The playground's records: papers of invented hospitals about invented people, made here."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, timedelta
from textwrap import wrap

import pikepdf


@dataclass(frozen=True)
class Paper:
    kind: str  # a key of DocumentKind
    file_name: str  # as the patient's computer calls it
    neutral_title: str  # what a sealed reader sees
    issuer: str
    title: str
    sections: tuple[tuple[str, str], ...]
    table: tuple[tuple[str, ...], ...] = ()  # first row: headings
    signed_by: str = ""
    days_ago: int = 30
    blinding_class: str = "clear"

    def dated_on(self, today: date) -> date:
        return today - timedelta(days=self.days_ago)


WIDTH, HEIGHT = 595, 842  # A4 in points
LEFT, TOP, BOTTOM = 60, 780, 70
LETTERS_A_LINE = 88  # of Helvetica at 10.5 points; about as wide as the page


def as_pdf(paper: Paper, *, who: str, today: date) -> bytes:
    """Return the paper as PDF bytes: one typeface every reader has, text that can be searched.

    `who`: the line that says whose paper it is.
    """
    sheet = _Sheet()
    sheet.write(paper.issuer, size=15, bold=True)
    sheet.rule()
    sheet.write(paper.title, size=13, bold=True, above=18)
    sheet.write(f"{who}     Date: {paper.dated_on(today):%-d %B %Y}", above=6)
    for heading, text in paper.sections:
        if heading:
            sheet.write(heading, bold=True, above=12)
        for paragraph in text.split("\n"):
            sheet.write(paragraph, above=4)
    for number, row in enumerate(paper.table):
        sheet.row(row, bold=number == 0)
    if paper.signed_by:
        sheet.write(paper.signed_by, above=30)
    sheet.write("Invented for a demonstration. It is about nobody.", size=8, above=30)
    return sheet.as_bytes(title=paper.title)


class _Sheet:
    """Lines on pages, from the top down."""

    def __init__(self) -> None:
        self.pages: list[list[str]] = [[]]
        self.y = float(TOP)

    def write(self, text: str, *, size: float = 10.5, bold: bool = False, above: float = 0) -> None:
        self.y -= above
        for line in wrap(text, int(LETTERS_A_LINE * 10.5 / size)) or [""]:
            self._down(size * 1.4)
            self._put(LEFT, line, size, bold)

    def row(self, cells: tuple[str, ...], *, bold: bool) -> None:
        self._down(17)
        for place, cell in enumerate(cells):
            self._put(LEFT + place * 160, cell, 10.5, bold)

    def rule(self) -> None:
        self._down(6)
        self.pages[-1].append(f"0.8 w {LEFT} {self.y:.1f} m {WIDTH - LEFT} {self.y:.1f} l S")

    def _down(self, points: float) -> None:
        self.y -= points
        if self.y < BOTTOM:
            self.pages.append([])
            self.y = TOP - points

    def _put(self, x: float, line: str, size: float, bold: bool) -> None:
        text = line.encode("cp1252", "replace").hex()
        font = "F2" if bold else "F1"
        self.pages[-1].append(f"BT /{font} {size} Tf {x:.1f} {self.y:.1f} Td <{text}> Tj ET")

    def as_bytes(self, *, title: str) -> bytes:
        pdf = pikepdf.new()
        fonts = {
            name: pikepdf.Dictionary(
                Type=pikepdf.Name.Font,
                Subtype=pikepdf.Name.Type1,
                BaseFont=pikepdf.Name(base),
                Encoding=pikepdf.Name.WinAnsiEncoding,
            )
            for name, base in (("/F1", "/Helvetica"), ("/F2", "/Helvetica-Bold"))
        }
        for lines in self.pages:
            page = pdf.add_blank_page(page_size=(WIDTH, HEIGHT))
            page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(fonts))
            page.Contents = pdf.make_stream("\n".join(lines).encode("ascii"))
        pdf.docinfo["/Title"] = title
        out = io.BytesIO()
        pdf.save(out)
        return out.getvalue()
