"""A C-CDA document for people: who wrote it, and the narrative of every section.

Runs only in the guarded child. The narrative is what the author signed (CDA R2, 4.3.5): entries are
shown by the facts, not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from records.facts.foreign import day
from records.facts.foreign_cda import V3
from records.facts.foreign_xml import parsed
from records.readable.foreign import Section, line
from records.readable.foreign_narrative import Narrative, of_element

MAX_DEPTH = 4
MAX_NAMES = 10


def read(content: bytes) -> tuple[dict[str, Any], list[Section]]:
    """Returns: who, what and when; the sections in the document's order."""
    root = parsed(content)
    bodies = root.iterfind(f"{V3}component/{V3}nonXMLBody/{V3}text")
    sections = [_plain_body(body) for body in bodies]
    pictures = {
        media.get("ID", ""): _text(media.find(f"{V3}value/{V3}reference"))
        or _text(media.find(f"{V3}text"))
        for media in root.iter(f"{V3}observationMedia")
    }
    for section in root.iterfind(f"{V3}component/{V3}structuredBody/{V3}component/{V3}section"):
        sections += _sections(section, 1, pictures)
    return _head(root), sections


def _plain_body(body: Element) -> Section:
    words = "".join(body.itertext()).strip()
    is_packed = body.get("representation") == "B64" or not words
    blocks = [["say", "file_inside", ""]] if is_packed else [["pre", words]]
    return {"depth": 1, "title": "", "code": "document", "blocks": blocks}


def _sections(element: Element, depth: int, pictures: dict[str, str]) -> Iterator[Section]:
    code = element.find(f"{V3}code")
    title = _text(element.find(f"{V3}title")) or (code.get("displayName", "") if code is not None
                                                  else "")  # fmt: skip
    text = element.find(f"{V3}text")
    blocks = Narrative(pictures).blocks(of_element(text)) if text is not None else []
    inner = element.findall(f"{V3}component/{V3}section")
    if not blocks and not inner:
        has_entries = element.find(f"{V3}entry") is not None
        blocks = [["say", "only_coded" if has_entries else "empty", ""]]
    yield {
        "depth": min(depth, MAX_DEPTH), "title": title[:200], "code": "" if title else "section",
        "by": [name for name, _place in _authors(element)], "on": _authored_on(element),
        "blocks": blocks,
    }  # fmt: skip
    for one in inner:
        yield from _sections(one, depth + 1, pictures)


def _head(root: Element) -> dict[str, Any]:
    code = root.find(f"{V3}code")
    role = root.find(f"{V3}recordTarget/{V3}patientRole")
    authors = _authors(root)
    custodian = root.find(f"{V3}custodian//{V3}name")
    places = [place for _name, place in authors if place] or [_text(custodian)]
    born = role.find(f"{V3}patient/{V3}birthTime") if role is not None else None
    return {
        "title": _text(root.find(f"{V3}title"))[:200],
        "kind": code.get("displayName", "")[:200] if code is not None else "",
        "on": day(_value(root.find(f"{V3}effectiveTime"))),
        "by": [name for name, _place in authors],
        "organization": "; ".join(dict.fromkeys(filter(None, places)))[:300],
        "patient": _person(role.find(f"{V3}patient")) if role is not None else "",
        "born": day(_value(born)),
    }  # fmt: skip


def _authors(element: Element) -> list[tuple[str, str]]:
    """Name and organization of whoever wrote it; a machine is an author too."""
    found = []
    for author in element.findall(f"{V3}author")[:MAX_NAMES]:
        role = author.find(f"{V3}assignedAuthor")
        if role is None:
            continue
        name = _person(role.find(f"{V3}assignedPerson"))
        device = role.find(f"{V3}assignedAuthoringDevice")
        if not name and device is not None:
            name = _text(device.find(f"{V3}softwareName"))
        place = _text(role.find(f"{V3}representedOrganization/{V3}name"))
        if name or place:
            found.append((name or place, place))
    return list(dict.fromkeys(found))


def _authored_on(element: Element) -> str:
    return day(_value(element.find(f"{V3}author/{V3}time")))


def _person(element: Element | None) -> str:
    name = element.find(f"{V3}name") if element is not None else None
    if name is None:
        return ""
    parts = {tag: [_text(e) for e in name.findall(V3 + tag)]
             for tag in ("prefix", "given", "family", "suffix")}  # fmt: skip
    if not parts["family"] and not parts["given"]:
        return _text(name)[:150]
    return line(*(word for words in parts.values() for word in words))[:150]


def _text(element: Element | None) -> str:
    return line("".join(element.itertext())) if element is not None else ""


def _value(element: Element | None) -> str:
    """The moment of a time, or its beginning."""
    if element is None:
        return ""
    low = element.find(f"{V3}low")
    return element.get("value", "") or (low.get("value", "") if low is not None else "")
