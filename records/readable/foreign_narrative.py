"""The narrative of C-CDA (PS: HL7 CDA R2, section 4.3.5) and of FHIR (XHTML) as blocks of ours.

Runs only in the guarded child. Nothing is copied but text: an element that we know decides the
shape, one that we do not know gives its words, and what only acts (script, style, frames) nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element

from records.readable.foreign import Block

MAX_DEPTH = 60  # of elements that are looked into; what lies deeper stands beside it
MAX_NESTED = 8  # lists and tables inside each other
MAX_SPAN = 30
DROPPED = {"script", "style", "iframe", "object", "embed", "template", "noscript", "head", "svg",
           "math", "applet", "audio", "video", "canvas", "colgroup", "col"}  # fmt: skip
VOID = {"br", "img", "hr", "col", "wbr", "input", "meta", "link", "base", "area"}
MARKS = {"b": "b", "strong": "b", "i": "i", "em": "i", "cite": "i", "u": "u", "ins": "u", "s": "s",
         "del": "s", "strike": "s", "sub": "sub", "sup": "sup"}  # fmt: skip
INLINE = {*MARKS, "content", "span", "br", "wbr", "linkhtml", "a", "footnote", "footnoteref",
          "rendermultimedia", "img", "tt", "code", "small", "big", "q", "abbr", "font", "label",
          "var", "samp", "kbd", "dfn", "bdo", "bdi", "mark", "time", "input"}  # fmt: skip
STYLES = {"bold": "b", "italics": "i", "emphasis": "i", "underline": "u"}
LISTS = {"list", "ul", "ol", "menu", "dir"}
TITLES = {"h1", "h2", "h3", "h4", "h5", "h6", "caption", "dt", "legend", "figcaption"}
Inline = list[Any]


@dataclass
class Node:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    @property
    def nodes(self) -> Iterator[Node]:
        return (child for child in self.children if isinstance(child, Node))

    @property
    def is_inline(self) -> bool:
        return self.tag in INLINE and all(node.is_inline for node in self.nodes)

    def words(self) -> str:
        if self.tag in DROPPED:
            return ""
        return "".join(c if isinstance(c, str) else f" {c.words()} " for c in self.children)


def of_element(element: Element, depth: int = 0) -> Node:
    """A narrative that stands in XML."""
    node = Node(_name(str(element.tag)), {_name(k): v for k, v in element.attrib.items()})
    if element.text:
        node.children.append(element.text)
    for child in element:
        if isinstance(child.tag, str):  # else a comment or an instruction
            inner = of_element(child, depth + 1)
            node.children += inner.children if depth > MAX_DEPTH else [inner]
        if child.tail:
            node.children.append(child.tail)
    return node


def _name(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2].lower()


def of_html(text: str) -> Node:
    """A narrative that stands as text in JSON, however badly it is formed."""
    parser = _Html()
    parser.feed(text)
    parser.close()
    return parser.root


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("div")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(_name(tag), {_name(key): value or "" for key, value in attrs})
        self.open[-1].children.append(node)
        if node.tag not in VOID and len(self.open) < MAX_DEPTH:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(_name(tag), {_name(k): v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        name = _name(tag)
        for at in range(len(self.open) - 1, 0, -1):
            if self.open[at].tag == name:
                del self.open[at:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


class Narrative:
    """Turns one narrative into blocks. `pictures` says what is known of what it refers to."""

    def __init__(self, pictures: dict[str, str] | None = None) -> None:
        self.pictures = pictures or {}

    def blocks(self, node: Node, nested: int = 0) -> list[Block]:
        made: list[Block] = []
        run: Inline = []
        for child in node.children:
            if isinstance(child, str):
                run.append(child)
            elif child.is_inline:
                run += self._inline(child)
            elif child.tag not in DROPPED:
                _end(run, made)
                made += self._block(child, nested)
                run = []
        _end(run, made)
        return made

    def _block(self, node: Node, nested: int) -> list[Block]:
        if nested > MAX_NESTED and node.tag in {*LISTS, "table"}:
            return _paragraph([node.words()])
        if node.tag in LISTS:
            return self._list(node, nested)
        if node.tag == "table":
            return self._table(node, nested)
        if node.tag == "pre":
            words = node.words().strip("\n")
            return [["pre", words]] if words.strip() else []
        if node.tag in TITLES and all(child.is_inline for child in node.nodes):
            return _paragraph([["b", self._all_inline(node.children)]])
        return self.blocks(node, nested)

    def _list(self, node: Node, nested: int) -> list[Block]:
        items, before = [], []
        for child in node.nodes:
            if child.tag in ("item", "li"):
                items.append(self.blocks(child, nested + 1))
            elif child.tag not in DROPPED:
                before += self._block(child, nested + 1)
        loose = _paragraph([child for child in node.children if isinstance(child, str)])
        is_ordered = node.tag == "ol" or node.attributes.get("listtype") == "ordered"
        items = [item for item in items if item]
        return [*before, *loose, *([["l", is_ordered, items]] if items else [])]

    # --- tables ---

    def _table(self, node: Node, nested: int) -> list[Block]:
        caption: Inline = []
        heads: list[Any] = []
        rows: list[Any] = []
        beside: list[Block] = []
        for group in node.nodes:
            if group.tag == "caption":
                caption = tidy(self._all_inline(group.children))
            elif group.tag == "thead":
                heads += self._rows(group, nested)
            elif group.tag in ("tbody", "tfoot"):
                rows += self._rows(group, nested)
            elif group.tag == "tr":
                rows += self._rows(Node("tbody", children=[group]), nested)
            elif group.tag not in DROPPED:
                beside += self._block(group, nested + 1)
        if not heads and len(rows) > 1 and all(cell[3] for cell in rows[0]):
            heads, rows = rows[:1], rows[1:]
        table: list[Block] = [["t", caption, heads, rows]] if heads or rows else []
        return [*beside, *(table or _paragraph(caption))]

    def _rows(self, group: Node, nested: int) -> list[Any]:
        rows = []
        for row in group.nodes:
            cells = [self._cell(c, nested) for c in row.nodes if c.tag in ("td", "th")]
            if any(cell[0] for cell in cells):
                rows.append(cells)
        return rows

    def _cell(self, node: Node, nested: int) -> list[Any]:
        spans = [_span(node.attributes.get(name)) for name in ("colspan", "rowspan")]
        return [self.blocks(node, nested + 1), *spans, node.tag == "th"]

    # --- within a line ---

    def _all_inline(self, children: Iterable[Node | str]) -> Inline:
        made: Inline = []
        for child in children:
            made += [child] if isinstance(child, str) else self._inline(child)
        return made

    def _inline(self, node: Node) -> Inline:
        if node.tag in DROPPED or node.tag == "footnoteref":
            return []
        if node.tag == "br":
            return [["br", []]]
        if node.tag in ("img", "rendermultimedia"):
            return [["picture", [self._named(node)]]]
        inner = self._all_inline(node.children)
        if node.tag == "footnote":
            return [" (", *inner, ")"]
        for mark in _marks(node):
            inner = [[mark, inner]]
        return inner

    def _named(self, node: Node) -> str:
        """What is said of a picture. Its address is none of anybody's business."""
        known = [self.pictures.get(one, "")
                 for one in node.attributes.get("referencedobject", "").split()]  # fmt: skip
        said = [node.attributes.get("alt", ""), node.attributes.get("title", ""), *known]
        said.append(node.words())
        return next((one for one in (" ".join(s.split()) for s in said) if one), "")[:300]


