"""Passages of an imaging series: header text, structured reports, encapsulated documents.

The headers were read when the images arrived and are stored as our own JSON; only an encapsulated
document and burned-in letters are foreign bytes, and go to the guarded child.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from typing import Any

from records.blinding_search.passages import Passage
from records.dicom.dictionary import SOURCE

TEXT = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
RAW = frozenset({"UN", "OB", "OW", "OL"})
# Closed lists of the standard, the same in every file: "MR" is no leaking valve here.
CLOSED = frozenset({
    "00080005", "00080008", "00080060", "00080061", "00100040", "00180020", "00180021", "00180022",
    "00185100", "00200060", "00200062", "00280004", "00280301", "00281052", "00281056", "00540081",
    "0040A040", "0040A010", "0040A491", "0040A493", "0040A050", "00080102", "0008010B",
})  # fmt: skip
MAX_TEXT = 100_000


class HeaderTexts:
    """Collects each different text once, under the element it stands in."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self.passages: list[Passage] = []

    def take(self, attributes: dict[str, Any]) -> None:
        is_report = "0040A730" in attributes
        for place, where, text in _texts(attributes, is_report=is_report):
            if (where, text) not in self._seen and any(map(str.isalpha, text)):
                self._seen.add((where, text))
                self.passages.append(Passage(place, text[:MAX_TEXT], where=where[:200]))


def _texts(
    attributes: dict[str, Any], path: str = "", *, is_report: bool
) -> Iterator[tuple[str, str, str]]:
    """(place, where, text) of every element that can hold words, at any depth."""
    concept = _meaning(attributes.get("0040A043"))
    in_report = is_report and (path or concept)
    for tag, element in attributes.items():
        where = f"{path}{name_of(tag)}"
        values = element.get("Value") or []
        if element.get("vr") == "SQ":
            for item in values:
                yield from _texts(item or {}, f"{where} > ", is_report=is_report)
            continue
        if tag in CLOSED:
            continue
        place = "sr_content" if in_report else "header"
        for text in _values(element, values):
            yield place, (concept or where) if in_report else where, text
    code = attributes.get("00080100", {}).get("Value", [""])[0]
    if code and "00080104" in attributes:
        meaning = (attributes["00080104"].get("Value") or [""])[0] or ""
        yield "code", f"{path}code", f"{code} {meaning}"


def _values(element: dict[str, Any], values: list[Any]) -> Iterator[str]:
    vr = element.get("vr", "")
    if vr == "PN":
        for value in values:
            if isinstance(value, dict):
                yield " ".join(str(form).replace("^", " ") for form in value.values())
    elif vr in TEXT:
        text = "\n".join(str(value) for value in values if value is not None)
        if text:
            yield text
    elif "InlineBinary" in element and vr in RAW:
        yield from printable(b64decode(element["InlineBinary"]))


def printable(raw: bytes) -> Iterator[str]:
    """Text in a value whose kind nobody told: mostly printable, in one of two alphabets."""
    for encoding in ("utf-8", "latin-1", "utf-16-le"):
        try:
            text = raw.decode(encoding).strip("\0 ")
        except UnicodeDecodeError:
            continue
        letters = sum(c.isalpha() or c.isspace() for c in text)
        if len(text) > 1 and letters > 0.7 * len(text) and "\0" not in text:
            yield text
            return
    yield from (m.group().decode("ascii") for m in re.finditer(rb"[ -~]{6,}", raw))


def meta_texts(start: bytes) -> list[Passage]:
    """Words in the file meta information, which comes before the header; PS3.10 section 7.1."""
    if start[128:136] != b"DICM\x02\0\0\0":
        return []
    length = int.from_bytes(start[140:144], "little")
    pieces = re.findall(rb"[ -~\x80-\xff]{3,}", start[144 : 144 + length])
    texts = [raw.decode("utf-8", "replace") for raw in pieces]
    found = [text for text in texts if re.search("[A-Za-z]", text)]
    return [Passage("header", "\n".join(found), where="file meta (0002)")] if found else []


def without_padding(content: bytes) -> bytes:
    """An encapsulated document without the byte that made its length even."""
    return content.removesuffix(b"\0") if len(content) % 2 == 0 else content


def _meaning(element: dict[str, Any] | None) -> str:
    items = (element or {}).get("Value") or [{}]
    values = (items[0] or {}).get("00080104", {}).get("Value") or [""]
    return str(values[0] or "")


@cache
def _keywords() -> dict[str, str]:
    lines = (line.split(" ") for line in SOURCE.read_text(encoding="ascii").splitlines())
    return {tag.upper(): keyword for tag, _vr, keyword in lines}


def name_of(tag: str) -> str:
    """ "StudyDescription (0008,1030)"; "Private (0029,1010)"."""
    return f"{_keywords().get(tag, 'Private')} ({tag[:4]},{tag[4:]})"


def long_values(attributes: dict[str, Any], path: str = "") -> Iterator[tuple[str, str, str]]:
    """(path, VR, where) of values that were too long to stand in the stored header."""
    for tag, element in attributes.items():
        if element.get("vr") == "SQ":
            for number, item in enumerate(element.get("Value") or []):
                yield from long_values(item or {}, f"{path}{tag}.{number}.")
        elif "BulkDataURI" in element and not tag.startswith("7FE0"):
            yield f"{path}{tag}", element.get("vr", ""), name_of(tag)
