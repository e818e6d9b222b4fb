"""Our own HTML from what is stored of an electronic record. For views.

SECURITY: every tag and attribute is written here; what the record says goes through `escape`, and
becomes neither an address nor an attribute but the label of a cell. Whether a person may see the
document is decided before, by `records.blinding.parts_for`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.blinding import Sight, parts_for
from records.models import Document

MARKS = {"b": "strong", "i": "em", "u": "u", "s": "s", "sub": "sub", "sup": "sup"}
CODES: dict[str, str | Promise] = {
    "section": gettext_lazy("Section"), "document": gettext_lazy("Document"),
    "summary": gettext_lazy("Summary"), "who": gettext_lazy("Who it is about"),
    "AllergyIntolerance": gettext_lazy("Allergies"), "Condition": gettext_lazy("Problems"),
    "MedicationStatement": gettext_lazy("Medicines"),
    "MedicationRequest": gettext_lazy("Prescriptions"),
    "MedicationOrder": gettext_lazy("Prescriptions"),
    "MedicationDispense": gettext_lazy("Medicines from the pharmacy"),
    "MedicationAdministration": gettext_lazy("Medicines given"),
    "Procedure": gettext_lazy("Procedures"), "DiagnosticReport": gettext_lazy("Reports"),
    "Observation": gettext_lazy("Values and findings"), "ImagingStudy": gettext_lazy("Images"),
    "Immunization": gettext_lazy("Vaccinations"), "Encounter": gettext_lazy("Visits"),
    "CarePlan": gettext_lazy("Care plans"), "Goal": gettext_lazy("Goals"),
    "FamilyMemberHistory": gettext_lazy("Family history"),
    "DocumentReference": gettext_lazy("Files named here"), "Binary": gettext_lazy("Files inside"),
}  # fmt: skip
COLUMNS: dict[str, str | Promise] = {
    "on": gettext_lazy("Date"), "what": gettext_lazy("What"), "told": gettext_lazy("Details"),
    "status": gettext_lazy("Status"),
}  # fmt: skip
SENTENCES: dict[str, str | Promise] = {
    "empty": gettext_lazy("Nothing is written in this section."),
    "only_coded": gettext_lazy("This section has coded entries only. See values and history."),
    "file_inside": gettext_lazy("The rest is a file packed inside. It is a document of its own."),
}
Block = list[Any]


@dataclass(frozen=True)
class Heading:
    title: str
    depth: int
    url: str


@dataclass(frozen=True)
class Section:
    id: str
    title: str
    tag: str  # h2-h5
    by: str
    on: str
    html: SafeString


@dataclass(frozen=True)
class Readable:
    """One part of a record, with the contents of all of it."""

    title: str
    facts: list[dict[str, str]]  # who wrote it and when: full sight only
    contents: list[Heading]
    sections: list[Section]
    number: int
    total: int
    is_cut: bool
    query: str = ""  # before part= in addresses of this page

    @property
    def previous(self) -> int:
        return self.number - 1

    @property
    def next(self) -> int:
        return self.number + 1 if self.number < self.total else 0


def readable(document: Document, sight: Sight, asked: str = "", query: str = "") -> Readable | None:
    """The part that was asked for, the first otherwise; None when there is none to see.

    `query` comes before the number in addresses of this page. Two queries.
    """
    rows = list(parts_for(document, sight).order_by("number").values_list("pk", "headings"))
    if not rows:
        return None
    total = len(rows)
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1
    number = min(max(number, 1), total)
    part = parts_for(document, sight).get(pk=rows[number - 1][0])
    is_full = sight == "full"
    head = part.head if is_full else {}
    contents = [
        Heading(title_of(one), one.get("depth", 1), _address(one["id"], at, number, query))
        for at, (_pk, headings) in enumerate(rows, 1) for one in headings
        if not one.get("continued") and (is_full or not one.get("who"))
    ]  # fmt: skip
    return Readable(
        title=head.get("title", ""), facts=_facts(head), contents=contents,
        sections=sections_of(part.content, is_full=is_full), number=number, total=total,
        is_cut=bool(document.findings.get("text_is_cut")), query=query,
    )  # fmt: skip


def _address(anchor: str, at: int, here: int, query: str) -> str:
    return f"#{anchor}" if at == here else f"?{query}part={at}#{anchor}"


def title_of(section: dict[str, Any]) -> str:
    if title := section.get("title"):
        return str(title)
    code = section.get("code", "section")
    return str(CODES.get(code) or code)


def _facts(head: dict[str, Any]) -> list[dict[str, str]]:
    told = (
        (_("Patient"), head.get("patient", "")),
        (_("Date of birth"), _day(head.get("born", ""))),
        (_("Kind"), head.get("kind", "")),
        (_("Written on"), _day(head.get("on", ""))),
        (_("Written by"), "; ".join(head.get("by", []))),
        (_("From"), head.get("organization", "")),
    )
    return [{"label": label, "value": value} for label, value in told if value]


def _day(text: str) -> str:
    try:
        return date_format(date.fromisoformat(text), "DATE_FORMAT")
    except ValueError:
        return text[:10]


def sections_of(content: list[dict[str, Any]], *, is_full: bool) -> list[Section]:
    shown = [one for one in content if is_full or not one.get("who")]
    return [
        Section(
            id=one["id"], title=title_of(one), tag=f"h{min(one.get('depth', 1), 4) + 1}",
            by="; ".join(one.get("by") or []) if is_full else "",
            on=_day(one.get("on") or "") if is_full else "",
            html=_blocks(one["blocks"]),
        )
        for one in shown
    ]  # fmt: skip


# --- blocks ------------------------------------------------------------------------------------


def _blocks(blocks: list[Block]) -> SafeString:
    return mark_safe("".join(BLOCKS[block[0]](*block[1:]) for block in blocks))  # noqa: S308


def _inline(inline: list[Any]) -> SafeString:
    made = []
    for one in inline:
        if isinstance(one, str):
            made.append(escape(one))
        elif one[0] == "br":
            made.append(mark_safe("<br>"))
        elif one[0] == "picture":
            name = "".join(text for text in one[1] if isinstance(text, str)).strip()
            words = _("Picture: %(name)s") % {"name": name} if name else _("Picture, not shown")
            made.append(format_html('<span class="so-record__picture">[{}]</span>', words))
        else:
            tag = MARKS[one[0]]
            made.append(mark_safe(f"<{tag}>{_inline(one[1])}</{tag}>"))  # noqa: S308
    return mark_safe("".join(made))  # noqa: S308


def _paragraph(inline: list[Any]) -> str:
    return f"<p>{_inline(inline)}</p>"


def _pre(text: str) -> str:
    return format_html('<pre class="so-record__pre">{}</pre>', text)


def _list(is_ordered: bool, items: list[list[Block]]) -> str:
    tag = "ol" if is_ordered else "ul"
    return f"<{tag}>{''.join(f'<li>{_cell_blocks(item)}</li>' for item in items)}</{tag}>"


def _say(code: str, _text: str) -> str:
    return format_html('<p class="so-muted">{}</p>', SENTENCES.get(code, ""))


def _rows(columns: list[str], rows: list[list[str]]) -> str:
    """The list of resources: days are written as days, columns that say nothing are left out."""
    used = [at for at, _name in enumerate(columns) if any(row[at] for row in rows)]
    heads = [str(COLUMNS.get(columns[at], "")) for at in used]
    cells = [[_day(row[at]) if columns[at] == "on" else row[at] for at in used] for row in rows]
    body = "".join(_card_row(heads, [escape(cell) for cell in row]) for row in cells)
    return _table_of("", heads, body)


def _table(caption: list[Any], heads: list[Any], rows: list[Any]) -> str:
    """A plain table becomes cards on a phone; one with joined cells is moved sideways instead."""
    cells = [cell for row in (*heads, *rows) for cell in row]
    is_plain = (
        len(heads) == 1
        and all(cell[1] == cell[2] == 1 for cell in cells)
        and all(len(row) == len(heads[0]) for row in rows)
        and all(words_of(cell[0]) for cell in heads[0])
    )
    if is_plain:
        names = [words_of(cell[0])[:80] for cell in heads[0]]
        body = "".join(_card_row(names, [_cell_blocks(c[0]) for c in row]) for row in rows)
        return _table_of(_inline(caption), names, body)
    head = "".join(f"<tr>{''.join(_cell(c, 'th') for c in row)}</tr>" for row in heads)
    body = "".join(f"<tr>{''.join(_cell(c, '') for c in row)}</tr>" for row in rows)
    label = format_html(
        '<div class="so-record__wide" tabindex="0" role="region" aria-label="{}">', _("Table")
    )
    top = f"<caption>{_inline(caption)}</caption>" if caption else ""
    thead = f"<thead>{head}</thead>" if head else ""
    return f'{label}<table class="so-table">{top}{thead}<tbody>{body}</tbody></table></div>'


def _table_of(caption: str, heads: list[str], body: str) -> str:
    top = f"<caption>{caption}</caption>" if caption else ""
    cells = "".join(format_html('<th scope="col">{}</th>', name) for name in heads)
    table = f"{top}<thead><tr>{cells}</tr></thead><tbody>{body}</tbody>"
    return f'<table class="so-table so-table--cards so-record__table">{table}</table>'


def _card_row(names: list[str], cells: list[str]) -> str:
    made = (
        format_html('<td data-label="{}">{}</td>', name, mark_safe(cell))  # noqa: S308
        for name, cell in zip(names, cells, strict=True)
    )
    return f"<tr>{''.join(made)}</tr>"


def _cell(cell: list[Any], tag: str) -> str:
    blocks, columns, rows, is_head = cell
    tag = tag or ("th" if is_head and blocks else "td")
    spans = (f' colspan="{int(columns)}"' if columns > 1 else "") + (
        f' rowspan="{int(rows)}"' if rows > 1 else ""
    )
    return f"<{tag}{spans}>{_cell_blocks(blocks)}</{tag}>"


def _cell_blocks(blocks: list[Block]) -> SafeString:
    """One paragraph alone needs no tag of its own."""
    if len(blocks) == 1 and blocks[0][0] == "p":
        return _inline(blocks[0][1])
    return _blocks(blocks)


def words_of(thing: Any) -> str:
    """The bare words of blocks or inline, for labels."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, list):
        kept = thing[1:] if thing and thing[0] in (*MARKS, *BLOCKS, "br", "picture") else thing
        return " ".join("".join(words_of(one) for one in kept).split())
    return ""


BLOCKS: dict[str, Callable[..., str]] = {
    "p": _paragraph, "pre": _pre, "l": _list, "t": _table, "rows": _rows, "say": _say,
}  # fmt: skip