def _marks(node: Node) -> list[str]:
    if node.tag in MARKS:
        return [MARKS[node.tag]]
    styles = node.attributes.get("stylecode", "").lower().split()
    marks = list(dict.fromkeys(STYLES[style] for style in styles if style in STYLES))
    if node.attributes.get("revised") == "delete":
        marks.append("s")
    return marks


def _span(text: str | None) -> int:
    said = (text or "").strip()
    return min(max(int(said), 1), MAX_SPAN) if re.fullmatch(r"[0-9]{1,4}", said) else 1


def _end(run: Inline, made: list[Block]) -> None:
    made += _paragraph(run)


def _paragraph(inline: Inline) -> list[Block]:
    kept = tidy(inline)
    return [["p", kept]] if kept else []


def tidy(inline: Inline) -> Inline:
    """Single blanks, none at either end; nothing at all when there are no words."""
    joined: Inline = []
    _gather(inline, joined)
    while joined and _is_blank(joined[0]):
        joined.pop(0)
    while joined and _is_blank(joined[-1]):
        joined.pop()
    if joined and isinstance(joined[0], str):
        joined[0] = joined[0].lstrip()
    if joined and isinstance(joined[-1], str):
        joined[-1] = joined[-1].rstrip()
    return joined


def _gather(inline: Inline, into: Inline) -> None:
    for one in inline:
        if isinstance(one, str):
            text = re.sub(r"\s+", " ", one)
            if into and isinstance(into[-1], str):
                into[-1] = re.sub(r" +", " ", into[-1] + text)
            elif text:
                into.append(text)
            continue
        mark, inner = one
        kept: Inline = []
        _gather(inner, kept)
        if kept or mark in ("br", "picture"):
            into.append([mark, kept])


def _is_blank(one: Any) -> bool:
    if isinstance(one, str):
        return not one.strip()
    return bool(one[0] == "br" or (one[0] != "picture" and all(map(_is_blank, one[1]))))
